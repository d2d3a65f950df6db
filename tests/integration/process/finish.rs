//! Sweeps that are extended by levels of their own, which were probed or pruned, trained by real workers.

use super::{
    follow,
    lifecycle::grid,
    outcome,
    programs::{Server, refused, run, worker},
};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge_protocol::{SweepId, SweepSpec};
use serde_json::{Value, json};

on_both_databases! {
    what_a_search_pruned_is_finished_with_the_bits_of_a_grid,
}

/// The level 0.02 is never reached, 1.9 in the first epoch, the others in between.
fn spec(scheduler: &str) -> SweepSpec {
    let levels = json!([0.02, 0.6, 0.9, 1.2, 1.5, 1.7, 1.9]);
    let mut spec = serde_json::to_value(grid(json!([0, 1]), levels, 12)).unwrap();
    spec["scheduler"] = json!({ "kind": scheduler });
    serde_json::from_value(spec).unwrap()
}

async fn completed(server: &Server, spec: &SweepSpec) -> SweepId {
    let sweep = server.client.submit(spec, None).await.unwrap().value.summary.id;
    follow(server, sweep).await;
    sweep
}

/// The levels of which some seed has something left to train, as they are written.
async fn unfinished(server: &Server, sweep: SweepId) -> Vec<String> {
    let trials = server.json(&format!("/v1/sweeps/{sweep}/trials")).await;
    let trials = trials["items"].as_array().unwrap();
    let left = trials.iter().filter(|trial| trial["status"] != "completed");
    let mut levels: Vec<String> = left.map(|trial| trial["b"].to_string()).collect();
    levels.sort();
    levels.dedup();
    levels
}

/// Every row of every curve, without the sweep's spec.
fn rows(grid: &str) -> Value {
    let mut grid: Value = serde_json::from_str(grid).unwrap();
    grid.as_object_mut().unwrap().remove("spec").unwrap();
    grid
}

async fn what_a_search_pruned_is_finished_with_the_bits_of_a_grid(db: TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), Some(&db.url));
    let _worker = worker(&server.address, "steady");
    let whole = completed(&server, &spec("grid")).await;
    let expected = outcome(&server, whole).await;
    for scheduler in ["sha", "halving", "asha", "hyperband"] {
        let sweep = completed(&server, &spec(scheduler)).await;
        let left = unfinished(&server, sweep).await;
        assert!(!left.is_empty(), "{scheduler} trained all");
        let (id, levels) = (sweep.to_string(), left.join(","));
        let extend = ["extend", &id, "--levels", &levels, "--server", &server.address];
        let said = run(&[&extend[..], &["--watch"]].concat());
        assert!(said.contains("run-equivalents"), "{said}");
        assert!(unfinished(&server, sweep).await.is_empty(), "{scheduler}");
        let grown = outcome(&server, sweep).await;
        assert_eq!(rows(&grown.grid), rows(&expected.grid), "{scheduler}");
        for part in ["best", "baseline", "difference"] {
            assert_eq!(grown.best[part], expected.best[part], "{part} of {scheduler}");
        }
        let complaint = refused(&extend);
        let words = format!("b = {} is trained with every seed already", left[0]);
        assert!(complaint.contains(&words), "{complaint}");
    }
    // What was stored on the way is what the log says.
    let at = folder.path().to_str().unwrap();
    let data = folder.path().join("data");
    let flags = ["--data-dir", at, "--data", data.to_str().unwrap(), "--database-url", &db.url];
    let said = run(&[&["doctor"][..], &flags[..], &["--server", &server.address]].concat());
    assert!(said.contains("sweeps replay to what is stored of them"), "{said}");
}
