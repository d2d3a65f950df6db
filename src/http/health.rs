//! Whether the server lives, and whether it can work.

use super::{openapi::Unavailable, problem::Problem, state::AppState};
use anyhow::Context;
use axum::extract::State;
use std::time::Duration;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready))
}

/// A database that takes longer is as good as gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the process runs
///
/// Answers as long as it does, whatever its database is up to: for supervisors that would restart it.
#[utoipa::path(
    get,
    path = "/livez",
    operation_id = "live",
    tag = "operations",
    responses((status = 200, body = String, content_type = "text/plain", description = "It does"))
)]
async fn live() -> &'static str {
    "ok"
}

/// Whether the database answers
///
/// Within two seconds. For balancers, which should ask another server meanwhile.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "ready",
    tag = "operations",
    responses(
        (status = 200, body = String, content_type = "text/plain", description = "It does"),
        Unavailable,
    )
)]
async fn ready(State(state): State<AppState>) -> Result<&'static str, Problem> {
    let ping = tokio::time::timeout(PATIENCE, state.driver.store().ping()).await;
    ping.with_context(|| format!("the database took more than {PATIENCE:?}"))
        .map_err(Problem::Unavailable)?
        .map_err(|error| Problem::Unavailable(error.into()))?;
    Ok("ok")
}
