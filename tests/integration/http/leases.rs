//! What one lease may cost, whatever its worker sends.

use super::{
    server::{Server, problem, small},
    worker::{checkpoint, claim, digest, ends, epochs, post, rows, under, upload},
};
use floodgauge_protocol::{ArmIx, work::Assignment};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn entries(server: &Server, sweep: &str) -> u64 {
    server.json(&format!("/v1/sweeps/{sweep}")).await["seq"].as_u64().unwrap()
}

/// A segment of ten epochs, two steps each, of which all are reported.
async fn reported(server: &Server) -> (String, Assignment, Vec<Value>) {
    let mut spec = small("repeated");
    spec["recipe"]["epochs"] = json!(100);
    let sweep = server.submit(&spec).await;
    let work = claim(server, "worker", 0).await.unwrap();
    assert_eq!(epochs(&work), 1..=10);
    let all: Vec<_> = epochs(&work).flat_map(|epoch| rows(&work, epoch)).collect();
    let answer = post(server, &work, "reports", &json!({ "rows": all })).await;
    assert_eq!(answer.status(), StatusCode::OK);
    (sweep, work, all)
}

#[tokio::test]
async fn a_worker_that_repeats_itself_for_ever_makes_the_log_no_longer_than_a_redone_segment_would()
{
    let server = Server::start().await;
    let (sweep, work, all) = reported(&server).await;
    let before = entries(&server, &sweep).await;
    for _ in 0..300 {
        let answer = post(&server, &work, "reports", &json!({ "rows": all[..1] })).await;
        assert_eq!(
            answer.status(),
            StatusCode::OK,
            "it is taken all the same, and renews the lease"
        );
    }
    let grown = entries(&server, &sweep).await - before;
    assert!(grown <= 40, "{grown} entries for 300 reports of what was known");
    // A lost segment may be trained once more, and that is told as ever.
    assert!(grown >= 10, "{grown}");
}

#[tokio::test]
async fn a_worker_that_contradicts_itself_for_ever_is_soon_not_written_down_any_more() {
    let server = Server::start().await;
    let (sweep, work, all) = reported(&server).await;
    let before = entries(&server, &sweep).await;
    for n in 0..100 {
        let mut other = all[0].clone();
        other["train_loss"] = json!(100 + n);
        let answer = post(&server, &work, "reports", &json!({ "rows": [other] })).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let grown = entries(&server, &sweep).await - before;
    assert_eq!(grown, 16, "entries for 100 contradictions");
}

#[tokio::test]
async fn a_lease_holds_as_many_checkpoints_as_its_segment_can_need() {
    let server = Server::start().await;
    let (_, work, _) = reported(&server).await;
    let most = u64::from(work.segment.most_checkpoints());
    for step in 0..most {
        let state = checkpoint(&work, step, ArmIx(0));
        assert_eq!(upload(&server, &work, &state).await, StatusCode::CREATED, "{step}");
    }
    let one_more = checkpoint(&work, most, ArmIx(0));
    let what = format!("blobs/{}", digest(&one_more));
    let request = under(&server, &work, Method::PUT, &what).body(one_more);
    let refused = problem(request.send().await.unwrap(), 422, "invalid-work").await;
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("at most {most} checkpoints")), "{detail}");
    // Once it hands something in, the rest is let go.
    let again = checkpoint(&work, 0, ArmIx(0));
    assert_eq!(upload(&server, &work, &again).await, StatusCode::OK, "it holds that already");
}

#[tokio::test]
async fn a_worker_that_saves_often_is_never_out_of_room() {
    let server = Server::start().await;
    let (_, work, _) = reported(&server).await;
    let steps = work.recipe.steps_per_epoch();
    for epoch in 1..10_u64 {
        let cut = Assignment {
            segment: floodgauge_protocol::Segment {
                to_step: epoch * steps,
                ..work.segment.clone()
            },
            ..work.clone()
        };
        let saved = ends(&server, &cut).await;
        let saved: Vec<_> = saved
            .into_iter()
            .map(|mut branch| {
                branch["end"] = json!("stopped");
                branch
            })
            .collect();
        let answer = post(&server, &work, "reports", &json!({ "rows": [], "saved": saved })).await;
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
    }
}
