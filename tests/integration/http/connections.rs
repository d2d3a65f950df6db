//! Connections: slow ones keep nobody out, and none is kept for ever.

use super::server::{Server, problem, small};
use floodgauge::http::ConnectionBounds;
use futures::future::{join, join_all};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{interval, timeout},
};

/// Longer than anything here may take.
const BOUND: Duration = Duration::from_secs(60);

/// Shorter than anything that is waited for here would take by default.
const SOON: Duration = Duration::from_millis(300);

/// A connection on which this was sent.
async fn sent(server: &Server, bytes: &str) -> TcpStream {
    let address = server.base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    stream
}

/// What comes until the server closes the connection.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let closed = timeout(BOUND, stream.read_to_end(&mut answer)).await;
    // One that is closed with bytes unread is reset.
    let _ = closed.expect("the server keeps the connection");
    String::from_utf8(answer).unwrap()
}

/// Asks on a connection of its own.
async fn fresh(server: &Server, path: &str) -> reqwest::Response {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(format!("{}{path}", server.base)).send().await.unwrap()
}

async fn answers(server: &Server) {
    for path in ["/livez", "/readyz", "/v1/sweeps"] {
        assert_eq!(fresh(server, path).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn half_sent_heads_keep_nobody_out_and_end_after_their_time() {
    let head = Duration::from_secs(2);
    let server = Server::with_connections(ConnectionBounds { head, ..Default::default() }).await;
    let half = "GET /livez HTTP/1.1\r\nhost: localhost\r\nx-half: ";
    let halves = join_all((0..300).map(|_| sent(&server, half))).await;
    answers(&server).await;
    server.submit(&small("meanwhile")).await;
    for answer in join_all(halves.into_iter().map(until_closed)).await {
        assert_eq!(answer, "");
    }
    answers(&server).await;
}

#[tokio::test]
async fn connections_beyond_the_bound_take_the_places_of_those_that_ask_nothing() {
    let connections = ConnectionBounds { connections: 20, ..Default::default() };
    let server = Server::with_connections(connections).await;
    // Without a byte, with a part of a preface of HTTP/2, with half a head.
    for begun in ["", "PRI * HTTP/2.0\r\n", "POST /v1/sweeps HTTP/1.1\r\nhost"] {
        let mut strangers = join_all((0..100).map(|_| sent(&server, begun))).await;
        answers(&server).await;
        for stranger in strangers.drain(..70) {
            assert_eq!(until_closed(stranger).await, "", "{begun}");
        }
    }
}

#[tokio::test]
async fn where_every_connection_is_answered_probes_are_too_and_others_come_back() {
    let connections = ConnectionBounds { connections: 2, ..Default::default() };
    let server = Server::with_connections(connections).await;
    let claim = json!({ "worker": "w", "fingerprint": "f", "wait_s": 30 }).to_string();
    let length = claim.len();
    let claim = format!(
        "POST /v1/work/claim HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{claim}"
    );
    let claims = join_all((0..2).map(|_| sent(&server, &claim))).await;
    let asked = async {
        let in_flight = "floodgauge_http_requests_in_flight 2\n";
        while !server.driver.metrics().encode().unwrap().contains(in_flight) {
            tokio::task::yield_now().await;
        }
    };
    timeout(BOUND, asked).await.unwrap();
    let refused = fresh(&server, "/v1/sweeps").await;
    assert_eq!(refused.headers()["connection"], "close");
    problem(refused, 503, "unavailable").await;
    for probe in ["/livez", "/readyz"] {
        assert_eq!(fresh(&server, probe).await.status(), StatusCode::OK, "{probe}");
    }
    drop(claims);
    let again = async { while fresh(&server, "/v1/sweeps").await.status() != StatusCode::OK {} };
    timeout(BOUND, again).await.unwrap();
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request_and_not_for_ever() {
    let connections = ConnectionBounds { idle: SOON, ..Default::default() };
    let server = Server::with_connections(connections).await;
    let ask = "GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut stream = sent(&server, ask).await;
    let mut first = vec![0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(first, b"HTTP/1.1 200");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let rest = until_closed(stream).await;
    assert_eq!(rest.matches("HTTP/1.1 200").count(), 1, "{rest}");
}

#[tokio::test]
async fn an_answer_may_take_longer_than_a_head_or_a_pause() {
    let connections = ConnectionBounds { head: SOON, idle: SOON, body: SOON, ..Default::default() };
    let server = Server::with_connections(connections).await;
    let claim = json!({ "worker": "w", "fingerprint": "f", "wait_s": 2 });
    let answer = server.request(Method::POST, "/v1/work/claim").json(&claim).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_body_of_which_nothing_comes_is_not_waited_for() {
    let connections = ConnectionBounds { body: SOON, ..Default::default() };
    let server = Server::with_connections(connections).await;
    for (path, kind) in [
        ("/v1/sweeps", "application/json"),
        ("/v1/session", "application/json"),
        ("/v1/datasets?name=slow", "text/csv"),
    ] {
        let stream = sent(
            &server,
            &format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n\
                 content-length: 100\r\n\r\n{{"
            ),
        )
        .await;
        let answer = until_closed(stream).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 408 "), "{path}: {answer}");
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["type"], "urn:floodgauge:problem:too-slow", "{path}");
    }
}

/// Sends a sweep, so many bytes of it each tenth of a second; answers what came back.
async fn trickled(server: &Server, bytes: usize) -> String {
    let body = small("trickled").to_string();
    // What comes behind the sweep counts as a part of the body.
    let body = format!("{body}{}", " ".repeat(12_000 - body.len()));
    let head = format!(
        "POST /v1/sweeps HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = sent(server, &head).await;
    let mut ticks = interval(Duration::from_millis(100));
    for piece in body.as_bytes().chunks(bytes) {
        ticks.tick().await;
        // One that is closed takes no more.
        if stream.write_all(piece).await.is_err() {
            break;
        }
    }
    until_closed(stream).await
}

#[tokio::test]
async fn a_body_somewhat_faster_than_the_least_rate_is_taken_and_a_slower_one_is_not() {
    let body = Duration::from_secs(2);
    let connections = ConnectionBounds { body, least_rate: 2_000, ..Default::default() };
    let server = Server::with_connections(connections).await;
    // For longer than a silence may last: 3,000 bytes a second take 4 s; at 1,000 too much is owed by then.
    let (fast, slow) = join(trickled(&server, 300), trickled(&server, 100)).await;
    assert!(fast.starts_with("HTTP/1.1 201 "), "{fast}");
    // Who still sends may not read it.
    assert!(slow.is_empty() || slow.starts_with("HTTP/1.1 408 "), "{slow}");
    let list: Value = fresh(&server, "/v1/sweeps").await.json().await.unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
}

#[tokio::test]
async fn a_server_that_ends_does_not_wait_for_the_rest_of_a_head() {
    let head = Duration::from_secs(3600);
    let mut server =
        Server::with_connections(ConnectionBounds { head, ..Default::default() }).await;
    let halves = join_all((0..10).map(|_| sent(&server, "GET /livez HTTP/1.1\r\nhost: "))).await;
    answers(&server).await;
    server.closing.cancel();
    timeout(Duration::from_secs(5), &mut server.task).await.unwrap().unwrap().unwrap();
    drop(halves);
}
