//! Checkpoints, up and down.

use super::{
    server::{Server, problem, small},
    worker::{claim, digest, train, under, upload},
};
use bytes::Bytes;
use floodgauge_protocol::Start;
use reqwest::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn a_blob_is_new_once() {
    let server = Server::start().await;
    server.submit(&small("blobs")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let bytes = Bytes::from_static(b"weights");
    assert_eq!(upload(&server, &work, &bytes).await, StatusCode::CREATED);
    assert_eq!(upload(&server, &work, &bytes).await, StatusCode::OK);
    assert_eq!(upload(&server, &work, &Bytes::new()).await, StatusCode::CREATED);
    let large = Bytes::from(vec![7; 3 << 20]);
    assert_eq!(upload(&server, &work, &large).await, StatusCode::CREATED, "over axum's own limit");
}

#[tokio::test]
async fn bytes_under_another_digest_are_refused() {
    let server = Server::start().await;
    server.submit(&small("blobs")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let what = format!("blobs/{}", digest(b"right"));
    let put = under(&server, &work, Method::PUT, &what).body("wrong");
    problem(put.send().await.unwrap(), 422, "digest-mismatch").await;
    let unnamed = under(&server, &work, Method::PUT, "blobs/XYZ").body("wrong");
    problem(unnamed.send().await.unwrap(), 404, "not-found").await;
}

#[tokio::test]
async fn a_segment_gets_the_checkpoints_that_it_starts_from_and_no_others() {
    let server = Server::start().await;
    let mut spec = small("resumed");
    spec["recipe"]["epochs"] = json!(9);
    spec["scheduler"] = json!({ "kind": "sha", "eta": 2, "first_rung": 2 });
    server.submit(&spec).await;
    let resumed = loop {
        let work = claim(&server, "worker", 0).await.unwrap();
        if work.segment.branches.iter().any(|branch| branch.start != Start::Init) {
            break work;
        }
        train(&server, &work).await;
    };
    for branch in &resumed.segment.branches {
        let Start::Checkpoint { digest: named } = branch.start else { continue };
        let get = under(&server, &resumed, Method::GET, &format!("blobs/{named}"));
        let response = get.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "application/octet-stream");
        assert_eq!(digest(&response.bytes().await.unwrap()), named);
    }
    let other = Bytes::from_static(b"another's");
    upload(&server, &resumed, &other).await;
    let get = under(&server, &resumed, Method::GET, &format!("blobs/{}", digest(&other)));
    problem(get.send().await.unwrap(), 404, "not-found").await;
}
