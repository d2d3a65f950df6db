//! What the server counts, in Prometheus' text format.

use super::{problem::Problem, state::AppState};
use crate::store;
use axum::{
    extract::{MatchedPath, Request, State},
    http::{Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// A database that takes longer is told as one that doesn't answer.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);

/// Metrics
///
/// In Prometheus' text format. Counters are of this process since its start; the queue and the
/// sweeps are the database's.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "operations",
    responses((status = 200, body = String, content_type = "text/plain",
               description = "Metrics, version 0.0.4 of the text format"))
)]
async fn metrics(State(state): State<AppState>) -> Result<impl IntoResponse, Problem> {
    let depths = timeout(QUEUE_TIMEOUT, state.driver.store().depths()).await;
    let depths = depths.map_err(anyhow::Error::from).and_then(|looked| Ok(looked?));
    let damage = depths.as_ref().err().and_then(|error| error.chain().find_map(store::damage));
    if let Some(said) = damage {
        state.driver.note_damage(&said);
    }
    let depths = depths
        .inspect_err(|error| tracing::warn!(error = format!("{error:#}"), "metrics lack the queue"))
        .ok();
    let metrics = state.driver.metrics();
    metrics.looked(depths.as_ref());
    metrics.damaged(state.driver.database_damage().is_some());
    metrics.unwritable(state.driver.unwritable().is_some());
    let text = metrics.encode().map_err(|error| Problem::Internal(error.into()))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

/// Counts a request and how it was answered.
pub(super) async fn count(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let metrics = state.driver.metrics().clone();
    let began = Instant::now();
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let _in_flight = metrics.request_began();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    metrics.answered(method, route, response.status().as_u16(), began.elapsed());
    response
}

/// Clients may make methods up; labels don't follow them.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
