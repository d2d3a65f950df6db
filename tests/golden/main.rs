//! Logs that released versions recorded: every later one replays them to the same decisions, numbers bit for
//! bit, and to the answers that today's model gives of them.
//!
//! `logs/` holds a folder for each release and in it a file for each log, a line for each entry: the
//! event, the decisions that were taken on it and, after the middle one and the last, the answer.
//! `tests/sim/record.rs` tells how the next release's are made; those that are there stay as they
//! are. What a version put in another shape since is compared as it is read: by `upcast`.
//!
//! Answers may change with the model of what other seeds would show, decisions never: so what today's model
//! answers is recorded beside the logs, in `answers/` (`answers.rs`).
//!
//! The last bits of an answer's intervals come from the C library's `exp` and `ln`. Another library or another
//! machine that rounds otherwise shows as a difference in `best` alone.

#![allow(clippy::unwrap_used)]

mod answers;
mod recorded;
mod served;

use flate2::read::GzDecoder;
use floodgauge::{
    scheduler::{Event, Sweep},
    upcast,
};
use floodgauge_protocol::SweepSpec;
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

/// The version that each scheduler had in the first release.
const FIRST_VERSION: u32 = 3;

/// A sweep by the version of its scheduler that the first release had.
fn as_released(spec: SweepSpec) -> Sweep {
    Sweep::of_version(spec, FIRST_VERSION).unwrap()
}

/// What a replay comes to.
#[derive(Default)]
struct Replayed {
    /// Where it leaves what was recorded, if it does.
    left: Option<String>,
    /// The answers at the entries that were recorded with one, by entry.
    answers: Vec<(u64, Value)>,
}

impl Replayed {
    fn of(log: &[Entry]) -> Self {
        let event = |entry: &Entry| serde_json::from_value::<Event>(entry.event.clone());
        let first = log.first().map(event);
        let Some(Ok(Event::Submitted { spec })) = first else {
            return Self::left(format!("the first entry is no submission: {first:?}"));
        };
        let mut sweep = as_released(*spec);
        let mut all = Self::default();
        for (seq, entry) in (1..).zip(log) {
            let event = match event(entry) {
                Ok(event) => event,
                Err(error) => return Self::left(format!("event {seq} can't be read: {error}")),
            };
            let stored = serde_json::to_value(&event).unwrap();
            let decisions = serde_json::to_value(sweep.step(&event)).unwrap();
            let recorded = upcast::arms(&entry.decisions, &sweep.facts().space().arms);
            if entry.best.is_some() {
                all.answers.push((seq, serde_json::to_value(sweep.best()).unwrap()));
            }
            let of = |what: &str, place: String| format!("{what} of entry {seq}: {place}");
            all.left = all.left.or_else(|| {
                difference(&upcast::event(entry.event.clone()), &stored)
                    .map(|place| of("event", place))
                    .or_else(|| {
                        let (recorded, now) = (decided(recorded.into_owned()), decided(decisions));
                        difference(&recorded, &now).map(|place| of("decisions", place))
                    })
            });
        }
        all
    }

    fn left(place: String) -> Self {
        Self { left: Some(place), ..Self::default() }
    }
}

/// Decisions without the answer that the last of them carries.
fn decided(mut decisions: Value) -> Value {
    for decision in decisions.as_array_mut().unwrap() {
        if decision["action"] == "complete" {
            let decision = decision.as_object_mut().unwrap();
            decision.retain(|field, _| field == "action");
        }
    }
    decisions
}

#[test]
fn every_recorded_log_replays_to_the_same_decisions_and_to_recorded_answers() {
    let mut left_at = vec![];
    let mut count = 0;
    for release in releases() {
        for log in in_order(&release) {
            count += 1;
            let Replayed { left, answers } = Replayed::of(&read(&log));
            let place = left.or_else(|| answers::difference(&release, &log, &answers));
            left_at
                .extend(place.map(|place| format!("{} {}: {place}", name(&release), name(&log))));
        }
    }
    let left = left_at.len();
    assert!(left == 0, "{left} of {count} logs are left:\n{}", left_at.join("\n"));
}

/// How often another arm is named as the best on the way, until the sweep ends or is extended at the latest.
fn most_changes(log: &[Entry]) -> usize {
    let events = log.iter().map(|e| serde_json::from_value::<Event>(e.event.clone()).unwrap());
    let mut sweep: Option<Sweep> = None;
    let (mut named, mut changes, mut most) = (None, 0, 0);
    for event in events {
        if let Event::Submitted { spec } = &event {
            sweep = Some(as_released(SweepSpec::clone(spec)));
        }
        let sweep = sweep.as_mut().unwrap();
        sweep.step(&event);
        if matches!(event, Event::Extended { .. }) {
            (named, changes) = (None, 0);
        }
        let best = sweep.best().best.map(|best| (best.arm.ix, best.weight_decay.to_bits()));
        if best.is_some() && best != named {
            changes += usize::from(named.is_some());
            named = best;
        }
        most = most.max(changes);
    }
    most
}

#[test]
fn the_arm_that_halving_names_on_the_way_changes_at_most_once() {
    let logs = releases().into_iter().flat_map(|release| in_order(&release));
    for log in logs.filter(|log| name(log).starts_with("halving")) {
        let changes = most_changes(&read(&log));
        assert!(changes <= 1, "{}: {changes} changes", name(&log));
    }
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
    assert!(Replayed::of(&log).left.unwrap().starts_with("decisions of entry 1: /0/reason is"));
    log = read(&first);
    log[0].decisions[0]["segment"]["to_step"] = 1.into();
    assert!(
        Replayed::of(&log).left.unwrap().starts_with("decisions of entry 1: /0/segment/to_step is")
    );
}
