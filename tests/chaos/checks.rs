//! What must hold however much harm was done.

use super::{
    blobs::texts,
    support::nameless,
    world::{LEASE_TTL, World},
};
use floodgauge::{
    client::LogEntry,
    scheduler::{Action, Event, SweepStatus},
};
use floodgauge_protocol::{ArmIx, Digest, FamilyIx, SweepId};
use futures::StreamExt as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use tokio::time::{Instant, interval};

/// What must be the same to the last bit, whoever trained and whatever happened meanwhile.
#[derive(Debug)]
pub struct Outcome {
    grid: String,
    best: Value,
    cost: Value,
}

impl Outcome {
    /// Whether it is as that of a quiet sweep. What families left behind when they started over was paid for,
    /// and so was what arms shared that had ended before; nothing else costs more.
    pub fn is_as(&self, quiet: &Self) -> bool {
        let trained = |cost: &Value| {
            let of = |name: &str| cost[name].as_f64().unwrap();
            of("spent") - of("left_behind") + of("saved_by_sharing")
        };
        let same = |name: &str| self.cost[name] == quiet.cost[name];
        let trained_more = (trained(&self.cost) - trained(&quiet.cost)).abs();
        self.grid == quiet.grid
            && self.best == quiet.best
            && same("full_grid")
            && same("saved_by_pruning")
            && trained_more < 1e-9
    }

    /// What is other than in a quiet sweep, in short.
    pub fn difference(&self, quiet: &Self) -> String {
        let first = |one: &str, other: &str| {
            let at = one.bytes().zip(other.bytes()).position(|(one, other)| one != other);
            let around = |text: &str, at: usize| {
                let range = at.saturating_sub(200)..(at + 200).min(text.len());
                String::from_utf8_lossy(&text.as_bytes()[range]).into_owned()
            };
            at.map(|at| format!("{}\ninstead of\n{}", around(one, at), around(other, at)))
        };
        let (best, quiet_best) = (self.best.to_string(), quiet.best.to_string());
        let difference = first(&self.grid, &quiet.grid).or_else(|| first(&best, &quiet_best));
        difference.unwrap_or_else(|| format!("{}\ninstead of\n{}", self.cost, quiet.cost))
    }
}

/// What the logs hold of the harm.
#[derive(Default)]
pub struct Harm {
    lost: usize,
    saved: usize,
    redone: u32,
    handed_back: usize,
    damaged: usize,
    started_over: usize,
}

impl Harm {
    pub fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.saved += other.saved;
        self.redone += other.redone;
        self.handed_back += other.handed_back;
        self.damaged += other.damaged;
        self.started_over += other.started_over;
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost, saved, redone, handed_back, damaged, started_over } = self;
        write!(
            f,
            "{lost} leases lost, {handed_back} handed back, {saved} reports with states, {redone} rows \
             trained again, {damaged} checkpoints damaged, {started_over} families started over"
        )
    }
}

/// Follows a sweep to its end; answers its log.
pub async fn follow(world: &World, sweep: SweepId) -> Vec<LogEntry> {
    let entries = world.client(0).events_as(sweep, 0);
    let log: Vec<LogEntry> = entries.map(|entry| entry.unwrap().value).collect().await;
    assert_eq!(log.last().unwrap().ending(), Some(SweepStatus::Completed));
    log
}

/// The outcome of a sweep that has completed.
pub async fn outcome(world: &World, sweep: SweepId) -> Outcome {
    let grid = read(&world.get(&format!("/v1/sweeps/{sweep}/grid")).await);
    let best = world.get(&format!("/v1/sweeps/{sweep}/best")).await;
    let mut best = nameless(&read(&best));
    assert_eq!(best["status"], "completed");
    let cost = best["run_equivalents"].take();
    Outcome { grid: grid.to_string(), best, cost }
}

/// An answer, which must be whole.
fn read(answer: &str) -> Value {
    serde_json::from_str(answer).unwrap_or_else(|error| {
        let around = error.column().saturating_sub(200)..(error.column() + 200).min(answer.len());
        panic!("{error} of {} bytes: {:?}", answer.len(), answer.get(around))
    })
}

/// No entry doubled or missing, no epoch reported as new twice or left out, no other bits, and
/// no segment that failed: what is done to machines is nobody's failure.
pub async fn log(world: &World, sweep: SweepId) -> Harm {
    let log = follow(world, sweep).await;
    let seqs = log.iter().map(|entry| entry.seq);
    assert!(seqs.eq(1..=log.len() as u64));
    let mut harm = Harm::default();
    let mut families: BTreeMap<u32, FamilyIx> = BTreeMap::new();
    let mut epochs: BTreeMap<(FamilyIx, ArmIx), Vec<u32>> = BTreeMap::new();
    for entry in &log {
        for decision in &entry.decisions {
            if let Action::Enqueue { segment } = &decision.action {
                let before = families.insert(segment.segment.0, segment.family);
                assert_eq!(before, None, "{sweep}: {} was queued twice", segment.segment);
            }
        }
        match &entry.event {
            Event::Nondeterminism { .. } | Event::Failed { .. } => panic!("{sweep}: {entry:?}"),
            Event::Lost { .. } => harm.lost += 1,
            Event::Saved { .. } => harm.saved += 1,
            Event::HandedBack { .. } => harm.handed_back += 1,
            Event::Damaged { .. } => harm.damaged += 1,
            Event::StartedOver { family, .. } => {
                harm.started_over += 1;
                epochs.retain(|(of, _), _| of != family);
            }
            Event::Reported { segment, rows, redone, .. } => {
                harm.redone += redone;
                for row in rows {
                    for arm in &row.arms {
                        epochs.entry((families[&segment.0], *arm)).or_default().push(row.epoch);
                    }
                }
            }
            _ => {}
        }
    }
    let curves = world.get(&format!("/v1/sweeps/{sweep}/curves")).await;
    let curves = read(&curves);
    let curves = curves["items"].as_array().unwrap();
    for ((family, arm), mut reported) in epochs {
        reported.sort_unstable();
        let is = |curve: &&Value| curve["family"] == family.0 && curve["arm"] == arm.0;
        let curve = curves.iter().find(is).unwrap_or_else(|| panic!("{sweep}: no {family} {arm}"));
        let stored: Vec<u32> = serde_json::from_value(curve["epoch"].clone()).unwrap();
        let once = reported.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(once, "{sweep}: {family} {arm}: an epoch is new twice: {reported:?}");
        // What came before an arm woke, or branched off, was told of another one.
        let all_stored = reported.iter().all(|epoch| stored.binary_search(epoch).is_ok());
        assert!(all_stored, "{sweep}: {family} {arm}: {reported:?} are more than {stored:?}");
        assert!(stored.iter().copied().eq(1..=stored.len() as u32), "{sweep}: {family} {arm}");
    }
    harm
}

/// After a collection, what is referred to is there, and nothing else is.
pub async fn blobs(mut world: World) {
    world.end();
    let referenced = digests(&world.url, REFERENCED).await;
    assert!(!referenced.is_empty());
    // What a worker uploaded in vain is kept until its lease has expired, in the database's time.
    let bound = Instant::now() + 2 * LEASE_TTL;
    let mut ticks = interval(LEASE_TTL / 10);
    loop {
        world.collect().await;
        let recorded = digests(&world.url, "select digest from blobs").await;
        let extra: Vec<_> = recorded.difference(&referenced).collect();
        if extra.is_empty() {
            assert_eq!(recorded, referenced, "referred to, and not recorded");
            break;
        }
        assert!(Instant::now() < bound, "nobody refers to {extra:?}");
        ticks.tick().await;
    }
    let mut there = BTreeSet::new();
    for shard in std::fs::read_dir(&world.blobs).unwrap().map(Result::unwrap) {
        // The mark of the folder.
        if shard.file_type().unwrap().is_file() {
            continue;
        }
        for object in std::fs::read_dir(shard.path()).unwrap().map(Result::unwrap) {
            let name = object.file_name().into_string().unwrap();
            // What a killed server had half written has no name yet, and goes after a day.
            if name.contains('#') {
                continue;
            }
            let named: Digest = name.parse().unwrap();
            let bytes = std::fs::read(object.path()).unwrap();
            assert_eq!(Digest(Sha256::digest(&bytes).into()), named, "it is damaged");
            there.insert(named);
        }
    }
    let gone: Vec<_> = referenced.difference(&there).collect();
    assert_eq!(gone, Vec::<&Digest>::new(), "referred to, and gone");
    let extra: Vec<_> = there.difference(&referenced).collect();
    assert_eq!(extra, Vec::<&Digest>::new(), "there, and not referred to");
}

/// What trials and data sets refer to.
const REFERENCED: &str = "select checkpoint as digest from trials where checkpoint is not null \
    union select digest from kept_checkpoints \
    union select digest from datasets union select digest from sweep_data";

async fn digests(url: &str, sql: &'static str) -> BTreeSet<Digest> {
    texts(url, sql).await.iter().map(|digest| digest.parse().unwrap()).collect()
}
