//! A member's bits don't depend on its company, its threads, or where its run was cut.

#![allow(clippy::unwrap_used)]

mod common;

use common::{
    OPTIMIZERS, Recorder, SCHEDULES, World, every_method, optimizers, resume, with_schedule,
};
use floodgauge_protocol::{
    ArmIx, Branch, Method, Metric, MetricName, Recipe,
    segment::Start,
    work::{FinishedBranch, ReportRow},
};
use floodgauge_worker::{cohort::Ended, device::Machine};
use proptest::prelude::*;
use std::num::NonZeroUsize;

fn recipe(optimizer: &str, batch_norm: bool, hidden: &str) -> Recipe {
    // 203 samples in batches of 32: the last one of an epoch has 11.
    let text = format!(
        r#"{{"dataset": {{"name": "digits", "label_noise": 0.1, "n_train": 203, "n_val": 150}},
            "model": {{"kind": "mlp", "hidden": {hidden}, "batch_norm": {batch_norm}}},
            "optimizer": {optimizer}, "batch_size": 32, "epochs": 4}}"#
    );
    serde_json::from_str(&text).unwrap()
}

const SGD: &str = r#"{"kind": "sgd", "lr": 0.1, "momentum": 0.9}"#;
const PLAIN_SGD: &str = r#"{"kind": "sgd", "lr": 0.1}"#;

/// The rows of an arm, as if it had trained alone.
fn rows_of(rows: &[ReportRow], arm: usize) -> Vec<ReportRow> {
    let arm = ArmIx(arm as u16);
    let own = rows.iter().filter(|row| row.arms.contains(&arm));
    own.map(|row| ReportRow { arms: vec![arm], ..row.clone() }).collect()
}

/// Rows and final checkpoint, to the bit.
#[derive(Debug, PartialEq)]
struct Outcome {
    rows: Vec<ReportRow>,
    ended: FinishedBranch,
}

fn outcome(recorder: &Recorder, ended: &[Ended], arm: usize) -> Outcome {
    let arms = vec![ArmIx(arm as u16)];
    let end = ended.iter().find(|end| end.branch.arms.contains(&arms[0])).unwrap();
    // The log of minima is the segment's, not the run's.
    let ended = FinishedBranch { arms, minima: vec![], best: None, ..end.branch.clone() };
    Outcome { rows: rows_of(&recorder.rows, arm), ended }
}

fn world(recipe: &Recipe, seed: u32, decay: f64) -> World {
    let mut world = World::new(recipe, seed, &every_method());
    world.family.weight_decay = decay;
    world
}

fn alone(recipe: &Recipe, seed: u32, decay: f64, arm: usize) -> Outcome {
    let mut world = world(recipe, seed, decay);
    let (branches, steps) = (world.fresh(&[arm]), world.steps());
    let mut recorder = Recorder::default();
    let ended = world.run(0..steps, branches, &mut recorder);
    outcome(&recorder, &ended, arm)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_member_has_the_same_bits_in_any_company_cut_anywhere(
        optimizer in optimizers(),
        batch_norm: bool,
        hidden in prop_oneof![Just("[]"), Just("[24]"), Just("[128, 100]"), Just("[33, 64, 17]")],
        decay in prop_oneof![Just(0.0), Just(0.01)],
        seed in 0u32..100,
        arm in 0usize..21,
        cut in 1u64..27,
        threads in 1usize..4,
    ) {
        let recipe = recipe(&optimizer, batch_norm, hidden);
        let expected = alone(&recipe, seed, decay, arm);
        for size in [2, 5, 20] {
            let mut world = world(&recipe, seed, decay);
            world.machine = Machine::new(NonZeroUsize::new(threads).unwrap());
            let company: Vec<_> = (0..size).map(|i| (arm + i * 8) % 21).collect();
            let mut recorder = Recorder::default();
            let branches = world.fresh(&company);
            let first = world.run(0..cut, branches, &mut recorder);
            let steps = world.steps();
            let ended = world.run(cut..steps, resume(&first), &mut recorder);
            prop_assert_eq!(&outcome(&recorder, &ended, arm), &expected);
        }
    }
}

#[test]
fn every_method_has_its_bits_under_every_optimizer_and_schedule() {
    // The first arms are plain and each method once; flooding shares plain's run.
    let company = [0, 1, 2, 3, 4, 5];
    for optimizer in OPTIMIZERS {
        for schedule in SCHEDULES {
            let optimizer = with_schedule(optimizer, schedule);
            let recipe = recipe(&optimizer, true, "[24]");
            let mut world = world(&recipe, 7, 0.01);
            let sharing = Branch::new(vec![ArmIx(0), ArmIx(1)], Start::Init);
            let branches = [sharing].into_iter().chain(world.fresh(&company[2..])).collect();
            let mut recorder = Recorder::default();
            // Cut within the second epoch, and where it ends.
            let first = world.run(0..10, branches, &mut recorder);
            let second = world.run(10..14, resume(&first), &mut recorder);
            let ended = world.run(14..28, resume(&second), &mut recorder);
            for arm in company {
                let expected = alone(&recipe, 7, 0.01, arm);
                assert_eq!(outcome(&recorder, &ended, arm), expected, "{arm} by {optimizer}");
            }
        }
    }
}

#[test]
fn wide_layers_that_a_product_spreads_over_threads_keep_their_bits() {
    // 500 × 500 on a batch of 200 is past the size from which one product alone uses all threads.
    let text = r#"{"dataset": {"name": "spiral", "n_train": 400},
        "model": {"kind": "mlp", "hidden": [500, 500], "batch_norm": true},
        "optimizer": {"kind": "adam", "lr": 0.001}, "batch_size": 200, "epochs": 2}"#;
    let recipe: Recipe = serde_json::from_str(text).unwrap();
    let run = |arm, company: &[usize], threads| {
        let mut world = world(&recipe, 1, 0.0);
        world.machine = Machine::new(NonZeroUsize::new(threads).unwrap());
        let (branches, steps) = (world.fresh(company), world.steps());
        let mut recorder = Recorder::default();
        let ended = world.run(0..steps, branches, &mut recorder);
        outcome(&recorder, &ended, arm)
    };
    // Flooding, and the gradient penalty with its second pass.
    for arm in [1, 5] {
        let expected = run(arm, &[arm], 1);
        for (company, threads) in
            [(&[arm][..], 4), (&[0, arm], 1), (&[1, 2, 3, 4, 5], 2), (&[0, arm], 4)]
        {
            assert_eq!(run(arm, company, threads), expected, "{company:?}, {threads} threads");
        }
    }
}

#[test]
fn methods_without_effect_are_the_plain_run_bit_for_bit() {
    let arms = [
        Method::Plain,
        Method::Flood { b: 0.0 },
        Method::Iflood { b: 0.0 },
        Method::GradientPenalty { lambda: 0.0, rho: 0.05 },
        Method::Alternating { descent: 0.1, ascent: 0.0 },
    ];
    // With batch norm: second passes leave no trace in its running statistics.
    let mut world = World::new(&recipe(PLAIN_SGD, true, "[64, 64]"), 5, &arms);
    let (branches, steps) = (world.fresh(&[0, 1, 2, 3, 4]), world.steps());
    let mut recorder = Recorder::default();
    let ended = world.run(0..steps, branches, &mut recorder);
    let losses = |arm| -> Vec<Metric> {
        rows_of(&recorder.rows, arm)
            .into_iter()
            .map(|row| row.metric(MetricName::val_loss()))
            .collect()
    };
    for (arm, method) in arms.iter().enumerate() {
        assert_eq!(losses(arm), losses(0), "{method}");
        // Alternating steps count their ascents, so that their checkpoint is another.
        let counts = matches!(method, Method::Alternating { .. });
        let same = ended[arm].branch.checkpoint == ended[0].branch.checkpoint;
        assert_eq!(same, !counts, "{method}");
    }
    let onsets: Vec<_> = ended.iter().map(|end| end.branch.onset_step).collect();
    assert_eq!(onsets, [None, None, None, Some(0), Some(0)]);
}

#[test]
fn diagnostics_tell_how_often_a_run_ascends_and_how_steep_it_is() {
    let arms = [
        Method::Plain,
        Method::Flood { b: 1e9 },
        Method::Alternating { descent: 0.1, ascent: 0.05 },
        Method::Softad { b: 1.0 },
        Method::GradientPenalty { lambda: 0.01, rho: 0.05 },
    ];
    let recipe = recipe(r#"{"kind": "sgd", "lr": 0.001}"#, false, "[24]");
    let mut world = World::new(&recipe, 5, &arms);
    let branches = world.fresh(&[0, 1, 2, 3, 4]);
    let mut recorder = Recorder::default();
    let per_epoch = recipe.steps_per_epoch();
    let first = world.run(0..per_epoch + 3, branches, &mut recorder);
    world.run(per_epoch + 3..2 * per_epoch, resume(&first), &mut recorder);
    let of = |arm| rows_of(&recorder.rows, arm)[1].diagnostics.unwrap();
    for (arm, ascending, flooded_steps) in
        [(0, 0.0, 0), (1, 1.0, 2 * per_epoch), (2, 0.5, 2 * per_epoch), (3, 0.0, 0), (4, 0.0, 0)]
    {
        let found = of(arm);
        assert_eq!((found.ascending, found.flooded_steps), (ascending, flooded_steps));
        assert!(found.grad_norm.finite().unwrap() > 0.01, "{found:?}");
    }
}

#[test]
fn a_level_is_the_plain_run_until_its_onset_and_leaves_it_there() {
    let recipe = recipe(SGD, false, "[64, 64]");
    let mut world = World::new(&recipe, 5, &[Method::Plain, Method::Flood { b: 1.2 }]);
    let (branches, steps) = (world.fresh(&[0, 1]), world.steps());
    let ended = world.run(0..steps, branches, &mut Recorder::default());
    let onset = ended[1].branch.onset_step.unwrap();
    for (until, same) in [(onset, true), (onset + 1, false)] {
        let branches = world.fresh(&[0, 1]);
        let ended = world.run(0..until, branches, &mut Recorder::default());
        assert_eq!(ended[0].branch.checkpoint == ended[1].branch.checkpoint, same);
    }
}
