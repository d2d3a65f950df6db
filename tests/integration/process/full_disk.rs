//! A server whose files can't grow any more, as on a full disk or at the end of a quota.

use super::{
    follow, outcome,
    programs::{Server, worker},
};
use crate::{
    http::worker::checkpoint,
    support::{eventually, on_either_database},
};
use floodgauge::{client::LogEntry, scheduler::Event};
use floodgauge_protocol::{
    ArmIx, Digest,
    work::{Assignment, LEASE_TOKEN_HEADER},
};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sha2::Digest as _;
use std::{
    process::Command,
    time::{Duration, Instant},
};

on_either_database! { a_full_disk_is_told_as_unavailable_and_outlived }

/// Bounds the size of every file that a server writes to; `unlimited` lifts that.
fn bound_files(server: &Server, bytes: &str) {
    let limit = format!("--fsize={bytes}:");
    let id = server.process.id().to_string();
    assert!(Command::new("prlimit").args(["--pid", &id, &limit]).status().unwrap().success());
}

fn sweep(name: &str) -> Value {
    json!({
        "name": name,
        "recipe": { "dataset": { "name": "spiral" }, "epochs": 4 },
        "search": { "levels": [0.1] }
    })
}

async fn come_back(response: Response) {
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["type"], "urn:floodgauge:problem:unavailable");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("the disk of the "), "{detail}");
}

async fn a_full_disk_is_told_as_unavailable_and_outlived(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), database);
    // A server that answers before it has read a body ends the connection.
    let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    let ask =
        |method: Method, path: &str| http.request(method, format!("{}{path}", server.address));
    let send = async |request: RequestBuilder| request.send().await.unwrap();

    let submit = |name: &str| ask(Method::POST, "/v1/sweeps").json(&sweep(name));
    assert_eq!(send(submit("before")).await.status(), StatusCode::CREATED);
    let claim = json!({ "worker": "scripted", "fingerprint": "test", "wait_s": 5 });
    let work = send(ask(Method::POST, "/v1/work/claim").json(&claim)).await;
    let work: Assignment = work.json().await.unwrap();
    let state = checkpoint(&work, 2, ArmIx::PLAIN);
    assert!(state.len() > 50_000);
    let digest = Digest(sha2::Sha256::digest(&state).into());
    let upload = || {
        ask(Method::PUT, &format!("/v1/work/{}/blobs/{digest}", work.lease.lease))
            .header(LEASE_TOKEN_HEADER, &work.lease.token)
            .body(state.clone())
    };
    let table: String = (0..2_000).map(|i| format!("{}.5,{}.25,{}\n", i, i % 7, i % 2)).collect();
    let add = || {
        ask(Method::POST, "/v1/datasets?name=numbers")
            .header("content-type", "text/csv")
            .body(table.clone())
    };

    let metrics = async || send(ask(Method::GET, "/metrics")).await.text().await.unwrap();

    bound_files(&server, "4096");
    come_back(send(upload()).await).await;
    come_back(send(add()).await).await;
    if database.is_none() {
        // Its file can't grow either.
        come_back(send(submit("meanwhile")).await).await;
    }
    for path in ["/livez", "/v1/sweeps", "/metrics"] {
        assert_eq!(send(ask(Method::GET, path)).await.status(), StatusCode::OK, "{path}");
    }
    come_back(send(ask(Method::GET, "/readyz")).await).await;
    assert!(metrics().await.contains("floodgauge_disk_unwritable 1\n"));

    bound_files(&server, "unlimited");
    let ready = async || send(ask(Method::GET, "/readyz")).await.status() == StatusCode::OK;
    eventually("ready", async || ready().await.then_some(())).await;
    assert!(metrics().await.contains("floodgauge_disk_unwritable 0\n"));
    assert_eq!(send(upload()).await.status(), StatusCode::CREATED);
    assert_eq!(send(add()).await.status(), StatusCode::CREATED);
    assert_eq!(send(submit("after")).await.status(), StatusCode::CREATED);
    let left = std::fs::read_dir(folder.path().join("blobs/incoming"));
    assert_eq!(left.map_or(0, Iterator::count), 0, "nothing half written stays");
}

#[tokio::test]
async fn a_full_disk_is_found_before_anybody_uploads() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ready = async || http.get(format!("{}/readyz", server.address)).send().await.unwrap();
    assert_eq!(ready().await.status(), StatusCode::OK);
    bound_files(&server, "4096");
    let until = async |status: StatusCode| {
        eventually(status.as_str(), async || (ready().await.status() == status).then_some(())).await
    };
    until(StatusCode::SERVICE_UNAVAILABLE).await;
    come_back(ready().await).await;
    bound_files(&server, "unlimited");
    let began = Instant::now();
    until(StatusCode::OK).await;
    // What was met last was met before that, by a look at the latest one earlier.
    assert!(began.elapsed() >= Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_worker_outlasts_a_full_disk_and_its_sweep_completes() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let undisturbed = Server::start(&folder.path().join("peace"), None);
    let spec = serde_json::from_value(sweep("borne")).unwrap();
    let sweeps =
        async |server: &Server| server.client.submit(&spec, None).await.unwrap().value.summary.id;
    let (id, calm) = (sweeps(&server).await, sweeps(&undisturbed).await);
    bound_files(&server, "4096");
    let _workers = [worker(&server.address, "patient"), worker(&undisturbed.address, "calm")];
    follow(&undisturbed, calm).await;
    bound_files(&server, "unlimited");
    let log = follow(&server, id).await;
    let is_blamed = |entry: &LogEntry| matches!(entry.event, Event::Failed { .. });
    assert!(!log.iter().any(is_blamed), "nobody failed");
    assert_eq!(outcome(&server, id).await, outcome(&undisturbed, calm).await);
}
