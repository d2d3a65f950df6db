//! Extensions by levels that a sweep has already: what wasn't trained of them is trained to the end.

use super::{extensions::Extended, *};
use crate::scheduler::answer;
use floodgauge_protocol::{Extension, SchedulerKind};

/// Their onsets are in the epochs 4 to 31 of 40.
const SEARCH: &str = r#""seeds": [0, 1], "weight_decay": [0, 0.1],
    "levels": [0.01, 0.04, 0.07, 0.1, 0.13, 0.16, 0.19, 0.22, 0.25, 0.28]"#;

fn world(kind: SchedulerKind) -> Extended {
    searched(kind, "")
}

fn searched(kind: SchedulerKind, more: &str) -> Extended {
    let kind = kind.as_str();
    let text = format!(r#""search": {{{SEARCH}{more}}}, "scheduler": {{"kind": "{kind}"}}"#);
    Extended::new(&text, 40)
}

fn by(levels: &[f64]) -> Extension {
    Extension { levels: levels.into(), ..Extension::default() }
}

fn levels(sweep: &Sweep) -> Vec<f64> {
    sweep.facts().spec().search.levels.expand().unwrap()
}

/// The arms at a level that not every seed has trained to the end.
fn unfinished_at(sweep: &Sweep, level: f64) -> Vec<ArmIx> {
    sweep.facts().unfinished().at(level).collect()
}

/// The levels that not every seed has trained to the end.
fn unfinished(sweep: &Sweep) -> Vec<f64> {
    let goes_on = |level: &f64| !unfinished_at(sweep, *level).is_empty();
    levels(sweep).into_iter().filter(goes_on).collect()
}

/// Status and epochs of every trial.
fn ends(sweep: &Sweep) -> Vec<(TrialKey, TrialStatus, u32)> {
    sweep.facts().trials().map(|(key, trial)| (key, trial.status, trial.epochs())).collect()
}

#[test]
fn a_probed_level_that_is_extended_is_trained_to_the_end_with_every_seed() {
    let whole = world(SchedulerKind::Grid).trials();
    for kind in SchedulerKind::ALL {
        let mut grown = world(kind);
        let left = unfinished(&grown.sweep);
        assert_eq!(left.is_empty(), kind == SchedulerKind::Grid, "{}", kind.as_str());
        for level in left {
            let name = format!("flood b={level}");
            grown.ask(&by(&[level])).unwrap();
            grown.run();
            let expected = whole.iter().filter(|(trial, _)| trial.ends_with(&name));
            let trials = grown.trials();
            assert_eq!(expected.clone().count(), 4);
            for (trial, expected) in expected {
                assert_eq!(&trials[trial], expected, "{trial} of {}", kind.as_str());
            }
        }
        assert_eq!(grown.trials(), whole, "all of {} is a grid now", kind.as_str());
    }
}

#[test]
fn an_extension_of_a_probed_level_keeps_the_rows_of_the_others() {
    for kind in SchedulerKind::ALL.into_iter().filter(|kind| *kind != SchedulerKind::Grid) {
        let mut grown = world(kind);
        let (before, entries) = (grown.trials(), grown.log.len());
        let level = unfinished(&grown.sweep)[0];
        let arms = unfinished_at(&grown.sweep, level);
        grown.ask(&by(&[level])).unwrap();
        grown.run();
        let name = format!("flood b={level}");
        for (trial, after) in grown.trials() {
            assert!(trial.ends_with(&name) || before[&trial] == after, "{trial}");
        }
        for (event, _) in &grown.log[entries..] {
            let Event::Reported { rows, .. } = event else { continue };
            assert!(rows.iter().all(|row| row.arms == arms), "{rows:?}");
        }
    }
}

#[test]
fn a_level_that_every_seed_trained_to_the_end_is_refused() {
    let mut grown = world(SchedulerKind::Halving);
    let left = unfinished(&grown.sweep);
    let whole = levels(&grown.sweep).into_iter().find(|level| !left.contains(level)).unwrap();
    let refused = |level: f64| Err(vec![format!("b = {level} is trained with every seed already")]);
    assert_eq!(grown.ask(&by(&[whole])), refused(whole));
    assert_eq!(grown.ask(&by(&[left[0], whole])), refused(whole));
    let twice = format!("level {} is given twice", left[0]);
    assert_eq!(grown.ask(&by(&[left[0], left[0]])), Err(vec![twice]));
    assert_eq!(grown.sweep.status(), SweepStatus::Completed);
    grown.ask(&by(&[left[0]])).unwrap();
    grown.run();
    assert_eq!(grown.ask(&by(&[left[0]])), refused(left[0]));
}

#[test]
fn a_level_that_diverged_is_refused_as_such() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    while let Some(&segment) = world.open.keys().next() {
        world.claim(segment, 1);
        world.report(segment, 1, &world.rows(&world.open[&segment]));
        let work = world.open.remove(&segment).unwrap();
        let mut ends = VirtualWorker::new(&world.sweep, &world.truth, work.family).ends(&work);
        for end in ends.iter_mut().filter(|end| end.arms == [ArmIx(13)] && end.test.is_none()) {
            (end.end, end.checkpoint) = (BranchEnd::Diverged, None);
        }
        world.event(Event::Finished { segment, attempt: 1, branches: ends });
    }
    assert_eq!(world.sweep.status(), SweepStatus::Completed);
    let refused = |level: f64| {
        let problems = world.sweep.extended_by(&by(&[level])).unwrap_err();
        problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>()
    };
    assert_eq!(refused(0.13), ["b = 0.13 diverged, and nothing of it is left to train"]);
    assert_eq!(refused(0.12), ["b = 0.12 is trained with every seed already"]);
}

#[test]
fn what_an_extension_finishes_is_planned_and_charged() {
    for kind in SchedulerKind::ALL.into_iter().filter(|kind| *kind != SchedulerKind::Grid) {
        let mut grown = world(kind);
        let spent = grown.sweep.run_equivalents().spent;
        assert_eq!(grown.sweep.extent().planned, spent);
        let (level, trained) = (unfinished(&grown.sweep)[0], grown.trained);
        grown.ask(&by(&[level])).unwrap();
        let planned = grown.sweep.extent().planned;
        assert!(planned > spent, "{planned}");
        grown.run();
        let after = grown.sweep.run_equivalents().spent;
        assert!(after <= planned + 1e-9, "{after} of {planned}");
        let rows = f64::from(grown.trained - trained) / 40.0;
        assert!((after - spent - rows).abs() < 1e-9, "{rows} run-equivalents were trained");
    }
}

#[test]
fn levels_to_finish_go_with_new_ones_and_further_seeds_and_epochs() {
    for kind in SchedulerKind::ALL.into_iter().filter(|kind| *kind != SchedulerKind::Grid) {
        let mut grown = world(kind);
        let first = grown.sweep.facts().spec().clone();
        let level = unfinished(&grown.sweep)[0];
        let all = Extension { seeds: Some(1), epochs: Some(44), ..by(&[level, 0.205]) };
        grown.ask(&all).unwrap();
        let event = grown.log.last().unwrap().0.clone();
        assert!(matches!(&event, Event::Extended { levels, finish, .. }
            if *levels == [0.205] && finish.len() == 1));
        grown.run();
        let ended: Vec<_> = grown
            .trials()
            .into_iter()
            .filter(|(trial, _)| {
                [level, 0.205].iter().any(|level| trial.ends_with(&format!("flood b={level}")))
            })
            .collect();
        assert_eq!(ended.len(), 2 * 2 * 3);
        assert!(ended.iter().all(|(_, shown)| shown.starts_with("Completed")), "{ended:?}");
        assert!(unfinished(&grown.sweep).iter().all(|left| ![level, 0.205].contains(left)));
        let mut replayed = Sweep::new(first);
        for (event, decisions) in &grown.log {
            let stored = serde_json::to_string(event).unwrap();
            assert_eq!(&replayed.step(&serde_json::from_str(&stored).unwrap()), decisions);
        }
        assert_eq!(replayed, grown.sweep);
    }
}

#[test]
fn an_extension_that_finishes_nothing_is_stored_as_it_ever_was() {
    let old = r#"{"type":"extended","seeds":[1],"levels":[0.3],"epochs":50,"version":3}"#;
    let event: Event = serde_json::from_str(old).unwrap();
    assert!(matches!(&event, Event::Extended { finish, .. } if finish.is_empty()));
    assert_eq!(serde_json::to_string(&event).unwrap(), old);
}

#[test]
fn mirrored_metrics_do_the_same() {
    for kind in SchedulerKind::ALL.into_iter().filter(|kind| *kind != SchedulerKind::Grid) {
        let mut lower = searched(kind, r#", "objective": {"metric": "val_loss"}"#);
        let score = r#", "metrics": {"score": "max"}, "objective": {"metric": "score"}"#;
        let mut higher = searched(kind, score);
        assert_eq!(ends(&higher.sweep), ends(&lower.sweep), "{}", kind.as_str());
        let finish = unfinished_at(&lower.sweep, unfinished(&lower.sweep)[0]);
        for world in [&mut lower, &mut higher] {
            world.event(Event::Extended {
                seeds: vec![],
                levels: vec![],
                finish: finish.clone(),
                epochs: None,
                version: EXTENSION_VERSION,
            });
            world.run();
        }
        assert_eq!(ends(&higher.sweep), ends(&lower.sweep), "{}", kind.as_str());
    }
}

#[test]
fn the_verdict_knows_which_arms_an_extension_would_finish() {
    for kind in SchedulerKind::ALL {
        let grown = world(kind);
        let standing = answer::standing(grown.sweep.facts());
        for level in levels(&grown.sweep) {
            let mut at = standing.candidates.iter().filter(|it| it.method.level() == Some(level));
            let any = at.any(|candidate| candidate.can_be_finished());
            assert_eq!(any, grown.sweep.extended_by(&by(&[level])).is_ok(), "{level}");
        }
    }
}
