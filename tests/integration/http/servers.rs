//! Two servers over one database: each has its own memory of a sweep, and the log settles it.

use super::{
    server::{Server, small},
    worker::{claim, ends, epochs, post, rows},
};
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test]
async fn a_worker_may_change_its_server_between_any_two_requests() {
    let first = Server::start().await;
    let second = first.beside().await;
    let mut spec = small("shared");
    spec["search"]["seeds"] = json!([0, 1, 2]);
    let sweep = first.submit(&spec).await;
    let path = format!("/v1/sweeps/{sweep}");
    let servers = [&first, &second];
    let mut turn = (0..).map(|i| servers[i % 2]);
    let mut next = || turn.next().unwrap();
    while let Some(work) = claim(next(), "worker", 0).await {
        for epoch in epochs(&work) {
            let report = json!({ "rows": rows(&work, epoch) });
            let answer = post(next(), &work, "reports", &report).await;
            assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
        }
        let finish = json!({ "branches": ends(next(), &work).await });
        let answer = post(next(), &work, "finish", &finish).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{}", answer.text().await.unwrap());
        let seq = next().json(&path).await["seq"].clone();
        assert_eq!(next().json(&path).await["seq"], seq, "both tell the newest");
    }
    let best = first.json(&format!("{path}/best")).await;
    assert_eq!(best["status"], "completed");
    assert_eq!(best["best"]["name"], "flood b=0.2");
    assert_eq!(best["run_equivalents"]["redone"], 0.0);
    for part in ["best", "curves", "grid", "trials"] {
        let path = format!("{path}/{part}");
        assert_eq!(first.json(&path).await, second.json(&path).await, "{part}");
    }
}

#[tokio::test]
async fn workers_of_two_servers_report_at_once_and_nothing_is_lost_or_doubled() {
    let first = Server::start().await;
    let second = first.beside().await;
    let mut spec = small("busy");
    spec["search"]["seeds"] = json!([0, 1, 2, 3, 4, 5]);
    let sweep = second.submit(&spec).await;
    let train = async |server: &Server| {
        while let Some(work) = claim(server, "worker", 0).await {
            for epoch in epochs(&work) {
                let report = json!({ "rows": rows(&work, epoch) });
                let answer = post(server, &work, "reports", &report).await;
                assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
            }
            let finish = json!({ "branches": ends(server, &work).await });
            let answer = post(server, &work, "finish", &finish).await;
            assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{}", answer.text().await.unwrap());
        }
    };
    // The tests of the end wait until the last segment is in, whoever hands it in.
    loop {
        tokio::join!(train(&first), train(&second), train(&first), train(&second));
        let status = first.json(&format!("/v1/sweeps/{sweep}")).await["status"].clone();
        if status == "completed" {
            break;
        }
        assert_eq!(status, "running");
    }
    let best = first.json(&format!("/v1/sweeps/{sweep}/best")).await;
    assert_eq!(best["run_equivalents"]["redone"], 0.0);
    // One epoch is shared; three more for each of three arms.
    assert_eq!(best["run_equivalents"]["spent"], 6.0 * 10.0 / 4.0);
}
