//! Work: claimed, reported on, finished or given up; and workers that ask for none.

use super::{
    body::{JsonBody, WorkBody},
    extract::{LeasePath, Wire},
    openapi::{
        InvalidWork, LeaseLost, Malformed, NoLease, TooLarge, UnsupportedMediaType, WireVersion,
    },
    problem::Problem,
    state::AppState,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use floodgauge_protocol::{
    LeaseId,
    wire::{WIRE_HEADER, WireVersions},
    work::{Assignment, ClaimRequest, Fail, Finish, Report, ReportAnswer, Trouble},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(claim))
        .routes(routes!(report))
        .routes(routes!(finish))
        .routes(routes!(fail))
        .routes(routes!(trouble))
}

/// Claim a segment
///
/// Waits up to `wait_s` seconds for one. Worker and server say in the header `floodgauge-wire` which
/// versions of this language they understand, such as `2` or `1-2`; who says nothing speaks version
/// 1. Without one in common the claim is refused.
#[utoipa::path(
    post,
    path = "/v1/work/claim",
    operation_id = "claimWork",
    tag = "work",
    params(("floodgauge-wire" = Option<String>, Header, description = "What the worker understands",
            example = "1-2")),
    request_body(content = ClaimRequest, description = "At most 1 MiB", example = json!({
        "worker": "worker-1", "fingerprint": "0.2.0 x86_64 avx512 flex", "wait_s": 20
    })),
    responses(
        (status = 200, body = Assignment, description = "A leased segment",
         headers(("floodgauge-wire" = String, description = "What the server understands"))),
        (status = 204, description = "None came in time",
         headers(("floodgauge-wire" = String, description = "What the server understands"))),
        Malformed, TooLarge, UnsupportedMediaType, InvalidWork, WireVersion,
    )
)]
async fn claim(
    State(state): State<AppState>,
    Wire(worker): Wire,
    JsonBody(request): JsonBody<ClaimRequest>,
) -> Response {
    let claimed = claim_in(&state, worker, &request).await;
    let mut answer = claimed.unwrap_or_else(IntoResponse::into_response);
    if let Ok(ours) = HeaderValue::try_from(WireVersions::OF_SERVER.to_string()) {
        answer.headers_mut().insert(HeaderName::from_static(WIRE_HEADER), ours);
    }
    answer
}

/// A claim of a worker that understands these versions.
async fn claim_in(
    state: &AppState,
    worker: WireVersions,
    request: &ClaimRequest,
) -> Result<Response, Problem> {
    let Some(spoken) = WireVersions::OF_SERVER.spoken_with(worker) else {
        let words = WireVersions::incompatible(worker, WireVersions::OF_SERVER);
        state.driver.turned_away();
        return Err(Problem::WireVersion(words.unwrap_or_default()));
    };
    let claimed = tokio::select! {
        claimed = state.driver.claim(request, spoken) => claimed?,
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
        "rows": [{ "arms": [0, 7], "epoch": 3, "step": 60, "train_loss": 1.9,
                   "metrics": { "val_loss": 2.0, "val_error": 0.7 } }]
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
/// Where training failed (`trial`) it is tried again, a few times. Where the machine is in trouble (`machine`)
/// others go on with it, and nothing is held against its trials.
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
        "message": "a data set can't be kept: /var/cache: no space left on device",
        "kind": "machine", "retry_in_s": 4
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

/// Say that a machine is in trouble
///
/// For a worker that holds no lease, and asks for no work until it is well. Readers of sweeps are told
/// (`troubled_workers`), until it takes work or falls silent.
#[utoipa::path(
    post,
    path = "/v1/work/trouble",
    operation_id = "tellTrouble",
    tag = "work",
    request_body(content = Trouble, description = "At most 1 MiB", example = json!({
        "worker": "worker-1", "message": "the cache /var/cache can't be written: it is full",
        "retry_in_s": 8
    })),
    responses(
        (status = 204, description = "Noted"),
        Malformed, TooLarge, UnsupportedMediaType, InvalidWork,
    )
)]
async fn trouble(
    State(state): State<AppState>,
    JsonBody(trouble): JsonBody<Trouble>,
) -> Result<StatusCode, Problem> {
    state.driver.trouble(trouble).await?;
    Ok(StatusCode::NO_CONTENT)
}
