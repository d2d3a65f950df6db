//! Memory and the number of steps whose losses are read at once change the way, but no bit.

#![allow(clippy::unwrap_used)]

mod common;

use common::{CNN_NORM, OPTIMIZERS, Recorder, World, every_method, optimizers, resume};
use floodgauge_protocol::{
    ArmIx, Branch, Method, MetricName, Recipe,
    segment::Start,
    work::{FinishedBranch, ReportRow},
};
use floodgauge_worker::{
    cohort::Ended,
    device::{Arithmetic, Machine},
};
use proptest::{collection::btree_set, prelude::*};
use std::{collections::BTreeSet, num::NonZeroUsize};

const STEPS: u64 = 28;
const MLP: &str = r#"{"kind": "mlp", "hidden": [24]}"#;
const MLP_NORM: &str = r#"{"kind": "mlp", "hidden": [24], "batch_norm": true}"#;
const SGD: &str = r#"{"kind": "sgd", "lr": 0.1, "momentum": 0.9}"#;

/// Four epochs of seven steps.
fn recipe(optimizer: &str, model: &str) -> Recipe {
    let text = format!(
        r#"{{"dataset": {{"name": "digits", "label_noise": 0.1, "n_train": 203, "n_val": 50}},
            "model": {model}, "optimizer": {optimizer}, "batch_size": 32, "epochs": 4}}"#
    );
    serde_json::from_str(&text).unwrap()
}

/// Plain, 19 levels that are reached one after another, and one of each method that doesn't share it.
fn arms() -> Vec<Method> {
    let levels = (0..19).map(|i| Method::Flood { b: 2.0 - 0.1 * f64::from(i) });
    let others = every_method().into_iter().filter(|method| !method.shares_trunk()).take(4);
    [Method::Plain].into_iter().chain(levels).chain(others).collect()
}

fn machine(threads: usize) -> Machine {
    Machine::new(NonZeroUsize::new(threads).unwrap()).with_memory(1 << 40)
}

/// All that comes of a run, in an order that doesn't depend on who went first.
#[derive(Debug, PartialEq)]
struct Outcome {
    rows: Vec<ReportRow>,
    ended: Vec<FinishedBranch>,
}

/// Trains a trunk of `sharing` arms that watches the levels of `dormant`, and others alone.
fn run(
    recipe: &Recipe,
    seed: u32,
    machine: Machine,
    sharing: &BTreeSet<usize>,
    dormant: &BTreeSet<usize>,
    cut: u64,
) -> (Outcome, Recorder) {
    let mut world = World::new(recipe, seed, &arms());
    world.machine = machine;
    let ids = |arms: &BTreeSet<usize>| arms.iter().map(|&arm| ArmIx(arm as u16)).collect();
    let watch = dormant.difference(sharing).copied().collect();
    let trunk = Branch { watch: ids(&watch), ..Branch::new(ids(sharing), Start::Init) };
    let branches = [trunk].into_iter().chain(world.fresh(&[20, 21, 22, 23])).collect();
    let mut recorder = Recorder::default();
    let first = world.run(0..cut, branches, &mut recorder);
    let second = world.run(cut..STEPS, resume(&first), &mut recorder);
    let mut rows = recorder.rows.clone();
    rows.sort_by_key(|row| (row.epoch, row.arms.clone()));
    let ended = first.into_iter().chain(second).map(|end: Ended| end.branch).collect();
    (Outcome { rows, ended }, recorder)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_segment_has_the_same_bits_in_any_memory_and_in_blocks_of_any_size(
        optimizer in optimizers(),
        model in prop_oneof![Just(MLP), Just(MLP_NORM), Just(CNN_NORM)],
        seed in 0u32..100,
        sharing in btree_set(0usize..20, 1..12),
        dormant in btree_set(1usize..20, 0..6),
        cut in 1..STEPS,
        threads in 1usize..4,
        // From room for one member to room for all.
        memory in 0u64..(6 << 20),
        block in prop_oneof![Just(1usize), Just(3), Just(16)],
    ) {
        let recipe = recipe(&optimizer, model);
        let (expected, _) = run(&recipe, seed, machine(1), &sharing, &dormant, cut);
        let bounded = machine(threads)
            .with_memory(memory)
            .in_blocks_of(NonZeroUsize::new(block).unwrap());
        let (found, _) = run(&recipe, seed, bounded, &sharing, &dormant, cut);
        prop_assert_eq!(&found, &expected);
    }
}

#[test]
fn without_memory_members_are_trained_one_after_another() {
    let recipe = recipe(SGD, MLP);
    let all: BTreeSet<_> = (0..20).collect();
    let none = BTreeSet::new();
    let goes = |memory: u64| {
        let machine = machine(2).with_memory(memory);
        let (outcome, recorder) = run(&recipe, 3, machine, &all, &none, 14);
        (outcome, recorder.calls)
    };
    let (expected, together) = goes(1 << 40);
    assert_eq!(together, 4, "one for each epoch");
    let (found, one_by_one) = goes(0);
    assert_eq!(found, expected);
    assert_eq!(one_by_one, found.rows.len(), "a row at a time");
    let (found, some) = goes(3 << 20);
    assert_eq!(found, expected);
    assert!((together + 1..one_by_one).contains(&some), "{some}");
}

#[test]
fn blocks_of_steps_by_tensors_have_the_same_bits_whatever_their_size() {
    let sharing: BTreeSet<_> = (0..20).collect();
    let dormant = BTreeSet::new();
    for model in [MLP_NORM, CNN_NORM] {
        let recipe = recipe(SGD, model);
        let by = |block: usize| {
            let block = NonZeroUsize::new(block).unwrap();
            let machine = machine(2).by(Arithmetic::Tensors).in_blocks_of(block);
            run(&recipe, 5, machine, &sharing, &dormant, 10).0
        };
        let expected = by(1);
        let onsets = expected.ended.iter().filter(|end| end.onset_step.is_some_and(|s| s > 0));
        assert!(onsets.count() > 5, "forks within blocks");
        for block in [3, 16] {
            assert_eq!(by(block), expected, "blocks of {block}");
        }
    }
}

#[test]
fn tensors_give_what_loops_give_up_to_rounding() {
    let models = OPTIMIZERS.map(|optimizer| (MLP, format!("{{{optimizer}}}")));
    let normed = [MLP_NORM, CNN_NORM].map(|model| (model, SGD.to_owned()));
    for (model, optimizer) in models.into_iter().chain(normed) {
        let recipe = recipe(&optimizer, model);
        let by = |arithmetic| {
            let mut world = World::new(&recipe, 5, &arms());
            world.machine = machine(1).by(arithmetic);
            let branches = world.fresh(&(0..24).collect::<Vec<_>>());
            let mut recorder = Recorder::default();
            world.run(0..14, branches, &mut recorder);
            recorder.rows
        };
        let (loops, tensors) = (by(Arithmetic::Loops), by(Arithmetic::Tensors));
        assert_eq!((loops.len(), tensors.len()), (48, 48));
        for (a, b) in loops.iter().zip(&tensors) {
            let method = arms()[a.arms[0].ix()];
            let (of_a, of_b) = (a.diagnostics.unwrap(), b.diagnostics.unwrap());
            for (what, a, b) in [
                ("training loss", a.train_loss, b.train_loss),
                (
                    "validation loss",
                    a.metric(MetricName::val_loss()),
                    b.metric(MetricName::val_loss()),
                ),
                ("gradient", of_a.grad_norm, of_b.grad_norm),
            ] {
                let (a, b) = (a.finite().unwrap(), b.finite().unwrap());
                assert!((a - b).abs() < 5e-3 * a, "{what} of {method}: {a} and {b}, {optimizer}");
            }
            assert_eq!((a.onset_step, of_a.flooded_steps), (b.onset_step, of_b.flooded_steps));
        }
    }
}
