//! Workers whose machines are in trouble.

use super::{
    server::{Server, problem, small},
    worker::{claim, post, train, train_all},
};
use crate::support::{TestDatabase, on_both_databases};
use reqwest::StatusCode;
use serde_json::{Value, json};

on_both_databases! {
    ten_bad_machines_in_a_row_fail_no_trial_and_three_failures_do,
    a_segment_that_came_back_too_often_waits_and_goes_on_once_it_has,
}

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

async fn ten_bad_machines_in_a_row_fail_no_trial_and_three_failures_do(db: TestDatabase) {
    let server = Server::on_folder(tempfile::tempdir().unwrap(), db.store.clone()).await;
    let sweep = server.submit(&small("borne")).await;
    for number in 0..10 {
        let work = claim(&server, "bad", 0).await.unwrap();
        post(&server, &work, "fail", &full_disk()).await;
        // Others take it at once, until it has come back too often in a row.
        assert_eq!(is_held_back(&db).await, number >= 4, "after {}", number + 1);
        let_time_be_over(&db).await;
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
    let log = events(&server, &sweep).await;
    assert!(log.contains("\"backoff_s\":32"), "{log}");
    assert!(log.contains("it came back too often, so nobody is given it for 32 s"), "{log}");
}

/// Whether the only segment is kept from whoever asks for it, for however long.
async fn is_held_back(db: &TestDatabase) -> bool {
    db.count("segments where state = 'queued' and expires_ms is not null").await > 0
}

/// Ends the time for which it is.
async fn let_time_be_over(db: &TestDatabase) {
    db.execute("update segments set expires_ms = 0 where state = 'queued'").await;
}

async fn a_segment_that_came_back_too_often_waits_and_goes_on_once_it_has(db: TestDatabase) {
    let server = Server::on_folder(tempfile::tempdir().unwrap(), db.store.clone()).await;
    let sweep = server.submit(&small("waits")).await;
    let path = format!("/v1/sweeps/{sweep}");
    // By then it waits for ten minutes, which are no matter of how fast this test is.
    for _ in 0..15 {
        let_time_be_over(&db).await;
        let work = claim(&server, "bad", 0).await.unwrap();
        post(&server, &work, "fail", &full_disk()).await;
    }
    assert_eq!(claim(&server, "good", 0).await, None, "nobody is given it");
    let told = server.json(&path).await;
    let waiting = &told["waiting"];
    assert_eq!((&waiting["for"], &waiting["transient"]), (&json!("held_back"), &json!(false)));
    let seconds = waiting["backoff_s"].as_u64().unwrap();
    assert!((500..=600).contains(&seconds), "{waiting}");
    assert!(
        waiting["words"].as_str().unwrap().contains(&format!("another {seconds} s")),
        "{waiting}"
    );
    let_time_be_over(&db).await;
    assert_ne!(server.json(&path).await["waiting"]["for"], "held_back");
    let work = claim(&server, "good", 0).await.expect("its time is over");
    assert_eq!(work.lease.attempt, 16);
    train(&server, &work).await;
    train_all(&server).await;
    assert_eq!(server.json(&format!("/v1/sweeps/{sweep}")).await["status"], "completed");
    let log = events(&server, &sweep).await;
    // Another server, which only has the log, decides the same.
    let beside = Server::on_folder(tempfile::tempdir().unwrap(), db.open_again().await).await;
    assert_eq!(events(&beside, &sweep).await, log);
    assert!(beside.driver.sweep(sweep.parse().unwrap()).await.is_ok(), "it replays");
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
