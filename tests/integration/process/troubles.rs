//! Workers on bad machines beside good ones.

use super::{
    follow,
    programs::{Process, Server, run, worker_with},
};
use crate::support::{eventually, postgres};
use floodgauge::scheduler::{Event, TrialStatus};
use floodgauge_protocol::{SweepId, SweepSpec};
use std::{collections::BTreeSet, fs, process::Command};

/// So large a file that a worker which may write 128 KiB can't keep it: 24,000 rows, the class their sign.
fn table() -> String {
    (0..24_000)
        .map(|i| {
            let (x, y) =
                (f64::from(i * 7 % 600) / 300.0 - 1.0, f64::from(i * 11 % 600) / 300.0 - 1.0);
            format!("{x:.3},{y:.3},{}\n", u8::from(x + y > 0.0))
        })
        .collect()
}

fn spec(number: u32) -> SweepSpec {
    serde_json::from_value(serde_json::json!({
        "name": format!("signs {number}"),
        "recipe": {
            "dataset": { "name": "signs", "n_train": 200, "n_val": 100 },
            "model": { "kind": "mlp", "hidden": [8] },
            "epochs": 4
        },
        "search": { "levels": [0.3], "seeds": [number] },
        "scheduler": { "kind": "grid" }
    }))
    .unwrap()
}

/// Bounds the size of every file that a worker writes.
fn bound_files(worker: &Process, bytes: u32) {
    let (id, limit) = (worker.id().to_string(), format!("--fsize={bytes}:"));
    assert!(Command::new("prlimit").args(["--pid", &id, &limit]).status().unwrap().success());
}

/// Waits until a sweep's answer names a worker in trouble.
async fn named(server: &Server, sweep: SweepId, worker: &str) {
    eventually(worker, async || {
        let told = server.json(&format!("/v1/sweeps/{sweep}")).await;
        let troubled = told["troubled_workers"].as_array().unwrap();
        troubled.iter().any(|of| of["worker"] == worker).then_some(())
    })
    .await;
}

/// One worker that can't write its cache, one that can't write enough of it, and later two good ones.
async fn with_bad_workers(database: Option<&str>) {
    let folders: [_; 4] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let path = |at: usize| folders[at].path().to_str().unwrap();
    let server = Server::start(folders[0].path(), database);
    let file = folders[1].path().join("signs.csv");
    fs::write(&file, table()).unwrap();
    run(&["dataset", "add", file.to_str().unwrap(), "--server", &server.address]);

    let unwritable = format!("{}/below", file.display());
    let _unwritable = worker_with(&server.address, "unwritable", &["--cache", &unwritable]);
    let small = worker_with(&server.address, "small", &["--cache", path(2)]);
    bound_files(&small, 128 << 10);
    let mut sweeps = vec![];
    for number in 0..8 {
        sweeps.push(server.client.submit(&spec(number), None).await.unwrap().value.summary.id);
    }
    named(&server, sweeps[0], "unwritable").await;
    let id = sweeps[0].to_string();
    let shown = run(&["show", &id, "--server", &server.address]);
    assert!(shown.contains("worker unwritable is in trouble: the cache "), "{shown}");
    // What the other one takes it hands back.
    named(&server, sweeps[0], "small").await;

    let _good =
        ["one", "two"].map(|name| worker_with(&server.address, name, &["--cache", path(3)]));
    let mut handed_back = 0;
    for sweep in sweeps {
        let log = follow(&server, sweep).await;
        let workers: BTreeSet<_> = log
            .iter()
            .filter_map(|entry| match &entry.event {
                Event::HandedBack { worker, .. } => Some(worker.as_str()),
                Event::Failed { message, .. } => panic!("{message}"),
                _ => None,
            })
            .collect();
        assert!(workers.iter().all(|worker| *worker == "small"), "{workers:?}");
        handed_back += workers.len();
        let trials = server.client.trials(sweep).await.unwrap().value.items;
        assert!(trials.iter().all(|trial| trial.status != TrialStatus::Failed));
    }
    assert!(handed_back > 0, "the small one took nothing");
}

#[tokio::test]
async fn bad_machines_beside_good_ones_fail_no_sweep_on_sqlite() {
    with_bad_workers(None).await;
}

#[tokio::test]
async fn bad_machines_beside_good_ones_fail_no_sweep_on_postgres() {
    with_bad_workers(Some(&postgres::new_database().await)).await;
}
