//! The same bits: what contradicts a report, and which machine a family stays with.

use super::{
    server::{Server, small},
    worker::{claim, post, rows, train},
};
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test]
async fn an_epoch_reported_again_with_other_bits_is_an_event_and_the_first_report_stands() {
    let server = Server::start().await;
    let sweep = server.submit(&small("contradicted")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let first = rows(&work, 1);
    let mut other = first.clone();
    other[0]["metrics"]["val_loss"] =
        json!(first[0]["metrics"]["val_loss"].as_f64().unwrap().next_up());
    for rows in [&first, &other] {
        let answer = post(&server, &work, "reports", &json!({ "rows": rows })).await;
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
    }
    let entries = server.driver.store().entries(sweep.parse().unwrap(), 0, 100).await.unwrap();
    let events: Vec<_> = entries.iter().map(|entry| &entry.event).collect();
    let last = events.last().unwrap();
    assert_eq!(last["type"], "nondeterminism");
    assert_eq!(last["rows"][0]["metrics"]["val_loss"], other[0]["metrics"]["val_loss"]);
    let curves = server.json(&format!("/v1/sweeps/{sweep}/curves")).await;
    assert_eq!(curves["items"][0]["metrics"]["val_loss"], json!([first[0]["metrics"]["val_loss"]]));
}

#[tokio::test]
async fn a_family_that_was_begun_stays_with_its_kind_of_machine() {
    let server = Server::start().await;
    server.submit(&small("pinned")).await;
    train(&server, &claim(&server, "worker", 0).await.unwrap()).await;
    let elsewhere = json!({ "worker": "other", "fingerprint": "another machine", "wait_s": 0 });
    let answer = server.post("/v1/work/claim", &elsewhere).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert!(claim(&server, "worker", 0).await.is_some());
}
