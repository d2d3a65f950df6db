//! Arms that share a run have the bits that they have alone: parted anywhere, cut anywhere, woken
//! at any time before their onset.

#![allow(clippy::unwrap_used)]

mod common;

use common::{CNN, CNN_NORM, RESNET, Recorder, World, optimizers, resume};
use floodgauge_protocol::{
    ArmIx, Branch, Method, Recipe, SegmentKind,
    segment::Start,
    work::{BranchEnd, FinishedBranch, Minimum, ReportRow, Stop, onset},
};
use floodgauge_worker::{cohort::Ended, device::Machine};
use proptest::{collection::btree_set, prelude::*, sample::subsequence};
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    ops::Range,
};

const ARMS: usize = 26;
/// Those that share the trunk come first.
const SHARING: usize = 21;
const STEPS: u64 = 28;
const PER_EPOCH: u64 = 7;

const SGD: &str = r#"{"kind": "sgd", "lr": 0.1, "momentum": 0.9}"#;

const MLP: &str = r#"{"kind": "mlp", "hidden": [24]}"#;
const MLP_NORM: &str = r#"{"kind": "mlp", "hidden": [24], "batch_norm": true}"#;
const DEEP: &str = r#"{"kind": "mlp", "hidden": [33, 17]}"#;
const DEEP_NORM: &str = r#"{"kind": "mlp", "hidden": [33, 17], "batch_norm": true}"#;

/// Four epochs of seven steps: 203 samples in batches of 32, the last one of 11.
fn recipe(optimizer: &str, model: &str) -> Recipe {
    let text = format!(
        r#"{{"dataset": {{"name": "digits", "label_noise": 0.1, "n_train": 203, "n_val": 50}},
            "model": {model}, "optimizer": {optimizer}, "batch_size": 32, "epochs": 4}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn recipes() -> impl Strategy<Value = Recipe> {
    let dense = prop_oneof![Just(MLP), Just(MLP_NORM), Just(DEEP), Just(DEEP_NORM)];
    let convolved = prop_oneof![Just(CNN), Just(CNN_NORM), Just(RESNET)];
    let models = prop_oneof![dense, convolved];
    (optimizers(), models).prop_map(|(optimizer, model)| recipe(&optimizer, model))
}

fn channels() -> impl Strategy<Value = usize> {
    prop_oneof![Just(1), Just(3)]
}

/// Plain, levels that are reached one after another, one that is never reached, and methods that
/// don't share plain's run.
fn world(recipe: &Recipe, seed: u32, threads: usize) -> World {
    let levels = (0..19).map(|i| Method::Flood { b: 2.0 - 0.1 * f64::from(i) });
    let others = [
        Method::Iflood { b: 1.0 },
        Method::Softad { b: 0.5 },
        Method::Alternating { descent: 0.1, ascent: 0.04 },
        Method::GradientPenalty { lambda: 0.05, rho: 0.05 },
        Method::GradientPenalty { lambda: 0.2, rho: 0.01 },
    ];
    let levels = levels.chain([Method::Flood { b: 1e-4 }]);
    let arms: Vec<_> = [Method::Plain].into_iter().chain(levels).chain(others).collect();
    let mut world = World::new(recipe, seed, &arms);
    world.machine = Machine::new(NonZeroUsize::new(threads).unwrap());
    world
}

fn arms(arms: &[usize]) -> Vec<ArmIx> {
    arms.iter().map(|&arm| ArmIx(arm as u16)).collect()
}

fn together(ids: &[usize], start: Start) -> Branch {
    Branch::new(arms(ids), start)
}

/// What becomes of an arm after some step, to the bit.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    rows: Vec<ReportRow>,
    ended: FinishedBranch,
}

fn outcome(rows: &[ReportRow], ended: &[Ended], arm: usize, after: u64) -> Outcome {
    let arms = arms(&[arm]);
    let rows = rows.iter().filter(|row| row.arms.contains(&arms[0]) && row.step > after);
    let end = ended.iter().find(|end| end.branch.arms.contains(&arms[0])).unwrap();
    Outcome {
        rows: rows.map(|row| ReportRow { arms: arms.clone(), ..row.clone() }).collect(),
        ended: FinishedBranch {
            arms: arms.clone(),
            minima: vec![],
            best: None,
            ..end.branch.clone()
        },
    }
}

/// What becomes of an arm that is trained from the start without any other.
fn alone(world: &mut World, arm: usize, after: u64) -> Outcome {
    let mut recorder = Recorder::default();
    let branches = world.fresh(&[arm]);
    let ended = world.run(0..STEPS, branches, &mut recorder);
    outcome(&recorder.rows, &ended, arm, after)
}

/// Trains a segment whose branches must fall apart into whole arms.
fn run(
    world: &mut World,
    steps: Range<u64>,
    branches: Vec<Branch>,
    to: &mut Recorder,
) -> Vec<Ended> {
    let known = to.rows.len();
    let ended = world.run(steps, branches.clone(), to);
    let mut found: Vec<ArmIx> = Vec::new();
    for end in &ended {
        let home = |branch: &Branch| end.branch.arms.iter().all(|arm| branch.arms.contains(arm));
        assert!(branches.iter().any(home), "{:?} come from several branches", end.branch.arms);
        found.extend(&end.branch.arms);
    }
    found.sort();
    let mut expected: Vec<_> = branches.iter().flat_map(|branch| branch.arms.clone()).collect();
    expected.sort();
    assert_eq!(found, expected);
    for epoch in to.rows[known..].chunk_by(|a, b| a.epoch == b.epoch) {
        let mut reported: Vec<_> = epoch.iter().flat_map(|row| row.arms.clone()).collect();
        reported.sort();
        assert_eq!(reported, expected, "each arm has one row in an epoch");
    }
    ended
}

/// A branch, and the arms that move out of it.
fn split(branch: Branch, movers: &[bool; ARMS]) -> Vec<Branch> {
    let moves = |arm: &ArmIx| branch.arms.len() > 1 && movers[arm.ix()];
    let (moving, staying): (Vec<_>, Vec<_>) = branch.arms.iter().partition(|&arm| moves(arm));
    let parts = [staying, moving].into_iter().filter(|arms: &Vec<ArmIx>| !arms.is_empty());
    parts.map(|arms| Branch { arms, ..branch.clone() }).collect()
}

/// Whether losses fall as steps rise, from the first of `steps` on.
fn is_log(minima: &[Minimum], steps: Range<u64>) -> bool {
    let falls = |pair: &[Minimum]| pair[0].step < pair[1].step && pair[0].loss > pair[1].loss;
    minima.first().is_some_and(|first| first.step == steps.start)
        && minima.last().is_some_and(|last| steps.contains(&last.step))
        && minima.windows(2).all(falls)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn arms_have_their_bits_however_they_ride_together_are_cut_and_spread(
        recipe in recipes(),
        channels in channels(),
        seed in 0u32..100,
        chosen in [1, 2, 5, 20].map(|n| subsequence((0..ARMS).collect::<Vec<_>>(), n)),
        // The segment and the branch that each arm starts in; one that shares none has its own.
        homes in prop::array::uniform26((0usize..2, 0usize..2)),
        cuts in btree_set(1..STEPS, 0..3),
        // Arms that leave their branch where it is cut.
        movers in any::<[bool; ARMS]>(),
        threads in 1usize..4,
    ) {
        let mut world = world(&recipe, seed, threads).coloured(channels);
        let ends: Vec<_> = cuts.into_iter().chain([STEPS]).collect();
        let mut expected = BTreeMap::new();
        for chosen in chosen {
            let mut tracks: BTreeMap<usize, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
            for arm in chosen {
                let (segment, home) = homes[arm];
                let branch = if arm < SHARING { home } else { arm };
                tracks.entry(segment).or_default().entry(branch).or_default().push(arm);
            }
            for track in tracks.into_values() {
                let mut branches: Vec<_> =
                    track.values().map(|arms| together(arms, Start::Init)).collect();
                let (mut from, mut recorder) = (0, Recorder::default());
                let mut ended = Vec::new();
                for &to in &ends {
                    ended = run(&mut world, from..to, branches, &mut recorder);
                    branches = resume(&ended).into_iter().flat_map(|b| split(b, &movers)).collect();
                    from = to;
                }
                for arm in track.into_values().flatten() {
                    let expected =
                        expected.entry(arm).or_insert_with(|| alone(&mut world, arm, 0));
                    prop_assert_eq!(&outcome(&recorder.rows, &ended, arm, 0), &*expected);
                }
            }
        }
    }

    #[test]
    fn a_level_woken_at_any_checkpoint_before_its_onset_has_its_bits(
        recipe in recipes(),
        channels in channels(),
        seed in 0u32..100,
        cuts in btree_set(1..STEPS, 0..4),
        // Which of the checkpoints before its onset wakes each level.
        picks in any::<[prop::sample::Index; SHARING]>(),
        threads in 1usize..4,
    ) {
        let mut world = world(&recipe, seed, threads).coloured(channels);
        // The trunk carries no level but leaves a log and checkpoints.
        let (mut minima, mut checkpoints) = (Vec::new(), vec![(0, Start::Init)]);
        let mut branches = world.fresh(&[0]);
        for to in cuts.into_iter().chain([STEPS]) {
            let from = checkpoints.last().unwrap().0;
            let ended = run(&mut world, from..to, branches, &mut Recorder::default());
            prop_assert!(is_log(&ended[0].branch.minima, from..to));
            minima.extend_from_slice(&ended[0].branch.minima);
            branches = resume(&ended);
            checkpoints.push((to, branches[0].start));
        }
        let mut woken: BTreeMap<u64, (Start, Vec<usize>)> = BTreeMap::new();
        let mut onsets = Vec::new();
        for (arm, pick) in picks.iter().enumerate().take(SHARING).skip(1) {
            let onset = onset(&minima, world.arms[arm].level().unwrap());
            onsets.push(onset);
            let until = onset.unwrap_or(STEPS - 1);
            let usable: Vec<_> = checkpoints.iter().filter(|(at, _)| *at <= until).collect();
            let &&(at, start) = pick.get(&usable);
            woken.entry(at).or_insert((start, vec![])).1.push(arm);
        }
        // Some learn too slowly to reach any level.
        prop_assume!(onsets.iter().collect::<BTreeSet<_>>().len() > 3);
        for (at, (start, levels)) in woken {
            // Some share a run, some don't.
            let (odd, even): (Vec<_>, Vec<_>) = levels.iter().partition(|&arm| arm % 2 == 1);
            let mut branches: Vec<_> = odd.iter().map(|&arm| together(&[arm], start)).collect();
            branches.extend((!even.is_empty()).then(|| together(&even, start)));
            let mut recorder = Recorder::default();
            let ended = run(&mut world, at..STEPS, branches, &mut recorder);
            for arm in levels {
                let expected = alone(&mut world, arm, at);
                prop_assert_eq!(expected.ended.onset_step, onsets[arm - 1]);
                prop_assert_eq!(outcome(&recorder.rows, &ended, arm, at), expected);
            }
        }
    }
}

#[test]
fn a_level_that_is_never_reached_ends_as_the_trunk_itself() {
    let mut world = world(&recipe(SGD, MLP), 3, 2);
    let mut recorder = Recorder::default();
    let ended = run(&mut world, 0..STEPS, vec![together(&[0, 20], Start::Init)], &mut recorder);
    let plain = alone(&mut world, 0, 0);
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].branch.arms, arms(&[0, 20]));
    assert_eq!(ended[0].branch.onset_step, None);
    assert_eq!(ended[0].branch.checkpoint, plain.ended.checkpoint);
    assert_eq!(recorder.rows.len(), 4, "sharing costs no row");
    assert!(recorder.rows.iter().all(|row| row.arms == arms(&[0, 20])));
}

#[test]
fn a_level_that_forks_has_its_own_rows_from_that_epoch_on_and_no_log() {
    let mut world = world(&recipe(SGD, MLP), 3, 1);
    let mut recorder = Recorder::default();
    // Level 0.9 of arm 12 and the trunk under it.
    let ended = run(&mut world, 0..STEPS, vec![together(&[0, 12], Start::Init)], &mut recorder);
    let [trunk, level] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!([&trunk.branch.arms, &level.branch.arms], [&arms(&[0]), &arms(&[12])]);
    let onset_step = level.branch.onset_step.unwrap();
    assert_eq!(onset(&trunk.branch.minima, 0.9), Some(onset_step));
    assert!(is_log(&trunk.branch.minima, 0..STEPS) && level.branch.minima.is_empty());
    assert!(onset_step > PER_EPOCH && !onset_step.is_multiple_of(PER_EPOCH), "{onset_step}");
    for row in &recorder.rows {
        let forked = row.step > onset_step;
        assert_eq!(row.arms.len(), if forked { 1 } else { 2 });
        assert_eq!(row.onset_step.is_some(), row.arms == arms(&[12]));
    }
}

#[test]
fn an_arm_with_a_bound_on_its_exposure_ends_so_many_epochs_after_its_onset_began() {
    let mut world = world(&recipe(SGD, MLP_NORM), 3, 2);
    let branches = |ids: &[usize]| vec![Branch { exposure: Some(2), ..together(ids, Start::Init) }];
    let mut recorder = Recorder::default();
    let ended = world.run(0..STEPS, branches(&[0, 5, 12, 20]), &mut recorder);
    let (trunk, first, second) = (&ended[0].branch, &ended[1].branch, &ended[2].branch);
    assert_eq!((&trunk.arms, trunk.step), (&arms(&[0, 20]), STEPS), "shares the trunk to the end");
    for (level, arm) in [(first, 5), (second, 12)] {
        assert_eq!((&level.arms, level.end), (&arms(&[arm]), BranchEnd::Reached));
        let epoch = level.onset_step.unwrap() / PER_EPOCH;
        assert_eq!(level.step, ((epoch + 2) * PER_EPOCH).min(STEPS));
        let reported = recorder.rows.iter().filter(|row| row.arms == arms(&[arm]));
        assert_eq!(reported.count() as u64, level.step / PER_EPOCH - epoch);
    }
    assert!(first.step < second.step && first.step < STEPS);
    // What ended early goes on to the bits that it has alone.
    let (mut rest, from) = (Recorder::default(), first.step);
    let resumed = world.run(from..STEPS, resume(&ended[1..=1]), &mut rest);
    assert_eq!(outcome(&rest.rows, &resumed, 5, from), alone(&mut world, 5, from));
}

#[test]
fn a_stop_takes_a_riding_arm_off_the_trunk_which_goes_on_for_the_others() {
    let mut world = world(&recipe(SGD, MLP_NORM), 3, 2);
    let stop = |ids: &[usize], at_epoch| Stop { arms: arms(ids), at_epoch };
    let branches = vec![together(&[0, 15, 20], Start::Init)];
    let stops = [(1, vec![stop(&[20], 1), stop(&[0], 2)])].into();
    let mut recorder = Recorder { stops, ..Default::default() };
    let ended = world.run(0..STEPS, branches, &mut recorder);
    let ends = |end: &Ended| (end.branch.arms.clone(), end.branch.end, end.branch.step);
    assert_eq!(
        ended.iter().map(ends).collect::<Vec<_>>(),
        [
            (arms(&[0]), BranchEnd::Stopped, 2 * PER_EPOCH),
            (arms(&[15]), BranchEnd::Reached, STEPS),
            (arms(&[20]), BranchEnd::Stopped, PER_EPOCH),
        ]
    );
    let level = outcome(&recorder.rows, &ended, 15, 0);
    assert_eq!(level, alone(&mut world, 15, 0));
    assert!(level.ended.onset_step.unwrap() > 2 * PER_EPOCH, "went on after the last stop");
    // What was stopped goes on from the trunk's state.
    for (end, arm) in [(0, 0), (2, 20)] {
        let (mut rest, from) = (Recorder::default(), ended[end].branch.step);
        let resumed = world.run(from..STEPS, resume(&ended[end..=end]), &mut rest);
        assert_eq!(outcome(&rest.rows, &resumed, arm, from), alone(&mut world, arm, from));
    }
}

#[test]
fn a_trunk_whose_arms_are_all_stopped_ends_with_them() {
    let mut world = world(&recipe(SGD, MLP), 3, 2);
    let stops = [(1, vec![Stop { arms: arms(&[0, 20]), at_epoch: 1 }])].into();
    let mut recorder = Recorder { stops, ..Default::default() };
    let ended = world.run(0..STEPS, vec![together(&[0, 20], Start::Init)], &mut recorder);
    assert_eq!((ended.len(), recorder.rows.len()), (1, 1));
    assert_eq!(ended[0].branch.arms, arms(&[0, 20]));
    assert_eq!((ended[0].branch.end, ended[0].branch.step), (BranchEnd::Stopped, PER_EPOCH));
}

#[test]
fn riding_arms_diverge_with_their_trunk() {
    let mut recipe = recipe(SGD, MLP);
    recipe.optimizer = serde_json::from_str(r#"{"kind": "sgd", "lr": 1e20}"#).unwrap();
    let mut world = world(&recipe, 3, 2);
    let branches = vec![together(&[0, 15, 20], Start::Init)];
    let ended = world.run(0..STEPS, branches, &mut Recorder::default());
    let plain = alone(&mut world, 0, 0).ended;
    assert_eq!(ended.len(), 1);
    let FinishedBranch { arms: together, end, step, minima, .. } = &ended[0].branch;
    assert_eq!(together, &arms(&[0, 15, 20]));
    assert_eq!((*end, *step), (BranchEnd::Diverged, plain.step));
    assert!(is_log(minima, 0..*step), "a level reached before can still be woken");
}

#[test]
fn a_level_that_diverges_after_its_fork_leaves_the_trunk_alone() {
    let mut recipe = recipe(SGD, r#"{"kind": "mlp", "hidden": [32, 32, 32]}"#);
    recipe.epochs = 40;
    let methods = [Method::Plain, Method::Flood { b: 1e30 }, Method::Flood { b: 1e-4 }];
    let mut world = World::new(&recipe, 3, &methods);
    let mut recorder = Recorder::default();
    let branches = vec![together(&[0, 1, 2], Start::Init)];
    let ended = world.run(0..40 * PER_EPOCH, branches, &mut recorder);
    let branches = world.fresh(&[0]);
    let plain = world.run(0..40 * PER_EPOCH, branches, &mut Recorder::default());
    let [trunk, level] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!((&level.branch.arms, level.branch.end), (&arms(&[1]), BranchEnd::Diverged));
    assert_eq!((&trunk.branch.arms, trunk.branch.end), (&arms(&[0, 2]), BranchEnd::Reached));
    assert_eq!(trunk.branch.checkpoint, plain[0].branch.checkpoint);
}

#[test]
fn a_trunks_checkpoint_is_tested_once_for_all_its_arms() {
    let mut world = world(&recipe(SGD, MLP_NORM), 3, 2);
    let branches = vec![together(&[0, 20], Start::Init)];
    let trunk = world.run(0..PER_EPOCH, branches, &mut Recorder::default());
    let steps = PER_EPOCH..PER_EPOCH;
    let tested =
        world.try_run(SegmentKind::Test, steps, resume(&trunk), &mut Recorder::default()).unwrap();
    assert_eq!(tested.len(), 1);
    assert_eq!(tested[0].branch.arms, arms(&[0, 20]));
    assert!(tested[0].branch.test.is_some());
}
