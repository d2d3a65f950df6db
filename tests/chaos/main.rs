//! Sweeps over real processes on both databases, while a seeded saboteur kills workers, servers and
//! database, stops them past their leases, cuts connections, answers in the server's stead, fills and
//! breaks disks, damages checkpoints, takes all machines away and sets the clock, and blobs are collected all
//! the while. Every sweep must complete with the bits of one that nothing happened to, no report doubled or
//! missing, no blob left over or gone. A fault is done while a worker is held in the midst of a segment, so
//! that it meets work that is going on; at least 80 of 100 must.
//!
//! - `faults`: what is done, in which order.
//! - `saboteur`: who decides when, and counts.
//! - `harm`: how each is done, with `blobs`, `readers` and `stranger`.
//! - `world`, `process`, `proxy`, `clock`, `data`: servers, workers, what lies between them, what they go by
//!   and train on.
//! - `checks`: what must hold.
//!
//! One seed again: `FLOODGAUGE_CHAOS_SEED=17 cargo test --test chaos -- --nocapture`; what is done is
//! the same then, but for what met no work and comes again later, while the moment depends on how fast the
//! machine is. Longer:
//! `FLOODGAUGE_CHAOS_FAULTS` and `FLOODGAUGE_CHAOS_SWEEPS`, for each database.

#![allow(clippy::unwrap_used)]

mod blobs;
mod checks;
mod clock;
mod data;
mod faults;
mod harm;
mod process;
mod proxy;
mod readers;
mod saboteur;
mod stranger;
#[allow(dead_code, unused_imports, unused_macros, reason = "other tests need the rest of it")]
#[path = "../integration/support/mod.rs"]
mod support;
mod world;

use checks::Outcome;
use floodgauge_protocol::SweepSpec;
use saboteur::Saboteur;
use std::{collections::BTreeMap, str::FromStr};
use tokio::sync::OnceCell;
use world::{Database, World};

/// Faults and sweeps of each database when nothing else is asked for: each kind of fault once.
const FAULTS: usize = faults::KINDS;
const SWEEPS: usize = 3;

/// Sweeps that are open at the same time.
const AT_ONCE: usize = 2;

/// The schedulers of the sweeps, in turn: each hands out other segments.
const SCHEDULERS: [&str; 3] = [
    r#"{ "kind": "halving" }"#,
    r#"{ "kind": "sha", "first_rung": 5 }"#,
    r#"{ "kind": "hyperband" }"#,
];

fn spec(which: usize) -> SweepSpec {
    let mut spec: serde_json::Value = serde_json::from_str(support::DISTURBED).unwrap();
    spec["scheduler"] = serde_json::from_str(SCHEDULERS[which]).unwrap();
    spec["recipe"]["dataset"] =
        serde_json::json!({ "name": data::NAME, "n_train": 600, "n_val": 300 });
    serde_json::from_value(spec).unwrap()
}

fn set<T: FromStr>(name: &str, otherwise: T) -> T {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => otherwise,
    }
}

/// What comes of a sweep in peace. Trained once for all tests.
async fn expected(which: usize) -> &'static Outcome {
    static EXPECTED: [OnceCell<Outcome>; SCHEDULERS.len()] =
        [const { OnceCell::const_new() }; SCHEDULERS.len()];
    let train = async || {
        let world = World::start(Database::sqlite()).await;
        let sweep = world.submit(&spec(which)).await;
        checks::follow(&world, sweep).await;
        checks::outcome(&world, sweep).await
    };
    EXPECTED[which].get_or_init(train).await
}

/// Runs sweeps, two at a time, until enough of them have ended and enough was done to them.
async fn survive(database: Database) {
    let seed = set("FLOODGAUGE_CHAOS_SEED", 1);
    let faults = set("FLOODGAUGE_CHAOS_FAULTS", FAULTS);
    let sweeps = set("FLOODGAUGE_CHAOS_SWEEPS", SWEEPS);
    let name = database.name();
    println!("{name}: FLOODGAUGE_CHAOS_SEED={seed}, {faults} faults, {sweeps} sweeps or more");
    for which in 0..SCHEDULERS.len().min(sweeps) {
        expected(which).await;
    }
    let mut saboteur = Saboteur::new(seed, faults, database.is_postgres());
    let mut world = World::start(database).await;
    let mut open = BTreeMap::new();
    let mut harm = checks::Harm::default();
    let mut submitted = 0;
    loop {
        while open.len() < AT_ONCE && (submitted < sweeps || !saboteur.is_done()) {
            let which = submitted % SCHEDULERS.len();
            let sweep = world.submit(&spec(which)).await;
            saboteur.watch(&world, sweep);
            open.insert(sweep, which);
            submitted += 1;
        }
        if open.is_empty() {
            break;
        }
        for sweep in saboteur.next(&mut world).await {
            let which = open.remove(&sweep).unwrap();
            let outcome = checks::outcome(&world, sweep).await;
            let expected = expected(which).await;
            assert!(
                outcome.is_as(expected),
                "seed {seed}: sweep {sweep} has other bits: {}",
                outcome.difference(expected)
            );
            harm.add(checks::log(&world, sweep).await);
            world.collect().await;
        }
    }
    println!("{name}: {submitted} sweeps, the same bits each; {}; {harm}", saboteur.summary());
    saboteur.check();
    checks::blobs(world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sweeps_survive_on_sqlite() {
    survive(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sweeps_survive_on_postgres_with_two_servers() {
    survive(Database::postgres().await).await;
}
