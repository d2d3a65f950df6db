//! Work: claimed, reported on, finished or given up.

use super::{
    body::{JsonBody, WorkBody},
    extract::LeasePath,
    openapi::{InvalidWork, LeaseLost, Malformed, NoLease, TooLarge, UnsupportedMediaType},
    problem::Problem,
    state::AppState,
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use floodgauge_protocol::{
    LeaseId,
    work::{Assignment, ClaimRequest, Fail, Finish, Report, ReportAnswer},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(claim))
        .routes(routes!(report))
        .routes(routes!(finish))
        .routes(routes!(fail))
}

/// Claim a segment
///
/// Waits up to `wait_s` seconds for one.
#[utoipa::path(
    post,
    path = "/v1/work/claim",
    operation_id = "claimWork",
    tag = "work",
    request_body(content = ClaimRequest, description = "At most 1 MiB", example = json!({
        "worker": "worker-1", "fingerprint": "0.1.0 x86_64 avx512 flex", "wait_s": 20
    })),
    responses(
        (status = 200, body = Assignment, description = "A leased segment"),
        (status = 204, description = "None came in time"),
        Malformed, TooLarge, UnsupportedMediaType, InvalidWork,
    )
)]
async fn claim(
    State(state): State<AppState>,
    JsonBody(request): JsonBody<ClaimRequest>,
) -> Result<Response, Problem> {
    let claimed = tokio::select! {
        claimed = state.driver.claim(&request) => claimed?,
        // A server that closes has no work to give, and must not wait for those who wait for it.
        () = state.closing.cancelled() => None,
    };
    Ok(match claimed {
        Some(assignment) => Json(assignment).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Report epochs
///
/// Renews the lease; an empty report does only that. Rows that are known already are
/// absorbed, so a report whose answer was lost can be sent again.
#[utoipa::path(
    post,
    path = "/v1/work/{lease}/reports",
    operation_id = "reportWork",
    tag = "work",
    params(
        ("lease" = LeaseId, Path, description = "The lease"),
        ("floodgauge-lease-token" = String, Header, description = "The lease's token"),
    ),
    request_body(content = Report, description = "At most 16 MiB and 10,000 rows", example = json!({
        "rows": [{ "arms": [0, 7], "epoch": 3, "step": 60, "train_loss": 1.9, "val_loss": 2.0,
                   "val_error": 0.7 }]
    })),
    responses(
        (status = 200, body = ReportAnswer, description = "Arms to stop, seconds to expiry"),
        Malformed, TooLarge, UnsupportedMediaType, InvalidWork, LeaseLost, NoLease,
    )
)]
async fn report(
    State(state): State<AppState>,
    LeasePath { lease, token }: LeasePath,
    WorkBody(report): WorkBody<Report>,
) -> Result<Json<ReportAnswer>, Problem> {
    Ok(Json(state.driver.report(lease, &token, report).await?))
}

/// Hand a segment in
///
/// Checkpoints that it names must have been uploaded under the same lease.
#[utoipa::path(
    post,
    path = "/v1/work/{lease}/finish",
    operation_id = "finishWork",
    tag = "work",
    params(
        ("lease" = LeaseId, Path, description = "The lease"),
        ("floodgauge-lease-token" = String, Header, description = "The lease's token"),
    ),
    request_body(content = Finish, description = "At most 16 MiB", example = json!({
        "branches": [{ "arms": [0, 7], "end": "reached", "step": 220, "checkpoint":
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }]
    })),
    responses(
        (status = 204, description = "Taken"),
        Malformed, TooLarge, UnsupportedMediaType, InvalidWork, LeaseLost, NoLease,
    )
)]
async fn finish(
    State(state): State<AppState>,
    LeasePath { lease, token }: LeasePath,
    WorkBody(finish): WorkBody<Finish>,
) -> Result<StatusCode, Problem> {
    state.driver.finish(lease, &token, finish).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a segment up
///
/// It is tried again, a few times.
#[utoipa::path(
    post,
    path = "/v1/work/{lease}/fail",
    operation_id = "failWork",
    tag = "work",
    params(
        ("lease" = LeaseId, Path, description = "The lease"),
        ("floodgauge-lease-token" = String, Header, description = "The lease's token"),
    ),
    request_body(content = Fail, description = "At most 1 MiB", example = json!({
        "message": "mnist: blob ab12… came with digest cd34…"
    })),
    responses(
        (status = 204, description = "Taken"),
        Malformed, TooLarge, UnsupportedMediaType, LeaseLost, NoLease,
    )
)]
async fn fail(
    State(state): State<AppState>,
    LeasePath { lease, token }: LeasePath,
    JsonBody(fail): JsonBody<Fail>,
) -> Result<StatusCode, Problem> {
    state.driver.fail(lease, &token, fail).await?;
    Ok(StatusCode::NO_CONTENT)
}
