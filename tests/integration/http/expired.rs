//! Leases that expire before anybody takes their segments over.

use super::{
    server::{Server, small},
    worker::{claim, epochs, post, rows, train, train_all},
};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge_protocol::work::Assignment;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

on_both_databases! {
    a_killed_workers_lease_is_told_once_it_is_over_and_before_anybody_takes_its_place,
    a_worker_that_comes_back_before_anybody_took_its_place_goes_on,
}

/// Ends a lease as time would.
async fn expire(db: &TestDatabase, work: &Assignment) {
    db.store.renew(work.lease.lease, &work.lease.token, Duration::ZERO).await.unwrap();
}

async fn detail(server: &Server, sweep: &str) -> Value {
    server.json(&format!("/v1/sweeps/{sweep}")).await
}

/// The types of a log's events.
fn types(log: &[Value]) -> Vec<&str> {
    log.iter().map(|entry| entry["event"]["type"].as_str().unwrap()).collect()
}

async fn a_killed_workers_lease_is_told_once_it_is_over_and_before_anybody_takes_its_place(
    db: TestDatabase,
) {
    let server = Server::on_folder(tempfile::tempdir().unwrap(), db.store.clone()).await;
    let sweep = server.submit(&small("left")).await;
    let work = claim(&server, "killed", 0).await.unwrap();
    server.driver.tell_expired().await.unwrap();
    assert_eq!(detail(&server, &sweep).await["seq"], 2, "it is alive");
    expire(&db, &work).await;
    // However often it is looked, and by whichever server.
    let beside = Server::on_folder(tempfile::tempdir().unwrap(), db.open_again().await).await;
    for _ in 0..3 {
        server.driver.tell_expired().await.unwrap();
        beside.driver.tell_expired().await.unwrap();
    }
    let told = detail(&server, &sweep).await;
    assert_eq!(told["seq"], 3, "once");
    let waits = told["waits_for"].as_str().unwrap();
    assert!(waits.contains("the lease of worker killed expired"), "{waits}");

    let again = claim(&server, "next", 0).await.unwrap();
    assert_eq!(detail(&server, &sweep).await["waits_for"], Value::Null);
    train(&server, &again).await;
    train_all(&server).await;
    let log = server.log(&sweep).await;
    let begin = ["submitted", "claimed", "expired", "lost", "claimed"];
    assert_eq!(types(&log)[..5], begin);
    let line = &log[2]["lines"][0];
    let text = line["text"].as_str().unwrap();
    assert_eq!(text, "the lease of worker killed expired; segment 0 waits for another");
    assert_eq!(line["news"], true);
    assert_eq!(log[2]["decisions"], json!([]));
}

async fn a_worker_that_comes_back_before_anybody_took_its_place_goes_on(db: TestDatabase) {
    let server = Server::on_folder(tempfile::tempdir().unwrap(), db.store.clone()).await;
    let sweep = server.submit(&small("late")).await;
    let work = claim(&server, "asleep", 0).await.unwrap();
    for epoch in epochs(&work).take(2) {
        expire(&db, &work).await;
        server.driver.tell_expired().await.unwrap();
        let answer = post(&server, &work, "reports", &json!({ "rows": rows(&work, epoch) })).await;
        assert_eq!(answer.status(), StatusCode::OK);
        server.driver.tell_expired().await.unwrap();
    }
    train(&server, &work).await;
    train_all(&server).await;
    assert_eq!(detail(&server, &sweep).await["status"], "completed");
    let log = server.log(&sweep).await;
    let count = |of: &str| types(&log).iter().filter(|name| **name == of).count();
    assert_eq!((count("expired"), count("lost")), (1, 0), "once a claim");
}
