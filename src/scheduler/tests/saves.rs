//! States that workers saved before they were lost, or failed.

use super::{facts::newer, *};
use proptest::prelude::*;

/// What a worker tells after some epochs of a segment.
fn cut(world: &World, segment: SegmentId, epochs: u64) -> (Segment, Vec<FinishedBranch>) {
    let work = &world.open[&segment];
    let to_step = work.from_step + epochs * world.sweep.facts().steps_per_epoch();
    let cut = Segment { to_step, ..work.clone() };
    let mut branches = VirtualWorker::new(&world.sweep, &world.truth, cut.family).ends(&cut);
    branches.iter_mut().for_each(|branch| {
        if branch.step == to_step {
            branch.end = BranchEnd::Stopped;
        }
    });
    (cut, branches)
}

fn save(world: &mut World, segment: SegmentId, attempt: u32, epochs: u64) {
    let (cut, branches) = cut(world, segment, epochs);
    world.report(segment, attempt, &world.rows(&cut));
    world.sweep.facts().check_saved(segment, &branches).unwrap();
    let branches = newer(world.sweep.facts(), segment, &branches);
    assert_eq!(world.event(Event::Saved { segment, attempt, branches }), []);
}

fn epochs(world: &World, segment: SegmentId) -> u64 {
    let work = &world.open[&segment];
    (work.to_step - work.from_step) / world.sweep.facts().steps_per_epoch()
}

#[test]
fn lost_work_goes_on_from_what_was_saved() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = *world.open.keys().next().unwrap();
    assert_eq!(epochs(&world, segment), 3);
    world.claim(segment, 1);
    save(&mut world, segment, 1, 2);
    let decisions = world.event(Event::Lost { segment, attempt: 1 });
    assert!(matches!(decisions[0].action, Action::Withdraw { segment: of } if of == segment));
    let from = 2 * world.sweep.facts().steps_per_epoch();
    assert!(!world.open.is_empty());
    for work in world.open.values() {
        assert_eq!(work.from_step, from);
        let from_state =
            |branch: &floodgauge_protocol::Branch| branch.start != floodgauge_protocol::Start::Init;
        assert!(work.branches.iter().all(from_state));
    }
    world.run(|_| 0);
    assert_eq!(world.sweep.run_equivalents().redone, 0.0);
}

#[test]
fn a_segment_that_fails_after_it_saved_goes_on_from_there_too() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = *world.open.keys().next().unwrap();
    world.claim(segment, 1);
    save(&mut world, segment, 1, 1);
    let failed = Event::Failed { segment, attempt: 1, message: "out of memory".into() };
    let decisions = world.event(failed);
    assert!(decisions[0].reason.contains("out of memory"), "{decisions:?}");
    assert!(!world.open.contains_key(&segment));
    world.run(|_| 0);
    assert_eq!(world.sweep.status(), SweepStatus::Completed);
}

#[test]
fn what_a_worker_in_trouble_saved_is_gone_on_from() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = *world.open.keys().next().unwrap();
    world.claim(segment, 1);
    save(&mut world, segment, 1, 1);
    let (worker, message) = ("w".to_string(), "its disk is full".to_string());
    let back =
        Event::HandedBack { segment, attempt: 1, worker, message, retry_in_s: 4, backoff_s: None };
    let decisions = world.event(back);
    assert!(matches!(decisions[0].action, Action::Withdraw { segment: of } if of == segment));
    let from = world.sweep.facts().steps_per_epoch();
    assert!(world.open.values().all(|work| work.from_step == from), "{:?}", world.open);
    world.run(|_| 0);
    assert_eq!(world.sweep.run_equivalents().redone, 0.0);
}

#[test]
fn without_anything_saved_the_segment_itself_is_given_out_again() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = *world.open.keys().next().unwrap();
    world.claim(segment, 1);
    world.report(segment, 1, &world.rows(&cut(&world, segment, 2).0));
    assert_eq!(world.event(Event::Lost { segment, attempt: 1 }), []);
    assert!(world.open.contains_key(&segment));
}

#[test]
fn what_is_known_already_is_not_saved_again() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = *world.open.keys().next().unwrap();
    world.claim(segment, 1);
    save(&mut world, segment, 1, 2);
    for epochs in [1, 2] {
        let (_, branches) = cut(&world, segment, epochs);
        assert_eq!(newer(world.sweep.facts(), segment, &branches), []);
    }
    let unreported = cut(&world, segment, 3).1;
    assert!(world.sweep.facts().check_saved(segment, &unreported).unwrap_err().contains("report"));
}

proptest! {
    #[test]
    fn losses_change_no_curve_and_no_answer_whatever_was_saved(
        kind in prop_oneof![Just("grid"), Just("sha"), Just("halving")],
        steps in proptest::collection::vec((0usize..100, 0u64..4, any::<bool>()), 1..30),
    ) {
        let text = format!(r#""search": {{"seeds": [0, 1]}}, "scheduler": {{"kind": "{kind}"}}"#);
        let crossing = |arm: u16| u64::from(22 - arm.min(21));
        let mut peaceful = World::crossed(spec(&text), smooth, crossing);
        peaceful.run(|_| 0);
        let mut world = World::crossed(spec(&text), smooth, crossing);
        let mut losses: BTreeMap<SegmentId, u32> = BTreeMap::new();
        for (pick, saved, fails) in steps {
            let Some(&next) = world.open.keys().nth(pick % world.open.len().max(1)) else { break };
            // One that is lost for ever is given up, and its trials with it.
            let lost = losses.entry(next).or_default();
            *lost += 1;
            if world.open[&next].kind == SegmentKind::Test || *lost >= MAX_LOSSES {
                world.train(next);
                continue;
            }
            world.claim(next, 1);
            let all = epochs(&world, next);
            if saved > 0 && saved < all {
                save(&mut world, next, 1, saved);
            }
            // What was trained beyond that is lost, but for its report.
            let rows = world.rows(&world.open[&next]);
            world.report(next, 1, &rows);
            world.event(match fails && saved > 0 && saved < all {
                true => Event::Failed { segment: next, attempt: 1, message: "no".into() },
                false => Event::Lost { segment: next, attempt: 1 },
            });
        }
        world.run(|_| 0);
        let whole = |world: &World| {
            let mut best = world.sweep.best();
            best.run_equivalents.redone = 0.0;
            best
        };
        prop_assert_eq!(whole(&world), whole(&peaceful));
        for (key, trial) in peaceful.sweep.facts().trials() {
            let other = world.sweep.facts().trial(key).unwrap();
            prop_assert_eq!((&other.curve, other.onset_step), (&trial.curve, trial.onset_step));
        }
        let mut replayed = Sweep::new(world.sweep.facts().spec().clone());
        for (event, decisions) in &world.log {
            prop_assert_eq!(&replayed.step(event), decisions);
        }
        prop_assert_eq!(replayed, world.sweep);
    }
}
