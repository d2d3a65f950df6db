//! The seeded world: whole sweeps, searched by virtual workers that are slow, die, come back too
//! late, say things twice and in the wrong order, and whose machines are in trouble.
//!
//! - `case`: a sweep and its curves, drawn from a seed.
//! - `world`: the workers, and the server's rules about leases.
//! - `again`: checkpoints that are damaged, machines that never come back.
//! - `finish`: levels that were probed or never trained, which users have trained to the end.
//! - `headline`: what is named best while a sweep runs.
//! - `users`: what users do on the way.
//! - `invariants`: what must hold of every log.
//! - `mirrored`: recorded grids, with every metric turned around.
//! - `record`: logs for later versions to be held to.
//!
//! One seed again, with its log printed:
//! `FLOODGAUGE_SIM_SEED=17 cargo test --test sim -- --nocapture`.
//! More seeds than usual: `FLOODGAUGE_SIM_SEEDS=5000 cargo test --test sim`.

#![allow(clippy::unwrap_used)]

mod again;
mod case;
mod dice;
mod finish;
mod headline;
mod invariants;
mod mirrored;
mod record;
mod users;
mod world;

use case::Case;
use floodgauge::scheduler::policy::registered;
use world::{Manners, World};

/// Seeds that are tried when none is named.
const SEEDS: u64 = 300;

/// Seeds that each version of each scheduler is tried with.
const SEEDS_OF_EACH: u64 = 40;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn every_seeded_world_keeps_the_invariants() {
    if let Some(seed) = number("FLOODGAUGE_SIM_SEED") {
        let (world, broken) = run(seed);
        world.print();
        assert_eq!(broken, [""; 0], "seed {seed}");
        return;
    }
    let seeds = number("FLOODGAUGE_SIM_SEEDS").unwrap_or(SEEDS);
    let broken: Vec<_> = (0..seeds)
        .flat_map(|seed| run(seed).1.into_iter().map(move |broken| (seed, broken)))
        .map(|(seed, broken)| {
            format!("{broken}\n  FLOODGAUGE_SIM_SEED={seed} cargo test --test sim -- --nocapture")
        })
        .collect();
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn every_version_of_every_scheduler_keeps_the_invariants() {
    for scheduler in registered() {
        for seed in 0..SEEDS_OF_EACH {
            let (_, broken) = play(seed, Case::of_scheduler(seed, scheduler));
            let (kind, version) = (scheduler.kind.as_str(), scheduler.version);
            assert_eq!(broken, [""; 0], "{kind} {version}, seed {seed}");
        }
    }
}

/// A world of a seed at its end, and the invariants that it broke.
fn run(seed: u64) -> (World, Vec<String>) {
    play(seed, Case::draw(seed))
}

fn play(seed: u64, case: Case) -> (World, Vec<String>) {
    let mut world = World::new(case.clone(), Manners::draw(seed));
    world.run();
    let mut calm = World::new(case, Manners::obedient());
    calm.run();
    let broken = invariants::broken(&world, &calm);
    (world, broken)
}
