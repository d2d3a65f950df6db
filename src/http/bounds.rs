//! Bounds of what is done at once and of how long it may take: beyond them clients are told to
//! come back, so that a slow database or a rush of clients fills neither memory nor files. Of each
//! no token may take all (`shares`).

use super::{
    problem::Problem,
    serve::InReserve,
    shares::{Party, Place, Pool, Share, Shares},
};
use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;

/// How much a server does at once, and how long it takes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Requests that are answered at once, until all of the answer is sent; claims that wait for work
    /// count, event streams, health probes and signing in don't.
    pub requests: usize,
    /// Event streams that are followed at once.
    pub watchers: usize,
    /// Answers at once that are read as they are sent, each of which takes a few MiB of memory.
    pub exports: usize,
    /// How long the beginning of an answer may take.
    pub answer: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { requests: 4096, watchers: 4096, exports: 32, answer: Duration::from_secs(25) }
    }
}

/// Checkpoints that are received at once: each is held in memory until it is stored. Further ones wait
/// before their bodies are read.
pub const MAX_BLOB_UPLOADS: usize = 4;

/// How many of them may be of one token. One is left for others; a pool of workers may share a token.
const BLOB_UPLOADS_OF_TOKEN: usize = 3;

/// How many checkpoints a lease may be about to send: its worker sends four at once, each of them again
/// when an answer is lost.
const BLOB_UPLOADS_OF_LEASE: usize = 8;

/// How many of them are received at once; the others wait, so that other leases find places.
const BLOB_TURNS_OF_LEASE: usize = 2;

/// Data sets that are received and checked at once; further ones wait before their bodies are read.
pub const MAX_DATASET_UPLOADS: usize = 2;

/// How many of them may be of one token.
const DATASET_UPLOADS_OF_TOKEN: usize = 1;

/// Those who sign in at once: nobody knows yet who they are. Chosen: far more than ever do.
const MAX_SIGN_INS: usize = 256;

/// How many of them may come from one address, which may be a proxy's.
const SIGN_INS_OF_ADDRESS: usize = 64;

/// The places that there are for what is done at once.
#[derive(Clone)]
pub(super) struct Places {
    bounds: Bounds,
    requests: Pool,
    watchers: Pool,
    /// For answers that are read as they are sent.
    pub exports: Pool,
    /// [`MAX_BLOB_UPLOADS`] of them.
    pub blob_uploads: Pool,
    lease_uploads: Shares,
    /// Of a lease's checkpoints, those that are received.
    pub lease_turns: Shares,
    /// [`MAX_DATASET_UPLOADS`] of them.
    pub dataset_uploads: Pool,
    /// For those who sign in.
    pub sign_ins: Pool,
}

/// Half of some places, at least one: what a token may have where many use it.
fn half(places: usize) -> usize {
    (places / 2).max(1)
}

impl Places {
    pub fn new(bounds: Bounds) -> Self {
        let halved = |what, places| Pool::new(what, places, half(places));
        Self {
            bounds,
            requests: halved("request", bounds.requests),
            watchers: halved("event stream", bounds.watchers),
            exports: halved("export", bounds.exports),
            blob_uploads: Pool::new("checkpoint upload", MAX_BLOB_UPLOADS, BLOB_UPLOADS_OF_TOKEN),
            lease_uploads: Shares::of(BLOB_UPLOADS_OF_LEASE),
            lease_turns: Shares::of(BLOB_TURNS_OF_LEASE),
            dataset_uploads: Pool::new(
                "data set upload",
                MAX_DATASET_UPLOADS,
                DATASET_UPLOADS_OF_TOKEN,
            ),
            sign_ins: Pool::new("sign-in", MAX_SIGN_INS, SIGN_INS_OF_ADDRESS),
        }
    }

    /// A place to be answered.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] while as many requests are answered as may be, and for one that came
    /// on a connection beyond their bound.
    fn to_ask(&self, request: &Request) -> Result<Place, Problem> {
        if request.extensions().get::<InReserve>().is_some() {
            return Err(busy("there are as many connections as may be".into()));
        }
        self.requests.try_take(None)
    }

    /// A party's share of the places to be answered.
    ///
    /// # Errors
    /// [`Problem::OverShare`].
    pub fn share_to_ask(&self, party: Party) -> Result<Share, Problem> {
        self.requests.share(party)
    }

    /// A place to follow a log.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] while as many logs are followed as may be; [`Problem::OverShare`].
    pub fn to_watch(&self, party: Option<Party>) -> Result<Place, Problem> {
        self.watchers.try_take(party)
    }

    /// A place to send a checkpoint under a lease, before it is one's turn.
    ///
    /// # Errors
    /// [`Problem::OverShare`].
    pub fn to_upload_under(&self, lease: Party) -> Result<Share, Problem> {
        let over = || super::shares::over(lease, "checkpoint upload", BLOB_UPLOADS_OF_LEASE);
        self.lease_uploads.try_take(lease).ok_or_else(over)
    }
}

/// How long the beginning of an answer to a claim may take, which may wait for work.
const CLAIM: Duration = Duration::from_secs(30 + 15);

/// The same where a body is taken in that may be large; these routes have bounds of their own.
const UPLOAD: Duration = Duration::from_secs(3600);

/// Health probes: they are answered whatever else there is to do.
const PROBES: [&str; 2] = ["/livez", "/readyz"];

/// What a request that is being answered holds.
#[derive(Clone)]
pub(super) struct InFlight {
    _place: Arc<Place>,
}

/// Keeps a request within the bounds.
pub(super) async fn keep(
    State(places): State<Places>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    // Signing in has places of its own.
    let signs_in = route == "/v1/session" && request.method() == Method::POST;
    let is_free = PROBES.contains(&route) || signs_in && !is_in_reserve(&request);
    let most = match route {
        "/v1/work/claim" => CLAIM,
        "/v1/work/{lease}/blobs/{sha256}" | "/v1/datasets" => UPLOAD,
        _ => places.bounds.answer,
    };
    if !is_free {
        match places.to_ask(&request) {
            Ok(place) => request.extensions_mut().insert(InFlight { _place: Arc::new(place) }),
            Err(problem) => return problem.into_response(),
        };
    }
    let held = request.extensions().get::<InFlight>().cloned();
    let answer = timeout(most, next.run(request)).await;
    drop(held);
    match answer {
        Ok(response) => response,
        Err(_) => busy(format!("no answer within {most:?}")).into_response(),
    }
}

fn is_in_reserve(request: &Request) -> bool {
    request.extensions().get::<InReserve>().is_some()
}

/// Has an answer hold something until all of it is sent; event streams, which have places of their own,
/// don't.
pub(super) fn held_by(response: Response, held: impl Send + Unpin + 'static) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        return response;
    }
    response.map(|body| Body::new(Holding { body, _held: held }))
}

/// The body of an answer, and what it holds.
struct Holding<T> {
    body: Body,
    _held: T,
}

impl<T: Unpin> http_body::Body for Holding<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The problem of a client that is to come back later.
fn busy(why: String) -> Problem {
    Problem::Unavailable(anyhow::anyhow!(why))
}
