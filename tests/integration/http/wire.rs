//! Versions of the wire: who speaks which, and what those are told who have none in common.

use super::server::{Server, problem, small};
use floodgauge_protocol::wire::{WIRE_HEADER, WireVersions};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

async fn claim_as(server: &Server, wire: Option<&str>) -> Response {
    let body = json!({ "worker": "worker", "fingerprint": "test", "wait_s": 0 });
    let request = server.request(Method::POST, "/v1/work/claim").json(&body);
    let request = match wire {
        Some(wire) => request.header(WIRE_HEADER, wire),
        None => request,
    };
    request.send().await.unwrap()
}

fn said(answer: &Response) -> &str {
    answer.headers()[WIRE_HEADER].to_str().unwrap()
}

#[tokio::test]
async fn a_server_says_what_it_understands_with_every_answer_to_a_claim() {
    let server = Server::start().await;
    let ours = WireVersions::OF_SERVER.to_string();
    for wire in [None, Some("1"), Some(ours.as_str()), Some("2-9")] {
        let empty = claim_as(&server, wire).await;
        assert_eq!((empty.status(), said(&empty)), (StatusCode::NO_CONTENT, ours.as_str()));
        server.submit(&small("wire")).await;
        let given = claim_as(&server, wire).await;
        assert_eq!((given.status(), said(&given)), (StatusCode::OK, ours.as_str()));
    }
}

#[tokio::test]
async fn a_worker_with_no_version_in_common_is_told_so_and_given_nothing() {
    let server = Server::start().await;
    let sweep = server.submit(&small("wire")).await;
    let refused = claim_as(&server, Some("8-9")).await;
    assert_eq!(said(&refused), WireVersions::OF_SERVER.to_string());
    let refused = problem(refused, 409, "wire-version").await;
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.starts_with("the worker is too new for this server: it speaks wire 8-9"));
    let sweep: Value = server.json(&format!("/v1/sweeps/{sweep}")).await;
    assert_eq!((&sweep["status"], &sweep["seq"]), (&json!("queued"), &json!(1)));
}

#[tokio::test]
async fn what_is_no_version_is_malformed() {
    let server = Server::start().await;
    for wire in ["", "0", "two", "2-1", "-1"] {
        problem(claim_as(&server, Some(wire)).await, 400, "malformed").await;
    }
}

/// For what a sweep waits, of which this is also told in words; nothing where it doesn't.
async fn waits_for(server: &Server, sweep: &str) -> Option<String> {
    let told = server.json(&format!("/v1/sweeps/{sweep}")).await;
    let waiting = &told["waiting"];
    if waiting.is_null() {
        return None;
    }
    for words in ["words", "remedy"] {
        assert!(!waiting[words].as_str().unwrap().is_empty(), "{waiting}");
    }
    Some(waiting["for"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_sweep_says_for_what_worker_it_waits_and_whether_it_is_paused() {
    let server = Server::start().await;
    let sweep = server.submit(&small("alone")).await;
    assert_eq!(waits_for(&server, &sweep).await.as_deref(), Some("worker"));
    // One that isn't understood is there, and of no use.
    problem(claim_as(&server, Some("9")).await, 409, "wire-version").await;
    assert_eq!(waits_for(&server, &sweep).await.as_deref(), Some("incompatible_workers"));
    let ask = async |what: &str| {
        let path = format!("/v1/sweeps/{sweep}/{what}");
        assert_eq!(server.post(&path, &json!({})).await.status(), StatusCode::ACCEPTED);
    };
    ask("pause").await;
    assert_eq!(waits_for(&server, &sweep).await.as_deref(), Some("resume"));
    ask("resume").await;
    let ours = WireVersions::OF_SERVER.to_string();
    assert_eq!(claim_as(&server, Some(&ours)).await.status(), StatusCode::OK);
    assert_eq!(waits_for(&server, &sweep).await, None, "somebody trains it");
    ask("cancel").await;
    assert_eq!(waits_for(&server, &sweep).await, None, "nothing more is to come of it");
}
