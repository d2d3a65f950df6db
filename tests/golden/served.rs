//! A recorded log as a server serves it: reasons as data, and each entry's lines. It holds this
//! version to its words, and it is what the page's tests read.
//!
//! `served/` holds the sweep in its first line and an entry in each line below. Where words are put
//! otherwise on purpose, or what is served has gained a field, it is recorded anew, and its diff read:
//! `FLOODGAUGE_RECORD_SERVED=1 cargo test --test golden served`.

use crate::{as_released, in_order, name, read, releases};
use floodgauge::{
    client::{
        LogEntry,
        api::{SweepDetail, SweepSummary},
    },
    scheduler::{self, Action, Event, Sweep},
    story::{self, Names},
};
use floodgauge_protocol::{Arm, SweepId, SweepSpec};
use jiff::{SignedDuration, Timestamp};
use std::{
    fs,
    path::{Path, PathBuf},
};

const LOG: &str = "halving-beyond-val-loss-last";
/// Which version of its scheduler decides for the sweep.
const SCHEDULER_VERSION: u32 = 3;

const ID: &str = "01970000-0000-7000-8000-000000000000";

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/served/halving.jsonl")
}

/// When an entry was committed: one every ten seconds.
fn at(seq: u64) -> Timestamp {
    let begin: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    begin + SignedDuration::from_secs(10 * seq as i64)
}

/// The sweep and its entries, as JSON.
fn served() -> Vec<String> {
    let log = in_order(&releases()[0]).into_iter().find(|path| name(path).starts_with(LOG));
    let log = read(&log.unwrap());
    let events: Vec<Event> =
        log.iter().map(|entry| serde_json::from_value(entry.event.clone()).unwrap()).collect();
    let Event::Submitted { spec } = &events[0] else { panic!("no submission") };
    let mut sweep = as_released(SweepSpec::clone(spec));
    let taken: Vec<_> = events.iter().map(|event| sweep.step(event)).collect();
    let queued = taken.iter().flatten().filter_map(|decision| match &decision.action {
        Action::Enqueue { segment } => Some(segment.clone()),
        _ => None,
    });
    let segments: Vec<_> = queued.collect();
    let names = Names::new(sweep.facts().spec(), sweep.facts().space(), &segments);
    let entries = (1..).zip(events.iter().zip(taken)).map(|(seq, (event, decisions))| LogEntry {
        sweep: id(),
        seq,
        at: at(seq),
        lines: story::lines(names, event, &decisions),
        event: event.clone(),
        decisions,
    });
    let entries = entries.map(|entry| serde_json::to_string(&entry).unwrap());
    let detail = serde_json::to_string(&detail(&sweep, events.len() as u64)).unwrap();
    [detail].into_iter().chain(entries).collect()
}

fn id() -> SweepId {
    ID.parse().unwrap()
}

fn detail(sweep: &Sweep, seq: u64) -> SweepDetail {
    let (spec, space) = (sweep.facts().spec(), sweep.facts().space());
    SweepDetail {
        summary: SweepSummary {
            id: id(),
            name: spec.name.clone(),
            status: sweep.status(),
            scheduler: spec.scheduler.kind,
            created_at: at(1),
            updated_at: at(seq),
            dataset: spec.recipe.dataset.name.to_string(),
            arms: space.arms.len(),
            seeds: spec.search.seeds.len(),
            epochs: spec.recipe.epochs,
            metric: spec.search.objective.metric,
            metric_unit: Some("nats".into()),
            at: spec.search.objective.at,
            best: None,
            finding: None,
            replay_error: None,
            end_reason: None,
        },
        arms_list: Arm::all(space),
        families: space.families.clone(),
        metrics: spec.search.metrics().iter().cloned().collect(),
        steps_per_epoch: spec.recipe.steps_per_epoch(),
        rungs: scheduler::decision_epochs(spec, SCHEDULER_VERSION),
        stages: scheduler::stages(spec, SCHEDULER_VERSION),
        seq,
        scheduler_version: SCHEDULER_VERSION,
        waits_for: None,
        waiting: None,
        progress: None,
        troubled_workers: vec![],
        spec: spec.clone(),
    }
}

#[test]
fn a_recorded_log_is_served_with_the_lines_that_it_was_served_with() {
    let now = served();
    if std::env::var_os("FLOODGAUGE_RECORD_SERVED").is_some() {
        fs::write(file(), now.join("\n") + "\n").unwrap();
    }
    let recorded = fs::read_to_string(file()).unwrap();
    for (seq, (recorded, now)) in recorded.lines().zip(&now).enumerate() {
        assert_eq!(now, recorded, "entry {seq}");
    }
    assert_eq!(recorded.lines().count(), now.len());
}
