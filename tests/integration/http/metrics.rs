//! What `/metrics` tells.

use super::{
    server::{Server, small},
    worker::{claim, post, rows, train_all},
};
use reqwest::{Method, StatusCode};
use serde_json::json;

async fn scraped(server: &Server) -> String {
    let answer = server.get("/metrics").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let kind = answer.headers()["content-type"].to_str().unwrap();
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.unwrap()
}

/// The value of a series, as the text says it.
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find(|line| line.rsplit_once(' ').is_some_and(|(s, _)| s == series));
    let line = line.unwrap_or_else(|| panic!("no {series} in\n{text}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn a_sweeps_work_is_counted_from_its_queue_to_its_verdict() {
    let server = Server::start().await;
    server.submit(&small("counted")).await;
    let waiting = scraped(&server).await;
    assert_eq!(value(&waiting, "floodgauge_queue_segments{state=\"queued\"}"), 1.0);
    assert_eq!(value(&waiting, "floodgauge_sweeps{status=\"queued\"}"), 1.0);
    assert_eq!(value(&waiting, "floodgauge_database_up"), 1.0);
    train_all(&server).await;
    let done = scraped(&server).await;
    assert_eq!(value(&done, "floodgauge_queue_segments{state=\"queued\"}"), 0.0);
    assert_eq!(value(&done, "floodgauge_sweeps{status=\"completed\"}"), 1.0);
    assert_eq!(value(&done, "floodgauge_events_total{event=\"submitted\"}"), 1.0);
    // The first epoch is shared, of the other three each arm has its own.
    assert_eq!(value(&done, "floodgauge_report_rows_total{outcome=\"new\"}"), 10.0);
    assert_eq!(value(&done, "floodgauge_worker_epochs_total{worker=\"worker\"}"), 10.0);
    assert_eq!(value(&done, "floodgauge_worker_steps_total{worker=\"worker\"}"), 20.0);
    assert_eq!(value(&done, "floodgauge_run_equivalents_spent_total"), 2.5);
    assert_eq!(value(&done, "floodgauge_run_equivalents_saved_total{by=\"sharing\"}"), 0.5);
    let claims =
        "floodgauge_http_requests_total{method=\"POST\",route=\"/v1/work/claim\",status=\"200\"}";
    let finished = value(&done, "floodgauge_events_total{event=\"finished\"}");
    assert!(finished >= 2.0, "there is a segment that trains, and one that tests");
    assert_eq!(value(&done, claims), finished);
    let timed =
        "floodgauge_http_request_duration_seconds_count{method=\"POST\",route=\"/v1/sweeps\"}";
    assert_eq!(value(&done, timed), 1.0);
}

#[tokio::test]
async fn what_is_reported_again_and_what_is_lost_is_told_apart() {
    let server = Server::with_leases_of(std::time::Duration::from_secs(1)).await;
    server.submit(&small("again")).await;
    let work = claim(&server, "first", 0).await.unwrap();
    let report = json!({ "rows": rows(&work, 1) });
    for _ in 0..2 {
        assert_eq!(post(&server, &work, "reports", &report).await.status(), StatusCode::OK);
    }
    let mut other = report;
    other["rows"][0]["metrics"]["val_loss"] = json!(7.5);
    assert_eq!(post(&server, &work, "reports", &other).await.status(), StatusCode::OK);
    // Waits until the lease has expired.
    claim(&server, "second", 10).await.unwrap();
    let text = scraped(&server).await;
    for (series, expected) in [
        ("floodgauge_report_rows_total{outcome=\"new\"}", 1.0),
        ("floodgauge_report_rows_total{outcome=\"redone\"}", 1.0),
        ("floodgauge_report_rows_total{outcome=\"contradicting\"}", 1.0),
        ("floodgauge_leases_expired_total", 1.0),
        ("floodgauge_events_total{event=\"nondeterminism\"}", 1.0),
    ] {
        assert_eq!(value(&text, series), expected, "{series}");
    }
}

#[tokio::test]
async fn watchers_are_counted_while_they_watch() {
    let server = Server::start().await;
    let watching = server.get("/v1/events").await;
    let series = "floodgauge_watchers{stream=\"all\"}";
    assert_eq!(value(&scraped(&server).await, series), 1.0);
    drop(watching);
    // The connection's end is seen at the next message.
    server.submit(&small("told")).await;
    let gone = async {
        while value(&scraped(&server).await, series) > 0.0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), gone).await.unwrap();
}

#[tokio::test]
async fn nobody_can_make_labels_up() {
    let server = Server::start().await;
    let made_up = Method::from_bytes(b"BREW").unwrap();
    for path in ["/v1/none/1", "/v1/none/2", "/v1/sweeps/x", "/v1/sweeps/y"] {
        server.request(made_up.clone(), path).send().await.unwrap();
        server.get(path).await;
    }
    let text = scraped(&server).await;
    assert!(!text.contains("BREW") && !text.contains("/v1/none"), "{text}");
    let labels = "method=\"GET\",route=\"/v1/sweeps/{id}\",status=\"404\"";
    assert_eq!(value(&text, &format!("floodgauge_http_requests_total{{{labels}}}")), 2.0);
    let labels = "method=\"GET\",route=\"unmatched\",status=\"404\"";
    assert_eq!(value(&text, &format!("floodgauge_http_requests_total{{{labels}}}")), 2.0);
}
