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

/// Requests that are answered at once; claims that wait for work count.
pub const MAX_REQUESTS: usize = 4096;

/// Event streams that are followed at once.
pub const MAX_WATCHERS: usize = 4096;

/// How long the beginning of an answer may take.
const PATIENCE: Duration = Duration::from_secs(25);

/// The same for a claim, which may wait for work.
const CLAIM: Duration = Duration::from_secs(30 + 15);

/// The same where a body is taken in that may be large; these routes have bounds of their own.
const UPLOAD: Duration = Duration::from_secs(3600);

/// Keeps a request within the bounds.
pub(super) async fn keep(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Ok(_place) = state.requests.clone().try_acquire_owned() else {
        return busy(format!("{MAX_REQUESTS} requests are being answered")).into_response();
    };
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let most = match route {
        "/v1/work/claim" => CLAIM,
        "/v1/work/{lease}/blobs/{sha256}" | "/v1/datasets" => UPLOAD,
        _ => PATIENCE,
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
