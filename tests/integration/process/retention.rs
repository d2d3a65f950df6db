//! What `serve` drops of ended sweeps, if it is told to.

use super::{follow, programs::Server};
use crate::support::postgres;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use tokio::time::timeout;

const SWEEP: &str = r#"{
    "name": "old",
    "recipe": { "dataset": { "name": "spiral" }, "batch_size": 50, "epochs": 4 },
    "search": { "levels": [0.1, 0.2] },
    "scheduler": { "kind": "grid" }
}"#;

async fn get(server: &Server, path: &str) -> Response {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(format!("{}{path}", server.address)).send().await.unwrap()
}

/// Asks until the answer is 404: the server looks as soon as it has started.
async fn gone(server: &Server, path: &str) {
    let asked = async { while get(server, path).await.status() != StatusCode::NOT_FOUND {} };
    let in_time = timeout(Duration::from_secs(60), asked).await;
    assert!(in_time.is_ok(), "{path} stays");
}

async fn with_bounded_retention(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let start = |flags: &[&str]| serve(folder.path(), database, flags);
    let server = start(&["--workers", "1"]);
    let spec = serde_json::from_str(SWEEP).unwrap();
    let sweep = server.client.submit(&spec, None).await.unwrap().value.summary.id;
    follow(&server, sweep).await;
    let model = format!("/v1/trials/{sweep}.0.0/model");
    assert_eq!(get(&server, &model).await.status(), StatusCode::OK);
    let kept = ["curves", "grid", "table"].map(|of| format!("/v1/sweeps/{sweep}/{of}"));
    let best = format!("/v1/sweeps/{sweep}/best");
    let best_before = server.json(&best).await;
    let command = best_before["advice"]["command"].as_str().unwrap();
    assert!(command.starts_with("floodgauge extend"), "{command}");
    let mut before = Vec::new();
    for path in &kept {
        before.push(server.json(path).await);
    }
    drop(server);

    let server = start(&["--workers", "0", "--keep-checkpoints", "1h"]);
    assert_eq!(get(&server, &model).await.status(), StatusCode::OK);
    drop(server);

    let server = start(&["--workers", "0", "--keep-checkpoints", "0s"]);
    gone(&server, &model).await;
    for (path, before) in kept.iter().zip(&before) {
        assert_eq!(&server.json(path).await, before, "{path}");
    }
    // It is advised as before, and to do it otherwise.
    let mut best = server.json(&best).await;
    let advice = best["advice"].clone();
    assert_eq!(advice["needs_new_sweep"], true);
    assert_eq!(advice["command"], "floodgauge submit FILE");
    assert_eq!(advice["levels"], best_before["advice"]["levels"]);
    assert_eq!(server.json("/v1/sweeps").await["items"][0]["best"]["advice"], advice);
    best["advice"] = best_before["advice"].clone();
    assert_eq!(best, best_before);
    let extend = format!("{}/v1/sweeps/{sweep}/extend", server.address);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let refused = client.post(extend).json(&json!({ "levels": [0.3] })).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["type"], "urn:floodgauge:problem:conflict");
    assert!(problem["detail"].as_str().unwrap().contains("checkpoints were dropped"), "{problem}");
    drop(server);

    let server = start(&["--workers", "0", "--keep-sweeps", "0s"]);
    gone(&server, &format!("/v1/sweeps/{sweep}")).await;
    assert_eq!(server.json("/v1/sweeps").await["items"], json!([]));
}

fn serve(folder: &Path, database: Option<&str>, flags: &[&str]) -> Server {
    let mut all = vec!["--listen", "127.0.0.1:0"];
    all.extend(flags);
    all.extend(database.iter().flat_map(|url| ["--database-url", url]));
    Server::with(folder, &all)
}

#[tokio::test]
async fn checkpoints_and_then_sweeps_go_when_their_time_has_come_on_sqlite() {
    with_bounded_retention(None).await;
}

#[tokio::test]
async fn checkpoints_and_then_sweeps_go_when_their_time_has_come_on_postgres() {
    with_bounded_retention(Some(&postgres::new_database().await)).await;
}
