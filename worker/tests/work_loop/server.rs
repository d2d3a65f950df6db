//! A server that plays the work routes of the contract over real HTTP, keeps what it was told, and
//! misbehaves on order.
#![allow(clippy::unwrap_used)]

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use floodgauge_protocol::{
    Digest, LeaseId,
    wire::WIRE_HEADER,
    work::{
        Assignment, ClaimRequest, Fail, FailKind, Finish, FinishedBranch, LEASE_TOKEN_HEADER,
        Lease, Report, ReportAnswer, ReportRow, Stop, Trouble,
    },
};
use futures::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// Longer than any test takes; a test that waits for so long has failed.
const HANG: Duration = Duration::from_secs(60);

/// What the server was told and what it is to do.
#[derive(Default)]
pub struct Log {
    /// Work to give away, first come first served.
    pub queue: VecDeque<Assignment>,
    /// Claims that were answered or wait.
    pub claims: Vec<ClaimRequest>,
    /// Leases that were given and have not ended, with their tokens.
    pub live: HashMap<LeaseId, String>,
    /// The rows of each report that was taken.
    pub reports: Vec<Vec<ReportRow>>,
    /// What was saved with how many rows told until then.
    pub saved: Vec<(usize, Vec<FinishedBranch>)>,
    pub finished: Vec<Finish>,
    pub failed: Vec<String>,
    /// Segments that came back since their worker's machine was in trouble.
    pub handed_back: Vec<Fail>,
    /// What workers said that asked for no work.
    pub troubles: Vec<Trouble>,
    pub blobs: HashMap<Digest, Bytes>,
    /// Stops to answer to every report.
    pub stops: Vec<Stop>,
    /// Seconds that each lease lasts.
    pub ttl_s: u32,
    /// Answer a path's end with these statuses first, one after the other.
    pub faults: HashMap<&'static str, VecDeque<Fault>>,
    /// Don't answer reports for now.
    pub hold_reports: bool,
    /// Hold blobs back until this many reports have come.
    pub blobs_wait_for: usize,
    /// Send blobs a piece at a time.
    pub blob_pace: Option<Pace>,
    /// What to say of the wire; servers of 0.1.0 say nothing.
    pub wire: Option<&'static str>,
    /// What workers said of it, request by request.
    pub wires: Vec<String>,
}

/// How a blob goes out over a slow link.
#[derive(Clone, Copy)]
pub struct Pace {
    /// In so many pieces.
    pub pieces: usize,
    /// One of them each time.
    pub every: Duration,
    /// So many of them come, and then nothing more.
    pub come: usize,
}

/// How to go wrong.
#[derive(Clone, Copy)]
pub enum Fault {
    /// Answers this and does nothing.
    Before(StatusCode),
    /// Somebody between answers this in words of its own, and nothing is done.
    Between(StatusCode),
    /// Answers this with a problem of this type and does nothing.
    Told(StatusCode, &'static str),
    /// Does what was asked and answers this: the answer got lost on the way.
    After(StatusCode),
}

impl Log {
    /// All rows, in the order in which they came.
    pub fn rows(&self) -> Vec<ReportRow> {
        self.reports.iter().flatten().cloned().collect()
    }
}

type Shared = Arc<watch::Sender<Log>>;

/// The server, until it is dropped.
pub struct Server {
    pub log: Shared,
    pub address: String,
    _stop: DropGuard,
}

impl Server {
    /// Serves under the path prefix `/gauge`.
    pub async fn start(assignments: Vec<Assignment>) -> Self {
        let log = Log { queue: assignments.into(), ttl_s: 15, wire: Some("2"), ..Log::default() };
        let log: Shared = Arc::new(watch::Sender::new(log));
        let work = Router::new()
            .route("/v1/work/claim", post(claim))
            .route("/v1/work/{lease}/reports", post(reports))
            .route("/v1/work/{lease}/blobs/{digest}", get(get_blob).put(put_blob))
            .route("/v1/work/{lease}/finish", post(finish))
            .route("/v1/work/{lease}/fail", post(fail))
            .route("/v1/work/trouble", post(trouble))
            .layer(middleware::from_fn_with_state(log.clone(), misbehave))
            .with_state(log.clone());
        let app = Router::new().nest("/gauge", work);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/gauge", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                served = axum::serve(listener, app) => served.unwrap(),
                () = stopped.cancelled() => {}
            }
        });
        Self { log, address, _stop: stop.drop_guard() }
    }

    /// Changes what the server does.
    pub fn set(&self, change: impl FnOnce(&mut Log)) {
        self.log.send_modify(change);
    }

    /// Makes the next answers on paths that end like this go wrong.
    pub fn fault(&self, end: &'static str, faults: impl IntoIterator<Item = Fault>) {
        self.set(|log| log.faults.entry(end).or_default().extend(faults));
    }

    /// Waits until the log is so.
    pub async fn until(&self, so: impl FnMut(&Log) -> bool) {
        let mut log = self.log.subscribe();
        let waited = tokio::time::timeout(HANG, log.wait_for(so)).await;
        waited.expect("the awaited call never came").unwrap();
    }

    /// What `look` sees in the log.
    pub fn see<T>(&self, look: impl FnOnce(&Log) -> T) -> T {
        look(&self.log.borrow())
    }
}

fn problem(status: StatusCode, kind: &str, detail: &str) -> Response {
    let body = serde_json::json!({
        "type": format!("urn:floodgauge:problem:{kind}"),
        "title": "refused",
        "status": status.as_u16(),
        "detail": detail,
    });
    (status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

/// Goes wrong as ordered, by the last part of the path (`blobs` for all blobs).
async fn misbehave(State(log): State<Shared>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let said = request.headers().get(WIRE_HEADER).map(|said| said.to_str().unwrap().to_owned());
    let (mut fault, mut wire) = (None, None);
    log.send_if_modified(|log| {
        log.wires.extend(said);
        wire = log.wire;
        let due = log.faults.iter_mut().find(|(end, _)| path.contains(&format!("/{end}")));
        fault = due.and_then(|(_, faults)| faults.pop_front());
        fault.is_some()
    });
    let mut answer = match fault {
        Some(Fault::Before(status)) => problem(status, "conflict", "on order"),
        Some(Fault::Between(status)) => (status, "<html>on order</html>").into_response(),
        Some(Fault::Told(status, kind)) => problem(status, kind, "on order"),
        Some(Fault::After(status)) => {
            next.run(request).await;
            problem(status, "conflict", "on order")
        }
        None => next.run(request).await,
    };
    if let Some(wire) = wire {
        answer.headers_mut().insert(WIRE_HEADER, HeaderValue::from_static(wire));
    }
    answer
}

async fn claim(State(log): State<Shared>, Json(request): Json<ClaimRequest>) -> Response {
    let wait = Duration::from_secs(request.wait_s.into());
    log.send_modify(|log| log.claims.push(request));
    let mut changes = log.subscribe();
    let come = tokio::time::timeout(wait, changes.wait_for(|log| !log.queue.is_empty())).await;
    if come.map(|found| found.is_err()).unwrap_or(true) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let mut given = None;
    log.send_modify(|log| {
        given = log.queue.pop_front().map(|mut assignment| {
            let token = Uuid::new_v4().to_string();
            let lease = LeaseId(Uuid::new_v4());
            log.live.insert(lease, token.clone());
            assignment.lease = Lease { lease, token, attempt: 1, ttl_s: log.ttl_s };
            assignment
        });
    });
    given.map_or(StatusCode::NO_CONTENT.into_response(), |given| Json(given).into_response())
}

/// Does `what` under a live lease; `409` under any other.
fn leased<T: IntoResponse>(
    log: &Shared,
    lease: LeaseId,
    headers: &HeaderMap,
    what: impl FnOnce(&mut Log) -> T,
) -> Response {
    let mut answer = problem(StatusCode::CONFLICT, "lease-lost", "the lease is lost");
    log.send_modify(|log| {
        let token = headers.get(LEASE_TOKEN_HEADER).and_then(|token| token.to_str().ok());
        if token.is_some() && log.live.get(&lease).map(String::as_str) == token {
            answer = what(log).into_response();
        }
    });
    answer
}

async fn reports(
    State(log): State<Shared>,
    Path(lease): Path<LeaseId>,
    headers: HeaderMap,
    Json(report): Json<Report>,
) -> Response {
    hold(&log, |log| !log.hold_reports).await;
    leased(&log, lease, &headers, |log| {
        log.reports.push(report.rows);
        let reported = log.reports.iter().map(Vec::len).sum();
        log.saved.extend((!report.saved.is_empty()).then_some((reported, report.saved)));
        Json(ReportAnswer { stop: log.stops.clone(), ttl_s: log.ttl_s })
    })
}

/// Waits until the test lets an answer go.
async fn hold(log: &Shared, free: impl FnMut(&Log) -> bool) {
    let mut changes = log.subscribe();
    let waited = tokio::time::timeout(HANG, changes.wait_for(free)).await;
    waited.expect("an answer was held back for too long").unwrap();
}

fn blobs_are_free(log: &Log) -> bool {
    log.reports.len() >= log.blobs_wait_for
}

async fn get_blob(
    State(log): State<Shared>,
    Path((lease, digest)): Path<(LeaseId, String)>,
    headers: HeaderMap,
) -> Response {
    hold(&log, blobs_are_free).await;
    leased(&log, lease, &headers, |log| match log.blobs.get(&digest.parse().unwrap()) {
        Some(bytes) => in_pieces(bytes, log.blob_pace),
        None => problem(StatusCode::NOT_FOUND, "not-found", "no such blob"),
    })
}

/// Bytes as a slow link carries them.
fn in_pieces(bytes: &Bytes, pace: Option<Pace>) -> Response {
    let Some(Pace { pieces, every, come }) = pace else {
        return Body::from(bytes.clone()).into_response();
    };
    let size = bytes.len().div_ceil(pieces);
    let all: Vec<_> = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
    let stands_still = come < all.len();
    let ticks = tokio::time::interval(every);
    let paced =
        stream::unfold((ticks, all.into_iter().take(come)), |(mut ticks, mut left)| async {
            ticks.tick().await;
            left.next().map(|piece| (Ok::<_, std::io::Error>(piece), (ticks, left)))
        });
    match stands_still {
        true => Body::from_stream(paced.chain(stream::pending())).into_response(),
        false => Body::from_stream(paced).into_response(),
    }
}

async fn put_blob(
    State(log): State<Shared>,
    Path((lease, digest)): Path<(LeaseId, String)>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    hold(&log, blobs_are_free).await;
    let digest: Digest = digest.parse().unwrap();
    leased(&log, lease, &headers, |log| {
        if Digest(Sha256::digest(&bytes).into()) != digest {
            return StatusCode::UNPROCESSABLE_ENTITY;
        }
        match log.blobs.insert(digest, bytes) {
            Some(_) => StatusCode::OK,
            None => StatusCode::CREATED,
        }
    })
}

async fn finish(
    State(log): State<Shared>,
    Path(lease): Path<LeaseId>,
    headers: HeaderMap,
    Json(finish): Json<Finish>,
) -> Response {
    leased(&log, lease, &headers, |log| {
        let named = finish.branches.iter().filter_map(|branch| branch.checkpoint);
        if named.into_iter().any(|digest| !log.blobs.contains_key(&digest)) {
            return problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-work",
                "a checkpoint was not uploaded",
            );
        }
        log.live.remove(&lease);
        log.finished.push(finish);
        StatusCode::NO_CONTENT.into_response()
    })
}

async fn fail(
    State(log): State<Shared>,
    Path(lease): Path<LeaseId>,
    headers: HeaderMap,
    Json(fail): Json<Fail>,
) -> Response {
    leased(&log, lease, &headers, |log| {
        log.live.remove(&lease);
        match fail.kind {
            FailKind::Trial => log.failed.push(fail.message),
            FailKind::Machine => log.handed_back.push(fail),
        }
        StatusCode::NO_CONTENT
    })
}

async fn trouble(State(log): State<Shared>, Json(trouble): Json<Trouble>) -> StatusCode {
    log.send_modify(|log| log.troubles.push(trouble));
    StatusCode::NO_CONTENT
}
