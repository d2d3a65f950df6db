//! Pausing and resuming.

use super::*;
use floodgauge_protocol::work::Stop;
use proptest::prelude::*;

fn grid() -> SweepSpec {
    spec(r#""search": {"levels": [0.1, 0.2], "seeds": [0, 1]}, "scheduler": {"kind": "grid"}"#)
}

/// Hands a segment in after the first of its epochs.
fn drain(world: &mut World, segment: SegmentId) {
    let work = world.open[&segment].clone();
    let to_step = work.from_step + world.sweep.facts().steps_per_epoch();
    let cut = Segment { to_step, ..work };
    world.report(segment, 1, &world.rows(&cut));
    let mut branches = VirtualWorker::new(&world.sweep, &world.truth, cut.family).ends(&cut);
    branches.iter_mut().for_each(|branch| branch.end = BranchEnd::Stopped);
    world.sweep.facts().check_finish(segment, &branches).unwrap();
    world.open.remove(&segment);
    world.event(Event::Finished { segment, attempt: 1, branches });
}

#[test]
fn a_pause_has_leased_segments_handed_in_and_leaves_queued_ones_alone() {
    let mut world = World::new(grid(), smooth);
    let leased = *world.open.keys().next().unwrap();
    world.claim(leased, 1);
    let decisions = world.event(Event::PauseRequested);
    assert_eq!(world.sweep.status(), SweepStatus::Paused);
    let arms: Vec<_> = world.open[&leased].arms().collect();
    let stop = Stop { arms, at_epoch: 0 };
    let [Decision { action: Action::Stop { segment, stop: ordered }, .. }] = &decisions[..] else {
        panic!("{decisions:?}");
    };
    assert_eq!((*segment, ordered), (leased, &stop));
    assert_eq!(world.sweep.facts().segments().stops(leased), [stop]);
    assert_eq!(world.event(Event::PauseRequested), [], "it is paused already");
}

#[test]
fn what_is_handed_in_while_paused_goes_on_from_there() {
    let mut world = World::new(grid(), smooth);
    let leased = *world.open.keys().next().unwrap();
    world.claim(leased, 1);
    world.event(Event::PauseRequested);
    drain(&mut world, leased);
    let per_epoch = world.sweep.facts().steps_per_epoch();
    assert!(world.open.values().any(|segment| segment.from_step == per_epoch));
    world.event(Event::Resumed);
    assert_eq!(world.sweep.status(), SweepStatus::Running);
    world.run(|_| 0);
    assert_eq!(world.sweep.status(), SweepStatus::Completed);
    assert_eq!(world.sweep.run_equivalents().redone, 0.0);
}

#[test]
fn a_sweep_that_was_paused_or_extended_has_stood_still() {
    let mut world = World::new(grid(), smooth);
    let first = *world.open.keys().next().unwrap();
    world.train(first);
    assert!(!world.sweep.extent().interrupted);
    world.event(Event::PauseRequested);
    world.event(Event::Resumed);
    assert!(world.sweep.extent().interrupted, "however often it was resumed");

    let mut world = World::new(grid(), smooth);
    world.run(|_| 0);
    assert!(!world.sweep.extent().interrupted);
    let (levels, epochs, version) = (vec![], None, EXTENSION_VERSION);
    world.event(Event::Extended { seeds: vec![2], levels, finish: vec![], epochs, version });
    assert!(world.sweep.extent().interrupted);
}

#[test]
fn a_sweep_that_nobody_began_is_queued_again_when_resumed() {
    let mut world = World::new(grid(), smooth);
    assert_eq!(world.event(Event::PauseRequested), []);
    world.event(Event::Resumed);
    assert_eq!(world.sweep.status(), SweepStatus::Queued);
}

#[test]
fn a_worker_that_got_a_segment_while_the_sweep_was_paused_hands_it_in_at_once() {
    let mut world = World::new(grid(), smooth);
    let first = *world.open.keys().next().unwrap();
    world.event(Event::PauseRequested);
    world.claim(first, 1);
    assert_eq!(world.sweep.facts().segments().stops(first).len(), 1);
    assert_eq!(world.sweep.status(), SweepStatus::Paused);
}

#[test]
fn the_next_holder_of_a_segment_is_not_stopped_by_a_pause_that_is_over() {
    let mut world = World::new(grid(), smooth);
    let leased = *world.open.keys().next().unwrap();
    world.claim(leased, 1);
    world.event(Event::PauseRequested);
    world.event(Event::Resumed);
    world.event(Event::Lost { segment: leased, attempt: 1 });
    world.claim(leased, 2);
    assert_eq!(world.sweep.facts().segments().stops(leased), []);
}

#[test]
fn a_segment_that_is_cut_needs_an_epoch_its_report_and_a_checkpoint() {
    let mut world = World::new(grid(), smooth);
    let segment = *world.open.keys().next().unwrap();
    world.claim(segment, 1);
    let work = world.open[&segment].clone();
    let per_epoch = world.sweep.facts().steps_per_epoch();
    let arms: Vec<_> = work.arms().collect();
    let stopped = |step, checkpoint| FinishedBranch {
        checkpoint,
        ..FinishedBranch::new(arms.clone(), BranchEnd::Stopped, step)
    };
    let state = Some(checkpoint(0, ArmIx::PLAIN, 1));
    let check = |world: &World, branch| world.sweep.facts().check_finish(segment, &[branch]);
    assert!(check(&world, stopped(0, state)).unwrap_err().contains("epoch to show"));
    assert!(check(&world, stopped(per_epoch + 1, state)).unwrap_err().contains("epoch to show"));
    assert!(check(&world, stopped(per_epoch, state)).unwrap_err().contains("report"));
    let first = Segment { to_step: per_epoch, ..work };
    world.report(segment, 1, &world.rows(&first));
    assert!(check(&world, stopped(per_epoch, None)).unwrap_err().contains("checkpoint"));
    assert_eq!(check(&world, stopped(per_epoch, state)), Ok(()));
}

proptest! {
    #[test]
    fn pauses_change_no_curve_and_no_answer(
        kind in prop_oneof![Just("grid"), Just("sha"), Just("halving")],
        steps in proptest::collection::vec((0usize..100, any::<bool>()), 1..30),
    ) {
        let text = format!(r#""search": {{"seeds": [0, 1]}}, "scheduler": {{"kind": "{kind}"}}"#);
        let mut peaceful = World::new(spec(&text), smooth);
        peaceful.run(|_| 0);
        let mut world = World::new(spec(&text), smooth);
        for (pick, cut) in steps {
            let Some(&next) = world.open.keys().nth(pick % world.open.len().max(1)) else { break };
            let long = world.open[&next].to_step
                > world.open[&next].from_step + world.sweep.facts().steps_per_epoch();
            if cut && long && world.open[&next].kind == SegmentKind::Train {
                world.claim(next, 1);
                world.event(Event::PauseRequested);
                drain(&mut world, next);
                world.event(Event::Resumed);
            } else {
                world.train(next);
            }
        }
        world.run(|_| 0);
        prop_assert_eq!(world.sweep.best(), peaceful.sweep.best());
        for (key, trial) in peaceful.sweep.facts().trials() {
            prop_assert_eq!(&world.sweep.facts().trial(key).unwrap().curve, &trial.curve);
        }
        let mut replayed = Sweep::new(world.sweep.facts().spec().clone());
        for (event, decisions) in &world.log {
            prop_assert_eq!(&replayed.step(event), decisions);
        }
        prop_assert_eq!(replayed, world.sweep);
    }
}
