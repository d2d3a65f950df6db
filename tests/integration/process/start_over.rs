//! `serve --start-over-after`, over a restart.

use super::{entries, programs::Server, until};
use crate::{
    http::{server::small, worker},
    support::{eventually, on_either_database},
};
use floodgauge::{client::LogEntry, scheduler::Event};
use floodgauge_protocol::work::{Assignment, LEASE_TOKEN_HEADER};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::path::Path;

on_either_database! {
    a_machine_that_is_gone_is_waited_for_as_long_as_told_and_over_a_restart,
}

/// How long a family waits here for its kind of machine. Leases last two seconds.
const AFTER: [&str; 2] = ["--start-over-after", "3s"];

fn start(folder: &Path, database: Option<&str>) -> Server {
    Server::start_with(folder, database, &AFTER, &[])
}

fn ask(server: &Server, method: Method, path: &str) -> RequestBuilder {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.request(method, format!("{}{path}", server.address))
}

/// What a worker of a kind of machine is given.
async fn claim(server: &Server, fingerprint: &str) -> Option<Assignment> {
    let claim = json!({ "worker": fingerprint, "fingerprint": fingerprint, "wait_s": 1 });
    let given = ask(server, Method::POST, "/v1/work/claim").json(&claim).send().await.unwrap();
    match given.status() {
        StatusCode::OK => Some(given.json().await.unwrap()),
        status => {
            assert_eq!(status, StatusCode::NO_CONTENT);
            None
        }
    }
}

/// Waits until the log tells of it.
async fn started_over(server: &Server, sweep: &str) {
    let is_it = |entry: &LogEntry| matches!(entry.event, Event::StartedOver { .. });
    until(entries(server, sweep.parse().unwrap()), 1, is_it).await;
}

/// What a sweep has cost so far.
async fn cost(server: &Server, sweep: &str) -> Value {
    server.json(&format!("/v1/sweeps/{sweep}/best")).await["run_equivalents"].clone()
}

async fn a_machine_that_is_gone_is_waited_for_as_long_as_told_and_over_a_restart(
    database: Option<&str>,
) {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), database);
    let submitted = ask(&server, Method::POST, "/v1/sweeps").json(&small("left"));
    let submitted: Value = submitted.send().await.unwrap().json().await.unwrap();
    let sweep = submitted["id"].as_str().unwrap().to_owned();
    let begun = claim(&server, "gone").await.unwrap();
    let rows = json!({ "rows": worker::rows(&begun, 1) });
    let path = format!("/v1/work/{}/reports", begun.lease.lease);
    let report = ask(&server, Method::POST, &path).header(LEASE_TOKEN_HEADER, &begun.lease.token);
    assert_eq!(report.json(&rows).send().await.unwrap().status(), StatusCode::OK);

    // A server that has just started waits anew: it doesn't know who was there before.
    let server = server.replace_with(folder.path(), database, &AFTER);
    assert_eq!(claim(&server, "another").await, None, "its kind may still come back");
    let again = eventually("given to another kind", async || claim(&server, "another").await).await;
    assert_eq!(again.segment.from_step, 0, "from the beginning");
    started_over(&server, &sweep).await;
    let before = cost(&server, &sweep).await;
    assert!(before["left_behind"].as_f64().unwrap() > 0.0, "{before}");

    let server = server.replace_with(folder.path(), database, &AFTER);
    assert_eq!(cost(&server, &sweep).await, before, "the log says the same");
    started_over(&server, &sweep).await;
}
