//! How segments end: stops, divergence, tests, errors.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Recorder, World, resume};
use floodgauge_protocol::{
    ArmIx, Digest, Method, Model, Recipe, SegmentKind,
    segment::Start,
    work::{BranchEnd, Stop},
};
use floodgauge_worker::cohort::TrainError;

fn recipe() -> Recipe {
    let text = r#"{"dataset": {"name": "digits", "label_noise": 0.1, "n_train": 200, "n_val": 100},
        "model": {"kind": "mlp", "hidden": [32]},
        "optimizer": {"kind": "sgd", "lr": 0.1, "momentum": 0.9}, "batch_size": 50, "epochs": 5}"#;
    serde_json::from_str(text).unwrap()
}

fn world(recipe: &Recipe) -> World {
    let arms = [Method::Plain, Method::Flood { b: 0.3 }, Method::Flood { b: 1.0 }];
    World::new(recipe, 2, &arms)
}

#[test]
fn a_stopped_member_ends_at_its_epoch_and_the_others_go_on_unchanged() {
    let mut world = world(&recipe());
    let (all, alone) = (world.fresh(&[0, 1, 2]), world.fresh(&[0]));
    let stop = |arm, at_epoch| Stop { arms: vec![ArmIx(arm)], at_epoch };
    // Arm 1 hears early of epoch 3, arm 2 hears late of epoch 1.
    let stops = [(1, vec![stop(1, 3)]), (2, vec![stop(2, 1)])].into();
    let mut recorder = Recorder { stops, ..Default::default() };
    let ended = world.run(0..20, all, &mut recorder);
    let plain = world.run(0..20, alone, &mut Recorder::default());
    assert_eq!(ended[0].branch, plain[0].branch);
    assert_eq!((ended[0].branch.end, ended[0].branch.step), (BranchEnd::Reached, 20));
    assert_eq!((ended[1].branch.end, ended[1].branch.step), (BranchEnd::Stopped, 12));
    assert_eq!((ended[2].branch.end, ended[2].branch.step), (BranchEnd::Stopped, 8));
    let epochs = |arm: u16| recorder.rows.iter().filter(|row| row.arms == [ArmIx(arm)]).count();
    assert_eq!([epochs(0), epochs(1), epochs(2)], [5, 3, 2]);
    let again = world.run(12..20, resume(&ended[1..2]), &mut Recorder::default());
    let branches = world.fresh(&[1]);
    let straight = world.run(0..20, branches, &mut Recorder::default());
    let ends = [&again, &straight].map(|ended| (ended[0].branch.end, ended[0].branch.checkpoint));
    assert_eq!(ends[0], ends[1]);
}

#[test]
fn a_cohort_that_is_stopped_altogether_ends_early() {
    let mut world = world(&recipe());
    let branches = world.fresh(&[1, 2]);
    let stops = [(2, vec![Stop { arms: vec![ArmIx(1), ArmIx(2)], at_epoch: 2 }])].into();
    let mut recorder = Recorder { stops, ..Default::default() };
    let ended = world.run(0..20, branches, &mut recorder);
    assert!(ended.iter().all(|end| end.branch.end == BranchEnd::Stopped && end.branch.step == 8));
    assert_eq!(recorder.rows.len(), 4);
}

#[test]
fn a_member_that_diverges_ends_alone_and_the_others_keep_their_bits() {
    // A level so high that its arm always ascends: its loss runs to infinity.
    let mut recipe = recipe();
    recipe.epochs = 40;
    recipe.model = Model::Mlp { hidden: vec![32; 3], batch_norm: false };
    let arms = [Method::Plain, Method::Flood { b: 1e30 }, Method::Flood { b: 0.3 }];
    let mut world = World::new(&recipe, 2, &arms);
    let (all, others) = (world.fresh(&[0, 1, 2]), world.fresh(&[0, 2]));
    let (mut recorder, mut clean) = (Recorder::default(), Recorder::default());
    let ended = world.run(0..160, all, &mut recorder);
    let expected = world.run(0..160, others, &mut clean);
    assert_eq!(ended[1].branch.end, BranchEnd::Diverged);
    assert_eq!(ended[1].branch.checkpoint, None);
    assert!(ended[1].branch.step < 160);
    assert_eq!([&ended[0].branch, &ended[2].branch], [&expected[0].branch, &expected[1].branch]);
    recorder.rows.retain(|row| row.arms != [ArmIx(1)]);
    assert_eq!(recorder.rows, clean.rows);
}

#[test]
fn a_rate_that_blows_up_diverges_every_member() {
    let mut recipe = recipe();
    recipe.optimizer = serde_json::from_str(r#"{"kind": "sgd", "lr": 1e20}"#).unwrap();
    let mut world = world(&recipe);
    let branches = world.fresh(&[0, 1]);
    let ended = world.run(0..20, branches, &mut Recorder::default());
    assert!(ended.iter().all(|end| end.branch.end == BranchEnd::Diverged));
}

#[test]
fn a_test_segment_scores_clean_labels_and_trains_nothing() {
    let mut world = world(&recipe());
    let branches = world.fresh(&[0, 1]);
    let ended = world.run(0..20, branches, &mut Recorder::default());
    let branches = resume(&ended);
    let mut recorder = Recorder::default();
    let tested = world.try_run(SegmentKind::Test, 20..20, branches, &mut recorder).unwrap();
    assert!(recorder.rows.is_empty());
    for end in tested {
        assert_eq!((end.branch.step, end.branch.checkpoint), (20, None));
        let test = end.branch.test.unwrap();
        assert!(test.error.finite().unwrap() < 0.25, "{test:?}");
        assert!(test.loss.finite().unwrap() > 0.0);
    }
}

#[test]
fn what_cannot_be_trained_is_an_error_that_says_why() {
    let mut world = world(&recipe());
    let mut fails = |steps, change: &dyn Fn(&mut floodgauge_protocol::Branch)| {
        let mut branches = world.fresh(&[0]);
        change(&mut branches[0]);
        world.try_run(SegmentKind::Train, steps, branches, &mut Recorder::default()).unwrap_err()
    };
    let none = fails(0..4, &|branch| branch.arms = vec![]);
    assert!(matches!(none, TrainError::Arms { branch: 0, arms: 0 }));
    let parted = fails(0..4, &|branch| {
        branch.arms = vec![ArmIx(0), ArmIx(1)];
        branch.onset_step = Some(0);
    });
    assert!(matches!(parted, TrainError::Arms { branch: 0, arms: 2 }));
    let unknown = fails(0..4, &|branch| branch.arms = vec![ArmIx(9)]);
    assert!(matches!(unknown, TrainError::UnknownArm { arm: 9, arms: 3 }));
    assert!(matches!(fails(4..8, &|_| ()), TrainError::Steps { at: 0, from: 4, to: 8 }));
    let digest = Digest([0; 32]);
    let absent = fails(4..8, &|branch| branch.start = Start::Checkpoint { digest });
    assert!(matches!(absent, TrainError::Missing(missing) if missing == digest));
    world.checkpoints.insert(digest, bytes::Bytes::from_static(b"not a checkpoint"));
    let mut branches = world.fresh(&[0]);
    branches[0].start = Start::Checkpoint { digest };
    let bad = world.try_run(SegmentKind::Train, 4..8, branches, &mut Recorder::default());
    assert!(matches!(bad, Err(TrainError::Checkpoint { .. })));
}

#[test]
fn an_abandoned_segment_gives_up() {
    let mut world = world(&recipe());
    let branches = world.fresh(&[0, 1, 2]);
    let mut recorder = Recorder { abandoned: true, ..Default::default() };
    let result = world.try_run(SegmentKind::Train, 0..20, branches, &mut recorder);
    assert!(matches!(result, Err(TrainError::Abandoned)));
}
