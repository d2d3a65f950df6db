//! Records logs, with the decisions and answers of this version: `tests/golden` holds every later
//! one to them.
//!
//! - worlds of seeds, each of which shows something that none before it did;
//! - worlds in which users step in: pauses, cancellations, extensions.
//!
//! Once for each release:
//! `FLOODGAUGE_RECORD=$PWD/tests/golden/logs/0.2.0 cargo test --test sim record`.

use crate::{
    case::Case,
    world::{Manners, World},
};
use flate2::{Compression, GzBuilder};
use floodgauge::scheduler::{EXTENSION_VERSION, Event, Sweep};
use floodgauge_protocol::SweepSpec;
use serde_json::{Value, json};
use std::{collections::BTreeSet, io::Write as _, path::Path};

/// Seeds that are looked at for something new.
const SEEDS: u64 = 250;

/// Of longer logs there is always a shorter one that shows the same.
const MAX_ROWS: usize = 700;

const KINDS: [&str; 5] = ["grid", "sha", "asha", "hyperband", "halving"];

/// What the worlds of each scheduler show together.
const EACH_SHOWS: [&str; 25] = [
    "submitted",
    "claimed",
    "reported",
    "saved",
    "finished",
    "failed",
    "handed_back",
    "expired",
    "lost",
    "cancel_requested",
    "pause_requested",
    "resumed",
    "extended",
    "enqueue",
    "withdraw",
    "retry",
    "stop",
    "end completed",
    "end diverged",
    "complete",
    "cancel",
    "val_loss last",
    "val_loss best",
    "val_error last",
    "val_error best",
];

/// What those of some do.
const SOME_SHOW: [&str; 20] = [
    "asha: promote",
    "sha: promote",
    "sha: prune",
    "asha: prune",
    "hyperband: prune",
    "halving: prune",
    "halving: grow",
    "halving: wake",
    "halving: rest",
    "halving: resume",
    "grid: wake",
    "halving: end failed",
    "halving: fail",
    "halving: helps",
    "halving: does_not_help",
    "halving: uncertain",
    "halving: one_seed",
    "halving: never_reached",
    "halving: no_answer",
    "halving: best_precedes_onset",
];

/// A log in the making.
struct Recording {
    name: String,
    world: World,
}

#[test]
fn recorded_worlds_show_every_event_action_and_finding_of_every_scheduler() {
    let (seeded, mut shown) = seeded();
    let users = with_users();
    users.iter().for_each(|recording| shown.extend(features(&recording.world)));
    let each = EACH_SHOWS.iter().flat_map(|what| KINDS.map(|kind| format!("{kind}: {what}")));
    let some = SOME_SHOW.iter().map(ToString::to_string);
    let missing: Vec<_> = each.chain(some).filter(|what| !shown.contains(what)).collect();
    assert!(missing.is_empty(), "no world shows {missing:#?}");
    if let Some(folder) = std::env::var_os("FLOODGAUGE_RECORD") {
        let folder = Path::new(&folder);
        std::fs::create_dir_all(folder).unwrap();
        seeded.iter().chain(&users).for_each(|recording| write(folder, recording));
    }
}

/// The worlds of seeds, and what they show.
fn seeded() -> (Vec<Recording>, BTreeSet<String>) {
    let mut shown = BTreeSet::new();
    let mut recordings = vec![];
    for seed in 0..SEEDS {
        let mut world = World::new(Case::draw(seed), Manners::draw(seed));
        world.run();
        let features = features(&world);
        if world.taken.len() <= MAX_ROWS && !features.is_subset(&shown) {
            shown.extend(features);
            recordings.push(Recording { name: format!("seed-{seed}"), world });
        }
    }
    (recordings, shown)
}

/// What a world shows that not every world does.
fn features(world: &World) -> BTreeSet<String> {
    let spec = serde_json::to_value(&world.case.spec).unwrap();
    let (search, kind) = (&spec["search"], text(&spec["scheduler"]["kind"]));
    let mut features = BTreeSet::from([
        format!("{} {}", text(&search["objective"]["metric"]), text(&search["objective"]["at"])),
        format!("{} decays", search["weight_decay"].as_array().unwrap().len()),
        format!("several seeds: {}", search["seeds"].as_array().unwrap().len() > 1),
        text(&serde_json::to_value(world.sweep.best().finding).unwrap()),
    ]);
    for method in search["methods"].as_array().unwrap() {
        features.insert(text(if method.is_string() { method } else { &method["kind"] }));
    }
    if let Some(advice) = world.sweep.best().advice {
        features.insert(text(&serde_json::to_value(advice.kind).unwrap()));
    }
    for (event, decisions) in &world.log {
        features.insert(event.name().to_string());
        for decision in decisions {
            let action = serde_json::to_value(&decision.action).unwrap();
            let end = action["end"].as_str().map(|end| format!(" {end}")).unwrap_or_default();
            features.insert(format!("{}{end}", text(&action["action"])));
        }
    }
    features.into_iter().map(|feature| format!("{kind}: {feature}")).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_string()
}

/// Worlds in which users step in, of each scheduler.
fn with_users() -> Vec<Recording> {
    let objectives = ["val_loss last", "val_error best", "val_error last", "val_loss best"];
    let mut recordings = vec![];
    for (place, kind) in KINDS.into_iter().enumerate() {
        let mut number = place;
        let mut record = |what: &str, search: Value, deeds: fn(&mut World)| {
            let objective = objectives[number % objectives.len()];
            number += 1;
            let mut world = begin(number as u64, kind, objective, search);
            deeds(&mut world);
            assert_eq!(world.wrong, [""; 0], "{kind}, {what}");
            recordings.push(Recording { name: format!("{kind}-{what}"), world });
        };
        let seeds = json!({ "seeds": [0, 1] });
        record("paused", seeds.clone(), paused);
        record("cancelled", seeds.clone(), cancelled);
        record("cancelled-early", json!({}), |world| world.halt(Event::CancelRequested));
        record("more-seeds", json!({ "weight_decay": [0.0, 0.1] }), |world| {
            world.run();
            extend(world, &[1, 2], &[], None);
        });
        record("more-levels", seeds.clone(), |world| {
            world.run();
            extend(world, &[], &[0.0125, 0.09, 0.1], None);
        });
        record("more-epochs", json!({}), |world| {
            world.run();
            extend(world, &[], &[], Some(17));
        });
        record("more-of-all", json!({ "methods": ["flood", "softad"] }), |world| {
            world.run();
            extend(world, &[5], &[0.025], Some(14));
            extend(world, &[6], &[], None);
            extend(world, &[], &[0.11, 0.12], Some(15));
        });
        let methods = json!([
            "flood", "iflood", "softad",
            { "kind": "alternating", "lr": [[0.1, 0.05]] },
            { "kind": "gradient_penalty", "lambda": [0.01, 0.1] },
        ]);
        record("methods", json!({ "methods": methods }), World::run);
        record("never-reached", json!({}), |world| {
            world.case.never_reach();
            world.run();
        });
    }
    for (number, objective) in objectives.into_iter().enumerate() {
        let search = json!({ "extend": true, "seeds": [0, 1], "levels": [0.01, 0.02, 0.03] });
        let mut world = begin(20 + number as u64, "halving", objective, search);
        world.run();
        extend(&mut world, &[2], &[], None);
        let name = format!("halving-beyond-{}", objective.replace([' ', '_'], "-"));
        recordings.push(Recording { name, world });
    }
    recordings
}

/// A world of some eight levels over twelve epochs.
fn begin(seed: u64, kind: &str, objective: &str, search: Value) -> World {
    let (metric, at) = objective.split_once(' ').unwrap();
    let mut spec = json!({
        "name": format!("users of {kind}"),
        "recipe": {
            "dataset": { "name": "digits", "n_train": 40 }, "batch_size": 10, "epochs": 12,
        },
        "search": {
            "levels": [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08],
            "objective": { "metric": metric, "at": at },
        },
        "scheduler": { "kind": kind },
    });
    for (field, value) in search.as_object().unwrap() {
        spec["search"][field] = value.clone();
    }
    let spec: SweepSpec = serde_json::from_value(spec).unwrap();
    World::new(Case::of(seed, spec), Manners::saving(seed))
}

fn paused(world: &mut World) {
    world.event(Event::PauseRequested);
    world.event(Event::Resumed);
    for entries in [6, 20, 31] {
        world.run_until(entries);
        world.halt(Event::PauseRequested);
        world.event(Event::PauseRequested);
        world.event(Event::Resumed);
    }
    world.run_until(world.log.len() + 9);
    world.halt_and_claim(Event::PauseRequested);
    world.event(Event::Resumed);
    world.run();
}

fn cancelled(world: &mut World) {
    world.run_until(25);
    world.halt(Event::CancelRequested);
    world.event(Event::CancelRequested);
    world.event(Event::Resumed);
}

fn extend(world: &mut World, seeds: &[u32], levels: &[f64], epochs: Option<u32>) {
    let (seeds, levels) = (seeds.to_vec(), levels.to_vec());
    let (finish, version) = (vec![], EXTENSION_VERSION);
    world.event(Event::Extended { seeds, levels, finish, epochs, version });
    world.run();
}

/// Writes a log, an entry a line; the answer stands with the middle one and the last.
fn write(folder: &Path, recording: &Recording) {
    let mut sweep = Sweep::new(recording.world.case.spec.clone());
    let count = recording.world.log.len();
    let file = std::fs::File::create(folder.join(format!("{}.jsonl.gz", recording.name))).unwrap();
    // No time and no name in it: the same log is the same file.
    let mut file = GzBuilder::new().write(file, Compression::best());
    for (place, (event, decisions)) in (1..).zip(&recording.world.log) {
        assert_eq!(&sweep.step(event), decisions);
        let mut line = json!({ "event": event, "decisions": decisions });
        if place == count / 2 || place == count {
            line["best"] = serde_json::to_value(sweep.best()).unwrap();
        }
        writeln!(file, "{line}").unwrap();
    }
    file.finish().unwrap();
}
