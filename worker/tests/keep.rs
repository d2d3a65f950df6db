//! States kept from the middle of a segment are the states that the run had there.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Recorder, World, resume};
use floodgauge_protocol::{
    ArmIx, Branch, Direction, Method, Metric, MetricName, Recipe, Start,
    work::{BranchEnd, onset},
};
use floodgauge_worker::device::Machine;
use proptest::prelude::*;
use std::num::NonZeroUsize;

const PER_EPOCH: u64 = 7;
const EPOCHS: u32 = 6;
const STEPS: u64 = PER_EPOCH * EPOCHS as u64;

fn recipe(optimizer: &str) -> Recipe {
    let text = format!(
        r#"{{"dataset": {{"name": "digits", "label_noise": 0.4, "n_train": 203, "n_val": 50}},
            "model": {{"kind": "mlp", "hidden": [32], "batch_norm": true}},
            "optimizer": {optimizer}, "batch_size": 32, "epochs": {EPOCHS}}}"#
    );
    serde_json::from_str(&text).unwrap()
}

/// Plain, and the levels 2.0, 1.9, … 0.2.
fn world(optimizer: &str, seed: u32, threads: usize) -> World {
    let levels = (0..19).map(|i| Method::Flood { b: 2.0 - 0.1 * f64::from(i) });
    let arms: Vec<_> = [Method::Plain].into_iter().chain(levels).collect();
    let mut world = World::new(&recipe(optimizer), seed, &arms);
    world.machine = Machine::new(NonZeroUsize::new(threads).unwrap());
    world
}

fn together(ids: &[u16]) -> Branch {
    Branch::new(ids.iter().copied().map(ArmIx).collect(), Start::Init)
}

fn optimizers() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just(r#"{"kind": "sgd", "lr": 0.2, "momentum": 0.9}"#),
        Just(r#"{"kind": "adam", "lr": 0.03}"#),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_checkpoint_of_the_best_epoch_is_the_state_that_the_run_had_there(
        optimizer in optimizers(), seed in 0u32..100, cut in 1..EPOCHS, threads in 1usize..3,
        direction in prop_oneof![Just(Direction::Min), Just(Direction::Max)],
    ) {
        let mut world = world(optimizer, seed, threads);
        world.direction = direction;
        let order = |a: Metric, b: Metric| direction.minimised(a).order(direction.minimised(b));
        let cut = u64::from(cut) * PER_EPOCH;
        let mut recorder = Recorder::default();
        let first = world.run(0..cut, vec![together(&[0, 5, 9])], &mut recorder);
        let branches: Vec<_> = resume(&first)
            .into_iter()
            .map(|branch| {
                let rows = recorder.rows.iter().filter(|row| row.arms.contains(&branch.arms[0]));
                let best = rows.map(|row| row.metric(MetricName::val_loss())).min_by(|a, b| order(*a, *b));
                Branch { best, ..branch }
            })
            .collect();
        let second = world.run(cut..STEPS, branches, &mut recorder);
        for arm in [0, 5, 9].map(ArmIx) {
            let mut curve = recorder.rows.iter().filter(|row| row.arms.contains(&arm));
            let least = curve.clone().map(|row| row.metric(MetricName::val_loss())).min_by(|a, b| order(*a, *b)).unwrap();
            let epoch = curve.find(|row| row.metric(MetricName::val_loss()) == least).unwrap().epoch;
            let of = |ended: &[floodgauge_worker::cohort::Ended]| {
                ended.iter().find(|end| end.branch.arms.contains(&arm)).unwrap().branch.best
            };
            let best = of(&second).or(of(&first)).unwrap();
            prop_assert_eq!(best.epoch, epoch);
            let alone = world.run(
                0..u64::from(epoch) * PER_EPOCH,
                vec![together(&[arm.0])],
                &mut Recorder::default(),
            );
            prop_assert_eq!(alone[0].branch.checkpoint, Some(best.checkpoint));
        }
    }

    #[test]
    fn a_level_woken_at_its_waypoint_has_the_bits_that_it_has_alone(
        optimizer in optimizers(), seed in 0u32..100, cut in 1..STEPS, threads in 1usize..3,
    ) {
        let mut world = world(optimizer, seed, threads);
        let dormant: Vec<_> = (1..20).filter(|arm| arm % 4 != 0).map(ArmIx).collect();
        let mut minima: Vec<floodgauge_protocol::work::Minimum> = vec![];
        let mut waypoints = vec![];
        let mut watch = dormant.clone();
        let mut branches = vec![together(&[0, 4, 8, 12, 16])];
        for (from, to) in [(0, cut), (cut, STEPS)] {
            branches[0].watch = watch.clone();
            let ended = world.run(from..to, branches, &mut Recorder::default());
            let trunk = &ended[0].branch;
            prop_assert!(ended[1..].iter().all(|end| end.branch.waypoints.is_empty()));
            let least = minima.last().map_or(f64::INFINITY, |least| least.loss);
            minima.extend(trunk.minima.iter().filter(|minimum| minimum.loss < least));
            waypoints.extend(trunk.waypoints.clone());
            watch.retain(|arm| onset(&minima, world.arms[arm.ix()].level().unwrap()).is_none());
            branches = resume(&ended[..1]);
        }
        prop_assert!(watch.len() < dormant.len() - 2, "too few levels are crossed");
        for arm in dormant {
            let Some(onset) = onset(&minima, world.arms[arm.ix()].level().unwrap()) else { continue };
            let at = waypoints.iter().rfind(|waypoint| waypoint.step <= onset).unwrap();
            prop_assert!(onset < (at.step / PER_EPOCH + 1) * PER_EPOCH, "replays an epoch at most");
            let start = Start::Checkpoint { digest: at.checkpoint };
            let woken = vec![Branch::new(vec![arm], start)];
            let woken = world.run(at.step..STEPS, woken, &mut Recorder::default());
            let alone = world.run(0..STEPS, vec![together(&[arm.0])], &mut Recorder::default());
            prop_assert_eq!(woken[0].branch.checkpoint, alone[0].branch.checkpoint);
            prop_assert_eq!(woken[0].branch.onset_step, Some(onset));
        }
    }
}

#[test]
fn a_run_that_never_beats_its_best_hands_in_no_other() {
    let mut world = world(r#"{"kind": "sgd", "lr": 0.2}"#, 3, 1);
    let branch = Branch { best: Some(Metric::Finite(0.0)), ..together(&[0]) };
    let ended = world.run(0..STEPS, vec![branch], &mut Recorder::default());
    assert_eq!(ended[0].branch.best, None);
    assert_eq!(ended[0].blobs.len(), 1, "its last state");
}

#[test]
fn a_run_that_diverges_keeps_the_best_epoch_that_it_had() {
    let mut recipe = recipe(r#"{"kind": "sgd", "lr": 0.1, "momentum": 0.9}"#);
    recipe.model = serde_json::from_str(r#"{"kind": "mlp", "hidden": [32, 32, 32]}"#).unwrap();
    recipe.epochs = 40;
    let mut world = World::new(&recipe, 3, &[Method::Plain, Method::Flood { b: 1e30 }]);
    let ended = world.run(0..40 * PER_EPOCH, vec![together(&[1])], &mut Recorder::default());
    let branch = &ended[0].branch;
    assert_eq!((branch.end, branch.checkpoint), (BranchEnd::Diverged, None));
    assert!(ended[0].blobs.contains_key(&branch.best.unwrap().checkpoint));
}
