//! Bounds of what is done at once and of how long it may take: beyond them clients are told to
//! come back, so that a slow database or a rush of clients fills neither memory nor files.

use super::{AppState, problem::Problem};
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::time::Duration;
use tokio::time::timeout;

/// How much a server does at once, and how long it takes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Requests that are answered at once; claims that wait for work count.
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

/// How long the beginning of an answer to a claim may take, which may wait for work.
const CLAIM: Duration = Duration::from_secs(30 + 15);

/// The same where a body is taken in that may be large; these routes have bounds of their own.
const UPLOAD: Duration = Duration::from_secs(3600);

/// Keeps a request within the bounds.
pub(super) async fn keep(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Ok(_place) = state.requests.clone().try_acquire_owned() else {
        let most = state.bounds.requests;
        return busy(format!("{most} requests are being answered")).into_response();
    };
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let most = match route {
        "/v1/work/claim" => CLAIM,
        "/v1/work/{lease}/blobs/{sha256}" | "/v1/datasets" => UPLOAD,
        _ => state.bounds.answer,
    };
    match timeout(most, next.run(request)).await {
        Ok(response) => response,
        Err(_) => busy(format!("no answer within {most:?}")).into_response(),
    }
}

/// Told to come back.
pub(super) fn busy(why: String) -> Problem {
    Problem::Unavailable(anyhow::anyhow!(why))
}
