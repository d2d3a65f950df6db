//! Logs that released versions recorded: every later one replays them to the same decisions and the
//! same answers, numbers bit for bit.
//!
//! `logs/` holds a folder for each release and in it a file for each log, a line for each entry: the
//! event, the decisions that were taken on it and, after the middle one and the last, the answer.
//! `tests/sim/record.rs` tells how the next release's are made; those that are there stay as they
//! are. What a version put in another shape since is compared as it is read: by `upcast`.
//!
//! The last bits of an answer come from the C library's `exp` and `ln`. Another library or another
//! machine that rounds otherwise shows as a difference in `best` alone.

#![allow(clippy::unwrap_used)]

mod recorded;
mod served;

use flate2::read::GzDecoder;
use floodgauge::{
    scheduler::{Event, Sweep},
    upcast,
};
use recorded::difference;
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
};

#[derive(Deserialize)]
struct Entry {
    event: Value,
    decisions: Value,
    best: Option<Value>,
}

fn releases() -> Vec<PathBuf> {
    in_order(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/logs"))
}

fn in_order(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

fn read(path: &Path) -> Vec<Entry> {
    let lines = BufReader::new(GzDecoder::new(File::open(path).unwrap())).lines();
    lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

/// Where a replay leaves a recorded log, if it does.
fn left(log: &[Entry]) -> Option<String> {
    let event = |entry: &Entry| serde_json::from_value::<Event>(entry.event.clone());
    let first = log.first().map(event);
    let Some(Ok(Event::Submitted { spec })) = first else {
        return Some(format!("the first entry is no submission: {first:?}"));
    };
    let mut sweep = Sweep::new(*spec);
    (1..).zip(log).find_map(|(seq, entry)| {
        let event = match event(entry) {
            Ok(event) => event,
            Err(error) => return Some(format!("event {seq} can't be read: {error}")),
        };
        let stored = serde_json::to_value(&event).unwrap();
        let decisions = serde_json::to_value(sweep.step(&event)).unwrap();
        let today = |recorded| upcast::arms(recorded, &sweep.facts().space().arms);
        let best = entry.best.as_ref().and_then(|best| {
            difference(&today(best), &serde_json::to_value(sweep.best()).unwrap())
        });
        let of = |what: &str, place: String| format!("{what} of entry {seq}: {place}");
        difference(&upcast::event(entry.event.clone()), &stored)
            .map(|place| of("event", place))
            .or_else(|| {
                let differs = difference(&today(&entry.decisions), &decisions);
                differs.map(|place| of("decisions", place))
            })
            .or_else(|| best.map(|place| of("best", place)))
    })
}

#[test]
fn every_recorded_log_replays_to_the_same_decisions_and_answers() {
    let mut left_at = vec![];
    let mut count = 0;
    for release in releases() {
        for log in in_order(&release) {
            count += 1;
            let place = left(&read(&log));
            left_at
                .extend(place.map(|place| format!("{} {}: {place}", name(&release), name(&log))));
        }
    }
    let left = left_at.len();
    assert!(left == 0, "{left} of {count} logs are left:\n{}", left_at.join("\n"));
}

#[test]
fn the_logs_of_0_1_0_hold_every_scheduler_event_and_action() {
    let mut seen = BTreeSet::new();
    let release = releases().remove(0);
    assert_eq!(name(&release), "0.1.0");
    for log in in_order(&release) {
        let log = read(&log);
        seen.insert(log[0].event["spec"]["scheduler"]["kind"].to_string());
        assert!(log.last().unwrap().best.is_some());
        for entry in &log {
            seen.insert(entry.event["type"].to_string());
            for decision in entry.decisions.as_array().unwrap() {
                seen.insert(decision["action"].to_string());
            }
        }
    }
    let all = "grid sha asha hyperband halving submitted claimed reported saved finished failed \
               lost cancel_requested pause_requested resumed extended enqueue retry withdraw stop \
               promote grow wake rest prune end complete fail cancel";
    for word in all.split_whitespace() {
        assert!(seen.contains(&format!("\"{word}\"")), "no log has {word}");
    }
}

#[test]
fn a_decision_that_was_recorded_otherwise_is_told_with_its_place() {
    let first = in_order(&releases()[0]).remove(0);
    let mut log = read(&first);
    log[0].decisions[0]["reason"] = "another".into();
    assert!(left(&log).unwrap().starts_with("decisions of entry 1: /0/reason is"));
    log = read(&first);
    log[0].decisions[0]["segment"]["to_step"] = 1.into();
    assert!(left(&log).unwrap().starts_with("decisions of entry 1: /0/segment/to_step is"));
}
