//! Families whose kind of machine is gone.

use super::{
    server::{Server, small},
    worker::{claim, epochs, post, rows, train},
};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge_protocol::work::Assignment;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

on_both_databases! {
    a_family_whose_machine_is_gone_starts_over_on_another_kind_and_its_sweep_ends,
    a_family_that_was_claimed_and_never_begun_is_for_any_kind,
    a_server_that_starts_after_it_goes_on_where_the_family_starts_over,
}

/// What a worker of another kind than the usual one is given.
async fn claim_on(server: &Server, fingerprint: &str) -> Option<Assignment> {
    let body = json!({ "worker": fingerprint, "fingerprint": fingerprint, "wait_s": 0 });
    let response = server.post("/v1/work/claim", &body).await;
    match response.status() {
        StatusCode::OK => Some(response.json().await.unwrap()),
        StatusCode::NO_CONTENT => None,
        status => panic!("{status}: {}", response.text().await.unwrap()),
    }
}

/// Ends a lease as time would.
async fn expire(db: &TestDatabase, work: &Assignment) {
    db.store.renew(work.lease.lease, &work.lease.token, Duration::ZERO).await.unwrap();
}

async fn cost(server: &Server, sweep: &str) -> Value {
    server.json(&format!("/v1/sweeps/{sweep}/best")).await["run_equivalents"].clone()
}

async fn a_family_whose_machine_is_gone_starts_over_on_another_kind_and_its_sweep_ends(
    db: TestDatabase,
) {
    let server = Server::on_folder(tempfile::tempdir().unwrap(), db.store.clone()).await;
    let mut spec = small("left");
    spec["recipe"]["epochs"] = json!(8);
    spec["search"]["seeds"] = json!([0, 1, 2]);
    let sweep = server.submit(&spec).await;
    // One family is begun here, and the machine goes away with the second segment half done.
    let first = claim(&server, "gone", 0).await.unwrap();
    train(&server, &first).await;
    let second = claim(&server, "gone", 0).await.unwrap();
    let some: Vec<_> = epochs(&second).take(1).flat_map(|epoch| rows(&second, epoch)).collect();
    let answer = post(&server, &second, "reports", &json!({ "rows": some })).await;
    assert_eq!(answer.status(), StatusCode::OK);
    expire(&db, &second).await;
    // The other kind is at work meanwhile, and so is not gone.
    let elsewhere = claim_on(&server, "another").await.unwrap();
    server.driver.start_over(Duration::ZERO).await.unwrap();
    train(&server, &elsewhere).await;
    while let Some(work) = claim_on(&server, "another").await {
        train(&server, &work).await;
    }
    assert_eq!(server.json(&format!("/v1/sweeps/{sweep}")).await["status"], "completed");
    // Its rows are no part of the answer, and were paid for.
    let calm = Server::start().await;
    let quiet = calm.submit(&spec).await;
    super::worker::train_all(&calm).await;
    let curves = |server, sweep: String| async move {
        let server: &Server = server;
        server.json(&format!("/v1/sweeps/{sweep}/curves")).await
    };
    assert_eq!(curves(&server, sweep.clone()).await, curves(&calm, quiet.clone()).await);
    let (left, without) = (cost(&server, &sweep).await, cost(&calm, &quiet).await);
    assert!(left["left_behind"].as_f64().unwrap() > 0.0, "{left}");
    assert_eq!(without["left_behind"], 0.0);
    assert!(left["spent"].as_f64() > without["spent"].as_f64(), "{left} {without}");
    let log = server.log(&sweep).await;
    let entry = log.iter().find(|entry| entry["event"]["type"] == "started_over").unwrap();
    assert_eq!(entry["event"]["fingerprint"], "test");
    let line = entry["lines"][0]["text"].as_str().unwrap();
    assert!(line.contains("seed 0") && line.contains("another kind of machine"), "{line}");
}

async fn a_server_that_starts_after_it_goes_on_where_the_family_starts_over(db: TestDatabase) {
    let server = Server::on_folder(tempfile::tempdir().unwrap(), db.store.clone()).await;
    let mut spec = small("restarted");
    spec["recipe"]["epochs"] = json!(8);
    let sweep = server.submit(&spec).await;
    let begun = claim(&server, "gone", 0).await.unwrap();
    let some: Vec<_> = epochs(&begun).take(1).flat_map(|epoch| rows(&begun, epoch)).collect();
    let answer = post(&server, &begun, "reports", &json!({ "rows": some })).await;
    assert_eq!(answer.status(), StatusCode::OK);
    expire(&db, &begun).await;
    assert_eq!(claim_on(&server, "another").await, None, "it is pinned");
    server.driver.start_over(Duration::ZERO).await.unwrap();
    let before = server.json(&format!("/v1/sweeps/{sweep}")).await;
    let spent = cost(&server, &sweep).await;
    assert!(spent["left_behind"].as_f64().unwrap() > 0.0, "{spent}");

    // All that the next server has is the log and its projections.
    let next = Server::on_folder(tempfile::tempdir().unwrap(), db.open_again().await).await;
    let id = sweep.parse().unwrap();
    assert_eq!(*next.driver.sweep(id).await.unwrap(), *server.driver.sweep(id).await.unwrap());
    drop(server);
    let after = next.json(&format!("/v1/sweeps/{sweep}")).await;
    assert_eq!((&after["seq"], &after["status"]), (&before["seq"], &before["status"]));
    assert_eq!(cost(&next, &sweep).await, spent);
    let late = post(&next, &begun, "reports", &json!({ "rows": some })).await;
    assert_eq!(late.status(), StatusCode::CONFLICT, "what the first machine still has is refused");
    while let Some(work) = claim_on(&next, "another").await {
        train(&next, &work).await;
    }
    assert_eq!(next.json(&format!("/v1/sweeps/{sweep}")).await["status"], "completed");
    let calm = Server::start().await;
    let quiet = calm.submit(&spec).await;
    super::worker::train_all(&calm).await;
    let curves = async |server: &Server, sweep: &str| {
        server.json(&format!("/v1/sweeps/{sweep}/curves")).await
    };
    assert_eq!(curves(&next, &sweep).await, curves(&calm, &quiet).await);
    // And once more from the log alone, now that it is over.
    let last = Server::on_folder(tempfile::tempdir().unwrap(), db.open_again().await).await;
    assert_eq!(*last.driver.sweep(id).await.unwrap(), *next.driver.sweep(id).await.unwrap());
}

async fn a_family_that_was_claimed_and_never_begun_is_for_any_kind(db: TestDatabase) {
    let server = Server::on_folder(tempfile::tempdir().unwrap(), db.store.clone()).await;
    let sweep = server.submit(&small("claimed")).await;
    let begun = claim(&server, "gone", 0).await.unwrap();
    assert_eq!(claim_on(&server, "another").await, None, "somebody is at it");
    expire(&db, &begun).await;
    let work = claim_on(&server, "another").await.expect("its lease is over");
    train(&server, &work).await;
    while let Some(work) = claim_on(&server, "another").await {
        train(&server, &work).await;
    }
    assert_eq!(server.json(&format!("/v1/sweeps/{sweep}")).await["status"], "completed");
}
