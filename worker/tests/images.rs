//! Convolutional networks: a member's bits don't depend on its company, its threads, or where its
//! run was cut; and they learn.

#![allow(clippy::unwrap_used)]

mod common;

use common::{CNN, CNN_NORM, RESNET, Recorder, World, every_method, resume};
use floodgauge_protocol::{
    ArmIx, Image, Method, MetricName, Recipe,
    work::{FinishedBranch, ReportRow},
};
use floodgauge_worker::{cohort::Ended, device::Machine};
use proptest::prelude::*;
use std::num::NonZeroUsize;

const MLP_NORM: &str = r#"{"kind": "mlp", "hidden": [33, 17], "batch_norm": true}"#;

const SGD: &str = r#"{"kind": "sgd", "lr": 0.05, "momentum": 0.9}"#;
const NESTEROV: &str = r#"{"kind": "sgd", "lr": 0.05, "momentum": 0.9, "nesterov": true,
    "schedule": {"kind": "cosine", "warmup": 1}}"#;
const ADAM: &str = r#"{"kind": "adam", "lr": 0.003}"#;
const ADAMW: &str = r#"{"kind": "adamw", "lr": 0.003}"#;

/// 43 samples in batches of 16: the last one of an epoch has 11.
fn recipe(model: &str, optimizer: &str, augment: &str, n_train: u32, batch_size: u32) -> Recipe {
    let text = format!(
        r#"{{"dataset": {{"name": "digits", "n_train": {n_train}, "n_val": 30}},
            "model": {model}, "augment": {augment}, "optimizer": {optimizer},
            "batch_size": {batch_size}, "epochs": 3}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn world(recipe: &Recipe, seed: u32, channels: usize, threads: usize) -> World {
    let mut world = World::new(recipe, seed, &every_method()).coloured(channels);
    world.machine = Machine::new(NonZeroUsize::new(threads).unwrap());
    world
}

/// Rows and final checkpoint, to the bit.
#[derive(Debug, PartialEq)]
struct Outcome {
    rows: Vec<ReportRow>,
    ended: FinishedBranch,
}

fn outcome(recorder: &Recorder, ended: &[Ended], arm: usize) -> Outcome {
    let arms = [ArmIx(arm as u16)];
    let end = ended.iter().find(|end| end.branch.arms == arms).unwrap();
    // The log of minima and the best epoch are the segment's, not the run's.
    let ended = FinishedBranch { minima: vec![], best: None, ..end.branch.clone() };
    Outcome { rows: recorder.rows.iter().filter(|row| row.arms == arms).cloned().collect(), ended }
}

/// What becomes of `arm` in this company, cut after `cut` steps.
fn run(world: &mut World, company: &[usize], arm: usize, cut: u64) -> Outcome {
    let (branches, steps) = (world.fresh(company), world.steps());
    let mut recorder = Recorder::default();
    let first = world.run(0..cut, branches, &mut recorder);
    let ended = world.run(cut..steps, resume(&first), &mut recorder);
    outcome(&recorder, &ended, arm)
}

fn alone(world: &mut World, arm: usize) -> Outcome {
    let (branches, steps) = (world.fresh(&[arm]), world.steps());
    let mut recorder = Recorder::default();
    let ended = world.run(0..steps, branches, &mut recorder);
    outcome(&recorder, &ended, arm)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_member_has_the_same_bits_in_any_company_cut_anywhere(
        model in prop_oneof![Just(MLP_NORM), Just(CNN), Just(CNN_NORM), Just(RESNET)],
        optimizer in prop_oneof![Just(SGD), Just(NESTEROV), Just(ADAM), Just(ADAMW)],
        augment in prop_oneof![Just("{}"), Just(r#"{"flip": true, "crop": 2}"#)],
        channels in prop_oneof![Just(1usize), Just(3)],
        seed in 0u32..100,
        arm in 0usize..21,
        cut in 1u64..8,
        threads in 1usize..4,
    ) {
        let recipe = recipe(model, optimizer, augment, 43, 16);
        let expected = alone(&mut world(&recipe, seed, channels, 1), arm);
        for size in [1, 2, 5, 20] {
            let company: Vec<_> = (0..size).map(|i| (arm + i * 8) % 21).collect();
            let found = run(&mut world(&recipe, seed, channels, threads), &company, arm, cut);
            prop_assert_eq!(&found, &expected, "among {}", size);
        }
    }
}

#[test]
fn every_model_on_one_and_three_channels_keeps_its_bits() {
    for model in [MLP_NORM, CNN, CNN_NORM, RESNET] {
        for channels in [1, 3] {
            let recipe = recipe(model, SGD, "{}", 43, 16);
            let expected = alone(&mut world(&recipe, 7, channels, 1), 3);
            let found = run(&mut world(&recipe, 7, channels, 2), &[0, 3, 9, 14, 20], 3, 4);
            assert_eq!(found, expected, "{model} on {channels} channels");
        }
    }
}

/// Past the sizes from which burn spreads single operations over threads.
#[test]
fn large_pictures_keep_their_bits() {
    let model = r#"{"kind": "cnn", "channels": [16, 32], "hidden": [128]}"#;
    let recipe = recipe(model, SGD, "{}", 128, 64);
    let large = |threads| {
        let mut world = world(&recipe, 3, 1, threads);
        let data = &mut world.data;
        for samples in [&mut data.train, &mut data.val, &mut data.test] {
            let enlarge = |pixels: &[f32]| -> Vec<f32> {
                (0..784).map(|i| pixels[i / 28 * 8 / 28 * 8 + i % 28 * 8 / 28]).collect()
            };
            let pixels = samples.features.to_floats();
            *pixels = pixels.chunks(64).flat_map(enlarge).collect();
        }
        data.dim = 784;
        data.image = Some(Image { channels: 1, height: 28, width: 28 });
        world
    };
    let expected = alone(&mut large(1), 2);
    for (company, threads) in [(&[2][..], 3), (&[1, 2], 1), (&[2, 5, 8, 11, 14], 2)] {
        assert_eq!(run(&mut large(threads), company, 2, 3), expected, "{company:?}");
    }
}

#[test]
fn convolutional_networks_learn_the_digits() {
    for (model, most) in [(CNN, 0.12), (CNN_NORM, 0.12), (RESNET, 0.12)] {
        let mut recipe = recipe(model, ADAM, "{}", 1_000, 25);
        (recipe.epochs, recipe.dataset.n_val) = (6, Some(300));
        let mut world = World::new(&recipe, 1, &[Method::Plain]);
        let (branches, steps) = (world.fresh(&[0]), world.steps());
        let mut recorder = Recorder::default();
        world.run(0..steps, branches, &mut recorder);
        let error = recorder.rows.last().unwrap().metric(MetricName::val_error()).finite().unwrap();
        assert!(error < most, "{model}: {error}");
    }
}

#[test]
fn augmentation_changes_what_is_trained_on_and_nothing_else() {
    let [plain, augmented] = ["{}", r#"{"crop": 2}"#].map(|augment| {
        let recipe = recipe(CNN, SGD, augment, 43, 16);
        alone(&mut world(&recipe, 1, 1, 1), 0).rows
    });
    assert_ne!(plain[0].train_loss, augmented[0].train_loss);
    assert_ne!(
        plain[0].metric(MetricName::val_loss()),
        augmented[0].metric(MetricName::val_loss())
    );
}
