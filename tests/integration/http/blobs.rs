//! Checkpoints, up and down.

use super::{
    server::{Server, problem, small},
    worker::{checkpoint, claim, digest, train, under, upload},
};
use axum::{body::Body, http::Request};
use bytes::Bytes;
use floodgauge::http::{AppState, app, bounds::MAX_BLOB_UPLOADS};
use floodgauge_protocol::{
    ArmIx, Digest, Start,
    work::{Assignment, LEASE_TOKEN_HEADER},
};
use futures::stream;
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::sync::Barrier;
use tower::ServiceExt;

#[tokio::test]
async fn a_blob_is_new_once() {
    let server = Server::start().await;
    server.submit(&small("blobs")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let bytes = checkpoint(&work, 2, ArmIx(1));
    assert_eq!(upload(&server, &work, &bytes).await, StatusCode::CREATED);
    assert_eq!(upload(&server, &work, &bytes).await, StatusCode::OK);
    let mut spec = small("large");
    spec["recipe"]["model"] = json!({ "kind": "mlp", "hidden": [1024, 1024] });
    spec["scheduler"]["priority"] = json!(1);
    server.submit(&spec).await;
    let work = claim(&server, "other", 0).await.unwrap();
    let large = checkpoint(&work, 2, ArmIx(1));
    assert!(large.len() > 3 << 20);
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
async fn what_is_no_checkpoint_of_the_recipe_is_refused_with_what_is_wrong() {
    let server = Server::start().await;
    server.submit(&small("picky")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let mut spec = small("wider");
    spec["recipe"]["model"] = json!({ "kind": "mlp", "hidden": [8] });
    spec["scheduler"]["priority"] = json!(1);
    server.submit(&spec).await;
    let other = claim(&server, "other", 0).await.unwrap();
    let good = checkpoint(&work, 2, ArmIx::PLAIN);
    let cut = good.slice(..good.len() - 1);
    let late = checkpoint(&work, 1_000, ArmIx::PLAIN);
    for (bytes, why) in [
        (Bytes::new(), "not a safetensors file"),
        (Bytes::from_static(b"weights"), "not a safetensors file"),
        (Bytes::from(vec![0xff; 1 << 20]), "not a safetensors file"),
        (cut, "not a safetensors file"),
        (checkpoint(&other, 2, ArmIx::PLAIN), "not F32 [128]"),
        (late, "progress.step 1000 is beyond the recipe's 8"),
    ] {
        let what = format!("blobs/{}", digest(&bytes));
        let put = under(&server, &work, Method::PUT, &what).body(bytes).send().await.unwrap();
        let body = problem(put, 422, "invalid-checkpoint").await;
        assert!(body["detail"].as_str().unwrap().contains(why), "{body}");
    }
    assert!(upload(&server, &work, &good).await.is_success());
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
    let other = checkpoint(&resumed, 2, ArmIx(99));
    assert!(upload(&server, &resumed, &other).await.is_success());
    let get = under(&server, &resumed, Method::GET, &format!("blobs/{}", digest(&other)));
    problem(get.send().await.unwrap(), 404, "not-found").await;
}

#[tokio::test]
async fn an_upload_without_its_lease_is_refused_before_its_body_is_read() {
    let server = Server::start().await;
    server.submit(&small("endless")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let endless = Body::from_stream(stream::pending::<io::Result<Bytes>>());
    let request = put(&work, digest(b"never"), "wrong", endless);
    let answer = app(AppState::new(server.driver.clone(), server.closing.clone())).oneshot(request);
    let answer = tokio::time::timeout(Duration::from_secs(20), answer).await.unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn uploads_beyond_those_that_fit_wait_unread() {
    let server = Server::start().await;
    let mut spec = small("crowd");
    spec["search"]["seeds"] = json!((0..3 * MAX_BLOB_UPLOADS).collect::<Vec<_>>());
    server.submit(&spec).await;
    let app = app(AppState::new(server.driver.clone(), server.closing.clone()));
    // A body goes on once as many are being read as may be.
    let full = Arc::new(Barrier::new(MAX_BLOB_UPLOADS));
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut all = Vec::new();
    for _ in 0..3 * MAX_BLOB_UPLOADS {
        all.push(claim(&server, "worker", 0).await.unwrap());
    }
    let uploads = (0..).zip(&all).map(|(i, work)| {
        let bytes = checkpoint(work, 2, ArmIx(i));
        let named = digest(&bytes);
        let (full, open, most) = (full.clone(), open.clone(), most.clone());
        let store = server.driver.store().clone();
        let body = Body::from_stream(stream::once(async move {
            most.fetch_max(open.fetch_add(1, SeqCst) + 1, SeqCst);
            full.wait().await;
            // Time for others to overtake, if they could.
            for _ in 0..10 {
                store.ping().await.unwrap();
            }
            open.fetch_sub(1, SeqCst);
            io::Result::Ok(bytes)
        }));
        app.clone().oneshot(put(work, named, &work.lease.token, body))
    });
    for answer in futures::future::join_all(uploads).await {
        assert_eq!(answer.unwrap().status(), StatusCode::CREATED);
    }
    assert_eq!(most.load(SeqCst), MAX_BLOB_UPLOADS);
}

/// An upload as the app sees it.
fn put(work: &Assignment, named: Digest, token: &str, body: Body) -> Request<Body> {
    let path = format!("/v1/work/{}/blobs/{named}", work.lease.lease);
    Request::put(path).header(LEASE_TOKEN_HEADER, token).body(body).unwrap()
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
