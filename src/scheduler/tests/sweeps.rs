//! Whole sweeps, by grid and by textbook halving.

use super::*;
use proptest::prelude::*;

#[test]
fn a_grid_trains_every_arm_to_the_end_and_finds_the_best() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    world.run(|_| 0);
    let best = world.sweep.best();
    assert_eq!(best.best.unwrap().arm.b, Some(0.13));
    assert_eq!(best.run_equivalents.full_grid, 21.0);
    assert_eq!(
        best.run_equivalents.saved_by_sharing,
        20.0 / 27.0,
        "the first epoch is one for all"
    );
    assert_eq!(best.run_equivalents.spent, 21.0 - 20.0 / 27.0);
    assert_eq!(world.prunings(), []);
    assert_eq!(world.sweep.status(), SweepStatus::Completed);
}

#[test]
fn halving_keeps_a_third_at_each_rung_and_trains_nothing_twice() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "sha"}"#), smooth);
    assert_eq!(decision_epochs(world.sweep.facts().spec(), 3), [3, 9, 27]);
    world.run(|_| 0);
    let pruned_at = |rung| world.prunings().iter().filter(|pruning| pruning.1 == rung).count();
    assert_eq!((pruned_at(0), pruned_at(1)), (14, 4));
    let best = world.sweep.best();
    assert_eq!(best.best.unwrap().arm.b, Some(0.13));
    // One run for an epoch, 21 arms to epoch 3, 7 on to 9, 3 on to 27.
    let epochs = 1.0 + 21.0 * 2.0 + 7.0 * 6.0 + 3.0 * 18.0;
    assert_eq!(best.run_equivalents.spent, epochs / 27.0);
    assert_eq!(best.run_equivalents.redone, 0.0);
}

#[test]
fn survivors_go_on_from_their_checkpoints() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "sha"}"#), smooth);
    let mut resumed = 0;
    while let Some(&next) = world.open.keys().next() {
        let segment = world.open[&next].clone();
        for branch in &segment.branches {
            let epoch = (segment.from_step / world.sweep.facts().steps_per_epoch()) as u32;
            let digest = checkpoint(0, branch.arms[0], epoch);
            match branch.start {
                floodgauge_protocol::Start::Init => assert_eq!(segment.from_step, 0),
                start => {
                    assert_eq!(start, floodgauge_protocol::Start::Checkpoint { digest });
                    resumed += 1;
                }
            }
        }
        world.train(next);
    }
    // Segments are three epochs long.
    assert_eq!(resumed, 7 * 2 + 3 * 6 + 2, "two rungs, the test of the winner and the baseline");
}

#[test]
fn the_answer_has_the_test_metrics_of_the_chosen_arm_and_the_baseline() {
    let mut world = World::new(spec(r#""search": {"seeds": [0, 1]}"#), smooth);
    world.run(|_| 0);
    let Action::Complete { best } = world.last_action() else { panic!("not completed") };
    assert!(best.best.as_ref().unwrap().test.is_some());
    assert!(best.baseline.as_ref().unwrap().test.is_some());
    assert_eq!(best.difference.as_ref().unwrap().seeds, 2);
    assert_eq!(best.run_equivalents.full_grid, 42.0);
}

#[test]
fn the_chosen_arm_and_plain_are_tested_at_their_end_and_at_their_best_epoch() {
    /// Lowest after epoch 5 for plain, after epoch 7 for the others.
    fn dip(_: u32, arm: u16, epoch: u32) -> f64 {
        let lowest = if arm == 0 { 5.0 } else { 7.0 };
        2.0 - f64::from(arm) / 100.0 + (f64::from(epoch) - lowest).abs() / 10.0
    }
    let tested = |at: &str| {
        let text = format!(
            r#""search": {{"objective": {{"at": "{at}"}}}}, "scheduler": {{"kind": "grid"}}"#
        );
        let mut world = World::new(spec(&text), dip);
        let mut tested = vec![];
        while let Some(&next) = world.open.keys().next() {
            let segment = world.open[&next].clone();
            if segment.kind == SegmentKind::Test {
                let epoch = (segment.from_step / world.sweep.facts().steps_per_epoch()) as u32;
                for branch in &segment.branches {
                    let digest = checkpoint(0, branch.arms[0], epoch);
                    assert_eq!(branch.start, floodgauge_protocol::Start::Checkpoint { digest });
                    tested.push((branch.arms[0].0, epoch));
                }
            }
            world.train(next);
        }
        assert!(world.sweep.best().best.unwrap().test.is_some());
        tested
    };
    // Both read-outs are tested, since the table shows both.
    assert_eq!(tested("best"), [(0, 5), (20, 7), (0, 27), (20, 27)]);
    assert_eq!(tested("last"), [(0, 5), (20, 7), (0, 27), (20, 27)]);
}

#[test]
fn seeds_compete_as_means_and_weight_decays_apart() {
    let text = r#""search": {"seeds": [0, 1, 2], "weight_decay": [0.0, 0.1]}, "scheduler": {"kind": "sha"}"#;
    let mut world = World::new(spec(text), smooth);
    world.run(|_| 0);
    let survivors = |family| {
        let trials = world.sweep.facts().trials().filter(|(key, _)| key.family == FamilyIx(family));
        let done = trials.filter(|(_, trial)| trial.status == TrialStatus::Completed);
        done.map(|(key, _)| key.arm.0).collect::<Vec<_>>()
    };
    for family in 0..6 {
        assert_eq!(survivors(family), [0, 12, 13], "family {family}");
    }
}

proptest! {
    #[test]
    fn decisions_do_not_depend_on_the_order_of_arrival(
        picks in proptest::collection::vec(0usize..100, 60), seeds in 1u32..4
    ) {
        let seeds: Vec<u32> = (0..seeds).collect();
        let text = format!(r#""search": {{"seeds": {seeds:?}}}"#);
        let mut straight = World::new(spec(&text), smooth);
        straight.run(|_| 0);
        let mut shuffled = World::new(spec(&text), smooth);
        let mut picks = picks.into_iter().cycle();
        shuffled.run(|open| picks.next().unwrap() % open);
        prop_assert_eq!(straight.prunings(), shuffled.prunings());
        prop_assert_eq!(straight.sweep.best(), shuffled.sweep.best());
        prop_assert!(straight.sweep.facts().trials().eq(shuffled.sweep.facts().trials()));
    }

    #[test]
    fn a_replayed_log_gives_the_same_decisions_and_the_same_state(
        picks in proptest::collection::vec(0usize..100, 60)
    ) {
        let mut world = World::new(spec(r#""search": {"seeds": [0, 1]}"#), smooth);
        let mut picks = picks.into_iter().cycle();
        world.run(|open| picks.next().unwrap() % open);
        let mut replayed = Sweep::new(world.sweep.facts().spec().clone());
        for (event, decisions) in &world.log {
            let text = serde_json::to_string(event).unwrap();
            let event: Event = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&replayed.step(&event), decisions);
        }
        prop_assert_eq!(replayed, world.sweep);
    }

    #[test]
    fn every_sweep_ends_whatever_its_workers_do(
        deeds in proptest::collection::vec((0usize..100, 0u8..5), 400)
    ) {
        let mut world = World::new(spec(r#""search": {"seeds": [0, 1]}"#), smooth);
        for (pick, deed) in deeds {
            let Some(&segment) = world.open.keys().nth(pick % world.open.len().max(1)) else { break };
            world.claim(segment, 1);
            let rows = world.rows(&world.open[&segment]);
            match deed {
                0 => drop(world.event(Event::Lost { segment, attempt: 1 })),
                1 => drop(world.event(Event::Failed { segment, attempt: 1, message: "disk".into() })),
                2 => world.report(segment, 1, &rows[..rows.len() / 2]),
                _ => {
                    world.report(segment, 1, &rows);
                    world.finish(segment, 1);
                }
            }
        }
        world.run(|_| 0);
        prop_assert!(world.sweep.status().is_final());
        let ended = matches!(world.last_action(), Action::Complete { .. } | Action::Fail);
        prop_assert!(ended);
    }
}

#[test]
fn a_segment_that_keeps_failing_takes_only_its_own_trials_with_it() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    world.train(SegmentId(0));
    let segment = SegmentId(2);
    for attempt in 1..=3 {
        world.claim(segment, attempt);
        world.event(Event::Failed { segment, attempt, message: "no such file".into() });
    }
    world.run(|_| 0);
    let failed =
        world.sweep.facts().trials().filter(|(_, trial)| trial.status == TrialStatus::Failed);
    let reasons: Vec<_> = failed.map(|(_, trial)| trial.reason.clone().unwrap()).collect();
    assert_eq!(reasons.len(), 11);
    let message = "no such file".to_string();
    assert_eq!(reasons[0], Reason::FailedTooOften { failures: 3, message });
    assert_eq!(world.sweep.status(), SweepStatus::Completed);
    assert_eq!(world.sweep.best().best.unwrap().arm.b, Some(0.09), "the lowest of those left");
}

#[test]
fn a_sweep_of_which_nothing_could_be_trained_fails_with_the_reason() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "sha"}"#), smooth);
    while let Some(&segment) = world.open.keys().next() {
        world.claim(segment, 1);
        world.event(Event::Failed { segment, attempt: 1, message: "no such file".into() });
    }
    assert_eq!(world.sweep.status(), SweepStatus::Failed);
    assert!(world.log.last().unwrap().1.last().unwrap().reason.contains("no such file"));
}

#[test]
fn a_diverged_arm_ends_and_the_others_go_on() {
    fn diverging(seed: u32, arm: u16, epoch: u32) -> f64 {
        if arm == 13 && epoch >= 5 { f64::NAN } else { smooth(seed, arm, epoch) }
    }
    let mut world = World::new(spec(r#""scheduler": {"kind": "sha"}"#), diverging);
    world.run(|_| 0);
    let arm = world.sweep.best().best.unwrap().arm.b;
    assert!(arm == Some(0.12) || arm == Some(0.14), "{arm:?}");
    assert!(world.prunings().iter().any(|(trial, rung)| trial.arm == ArmIx(13) && *rung == 1));
}

#[test]
fn ties_keep_the_order_of_levels_and_say_so() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "sha"}"#), |_, _, _| 1.0);
    world.run(|_| 0);
    let pruned: Vec<_> = world.prunings().iter().map(|(trial, _)| trial.arm.0).collect();
    assert_eq!(pruned[..14], (7..=20).collect::<Vec<_>>()[..]);
    let reason =
        world.sweep.facts().trial(TrialKey::new(FamilyIx(0), ArmIx(20))).unwrap().reason.clone();
    let Some(Reason::AtRung(why)) = reason else { panic!("{reason:?}") };
    assert_eq!((why.fate, why.tied, why.comparison.rank), (Fate::Pruned, 20, 20));
    assert!(Reason::AtRung(why).to_string().contains("a tie of 20 kept in order of level"));
}

#[test]
fn a_cancelled_sweep_keeps_what_its_workers_hand_in() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    world.train(SegmentId(0));
    let segment = SegmentId(1);
    let rows = world.rows(&world.open[&segment]);
    world.claim(segment, 1);
    world.report(segment, 1, &rows[..20]);
    let decisions = world.event(Event::CancelRequested);
    assert!(matches!(decisions[0].action, Action::Stop { .. }), "the leased one is stopped");
    assert!(matches!(decisions[1].action, Action::Withdraw { .. }), "the queued one withdrawn");
    assert!(matches!(decisions[2].action, Action::Cancel));
    assert_eq!(world.sweep.facts().segments().stops(segment)[0].at_epoch, 0);
    let late = world.sweep.facts().sift(segment, &rows[20..30]).unwrap();
    assert_eq!(late.new, rows[20..30], "what it trained until it heard is kept");
    let branches: Vec<_> = world.open[&segment]
        .branches
        .iter()
        .map(|branch| FinishedBranch {
            checkpoint: Some(Digest([7; 32])),
            ..FinishedBranch::new(branch.arms.clone(), BranchEnd::Stopped, 100)
        })
        .collect();
    world.sweep.facts().check_finish(segment, &branches).unwrap();
    assert_eq!(world.event(Event::Finished { segment, attempt: 1, branches }), []);
    let plain = world.sweep.facts().trial(TrialKey::new(FamilyIx(0), ArmIx::PLAIN)).unwrap();
    assert_eq!(plain.checkpoint, Some(Digest([7; 32])));
    assert_eq!(world.sweep.status(), SweepStatus::Cancelled);
}

#[test]
fn arms_before_their_onset_are_one_run_that_its_worker_forks() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let first = &world.open[&SegmentId(0)];
    assert_eq!(first.branches.len(), 1);
    assert_eq!(first.arms().count(), 21);
    world.train(SegmentId(0));
    let sizes = world.open.values().map(|segment| segment.branches.len()).collect::<Vec<_>>();
    assert_eq!(sizes, [10, 11], "no more than a stack bears");
    assert!(world.open.values().flat_map(|s| &s.branches).all(|branch| branch.arms.len() == 1));
}
