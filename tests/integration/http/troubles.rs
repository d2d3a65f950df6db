//! Workers whose machines are in trouble.

use super::{
    server::{Server, problem, small},
    worker::{claim, post, train, train_all},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

fn full_disk() -> Value {
    json!({ "message": "its disk is full", "kind": "machine", "retry_in_s": 40 })
}

async fn events(server: &Server, sweep: &str) -> String {
    server.get(&format!("/v1/sweeps/{sweep}/events")).await.text().await.unwrap()
}

#[tokio::test]
async fn a_segment_that_is_handed_back_goes_to_others_and_its_worker_is_named() {
    let server = Server::start().await;
    let sweep = server.submit(&small("shared")).await;
    let work = claim(&server, "bad", 0).await.unwrap();
    let answer = post(&server, &work, "fail", &full_disk()).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    problem(post(&server, &work, "fail", &full_disk()).await, 409, "lease-lost").await;
    let told = server.json(&format!("/v1/sweeps/{sweep}")).await;
    let [troubled] = &told["troubled_workers"].as_array().unwrap()[..] else { panic!("{told}") };
    assert_eq!(
        (&troubled["worker"], &troubled["message"]),
        (&json!("bad"), &json!("its disk is full"))
    );
    let next: jiff::Timestamp = troubled["next_try_at"].as_str().unwrap().parse().unwrap();
    let seconds = next.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((30..=41).contains(&seconds), "{seconds}");

    let again = claim(&server, "good", 0).await.unwrap();
    assert_eq!((again.segment.segment, again.lease.attempt), (work.segment.segment, 2));
    train(&server, &again).await;
    train_all(&server).await;
    let log = events(&server, &sweep).await;
    assert!(log.contains("event: handed_back"), "{log}");
    assert!(log.contains("bad handed back segment 0"), "{log}");
    assert!(!log.contains("event: failed"), "{log}");
    let told = server.json(&format!("/v1/sweeps/{sweep}")).await;
    assert_eq!(told["troubled_workers"], json!([]), "nobody is needed any more");
}

#[tokio::test]
async fn any_number_of_bad_machines_fails_no_trial_and_as_many_failures_do() {
    let server = Server::start().await;
    let sweep = server.submit(&small("borne")).await;
    for _ in 0..10 {
        let work = claim(&server, "bad", 0).await.unwrap();
        post(&server, &work, "fail", &full_disk()).await;
    }
    let status = |of: &str| format!("/v1/sweeps/{of}");
    assert_eq!(server.json(&status(&sweep)).await["status"], "running");
    // As workers of before say it, and those whose training fails.
    for fail in [json!({ "message": "astray" }), json!({ "message": "astray", "kind": "trial" })]
        .iter()
        .cycle()
        .take(3)
    {
        let work = claim(&server, "bad", 0).await.unwrap();
        post(&server, &work, "fail", fail).await;
    }
    assert_eq!(server.json(&status(&sweep)).await["status"], "failed");
}

#[tokio::test]
async fn a_worker_that_asks_for_no_work_is_named_until_it_takes_some() {
    let server = Server::start().await;
    let sweep = server.submit(&small("waits")).await;
    let trouble =
        json!({ "worker": "bad", "message": "no\u{0000}memory", "retry_in_s": 4_000_000 });
    let noted = server.post("/v1/work/trouble", &trouble).await;
    assert_eq!(noted.status(), StatusCode::NO_CONTENT);
    let path = format!("/v1/sweeps/{sweep}");
    let told = server.json(&path).await;
    assert_eq!(told["status"], "queued");
    assert_eq!(told["troubled_workers"][0]["message"], "no\u{fffd}memory");
    let next = told["troubled_workers"][0]["next_try_at"].as_str().unwrap();
    let next: jiff::Timestamp = next.parse().unwrap();
    assert!(next.duration_since(jiff::Timestamp::now()).as_secs() <= 3_600, "{next}");
    claim(&server, "bad", 0).await.unwrap();
    assert_eq!(server.json(&path).await["troubled_workers"], json!([]));
}

#[tokio::test]
async fn what_is_no_trouble_is_refused() {
    let server = Server::start().await;
    let trouble = |worker: &str| json!({ "worker": worker, "message": "x", "retry_in_s": 1 });
    for name in ["", "a\nb", &"x".repeat(101)] {
        problem(server.post("/v1/work/trouble", &trouble(name)).await, 422, "invalid-work").await;
    }
    let mut more = trouble("a");
    more["lease"] = json!("x");
    problem(server.post("/v1/work/trouble", &more).await, 400, "malformed").await;
}
