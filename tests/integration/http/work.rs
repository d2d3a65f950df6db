//! What workers say.

use super::{
    server::{Server, problem, small},
    worker::{self, claim, post, train, under},
};
use axum::{body::Body, http::Request};
use floodgauge::http::{AppState, app};
use floodgauge_protocol::{
    ArmIx,
    work::{LEASE_TOKEN_HEADER, ReportAnswer},
};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::{collections::HashSet, time::Duration};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

#[tokio::test]
async fn without_work_a_claim_is_empty() {
    let server = Server::start().await;
    assert!(claim(&server, "worker", 0).await.is_none());
}

#[tokio::test]
async fn a_waiting_claim_gets_work_as_soon_as_there_is_some() {
    let server = Server::start().await;
    let (work, sweep) =
        tokio::join!(claim(&server, "worker", 30), async { server.submit(&small("late")).await });
    assert_eq!(work.unwrap().sweep.to_string(), sweep);
}

#[tokio::test]
async fn an_assignment_holds_all_that_is_needed_to_train() {
    let server = Server::start().await;
    let sweep = server.submit(&small("whole")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    assert_eq!(work.sweep.to_string(), sweep);
    assert_eq!(work.arms.len(), 3);
    assert_eq!(work.recipe.dataset.n_train, Some(100));
    assert_eq!(work.lease.attempt, 1);
    assert_eq!(work.lease.ttl_s, 60);
    assert_eq!(server.json(&format!("/v1/sweeps/{sweep}")).await["status"], "running");
}

#[tokio::test]
async fn claimants_at_once_never_get_the_same_segment() {
    let server = Server::start().await;
    let mut spec = small("many");
    spec["search"]["seeds"] = json!([0, 1, 2, 3]);
    server.submit(&spec).await;
    let names: Vec<_> = (0..12).map(|i| format!("worker {i}")).collect();
    let claims = futures::future::join_all(names.iter().map(|name| claim(&server, name, 0))).await;
    let given: Vec<_> = claims.iter().flatten().map(|work| work.segment.segment).collect();
    let distinct: HashSet<_> = given.iter().collect();
    assert!(given.len() >= 4, "each family has work: {given:?}");
    assert_eq!(distinct.len(), given.len(), "{given:?}");
}

#[tokio::test]
async fn an_empty_report_renews_the_lease() {
    let server = Server::start().await;
    server.submit(&small("beat")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let answer = post(&server, &work, "reports", &json!({ "rows": [] })).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: ReportAnswer = answer.json().await.unwrap();
    assert_eq!(answer, ReportAnswer { stop: vec![], ttl_s: 60 });
}

#[tokio::test]
async fn a_report_sent_again_is_absorbed() {
    let server = Server::start().await;
    let sweep = server.submit(&small("twice")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let report = json!({ "rows": worker::rows(&work, 1) });
    for _ in 0..2 {
        let answer = post(&server, &work, "reports", &report).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let curves = server.json(&format!("/v1/sweeps/{sweep}/curves")).await;
    assert!(curves["items"].as_array().unwrap().iter().all(|curve| curve["epoch"] == json!([1])));
}

#[tokio::test]
async fn a_report_that_does_not_fit_its_segment_is_pointed_at() {
    let server = Server::start().await;
    server.submit(&small("unfit")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let mut rows = worker::rows(&work, 1);
    let mut stranger = rows[0].clone();
    stranger["arms"] = json!([999]);
    let at = rows.len();
    rows.push(stranger);
    let answer = post(&server, &work, "reports", &json!({ "rows": rows })).await;
    let body = problem(answer, 422, "invalid-work").await;
    assert_eq!(body["errors"][0]["pointer"], format!("/rows/{at}"));
    let nan = r#"{"rows": [{"arms": [0], "epoch": 1, "step": 2, "train_loss": "nan",
                            "val_loss": 1, "val_error": 1}]}"#;
    let request = under(&server, &work, Method::POST, "reports").body(nan);
    let answer = request.header("content-type", "application/json").send().await.unwrap();
    let body = problem(answer, 400, "malformed").await;
    assert_eq!(body["errors"][0]["pointer"], "/rows/0/train_loss");
}

#[tokio::test]
async fn a_segment_is_finished_only_when_it_is_whole() {
    let server = Server::start().await;
    server.submit(&small("halves")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let ends = json!({ "branches": worker::ends(&server, &work).await });
    let early = post(&server, &work, "finish", &ends).await;
    problem(early, 422, "invalid-work").await;
    train(&server, &work).await;
    let late = post(&server, &work, "finish", &ends).await;
    problem(late, 409, "lease-lost").await;
}

#[tokio::test]
async fn a_checkpoint_of_another_lease_is_not_taken() {
    let server = Server::start().await;
    for name in ["one", "two"] {
        server.submit(&small(name)).await;
    }
    let work = claim(&server, "worker", 0).await.unwrap();
    let rows: Vec<_> = worker::epochs(&work).flat_map(|at| worker::rows(&work, at)).collect();
    let answer = post(&server, &work, "reports", &json!({ "rows": rows })).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let mut ends = worker::ends(&server, &work).await;
    let other = claim(&server, "other", 0).await.unwrap();
    let foreign = worker::checkpoint(&other, 2, ArmIx(99));
    assert!(worker::upload(&server, &other, &foreign).await.is_success());
    let foreign = worker::digest(&foreign);
    ends[0]["checkpoint"] = json!(foreign);
    let answer = post(&server, &work, "finish", &json!({ "branches": ends })).await;
    let body = problem(answer, 422, "invalid-work").await;
    let detail = body["detail"].as_str().unwrap();
    let expected = format!("checkpoint {foreign} was not uploaded under this lease");
    assert!(detail.contains(&expected), "{detail}");
}

#[tokio::test]
async fn a_segment_given_up_is_given_out_again() {
    let server = Server::start().await;
    let sweep = server.submit(&small("again")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let answer = post(&server, &work, "fail", &json!({ "message": "no such file" })).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let heartbeat = post(&server, &work, "reports", &json!({ "rows": [] })).await;
    problem(heartbeat, 409, "lease-lost").await;
    let again = claim(&server, "worker", 0).await.unwrap();
    assert_eq!(again.sweep.to_string(), sweep);
}

#[tokio::test]
async fn a_lease_that_was_taken_over_is_lost_for_every_request() {
    let server = Server::with_leases_of(Duration::from_secs(1)).await;
    let mut spec = small("slow");
    spec["search"]["levels"] = json!([0.1]);
    server.submit(&spec).await;
    let slow = &claim(&server, "slow", 0).await.unwrap();
    // It is silent from now on; the other waits until the lease expires.
    let taken = loop {
        let taken = claim(&server, "quick", 30).await.unwrap();
        if taken.segment.segment == slow.segment.segment {
            break taken;
        }
    };
    assert!(taken.lease.attempt > slow.lease.attempt);
    let rows = json!({ "rows": worker::rows(slow, 1) });
    problem(post(&server, slow, "reports", &rows).await, 409, "lease-lost").await;
    let none = json!({ "branches": [] });
    problem(post(&server, slow, "finish", &none).await, 409, "lease-lost").await;
    let message = json!({ "message": "late" });
    problem(post(&server, slow, "fail", &message).await, 409, "lease-lost").await;
    let digest = worker::digest(b"late");
    let put = under(&server, slow, Method::PUT, &format!("blobs/{digest}")).body("late");
    problem(put.send().await.unwrap(), 409, "lease-lost").await;
    let answer = post(&server, &taken, "reports", &rows).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_lease_opens_only_to_its_token() {
    let server = Server::start().await;
    server.submit(&small("secret")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let path = format!("/v1/work/{}/reports", work.lease.lease);
    let report = json!({ "rows": [] });
    let body = problem(server.post(&path, &report).await, 400, "malformed").await;
    assert!(body["detail"].as_str().unwrap().contains(LEASE_TOKEN_HEADER), "{body}");
    let wrong = server.request(Method::POST, &path).header(LEASE_TOKEN_HEADER, "wrong");
    problem(wrong.json(&report).send().await.unwrap(), 409, "lease-lost").await;
    let unknown = server.request(Method::POST, "/v1/work/no-lease/reports");
    let unknown = unknown.header(LEASE_TOKEN_HEADER, &work.lease.token).json(&report);
    problem(unknown.send().await.unwrap(), 404, "not-found").await;
}

#[tokio::test]
async fn a_claim_out_of_its_bounds_is_refused() {
    let server = Server::start().await;
    for body in [
        json!({ "worker": "", "fingerprint": "test" }),
        json!({ "worker": "x".repeat(101), "fingerprint": "test" }),
        json!({ "worker": "worker", "fingerprint": "" }),
        json!({ "worker": "worker", "fingerprint": "test", "wait_s": 31 }),
    ] {
        problem(server.post("/v1/work/claim", &body).await, 422, "invalid-work").await;
    }
    let body = json!({ "worker": "worker" });
    problem(server.post("/v1/work/claim", &body).await, 400, "malformed").await;
}

#[tokio::test]
async fn a_closing_server_makes_no_claim_wait() {
    let server = Server::start().await;
    let closing = CancellationToken::new();
    closing.cancel();
    let body = json!({ "worker": "worker", "fingerprint": "test", "wait_s": 30 }).to_string();
    let request = Request::post("/v1/work/claim").header("content-type", "application/json");
    let app = app(AppState::new(server.driver.clone(), closing));
    let waited = app.oneshot(request.body(Body::from(body)).unwrap());
    let response = tokio::time::timeout(Duration::from_secs(20), waited).await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
}
