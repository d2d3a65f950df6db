//! Sweeps that are paused and extended, trained by real workers.

use super::{
    entries, expected, follow, outcome,
    programs::{Server, run, worker},
    reported, submit, until,
};
use floodgauge::scheduler::{Event, SweepStatus};
use floodgauge_protocol::{SegmentId, SweepId, SweepSpec};
use futures::StreamExt;
use serde_json::{Value, json};
use std::{collections::BTreeSet, pin::pin};

/// The segments that workers hold by the newest entry.
async fn held(server: &Server, sweep: SweepId) -> BTreeSet<SegmentId> {
    let head = server.json(&format!("/v1/sweeps/{sweep}")).await["seq"].as_u64().unwrap();
    let mut held = BTreeSet::new();
    let mut log = pin!(entries(server, sweep));
    while let Some(entry) = log.next().await {
        match &entry.event {
            Event::Claimed { segment, .. } => drop(held.insert(*segment)),
            Event::Finished { segment, .. } => drop(held.remove(segment)),
            _ => {}
        }
        if entry.seq == head {
            break;
        }
    }
    held
}

#[tokio::test]
async fn a_paused_sweep_is_handed_in_and_goes_on_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let _worker = worker(&server.address, "patient");
    let sweep = submit(&server).await;
    let id = sweep.to_string();
    for pauses in 1..=2 {
        until(entries(&server, sweep), 3 * pauses, reported).await;
        let said = run(&["pause", &id, "--server", &server.address]);
        assert_eq!(said.trim(), "sweep `disturbed` is paused");
        for held in held(&server, sweep).await {
            let handed_in = |event: &Event| match event {
                Event::Finished { segment, .. } => *segment == held,
                _ => false,
            };
            until(entries(&server, sweep), 1, |entry| handed_in(&entry.event)).await;
        }
        let paused = server.client.sweep(sweep).await.unwrap().value;
        assert_eq!(paused.summary.status, SweepStatus::Paused);
        run(&["resume", &id, "--server", &server.address]);
    }
    let log = follow(&server, sweep).await;
    let is = |name: &str| log.iter().filter(|entry| entry.event.name() == name).count();
    assert_eq!((is("pause_requested"), is("resumed"), is("lost")), (2, 2, 0));
    assert_eq!(&outcome(&server, sweep).await, expected().await);
}

/// A grid, small enough to be trained twice; its rate changes by step, so that epochs differ.
pub(super) fn grid(seeds: Value, levels: Value, epochs: u32) -> SweepSpec {
    serde_json::from_value(json!({
        "name": "grid",
        "recipe": {
            "dataset": { "name": "digits", "label_noise": 0.2, "n_train": 300, "n_val": 200 },
            "model": { "kind": "mlp", "hidden": [24], "batch_norm": true },
            "optimizer": { "kind": "sgd", "lr": 0.1, "momentum": 0.9,
                           "schedule": { "kind": "step", "every": 4, "factor": 0.5 } },
            "batch_size": 30,
            "epochs": epochs
        },
        "search": { "levels": levels, "seeds": seeds, "methods": ["flood", "iflood"] },
        "scheduler": { "kind": "grid" }
    }))
    .unwrap()
}

async fn completed(server: &Server, spec: &SweepSpec) -> SweepId {
    let sweep = server.client.submit(spec, None).await.unwrap().value.summary.id;
    follow(server, sweep).await;
    sweep
}

/// The level 0.02 is never reached, 1.9 in the first epoch, the others in between.
#[tokio::test]
async fn an_extended_grid_has_the_bits_of_one_submitted_so_from_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let _worker = worker(&server.address, "steady");
    let sweep = completed(&server, &grid(json!([0]), json!([0.9, 1.5]), 10)).await;
    let id = sweep.to_string();
    let more = ["--seeds", "1", "--levels", "1.2,0.02,1.9", "--epochs", "13", "--watch"];
    let said = run(&[&["extend", &id, "--server", &server.address], &more[..]].concat());
    assert!(said.contains("run-equivalents"), "{said}");
    let levels = json!([0.02, 0.9, 1.2, 1.5, 1.9]);
    let whole = completed(&server, &grid(json!([0, 1]), levels, 13)).await;
    let (mut grown, mut expected) = (outcome(&server, sweep).await, outcome(&server, whole).await);
    assert_eq!(grown.grid, expected.grid);
    // Two sweeps have no index of arms in common: what was added stands behind all others.
    for best in [&mut grown.best, &mut expected.best] {
        best["best"].as_object_mut().unwrap().remove("arm").unwrap();
    }
    for part in ["best", "baseline", "difference"] {
        assert_eq!(grown.best[part], expected.best[part], "{part}");
    }
    let spent = |best: &Value| best["run_equivalents"]["spent"].as_f64().unwrap();
    let again = spent(&grown.best) - spent(&expected.best);
    assert!((0.0..1.0).contains(&again), "{again} runs were trained again");
}
