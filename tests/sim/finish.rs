//! Sweeps that are extended by levels of their own, which were probed, pruned or never trained: these end with
//! the bits that a grid would have given them, and nothing else changes.

use crate::{
    case::Case,
    world::{Manners, World},
};
use floodgauge::scheduler::{
    SweepStatus, TrialStatus, current_version,
    policy::{Registration, registered},
};
use floodgauge_protocol::{Extension, SchedulerKind, TrialKey};

/// Seeds that each version of each scheduler is tried with.
const SEEDS: u64 = 60;

#[test]
fn levels_that_are_finished_have_the_bits_of_a_grid() {
    for scheduler in registered().iter().filter(|known| known.kind != SchedulerKind::Grid) {
        let finished: usize = (0..SEEDS).map(|seed| try_one(scheduler, seed)).sum();
        // Else it would say nothing.
        let kind = scheduler.kind.as_str();
        assert!(finished > 20, "only {finished} levels were finished of {kind}");
    }
}

/// Answers how many levels were finished.
fn try_one(scheduler: &Registration, seed: u64) -> usize {
    let what = format!("{} {}, seed {seed}", scheduler.kind.as_str(), scheduler.version);
    let mut case = Case::of_scheduler(seed, scheduler);
    // Made-up curves change where levels are added.
    case.spec.search.extend = false;
    let mut world = World::new(case.clone(), Manners::saving(seed));
    world.run();
    let mut left = case.spec.search.levels.expand().unwrap();
    let unfinished = world.sweep.facts().unfinished();
    left.retain(|level| unfinished.at(*level).next().is_some());
    if world.sweep.status() != SweepStatus::Completed || left.is_empty() {
        return 0;
    }
    let levels = match world.manners.chance(0.5) {
        true => vec![left[world.manners.below(left.len())]],
        false => left,
    };
    let before = world.sweep.clone();
    let asked = Extension { levels: levels.clone(), ..Extension::default() };
    let event = world.sweep.extended_by(&asked).unwrap();
    world.event(event);
    let planned = world.sweep.extent().planned;
    world.run();
    assert_eq!(world.wrong, [""; 0], "{what}");
    assert_eq!(world.sweep.status(), SweepStatus::Completed, "{what}");
    assert!(world.sweep.run_equivalents().spent <= planned + 1e-9, "{what}");
    keeps_or_finishes(&world, &before, &of_grid(case), &levels, &what);
    let mut replayed = world.case.sweep();
    for (event, decisions) in &world.log {
        assert_eq!(&replayed.step(event), decisions, "{what}");
    }
    assert!(replayed == world.sweep, "{what}");
    levels.len()
}

/// The same case, of which every arm is trained to the end.
fn of_grid(mut case: Case) -> World {
    case.spec.scheduler = serde_json::from_str(r#"{"kind": "grid"}"#).unwrap();
    case.version = current_version(SchedulerKind::Grid);
    let mut grid = World::new(case, Manners::obedient());
    grid.run();
    grid
}

fn keeps_or_finishes(
    world: &World,
    before: &floodgauge::scheduler::Sweep,
    grid: &World,
    levels: &[f64],
    what: &str,
) {
    let of_grid = |key: TrialKey| grid.sweep.facts().trial(key).unwrap();
    for (key, trial) in world.sweep.facts().trials() {
        let level = world.sweep.facts().space().arms[key.arm.ix()].level();
        let what = format!("trial {key:?} of {what}");
        if level.is_some_and(|level| levels.contains(&level)) {
            let expected = of_grid(key);
            assert_eq!(trial.status, expected.status, "{what}");
            assert_eq!(trial.onset_step, expected.onset_step, "{what}");
            assert_eq!(trial.curve, expected.curve, "{what}");
        } else {
            let old = before.facts().trial(key).unwrap();
            assert_eq!((trial.status, &trial.curve), (old.status, &old.curve), "{what}");
        }
        assert!(trial.status != TrialStatus::Active, "{what}");
    }
}
