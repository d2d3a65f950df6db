//! Extensions that are cancelled or fail: the answer before them stands.

use super::{extensions::Extended, *};
use crate::{
    scheduler::facts::MAX_FAILURES,
    verdict::{Best, Finding},
};

const GRID: &str =
    r#""search": {"levels": [0.1, 0.2], "seeds": [0, 1]}, "scheduler": {"kind": "grid"}"#;

/// An answer without what tells of the extension.
fn figures(best: Best) -> impl PartialEq + std::fmt::Debug {
    (best.best, best.baseline, best.difference, best.finding, best.sentence, best.probabilities)
}

/// Fails every segment that is queued, as often as it may.
fn fail_all(extended: &mut Extended) {
    while let Some(segment) = extended.next_open() {
        for attempt in 1..=MAX_FAILURES {
            let (worker, fingerprint) = ("w".to_string(), "f".to_string());
            extended.event(Event::Claimed { segment, attempt, worker, fingerprint });
            extended.event(Event::Failed { segment, attempt, message: "broken".into() });
        }
        extended.close(segment);
    }
}

#[test]
fn a_cancelled_extension_leaves_the_answer_before_it_whatever_it_added() {
    let grow: [fn(&mut Extended); 3] = [
        |extended| drop(extended.extend(&[2, 3], &[], None)),
        |extended| drop(extended.extend(&[], &[0.15, 0.3], None)),
        |extended| drop(extended.extend(&[], &[], Some(80))),
    ];
    for grow in grow {
        let mut extended = Extended::new(GRID, 40);
        let before = extended.sweep.best();
        assert!(before.best.is_some() && !before.before_extension);
        grow(&mut extended);
        assert!(extended.sweep.before_extension().is_none(), "it may still have another");
        extended.event(Event::CancelRequested);
        let now = extended.sweep.best();
        assert_eq!(extended.sweep.status(), SweepStatus::Cancelled);
        assert!(now.before_extension && now.points[0].contains("was cancelled"), "{now:?}");
        assert_eq!(extended.sweep.before_extension().unwrap().epochs, 40);
        assert_eq!(figures(now), figures(before));
    }
}

#[test]
fn a_failed_extension_leaves_the_answer_before_it() {
    let mut extended = Extended::new(GRID, 40);
    let before = extended.sweep.best();
    extended.extend(&[2], &[], None);
    fail_all(&mut extended);
    assert_eq!(extended.sweep.status(), SweepStatus::Failed);
    let now = extended.sweep.best();
    assert!(now.before_extension && now.points[0].contains("failed"), "{now:?}");
    assert_eq!(figures(now), figures(before));
}

#[test]
fn of_several_extensions_the_last_answer_stands_and_a_replay_has_the_same() {
    let mut extended = Extended::new(GRID, 40);
    extended.extend(&[2], &[], None);
    extended.run();
    let before = extended.sweep.best();
    assert_eq!(before.difference.as_ref().unwrap().seeds, 3);
    extended.extend(&[3], &[], None);
    extended.event(Event::CancelRequested);
    assert_eq!(figures(extended.sweep.best()), figures(before));
    let Event::Submitted { spec } = &extended.log[0].0 else { panic!("the first event") };
    let mut replayed = Sweep::new(SweepSpec::clone(spec));
    for (event, decisions) in &extended.log {
        assert_eq!(&replayed.step(event), decisions);
    }
    assert_eq!(replayed.best(), extended.sweep.best());
}

#[test]
fn what_is_cancelled_before_it_completed_has_no_answer() {
    for kind in ["grid", "sha", "asha", "hyperband", "halving"] {
        let text = format!(r#""search": {{"seeds": [0]}}, "scheduler": {{"kind": "{kind}"}}"#);
        let mut world = World::new(spec(&text), smooth);
        for _ in 0..2 {
            let Some(next) = world.open.keys().next().copied() else { break };
            world.train(next);
        }
        assert!(!world.sweep.status().is_final(), "{kind}");
        world.event(Event::CancelRequested);
        let best = world.sweep.best();
        assert_eq!((best.finding, best.best), (Finding::NoAnswer, None), "{kind}");
        assert_eq!(best.verdict, "It ended before it had an answer.", "{kind}");
    }
}
