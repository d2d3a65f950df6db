//! A player of workers drives the scheduler by made-up curves, in an order that a seed gives.

use super::*;
use floodgauge_protocol::{
    ArmIx, Branch, Digest, FamilyIx, Metric, Segment, SegmentId, SegmentKind, SweepSpec, TrialKey,
    work::{BranchEnd, FinishedBranch, ReportRow, TestMetrics},
};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Curve = fn(seed: u32, arm: u16, epoch: u32) -> f64;

/// Validation loss by seed, arm and epoch: arm 13 ends lowest, whatever the seed.
fn smooth(seed: u32, arm: u16, epoch: u32) -> f64 {
    let distance = (f64::from(arm) - 13.0).abs() + if arm == 0 { 20.0 } else { 0.0 };
    1.0 + distance / 10.0 + f64::from(seed) / 100.0 + 1.0 / f64::from(epoch)
}

fn spec(text: &str) -> SweepSpec {
    let head = r#"{"name": "x", "recipe": {"dataset": {"name": "digits"}, "epochs": 27}"#;
    let spec: SweepSpec = serde_json::from_str(&format!("{head}, {text}}}")).unwrap();
    assert_eq!(spec.problems(), []);
    spec
}

/// A sweep, its log, and the segments that a worker could take.
struct World {
    sweep: Sweep,
    log: Vec<(Event, Vec<Decision>)>,
    open: BTreeMap<SegmentId, Segment>,
    curve: Curve,
}

impl World {
    fn new(spec: SweepSpec, curve: Curve) -> Self {
        let sweep = Sweep::new(spec.clone());
        let mut world = Self { sweep, log: vec![], open: BTreeMap::new(), curve };
        world.event(Event::Submitted { spec: Box::new(spec) });
        world
    }

    fn event(&mut self, event: Event) -> Vec<Decision> {
        let decisions = self.sweep.step(&event);
        for decision in &decisions {
            assert!(!decision.reason.is_empty());
            match &decision.action {
                Action::Enqueue { segment } => {
                    assert!(self.open.insert(segment.segment, segment.clone()).is_none());
                }
                Action::Withdraw { segment } => drop(self.open.remove(segment)),
                _ => {}
            }
        }
        self.log.push((event, decisions.clone()));
        decisions
    }

    /// The runs that a branch is by the end of `epoch`, with their onsets: those of its arms that
    /// ride, and each that crossed. Every level is crossed by the first step of epoch 2.
    fn runs(&self, branch: &Branch, epoch: u64) -> Vec<(Vec<ArmIx>, Option<u64>)> {
        let spe = self.sweep.steps_per_epoch();
        let crossed = |arm: &ArmIx| arm.0 > 0 && epoch > 1;
        let (alone, riding): (Vec<_>, Vec<_>) = branch.arms.iter().copied().partition(crossed);
        let riding = (!riding.is_empty()).then_some((riding, None));
        riding.into_iter().chain(alone.into_iter().map(|arm| (vec![arm], Some(spe)))).collect()
    }

    fn rows(&self, segment: &Segment) -> Vec<ReportRow> {
        if segment.kind == SegmentKind::Test {
            return vec![];
        }
        let spe = self.sweep.steps_per_epoch();
        let seed = self.sweep.plan().families[segment.family.ix()].seed;
        let mut rows = vec![];
        for epoch in segment.from_step / spe + 1..=segment.to_step / spe {
            for (arms, onset_step) in segment.branches.iter().flat_map(|b| self.runs(b, epoch)) {
                let value = (self.curve)(seed, arms[0].0, epoch as u32);
                rows.push(ReportRow {
                    arms,
                    epoch: epoch as u32,
                    step: epoch * spe,
                    train_loss: Metric::from(value / 2.0),
                    val_loss: Metric::from(value),
                    val_error: Metric::from(value / 10.0),
                    onset_step,
                    diagnostics: None,
                });
            }
        }
        rows
    }

    fn claim(&mut self, segment: SegmentId, attempt: u32) {
        let (worker, fingerprint) = ("w".to_string(), "f".to_string());
        self.event(Event::Claimed { segment, attempt, worker, fingerprint });
    }

    fn report(&mut self, segment: SegmentId, attempt: u32, rows: &[ReportRow]) {
        let Sifted { new, redone, contradicting } = self.sweep.sift(segment, rows).unwrap();
        assert_eq!(contradicting, []);
        self.event(Event::Reported { segment, attempt, rows: new, redone });
    }

    fn finish(&mut self, segment: SegmentId, attempt: u32) -> Vec<Decision> {
        let work = self.open[&segment].clone();
        let test = TestMetrics { loss: Metric::Finite(0.5), error: Metric::Finite(0.1) };
        let tested = work.kind == SegmentKind::Test;
        let last = work.to_step / self.sweep.steps_per_epoch();
        let runs = work.branches.iter().flat_map(|branch| self.runs(branch, last));
        let branches: Vec<_> = runs
            .map(|(arms, onset_step)| FinishedBranch {
                onset_step,
                checkpoint: (!tested).then_some(Digest([arms[0].0 as u8; 32])),
                test: tested.then_some(test),
                ..FinishedBranch::new(arms, BranchEnd::Reached, work.to_step)
            })
            .collect();
        self.sweep.check_finish(segment, &branches).unwrap();
        self.open.remove(&segment);
        self.event(Event::Finished { segment, attempt, branches })
    }

    fn train(&mut self, segment: SegmentId) -> Vec<Decision> {
        self.claim(segment, 1);
        self.report(segment, 1, &self.rows(&self.open[&segment]));
        self.finish(segment, 1)
    }

    /// Trains all there is, each time the open segment that `pick` points at.
    fn run(&mut self, mut pick: impl FnMut(usize) -> usize) {
        while !self.open.is_empty() {
            let next = *self.open.keys().nth(pick(self.open.len())).unwrap();
            self.train(next);
        }
    }

    fn prunings(&self) -> Vec<(TrialKey, u32)> {
        let decisions = self.log.iter().flat_map(|(_, decisions)| decisions);
        decisions
            .filter_map(|decision| match decision.action {
                Action::Prune { trial, rung } => Some((trial, rung)),
                _ => None,
            })
            .collect()
    }

    fn last_action(&self) -> &Action {
        &self.log.last().unwrap().1.last().unwrap().action
    }
}

#[test]
fn a_grid_trains_every_arm_to_the_end_and_finds_the_best() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    world.run(|_| 0);
    let best = world.sweep.best();
    assert_eq!(best.best.unwrap().b, Some(0.13));
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
    assert_eq!(world.sweep.rungs().epochs(), [3, 9, 27]);
    world.run(|_| 0);
    let pruned_at = |rung| world.prunings().iter().filter(|pruning| pruning.1 == rung).count();
    assert_eq!((pruned_at(0), pruned_at(1)), (14, 4));
    let best = world.sweep.best();
    assert_eq!(best.best.unwrap().b, Some(0.13));
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
            let digest = Digest([branch.arms[0].0 as u8; 32]);
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
fn seeds_compete_as_means_and_weight_decays_apart() {
    let text = r#""search": {"seeds": [0, 1, 2], "weight_decay": [0.0, 0.1]}"#;
    let mut world = World::new(spec(text), smooth);
    world.run(|_| 0);
    let survivors = |family| {
        let trials = world.sweep.trials().filter(|(key, _)| key.family == FamilyIx(family));
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
        prop_assert!(straight.sweep.trials().eq(shuffled.sweep.trials()));
    }

    #[test]
    fn a_replayed_log_gives_the_same_decisions_and_the_same_state(
        picks in proptest::collection::vec(0usize..100, 60)
    ) {
        let mut world = World::new(spec(r#""search": {"seeds": [0, 1]}"#), smooth);
        let mut picks = picks.into_iter().cycle();
        world.run(|open| picks.next().unwrap() % open);
        let mut replayed = Sweep::new(world.sweep.spec().clone());
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
fn work_done_again_is_counted_apart_and_changes_no_curve() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = SegmentId(0);
    let rows = world.rows(&world.open[&segment]);
    world.claim(segment, 1);
    world.report(segment, 1, &rows[..30]);
    world.event(Event::Lost { segment, attempt: 1 });
    world.claim(segment, 2);
    world.report(segment, 2, &rows);
    world.finish(segment, 2);
    world.run(|_| 0);
    let cost = world.sweep.run_equivalents();
    assert_eq!(cost.spent, 21.0 - 20.0 / 27.0);
    assert_eq!(cost.redone, 30.0 / 27.0);
}

#[test]
fn an_epoch_reported_again_with_other_bits_is_told_apart() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = SegmentId(0);
    let mut rows = world.rows(&world.open[&segment]);
    world.claim(segment, 1);
    world.report(segment, 1, &rows[..30]);
    rows[3].val_loss = Metric::Finite(rows[3].val_loss.finite().unwrap().next_up());
    let sifted = world.sweep.sift(segment, &rows[..31]).unwrap();
    assert_eq!((sifted.redone, sifted.new.len()), (29, 1));
    assert_eq!(sifted.contradicting, [rows[3].clone()]);
}

#[test]
fn reports_that_cannot_come_from_their_segment_are_refused() {
    let world = World::new(spec(r#""scheduler": {"kind": "sha"}"#), smooth);
    let segment = SegmentId(0);
    let rows = world.rows(&world.open[&segment]);
    let refused = |change: fn(&mut ReportRow)| {
        let mut row = rows[0].clone();
        change(&mut row);
        world.sweep.sift(segment, &[row]).unwrap_err().to_string()
    };
    assert!(refused(|row| row.arms = vec![ArmIx(21)]).contains("no branch"));
    assert!(refused(|row| row.arms = vec![ArmIx(2), ArmIx(1)]).contains("no branch"));
    assert!(refused(|row| row.arms.clear()).contains("no branch"));
    assert!(refused(|row| (row.epoch, row.step) = (0, 0)).contains("count from 1"));
    assert!(refused(|row| (row.epoch, row.step) = (2, 40)).contains("epoch 2 follows epoch 0"));
    assert!(refused(|row| row.step = 19).contains("does not end at step"));
    assert!(refused(|row| (row.epoch, row.step) = (4, 80)).contains("not in the segment"));
    assert!(world.sweep.sift(SegmentId(99), &rows).is_err());
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
    let failed = world.sweep.trials().filter(|(_, trial)| trial.status == TrialStatus::Failed);
    let reasons: Vec<_> = failed.map(|(_, trial)| trial.reason.clone().unwrap()).collect();
    assert_eq!(reasons.len(), 11);
    assert!(reasons[0].contains("no such file"));
    assert_eq!(world.sweep.status(), SweepStatus::Completed);
    assert_eq!(world.sweep.best().best.unwrap().b, Some(0.09), "the lowest of those left");
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
    let arm = world.sweep.best().best.unwrap().b;
    assert!(arm == Some(0.12) || arm == Some(0.14), "{arm:?}");
    assert!(world.prunings().iter().any(|(trial, rung)| trial.arm == ArmIx(13) && *rung == 1));
}

#[test]
fn ties_keep_the_order_of_levels_and_say_so() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "sha"}"#), |_, _, _| 1.0);
    world.run(|_| 0);
    let pruned: Vec<_> = world.prunings().iter().map(|(trial, _)| trial.arm.0).collect();
    assert_eq!(pruned[..14], (7..=20).collect::<Vec<_>>()[..]);
    let reason = world.sweep.trial(TrialKey::new(FamilyIx(0), ArmIx(20))).unwrap().reason.clone();
    assert!(reason.unwrap().contains("a tie of 20"));
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
    assert_eq!(world.sweep.stops(segment)[0].at_epoch, 0);
    let late = world.sweep.sift(segment, &rows[20..30]).unwrap();
    assert_eq!(late.new, rows[20..30], "what it trained until it heard is kept");
    let branches: Vec<_> = world.open[&segment]
        .branches
        .iter()
        .map(|branch| FinishedBranch {
            checkpoint: Some(Digest([7; 32])),
            ..FinishedBranch::new(branch.arms.clone(), BranchEnd::Stopped, 100)
        })
        .collect();
    world.sweep.check_finish(segment, &branches).unwrap();
    assert_eq!(world.event(Event::Finished { segment, attempt: 1, branches }), []);
    let plain = world.sweep.trial(TrialKey::new(FamilyIx(0), ArmIx::PLAIN)).unwrap();
    assert_eq!(plain.checkpoint, Some(Digest([7; 32])));
    assert_eq!(world.sweep.status(), SweepStatus::Cancelled);
}

#[test]
fn epochs_beyond_a_stop_are_dropped_arm_by_arm() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = SegmentId(0);
    let rows = world.rows(&world.open[&segment]);
    let stop = |arm, at_epoch| floodgauge_protocol::work::Stop { arms: vec![ArmIx(arm)], at_epoch };
    world.sweep.segments.get_mut(&segment).unwrap().stops = vec![stop(2, 1), stop(3, 0)];
    let sifted = world.sweep.sift(segment, &rows[..22]).unwrap();
    let epochs = |arm: u16| sifted.new.iter().filter(|row| row.arms.contains(&ArmIx(arm))).count();
    assert_eq!((epochs(1), epochs(2), epochs(3)), (2, 1, 0));
    assert_eq!(sifted.new.len(), 1 + 19, "the first epoch is still one row");
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

#[test]
fn a_finish_with_arms_missing_twice_or_of_several_branches_is_refused() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = SegmentId(0);
    world.claim(segment, 1);
    world.report(segment, 1, &world.rows(&world.open[&segment]));
    let run = |arms: &[u16]| {
        let arms = arms.iter().copied().map(ArmIx).collect();
        let checkpoint = Some(Digest([1; 32]));
        FinishedBranch { checkpoint, ..FinishedBranch::new(arms, BranchEnd::Reached, 60) }
    };
    let all: Vec<u16> = (0..=20).collect();
    let refused = |runs: &[FinishedBranch]| world.sweep.check_finish(segment, runs).unwrap_err();
    assert!(refused(&[run(&all[1..])]).contains("arm 0 must be handed in once"));
    assert!(refused(&[run(&all), run(&[20])]).contains("arm 20 must be handed in once"));
    assert!(refused(&[run(&all), run(&[21])]).contains("arms of no branch"));
    assert!(refused(&[FinishedBranch { step: 40, ..run(&all) }]).contains("last step"));
    assert!(refused(&[FinishedBranch { checkpoint: None, ..run(&all) }]).contains("checkpoint"));
    world.sweep.check_finish(segment, &[run(&all[..5]), run(&all[5..])]).unwrap();
}

#[test]
fn events_about_segments_that_are_over_change_nothing() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    world.train(SegmentId(0));
    let before = world.sweep.clone();
    for event in [
        Event::Lost { segment: SegmentId(0), attempt: 1 },
        Event::Failed { segment: SegmentId(0), attempt: 1, message: "late".into() },
        Event::Finished { segment: SegmentId(0), attempt: 1, branches: vec![] },
    ] {
        assert_eq!(world.event(event), []);
    }
    assert_eq!(world.sweep, before);
}
