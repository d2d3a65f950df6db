//! Checkpoints, up and down.

use super::{
    server::{Server, problem, small},
    worker::{claim, digest, train, under, upload},
};
use bytes::Bytes;
use floodgauge_protocol::{Digest, Start, work::Assignment};
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
    let resumed = resumed(&server).await;
    for named in checkpoints(&resumed) {
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

#[tokio::test]
async fn a_damaged_checkpoint_is_the_servers_fault_until_it_is_uploaded_again() {
    let server = Server::start().await;
    let resumed = resumed(&server).await;
    let named = checkpoints(&resumed)[0];
    let what = format!("blobs/{named}");
    let get = || under(&server, &resumed, Method::GET, &what).send();
    let bytes = get().await.unwrap().bytes().await.unwrap();
    let name = named.to_string();
    let object = server.folder.path().join("blobs").join(&name[..2]).join(&name);
    std::fs::write(object, vec![0; bytes.len()]).unwrap();
    problem(get().await.unwrap(), 500, "internal").await;
    assert_eq!(upload(&server, &resumed, &bytes).await, StatusCode::CREATED);
    assert_eq!(get().await.unwrap().bytes().await.unwrap(), bytes);
}

/// Trains a sweep until there is a segment that goes on from checkpoints.
async fn resumed(server: &Server) -> Assignment {
    let mut spec = small("resumed");
    spec["recipe"]["epochs"] = json!(9);
    spec["scheduler"] = json!({ "kind": "sha", "eta": 2, "first_rung": 2 });
    server.submit(&spec).await;
    loop {
        let work = claim(server, "worker", 0).await.unwrap();
        if !checkpoints(&work).is_empty() {
            return work;
        }
        train(server, &work).await;
    }
}

/// What the branches of an assignment start from.
fn checkpoints(work: &Assignment) -> Vec<Digest> {
    let starts = work.segment.branches.iter().map(|branch| branch.start);
    starts
        .filter_map(|start| match start {
            Start::Checkpoint { digest } => Some(digest),
            Start::Init => None,
        })
        .collect()
}
