//! Segments that workers hand back since their machines are in trouble.

use super::*;
use crate::scheduler::facts::{HAND_BACKS_A_FAILURE, MAX_FAILURES};

fn handed_back(segment: SegmentId, attempt: u32) -> Event {
    let (worker, message) = ("w".to_string(), "its disk is full".to_string());
    Event::HandedBack { segment, attempt, worker, message, retry_in_s: 4, backoff_s: None }
}

#[test]
fn a_machines_trouble_gives_its_segment_to_others_and_says_whose_it_was() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    world.claim(SegmentId(0), 1);
    let decisions = world.event(handed_back(SegmentId(0), 1));
    let [Decision { action, reason, .. }] = &decisions[..] else { panic!("{decisions:?}") };
    assert_eq!(*action, Action::Retry { segment: SegmentId(0) });
    assert_eq!(reason, "the machine of worker w is in trouble: its disk is full; others continue");
}

/// Claims a segment and hands it back, as a driver has it counted.
fn come_back(world: &mut World, segment: SegmentId, attempt: u32) -> (u32, Vec<Decision>) {
    world.claim(segment, attempt);
    let waits = world.sweep.facts().segments().backoff_after_hand_back(segment);
    let Event::HandedBack { segment, attempt, worker, message, retry_in_s, .. } =
        handed_back(segment, attempt)
    else {
        unreachable!()
    };
    let backoff_s = Some(waits);
    let back = Event::HandedBack { segment, attempt, worker, message, retry_in_s, backoff_s };
    (waits, world.event(back))
}

#[test]
fn a_segment_that_comes_back_again_and_again_waits_each_time_longer() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = SegmentId(0);
    let waits: Vec<_> = (1..=16).map(|attempt| come_back(&mut world, segment, attempt).0).collect();
    assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
    // An epoch that wasn't known begins it anew; one that was doesn't.
    world.claim(segment, 17);
    let rows = world.rows(&cut_short(&world, segment));
    world.event(Event::Reported { segment, attempt: 17, rows: vec![], redone: 1 });
    assert_eq!(world.sweep.facts().segments().backoff_after_hand_back(segment), 600);
    world.event(Event::Reported { segment, attempt: 17, rows, redone: 0 });
    assert_eq!(world.sweep.facts().segments().backoff_after_hand_back(segment), 0);
}

/// A segment, as far as its first epoch.
fn cut_short(world: &World, segment: SegmentId) -> Segment {
    let to_step = world.sweep.facts().steps_per_epoch();
    Segment { to_step, ..world.open[&segment].clone() }
}

#[test]
fn what_no_machine_can_do_for_days_fails_in_the_end_and_the_log_stays_bounded() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = SegmentId(0);
    let most = HAND_BACKS_A_FAILURE * MAX_FAILURES;
    let (mut waited, mut reasons) = (0, vec![]);
    for attempt in 1..=most {
        assert!(world.open.contains_key(&segment), "it is given up after {attempt}");
        let (waits, decisions) = come_back(&mut world, segment, attempt);
        waited += waits;
        reasons.push(decisions[0].reason.clone());
    }
    assert!(waited > 4 * 86_400, "{waited} s");
    assert!(reasons[0].contains("others continue"), "{}", reasons[0]);
    let failure = &reasons[HAND_BACKS_A_FAILURE as usize - 1];
    assert!(
        failure.contains("failed, 1 of at most 3") && failure.contains("200 times"),
        "{failure}"
    );
    let last = reasons.last().unwrap();
    assert!(last.contains("at last by w: its disk is full"), "{last}");
    assert!(!world.open.contains_key(&segment), "it is over");
    let mut again = Sweep::new(world.sweep.facts().spec().clone());
    for (event, decisions) in &world.log {
        assert_eq!(&again.step(event), decisions, "a replay decides the same");
    }
    assert_eq!(again, world.sweep);
}

#[test]
fn hand_backs_of_logs_that_do_not_count_them_never_do() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    for attempt in 1..=2 * HAND_BACKS_A_FAILURE {
        world.claim(SegmentId(0), attempt);
        let decisions = world.event(handed_back(SegmentId(0), attempt));
        assert!(decisions[0].reason.contains("others continue"), "{decisions:?}");
    }
    let event = serde_json::to_value(handed_back(SegmentId(0), 1)).unwrap();
    assert!(event.get("backoff_s").is_none(), "it is written as it was: {event}");
    assert_eq!(serde_json::from_value::<Event>(event).unwrap(), handed_back(SegmentId(0), 1));
}

#[test]
fn a_backoff_is_read_by_the_name_that_it_had_before() {
    let mut event = serde_json::to_value(handed_back(SegmentId(0), 1)).unwrap();
    event["waits_s"] = 8.into();
    let read = serde_json::from_value::<Event>(event).unwrap();
    assert!(matches!(read, Event::HandedBack { backoff_s: Some(8), .. }), "{read:?}");
    assert_eq!(serde_json::to_value(read).unwrap()["backoff_s"], 8);
}

#[test]
fn an_expired_lease_is_told_once_a_claim_and_changes_nothing() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = SegmentId(0);
    let may = |world: &World| world.sweep.facts().segments().may_expire(segment);
    assert!(!may(&world), "nobody holds it");
    for attempt in 1..=2 {
        world.claim(segment, attempt);
        assert!(may(&world));
        let expired = Event::Expired { segment, attempt, worker: "w".into() };
        assert_eq!(world.event(expired), []);
        assert!(!may(&world), "it is told");
        // Its worker comes back, and falls silent once more.
        let rows = world.rows(&cut_short(&world, segment));
        world.event(Event::Reported {
            segment,
            attempt,
            rows: rows[..usize::from(attempt == 1)].to_vec(),
            redone: 1,
        });
        assert!(!may(&world));
        world.event(Event::Lost { segment, attempt });
        assert!(!may(&world), "nobody holds it");
    }
    world.run(|_| 0);
    assert_eq!(world.sweep.status(), SweepStatus::Completed);
}

#[test]
fn however_often_machines_are_in_trouble_no_trial_fails_of_it() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = SegmentId(0);
    for attempt in 1..=50 {
        world.claim(segment, attempt);
        if attempt.is_multiple_of(20) {
            // Failures of its own count apart: it may have one more.
            world.event(Event::Failed { segment, attempt, message: "astray".into() });
        } else {
            world.event(handed_back(segment, attempt));
        }
    }
    world.run(|_| 0);
    assert_eq!(world.sweep.status(), SweepStatus::Completed);
    let failed =
        world.sweep.facts().trials().filter(|(_, trial)| trial.status == TrialStatus::Failed);
    assert_eq!(failed.count(), 0);
}

#[test]
fn what_is_handed_back_after_the_sweep_has_ended_is_withdrawn() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    world.claim(SegmentId(0), 1);
    world.event(Event::CancelRequested);
    let decisions = world.event(handed_back(SegmentId(0), 1));
    assert!(matches!(decisions[0].action, Action::Withdraw { segment: SegmentId(0) }));
    assert_eq!(world.event(handed_back(SegmentId(0), 1)), [], "it is over");
}
