//! Checkpoints that are damaged and machines that never come back, while a sweep runs.

use crate::{
    case::Case,
    invariants,
    world::{Manners, World},
};
use floodgauge::scheduler::{
    Action, Event, SweepStatus, Trial, TrialStatus,
    policy::{Registration, registered},
};
use floodgauge_protocol::{Digest, FamilyIx};

/// Seeds that each version of each scheduler is tried with.
const SEEDS: u64 = 60;

/// So often in a world, at most, and how likely at each act of a worker.
const MOST: u32 = 4;
const CHANCE: f64 = 0.06;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mishap {
    CheckpointsAreDamaged,
    MachinesAreGone,
}

#[test]
fn damaged_checkpoints_change_no_answer() {
    try_all(Mishap::CheckpointsAreDamaged);
}

#[test]
fn families_that_start_over_change_no_answer() {
    try_all(Mishap::MachinesAreGone);
}

fn try_all(mishap: Mishap) {
    let (mut met, mut again) = (0, 0);
    for scheduler in registered() {
        for seed in 0..SEEDS {
            let (times, redone) = try_one(scheduler, seed, mishap);
            met += times;
            again += redone;
        }
    }
    // Else it would say nothing.
    assert!(met > 500, "only {met} mishaps");
    assert!(again > 20, "only {again} trials were trained again");
}

/// Answers how often something went wrong, and how many trials had to be trained again that had ended.
fn try_one(scheduler: &Registration, seed: u64, mishap: Mishap) -> (u32, usize) {
    let mut case = Case::of_scheduler(seed, scheduler);
    // Made-up curves change where levels are added, which recorded ones don't.
    case.spec.search.extend = false;
    let mut world = World::new(case.clone(), Manners::saving(seed));
    let mut left = MOST;
    while !world.is_idle() {
        world.run_until(world.log.len() + 1);
        if left > 0 && world.manners.chance(CHANCE) && happen(&mut world, mishap) {
            left -= 1;
        }
    }
    let mut calm = World::new(case, Manners::obedient());
    calm.run();
    let what = format!("{} {}, seed {seed}", scheduler.kind.as_str(), scheduler.version);
    let broken = invariants::broken_again(&world, &calm);
    if !broken.is_empty() {
        world.print();
    }
    assert_eq!(broken, [""; 0], "{what}");
    let decisions = world.log.iter().flat_map(|(_, decisions)| decisions);
    let again = decisions.filter(|decision| matches!(decision.action, Action::Again { .. }));
    (MOST - left, again.count())
}

/// Has something go wrong; false if there is nothing that could.
fn happen(world: &mut World, mishap: Mishap) -> bool {
    if world.sweep.status() != SweepStatus::Running {
        return false;
    }
    let event = match mishap {
        Mishap::MachinesAreGone => {
            // One whose work waits.
            let open: Vec<FamilyIx> =
                world.sweep.facts().segments().open().map(|open| open.family).collect();
            if open.is_empty() {
                return false;
            }
            let family = open[world.manners.below(open.len())];
            Event::StartedOver { family, fingerprint: "f".into() }
        }
        Mishap::CheckpointsAreDamaged => {
            let digests = kept(world);
            if digests.is_empty() {
                return false;
            }
            Event::Damaged { checkpoint: digests[world.manners.below(digests.len())] }
        }
    };
    world.event(event);
    true
}

/// The checkpoints that something may be trained or tested from.
fn kept(world: &World) -> Vec<Digest> {
    let facts = world.sweep.facts();
    let of_trial = |(key, trial): (_, &Trial)| {
        let newest = trial.checkpoint.filter(|_| trial.status != TrialStatus::Failed);
        newest.into_iter().chain(facts.kept(key))
    };
    facts.trials().flat_map(of_trial).collect()
}
