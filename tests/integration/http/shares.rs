//! No token, no address and no lease keeps all others out.

use super::{
    long_answers::asks,
    server::{Server, problem, small},
    worker::{checkpoint, claim, digest, under, upload},
};
use crate::support::{TestDatabase, on_both_databases, trained};
use floodgauge::{
    access::{Limits, Scope, Secret},
    http::{ConnectionBounds, bounds::Bounds},
};
use floodgauge_protocol::{
    ArmIx,
    work::{Assignment, LEASE_TOKEN_HEADER},
};
use futures::future::join_all;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::yield_now,
    time::{interval, timeout},
};

on_both_databases! {
    one_token_has_half_of_the_requests_that_are_answered_at_once,
    one_token_has_half_of_the_streams_that_are_followed_at_once,
    one_lease_keeps_no_other_from_handing_in_a_checkpoint,
    one_token_keeps_no_other_from_adding_a_data_set,
    half_sent_sign_ins_keep_nobody_out,
}

/// Longer than anything here may take.
const BOUND: Duration = Duration::from_secs(60);

/// A server over a database that asks for tokens, and the secrets of two of a scope.
async fn with_two(
    db: &TestDatabase,
    scope: Scope,
    connections: ConnectionBounds,
    bounds: Bounds,
) -> (Server, [Secret; 2]) {
    let server = Server::with_store(db.store.clone(), connections, bounds).await;
    let secrets = [
        server.make_token(scope, Limits::default()).await.0,
        server.make_token(scope, Limits::default()).await.0,
    ];
    (server, secrets)
}

async fn get(server: &Server, path: &str, token: &Secret) -> Response {
    let request = server.client.get(format!("{}{path}", server.base));
    request.bearer_auth(token.reveal()).send().await.unwrap()
}

/// Asserts that a client is told that it has its share.
async fn over_share(response: Response) {
    assert_eq!(response.headers()["retry-after"], "1");
    problem(response, 429, "over-share").await;
}

/// Waits until something is asked that has no answer yet.
async fn in_flight(server: &Server, count: usize) {
    let line = format!("floodgauge_http_requests_in_flight {count}\n");
    let asked = async {
        while !server.driver.metrics().encode().unwrap().contains(&line) {
            yield_now().await;
        }
    };
    timeout(BOUND, asked).await.unwrap_or_else(|_| panic!("never {count} in flight"));
}

/// What is being sent counts until all of it is.
async fn one_token_has_half_of_the_requests_that_are_answered_at_once(db: TestDatabase) {
    let bounds = Bounds { requests: 6, ..Bounds::default() };
    let mut server = Server::with_store(db.store.clone(), Default::default(), bounds).await;
    let mut spec = small("long");
    spec["recipe"]["epochs"] = json!(50_000);
    let sweep = server.submit(&spec).await.parse().unwrap();
    db.execute(&trained(sweep, 2, 50_000)).await;
    let busy = server.make_token(Scope::Read, Limits::default()).await.0;
    let other = server.make_token(Scope::Read, Limits::default()).await.0;
    server.token = Some(busy.reveal().into());
    let path = format!("/v1/sweeps/{sweep}/curves");
    let unread =
        [asks(&server, &path).await, asks(&server, &path).await, asks(&server, &path).await];
    over_share(get(&server, "/v1/sweeps", &busy).await).await;
    assert_eq!(get(&server, "/v1/sweeps", &other).await.status(), StatusCode::OK);
    drop(unread);
    let again =
        async { while get(&server, "/v1/sweeps", &busy).await.status() != StatusCode::OK {} };
    timeout(BOUND, again).await.unwrap();
}

async fn one_token_has_half_of_the_streams_that_are_followed_at_once(db: TestDatabase) {
    let bounds = Bounds { watchers: 4, ..Bounds::default() };
    let (server, [busy, other]) = with_two(&db, Scope::Read, Default::default(), bounds).await;
    let streams =
        [get(&server, "/v1/events", &busy).await, get(&server, "/v1/events", &busy).await];
    assert!(streams.iter().all(|stream| stream.status() == StatusCode::OK));
    over_share(get(&server, "/v1/events", &busy).await).await;
    // Streams take no place of other requests.
    assert_eq!(get(&server, "/v1/sweeps", &busy).await.status(), StatusCode::OK);
    let others =
        [get(&server, "/v1/events", &other).await, get(&server, "/v1/events", &other).await];
    assert!(others.iter().all(|stream| stream.status() == StatusCode::OK));
    drop(streams);
    let again =
        async { while get(&server, "/v1/events", &busy).await.status() != StatusCode::OK {} };
    timeout(BOUND, again).await.unwrap();
}

/// A connection on which this was sent.
async fn sent(server: &Server, bytes: &str) -> TcpStream {
    let address = server.base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    stream
}

/// The status that comes first on a connection.
async fn status(stream: &mut TcpStream) -> String {
    let mut begin = [0; 12];
    timeout(BOUND, stream.read_exact(&mut begin)).await.expect("no answer").unwrap();
    String::from_utf8(begin.to_vec()).unwrap()
}

/// Begins to upload a megabyte under a lease.
async fn begun(server: &Server, work: &Assignment) -> TcpStream {
    let (lease, digest) = (work.lease.lease, digest(b"never whole"));
    let token = &work.lease.token;
    sent(
        server,
        &format!(
            "PUT /v1/work/{lease}/blobs/{digest} HTTP/1.1\r\nhost: localhost\r\n\
             {LEASE_TOKEN_HEADER}: {token}\r\ncontent-length: 1000000\r\n\r\nbegun"
        ),
    )
    .await
}

async fn one_lease_keeps_no_other_from_handing_in_a_checkpoint(db: TestDatabase) {
    let server = Server::with_store(db.store.clone(), Default::default(), Bounds::default()).await;
    let mut spec = small("shared");
    spec["search"]["seeds"] = json!([0, 1]);
    server.submit(&spec).await;
    let greedy = claim(&server, "greedy", 0).await.unwrap();
    let other = claim(&server, "other", 0).await.unwrap();
    // Whichever come first: eight are waited for, the others told to come back.
    let mut begun = join_all((0..11).map(|_| begun(&server, &greedy))).await;
    in_flight(&server, 8).await;
    let refused = begun.iter_mut().map(async |stream| {
        let answered = timeout(Duration::from_secs(1), status(stream)).await;
        answered.is_ok_and(|status| status == "HTTP/1.1 429")
    });
    let refused = join_all(refused).await.into_iter().filter(|refused| *refused).count();
    assert_eq!(refused, 3);
    let state = checkpoint(&other, 2, ArmIx::PLAIN);
    assert_eq!(upload(&server, &other, &state).await, StatusCode::CREATED);
    drop(begun);
    in_flight(&server, 0).await;
    assert_eq!(upload(&server, &greedy, &state).await, StatusCode::OK);
    let answer = under(&server, &greedy, Method::POST, "reports").json(&json!({ "rows": [] }));
    assert_eq!(answer.send().await.unwrap().status(), StatusCode::OK);
}

async fn one_token_keeps_no_other_from_adding_a_data_set(db: TestDatabase) {
    let connections = ConnectionBounds {
        body: Duration::from_secs(2),
        least_rate: 1 << 20,
        ..Default::default()
    };
    let bounds = Bounds::default();
    let (server, [slow, other]) = with_two(&db, Scope::Submit, connections, bounds).await;
    let mut trickled = join_all((0..2).map(|number| {
        let token = slow.reveal();
        let head = format!(
            "POST /v1/datasets?name=slow-{number} HTTP/1.1\r\nhost: localhost\r\n\
             authorization: bearer {token}\r\ncontent-type: text/csv\r\n\
             content-length: 100000000\r\n\r\n"
        );
        let server = &server;
        async move { sent(server, &head).await }
    }))
    .await;
    in_flight(&server, 2).await;
    let table: String = (0..100).map(|i| format!("{}.5,{}.25,{}\n", i, i % 7, i % 2)).collect();
    let add = server.client.post(format!("{}/v1/datasets?name=other", server.base));
    let add = add.bearer_auth(other.reveal()).header("content-type", "text/csv").body(table);
    assert_eq!(add.send().await.unwrap().status(), StatusCode::CREATED);
    // Both trickle on, and are cut off one after the other: the second was not read before.
    let mut ticks = interval(Duration::from_millis(10));
    let trickle = async {
        while !trickled.is_empty() {
            ticks.tick().await;
            let mut still = Vec::new();
            for mut stream in trickled.drain(..) {
                if stream.write_all(b"1,2,0\n").await.is_ok() {
                    still.push(stream);
                }
            }
            trickled = still;
        }
    };
    timeout(BOUND, trickle).await.expect("they trickle for ever");
}

async fn half_sent_sign_ins_keep_nobody_out(db: TestDatabase) {
    let connections = ConnectionBounds { body: Duration::from_secs(3), ..Default::default() };
    let (server, [known, _]) =
        with_two(&db, Scope::Read, connections, Bounds { requests: 2, ..Bounds::default() }).await;
    let half = "POST /v1/session HTTP/1.1\r\nhost: localhost\r\n\
                content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let mut halves = join_all((0..100).map(|_| sent(&server, half))).await;
    in_flight(&server, 64).await;
    assert_eq!(get(&server, "/v1/sweeps", &known).await.status(), StatusCode::OK);
    let answers = join_all(halves.iter_mut().map(status)).await;
    let count = |status: &str| answers.iter().filter(|answer| *answer == status).count();
    assert_eq!((count("HTTP/1.1 429"), count("HTTP/1.1 408")), (36, 64));
    let sign_in = server.client.post(format!("{}/v1/session", server.base));
    let sign_in = sign_in.json(&json!({ "token": known.reveal() })).send().await.unwrap();
    assert_eq!(sign_in.status(), StatusCode::OK);
    let session: Value = sign_in.json().await.unwrap();
    assert_eq!(session["token"]["scopes"], json!(["read"]));
    let long = server.client.post(format!("{}/v1/session", server.base));
    let long = long.json(&json!({ "token": "x".repeat(5_000) })).send().await.unwrap();
    let told = problem(long, 413, "too-large").await;
    assert_eq!(told["detail"], "at most 4 KiB are taken here");
}
