//! A server whose files can't grow any more, as on a full disk or at the end of a quota.

use super::programs::Server;
use crate::{http::worker::checkpoint, support::postgres};
use floodgauge_protocol::{
    ArmIx, Digest,
    work::{Assignment, LEASE_TOKEN_HEADER},
};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sha2::Digest as _;
use std::process::Command;

/// Bounds the size of every file that a server writes to; `unlimited` lifts that.
fn bound_files(server: &Server, bytes: &str) {
    let limit = format!("--fsize={bytes}:");
    let id = server.process.id().to_string();
    assert!(Command::new("prlimit").args(["--pid", &id, &limit]).status().unwrap().success());
}

async fn come_back(response: Response) {
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["type"], "urn:floodgauge:problem:unavailable");
}

async fn with_a_full_disk(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), database);
    // A server that answers before it has read a body ends the connection.
    let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    let ask =
        |method: Method, path: &str| http.request(method, format!("{}{path}", server.address));
    let send = async |request: RequestBuilder| request.send().await.unwrap();

    let sweep = |name: &str| {
        json!({
            "name": name,
            "recipe": { "dataset": { "name": "spiral" }, "epochs": 4 },
            "search": { "levels": [0.1] }
        })
    };
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

    bound_files(&server, "4096");
    come_back(send(upload()).await).await;
    come_back(send(add()).await).await;
    if database.is_none() {
        // Its file can't grow either.
        come_back(send(submit("meanwhile")).await).await;
    }
    for path in ["/livez", "/readyz", "/v1/sweeps", "/metrics"] {
        assert_eq!(send(ask(Method::GET, path)).await.status(), StatusCode::OK, "{path}");
    }

    bound_files(&server, "unlimited");
    assert_eq!(send(upload()).await.status(), StatusCode::CREATED);
    assert_eq!(send(add()).await.status(), StatusCode::CREATED);
    assert_eq!(send(submit("after")).await.status(), StatusCode::CREATED);
    let left = std::fs::read_dir(folder.path().join("blobs/incoming"));
    assert_eq!(left.map_or(0, Iterator::count), 0, "nothing half written stays");
}

#[tokio::test]
async fn a_full_disk_is_told_as_unavailable_and_outlived_on_sqlite() {
    with_a_full_disk(None).await;
}

#[tokio::test]
async fn a_full_disk_is_told_as_unavailable_and_outlived_on_postgres() {
    with_a_full_disk(Some(&postgres::new_database().await)).await;
}
