//! Segments that workers hand back since their machines are in trouble.

use super::*;

fn handed_back(segment: SegmentId, attempt: u32) -> Event {
    let (worker, message) = ("w".to_string(), "its disk is full".to_string());
    Event::HandedBack { segment, attempt, worker, message, retry_in_s: 4 }
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
