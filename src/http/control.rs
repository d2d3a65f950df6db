//! What users do to a sweep on its way: cancel, pause, resume, extend.

use super::{
    access::Caller,
    body::JsonBody,
    extract::SweepPath,
    openapi::{
        InvalidExtension, Malformed, NoSweep, StateConflict, TooLarge, UnsupportedMediaType,
    },
    problem::Problem,
    state::AppState,
    sweeps::detail,
};
use axum::{Json, extract::State, http::StatusCode};
use floodgauge_api::SweepDetail;
use floodgauge_protocol::{Extension, SweepId};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(cancel))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(extend))
}

type Accepted = Result<(StatusCode, Json<SweepDetail>), Problem>;

async fn accepted(state: &AppState, sweep: SweepId) -> Accepted {
    Ok((StatusCode::ACCEPTED, Json(detail(state, sweep).await?)))
}

/// Cancel a sweep
///
/// What its workers hold is handed in at the end of their epoch; what was trained stays to be seen.
#[utoipa::path(
    post,
    path = "/v1/sweeps/{id}/cancel",
    operation_id = "cancelSweep",
    tag = "sweeps",
    params(("id" = SweepId, Path, description = "The sweep")),
    responses(
        (status = 202, body = SweepDetail, description = "Cancelled"),
        NoSweep, StateConflict,
    )
)]
async fn cancel(State(state): State<AppState>, SweepPath(sweep): SweepPath) -> Accepted {
    state.driver.cancel(sweep).await?;
    accepted(&state, sweep).await
}

/// Pause a sweep
///
/// Nothing more of it is given out. What its workers hold is handed in at the end of their epoch,
/// and goes on from there once the sweep is resumed.
#[utoipa::path(
    post,
    path = "/v1/sweeps/{id}/pause",
    operation_id = "pauseSweep",
    tag = "sweeps",
    params(("id" = SweepId, Path, description = "The sweep")),
    responses(
        (status = 202, body = SweepDetail, description = "Paused, now or before"),
        NoSweep, StateConflict,
    )
)]
async fn pause(State(state): State<AppState>, SweepPath(sweep): SweepPath) -> Accepted {
    state.driver.pause(sweep).await?;
    accepted(&state, sweep).await
}

/// Resume a paused sweep
///
/// What it has decided meanwhile is given out, and goes on from where workers handed it in.
#[utoipa::path(
    post,
    path = "/v1/sweeps/{id}/resume",
    operation_id = "resumeSweep",
    tag = "sweeps",
    params(("id" = SweepId, Path, description = "The sweep")),
    responses(
        (status = 202, body = SweepDetail, description = "It goes on"),
        NoSweep, StateConflict,
    )
)]
async fn resume(State(state): State<AppState>, SweepPath(sweep): SweepPath) -> Accepted {
    state.driver.resume(sweep).await?;
    accepted(&state, sweep).await
}

/// Extend a completed sweep
///
/// By further seeds, levels or epochs; at least one. Only what is missing is trained, from the
/// checkpoints that there are, with the bits that it would have had from the start: further seeds
/// train plain and the arms that were trained to the end (of a grid all arms), levels are trained to
/// the end with every seed, and more epochs take on what was trained to the end. A level that the sweep
/// has is taken unless every seed has trained it to the end already. Arms and families keep their
/// indices. A learning rate that follows a cosine over the whole run allows no more epochs.
#[utoipa::path(
    post,
    path = "/v1/sweeps/{id}/extend",
    operation_id = "extendSweep",
    tag = "sweeps",
    params(("id" = SweepId, Path, description = "The sweep")),
    request_body(content = Extension, description = "At most 1 MiB", example = json!({
        "seeds": 2, "levels": [0.25, 0.3], "epochs": 200
    })),
    responses(
        (status = 202, body = SweepDetail, description = "Extended; it runs again"),
        Malformed, NoSweep, StateConflict, TooLarge, UnsupportedMediaType, InvalidExtension,
    )
)]
async fn extend(
    State(state): State<AppState>,
    caller: Caller,
    SweepPath(sweep): SweepPath,
    JsonBody(extension): JsonBody<Extension>,
) -> Accepted {
    state.driver.extend(caller.owner(), sweep, &extension).await?;
    accepted(&state, sweep).await
}
