//! What `serve` drops of ended sweeps, if it is told to.

use super::{
    follow,
    programs::{Server, refused},
};
use crate::support::{TestDatabase, eventually, on_both_databases};
use floodgauge_protocol::SweepId;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use std::{
    path::Path,
    time::{Duration, Instant},
};

on_both_databases! {
    what_ended_long_ago_goes_a_while_after_the_start_and_the_rest_stays,
}

const SWEEP: &str = r#"{
    "name": "old",
    "recipe": { "dataset": { "name": "two_gaussians" }, "batch_size": 50, "epochs": 4 },
    "search": { "levels": [0.1, 0.2] },
    "scheduler": { "kind": "grid" }
}"#;

async fn get(server: &Server, path: &str) -> Response {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(format!("{}{path}", server.address)).send().await.unwrap()
}

/// Asks until the answer is 404.
async fn gone(server: &Server, path: &str) {
    let is_gone = async || get(server, path).await.status() == StatusCode::NOT_FOUND;
    eventually(path, async || is_gone().await.then_some(())).await;
}

/// Has a sweep have ended so many minutes earlier.
async fn age(db: &TestDatabase, sweep: SweepId, minutes: u32) {
    let ms = minutes * 60_000;
    let older = format!("update sweeps set updated_ms = updated_ms - {ms} where sweep = '{sweep}'");
    db.execute(&older).await;
}

async fn what_ended_long_ago_goes_a_while_after_the_start_and_the_rest_stays(db: TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let start = |flags: &[&str]| serve(folder.path(), &db.url, flags);
    let server = start(&["--workers", "1"]);
    let spec = serde_json::from_str(SWEEP).unwrap();
    let mut sweeps = Vec::new();
    for _ in 0..3 {
        let sweep = server.client.submit(&spec, None).await.unwrap().value.summary.id;
        follow(&server, sweep).await;
        sweeps.push(sweep);
    }
    let [new, old, oldest] = sweeps[..] else { panic!("{sweeps:?}") };
    let model = |sweep: SweepId| format!("/v1/trials/{sweep}.0.0/model");
    let answers = |of: SweepId| {
        ["best", "curves", "grid", "table"].map(|part| format!("/v1/sweeps/{of}/{part}"))
    };
    let mut before = Vec::new();
    for path in &answers(old) {
        before.push(server.json(path).await);
    }
    let advised = before[0]["advice"].clone();
    let command = advised["command"].as_str().unwrap();
    assert!(command.starts_with("floodgauge extend"), "{command}");
    drop(server);
    age(&db, old, 90).await;
    age(&db, oldest, 150).await;

    let began = Instant::now();
    let kept = ["--keep-checkpoints", "1h", "--keep-sweeps", "2h", "--retention-delay", "3"];
    let server = start(&[&["--workers", "0"], &kept[..]].concat());
    gone(&server, &format!("/v1/sweeps/{oldest}")).await;
    assert!(began.elapsed() >= Duration::from_secs(3), "at once: {:?}", began.elapsed());
    gone(&server, &model(old)).await;
    assert_eq!(get(&server, &model(new)).await.status(), StatusCode::OK);
    assert_eq!(server.json("/v1/sweeps").await["items"].as_array().unwrap().len(), 2);
    for (path, before) in answers(old).iter().zip(&before) {
        let mut now = server.json(path).await;
        if let Some(advice) = now.get_mut("advice") {
            *advice = advised.clone();
        }
        assert_eq!(&now, before, "{path}");
    }
    // It is advised as before, and to do it otherwise.
    let best = format!("/v1/sweeps/{old}/best");
    let advice = server.json(&best).await["advice"].clone();
    assert_eq!(advice["needs_new_sweep"], true);
    assert_eq!(advice["command"], "floodgauge submit FILE");
    assert_eq!(advice["levels"], advised["levels"]);
    let list = server.json("/v1/sweeps").await;
    let is_old = |item: &&Value| item["id"] == json!(old);
    let listed = list["items"].as_array().unwrap().iter().find(is_old).unwrap();
    assert_eq!(listed["best"]["advice"], advice);
    let extend = format!("{}/v1/sweeps/{old}/extend", server.address);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let refused = client.post(extend).json(&json!({ "levels": [0.3] })).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["type"], "urn:floodgauge:problem:conflict");
    assert!(problem["detail"].as_str().unwrap().contains("checkpoints were dropped"), "{problem}");
}

fn serve(folder: &Path, database: &str, flags: &[&str]) -> Server {
    let common = ["--listen", "127.0.0.1:0", "--database-url", database];
    Server::with(folder, &[&common, flags].concat())
}

#[test]
fn a_time_so_short_that_it_must_be_a_slip_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for flag in ["--keep-sweeps", "--keep-checkpoints"] {
        let said = refused(&["serve", "--data-dir", folder.path().to_str().unwrap(), flag, "0d"]);
        assert!(said.contains(flag) && said.contains("at least 1h"), "{said}");
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "nothing is made");
}
