//! Bounds of what is done at once and of how long it may take: beyond them clients are told to
//! come back, so that a slow database or a rush of clients fills neither memory nor files.

use super::{problem::Problem, serve::InReserve};
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How much a server does at once, and how long it takes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Requests that are answered at once; claims that wait for work count, health probes don't.
    pub requests: usize,
    /// Event streams that are followed at once.
    pub watchers: usize,
    /// How long the beginning of an answer may take.
    pub answer: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { requests: 4096, watchers: 4096, answer: Duration::from_secs(25) }
    }
}

/// Checkpoints that are received at once: each is held in memory until it is stored. Further ones wait
/// before their bodies are read.
pub const MAX_BLOB_UPLOADS: usize = 4;

/// Data sets that are received and checked at once; further ones wait before their bodies are read.
pub const MAX_DATASET_UPLOADS: usize = 2;

/// The places that there are for what is done at once.
#[derive(Clone)]
pub(super) struct Places {
    bounds: Bounds,
    requests: Arc<Semaphore>,
    watchers: Arc<Semaphore>,
    /// [`MAX_BLOB_UPLOADS`] of them.
    pub blob_uploads: Arc<Semaphore>,
    /// [`MAX_DATASET_UPLOADS`] of them.
    pub dataset_uploads: Arc<Semaphore>,
}

impl Places {
    pub fn new(bounds: Bounds) -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self {
            bounds,
            requests: places(bounds.requests),
            watchers: places(bounds.watchers),
            blob_uploads: places(MAX_BLOB_UPLOADS),
            dataset_uploads: places(MAX_DATASET_UPLOADS),
        }
    }

    /// The same uploads, within other bounds.
    pub fn with_bounds(self, bounds: Bounds) -> Self {
        let Self { requests, watchers, .. } = Self::new(bounds);
        Self { bounds, requests, watchers, ..self }
    }

    /// A place to be answered.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] while as many requests are answered as may be, and for one that came
    /// on a connection beyond their bound.
    fn to_ask(&self, request: &Request) -> Result<OwnedSemaphorePermit, Problem> {
        if request.extensions().get::<InReserve>().is_some() {
            return Err(busy("there are as many connections as may be".into()));
        }
        let most = self.bounds.requests;
        let place = self.requests.clone().try_acquire_owned();
        place.map_err(|_| busy(format!("{most} requests are being answered")))
    }

    /// A place to follow a log.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] while as many logs are followed as may be.
    pub fn to_watch(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let most = self.bounds.watchers;
        let place = self.watchers.clone().try_acquire_owned();
        place.map_err(|_| busy(format!("{most} streams are followed")))
    }
}

/// How long the beginning of an answer to a claim may take, which may wait for work.
const CLAIM: Duration = Duration::from_secs(30 + 15);

/// The same where a body is taken in that may be large; these routes have bounds of their own.
const UPLOAD: Duration = Duration::from_secs(3600);

/// Health probes: they are answered whatever else there is to do.
const PROBES: [&str; 2] = ["/livez", "/readyz"];

/// Keeps a request within the bounds.
pub(super) async fn keep(State(places): State<Places>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let place = (!PROBES.contains(&route)).then(|| places.to_ask(&request)).transpose();
    let _place = match place {
        Ok(place) => place,
        Err(problem) => return problem.into_response(),
    };
    let most = match route {
        "/v1/work/claim" => CLAIM,
        "/v1/work/{lease}/blobs/{sha256}" | "/v1/datasets" => UPLOAD,
        _ => places.bounds.answer,
    };
    match timeout(most, next.run(request)).await {
        Ok(response) => response,
        Err(_) => busy(format!("no answer within {most:?}")).into_response(),
    }
}

/// The problem of a client that is to come back later.
fn busy(why: String) -> Problem {
    Problem::Unavailable(anyhow::anyhow!(why))
}
