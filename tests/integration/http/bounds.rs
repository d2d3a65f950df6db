//! What a server says that has enough to do, or whose database is slow: come back a little later.

use super::server::{Server, problem, small};
use crate::support::postgres;
use floodgauge::http::bounds::Bounds;
use reqwest::{Method, Response, StatusCode};
use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use std::time::Duration;
use tokio::time::timeout;

/// Longer than anything here may take.
const BOUND: Duration = Duration::from_secs(60);

/// Asserts that a client is told to come back.
async fn come_back(response: Response) {
    assert_eq!(response.headers()["retry-after"], "1");
    problem(response, 503, "unavailable").await;
}

/// Asks until the answer has this status.
async fn until(server: &Server, path: &str, status: StatusCode) -> Response {
    let asked = async {
        loop {
            let response = server.get(path).await;
            if response.status() == status {
                return response;
            }
        }
    };
    timeout(BOUND, asked).await.unwrap_or_else(|_| panic!("{path} never answers {status}"))
}

#[tokio::test]
async fn more_requests_than_may_be_answered_at_once_are_told_to_come_back_but_probes() {
    let server = Server::with_bounds(Bounds { requests: 1, ..Bounds::default() }).await;
    let claim = json!({ "worker": "w", "fingerprint": "f", "wait_s": 30 });
    let waiting = server.request(Method::POST, "/v1/work/claim").json(&claim).send();
    let waiting = tokio::spawn(waiting);
    come_back(until(&server, "/v1/sweeps", StatusCode::SERVICE_UNAVAILABLE).await).await;
    come_back(server.post("/v1/sweeps", &small("refused")).await).await;
    for probe in ["/livez", "/readyz"] {
        assert_eq!(server.get(probe).await.status(), StatusCode::OK, "{probe}");
    }
    waiting.abort();
    until(&server, "/v1/sweeps", StatusCode::OK).await;
    server.submit(&small("taken")).await;
}

#[tokio::test]
async fn more_streams_than_may_be_followed_at_once_are_told_to_come_back() {
    let server = Server::with_bounds(Bounds { watchers: 2, ..Bounds::default() }).await;
    let sweep = server.submit(&small("watched")).await;
    let stream = format!("/v1/sweeps/{sweep}/events");
    let first = server.get(&stream).await;
    let second = server.get("/v1/events").await;
    assert_eq!([first.status(), second.status()], [StatusCode::OK; 2]);
    come_back(server.get(&stream).await).await;
    come_back(server.get("/v1/events").await).await;
    server.json(&format!("/v1/sweeps/{sweep}")).await;
    drop(second);
    until(&server, &stream, StatusCode::OK).await;
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_not_waited_for() {
    let answer = Duration::from_millis(200);
    let server = Server::with_bounds(Bounds { answer, ..Bounds::default() }).await;
    let url = format!("sqlite://{}", server.folder.path().join("test.db").display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    other.execute("begin immediate").await.unwrap();
    come_back(server.post("/v1/sweeps", &small("late")).await).await;
    other.execute("rollback").await.unwrap();
    server.submit(&small("in time")).await;
}

/// Its writers are kept waiting by another; who reads isn't.
#[tokio::test]
async fn a_locked_sqlite_is_unavailable_to_writers_and_open_to_readers() {
    let server = Server::start().await;
    let url = format!("sqlite://{}", server.folder.path().join("test.db").display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    other.execute("begin immediate").await.unwrap();
    // The first waits for the database, the second for the first.
    let (first, second) = (small("first"), small("second"));
    let writers = async {
        tokio::join!(server.post("/v1/sweeps", &first), server.post("/v1/sweeps", &second))
    };
    let readers = async {
        for path in ["/livez", "/readyz", "/v1/sweeps"] {
            assert_eq!(server.get(path).await.status(), StatusCode::OK, "{path}");
        }
    };
    let (refused, ()) = tokio::join!(writers, readers);
    come_back(refused.0).await;
    come_back(refused.1).await;
    other.execute("rollback").await.unwrap();
    server.submit(&small("third")).await;
    assert_eq!(server.json("/v1/sweeps").await["items"].as_array().unwrap().len(), 1);
}

/// Statements wait for a lock; requests beyond the pool wait for a connection.
#[tokio::test]
async fn a_stalled_postgres_and_its_exhausted_pool_are_unavailable_and_pass() {
    let url = postgres::new_database().await;
    let server = Server::on_postgres(&url).await;
    let mut other = PgConnection::connect(&url).await.unwrap();
    let mut lock = other.begin().await.unwrap();
    lock.execute("lock table sweeps in access exclusive mode").await.unwrap();
    let stalled = futures::future::join_all((0..24).map(|_| server.get("/v1/sweeps")));
    let probed = async {
        assert_eq!(server.get("/livez").await.status(), StatusCode::OK);
        // Once the pool is exhausted.
        come_back(until(&server, "/readyz", StatusCode::SERVICE_UNAVAILABLE).await).await;
    };
    let (stalled, ()) = tokio::join!(stalled, probed);
    for response in stalled {
        come_back(response).await;
    }
    lock.rollback().await.unwrap();
    until(&server, "/readyz", StatusCode::OK).await;
    server.submit(&small("in the end")).await;
}
