//! Claims that wait for work.

use super::{
    server::{Server, small},
    worker::{claim, epochs, post, rows},
};
use floodgauge_protocol::work::{Assignment, ClaimRequest};
use reqwest::StatusCode;
use serde_json::json;
use std::collections::HashSet;
use tokio::task::JoinSet;

/// Who waits, with a claim that is open for half a minute.
async fn wait(server: &Server, count: usize) -> JoinSet<Option<Assignment>> {
    let (before, mut waiting) = (looks(server).await, JoinSet::new());
    for number in 0..count {
        let driver = server.driver.clone();
        let worker = format!("idle {number}");
        waiting.spawn(async move {
            let request = ClaimRequest { worker, fingerprint: "test".into(), wait_s: 30 };
            driver.claim(&request, 2).await.unwrap()
        });
    }
    // Each looks once before it waits.
    while looks(server).await < before + count as u64 {}
    waiting
}

/// How often claims have looked at the queue.
async fn looks(server: &Server) -> u64 {
    let text = server.get("/metrics").await.text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("floodgauge_claim_looks_total "));
    line.expect("the looks are counted").parse().unwrap()
}

#[tokio::test]
async fn a_commit_without_new_work_wakes_none_of_those_who_wait() {
    let server = Server::start().await;
    // A segment is a tenth of a run: 40 epochs.
    let mut spec = small("reported");
    spec["recipe"]["epochs"] = json!(400);
    server.submit(&spec).await;
    let work = claim(&server, "busy", 0).await.unwrap();
    let mut waiting = wait(&server, 100).await;
    let before = looks(&server).await;
    assert_eq!(epochs(&work), 1..=40);
    for epoch in epochs(&work) {
        let answer = post(&server, &work, "reports", &json!({ "rows": rows(&work, epoch) })).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    // One looks every second, whatever happens.
    let looked = looks(&server).await - before;
    assert!(looked < 100, "{looked} looks while 40 reports were committed");
    waiting.shutdown().await;
}

#[tokio::test]
async fn work_for_some_goes_to_as_many_of_those_who_wait_and_lets_the_others_be() {
    let server = Server::start().await;
    let mut waiting = wait(&server, 100).await;
    let before = looks(&server).await;
    let mut spec = small("late");
    spec["search"]["seeds"] = json!([0, 1, 2, 3]);
    server.submit(&spec).await;
    let mut given = HashSet::new();
    while given.len() < 4 {
        let work = waiting.join_next().await.unwrap().unwrap();
        given.insert(work.expect("nobody's time is up").segment.segment);
    }
    let looked = looks(&server).await - before;
    assert!(looked < 50, "{looked} looks of 100 claims for 4 segments");
    waiting.shutdown().await;
}

#[tokio::test]
async fn every_waiting_claim_ends_when_the_server_is_to_end() {
    let server = Server::start().await;
    let mut waiting = wait(&server, 20).await;
    server.driver.drain();
    while let Some(ended) = waiting.join_next().await {
        assert!(ended.unwrap().is_none());
    }
}
