//! Checkpoints and data sets, by digest.

use super::{
    access::Asker,
    body::unreadable,
    extract::{DigestPath, LeasePath},
    limit::Limit,
    openapi::{BadBlob, BlobLeaseLost, LeaseLost, Malformed, NoBlob, NoLease, TooLarge},
    problem::Problem,
    shares::Party,
    state::AppState,
};
use crate::blobs::Streamed;
use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use floodgauge_protocol::{Digest, LeaseId};
use std::time::Duration;
use tokio::time::timeout;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

/// What an upload may take beyond what its bytes take on a slow link, so that one whose sender is gone
/// makes room at last.
const UPLOAD_TIME: Duration = Duration::from_secs(300);

/// Bytes a second of a link that is slow, and not broken: half a megabit. Workers have the same.
const SLOW_LINK_BYTES_A_SECOND: u64 = 64 << 10;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(put, get).layer(Limit::BLOB.layer()))
}

/// Bytes as they are.
pub(super) struct Octets;

impl PartialSchema for Octets {
    fn schema() -> RefOr<Schema> {
        let media_type = "application/octet-stream";
        ObjectBuilder::new().schema_type(Type::String).content_media_type(media_type).into()
    }
}

impl ToSchema for Octets {}

/// Upload a checkpoint
///
/// The lease keeps it until a `finish` names it, or the lease ends. It must hold what the sweep's
/// recipe has, as far as the server knows its data.
#[utoipa::path(
    put,
    path = "/v1/work/{lease}/blobs/{sha256}",
    operation_id = "putBlob",
    tag = "work",
    params(
        ("lease" = LeaseId, Path, description = "The lease"),
        ("sha256" = Digest, Path, description = "The digest of the bytes"),
        ("floodgauge-lease-token" = String, Header, description = "The lease's token"),
    ),
    request_body(content = Octets, content_type = "application/octet-stream",
                 description = "At most 256 MiB"),
    responses(
        (status = 201, description = "Stored"),
        (status = 200, description = "It was there"),
        Malformed, TooLarge, BadBlob, LeaseLost, NoLease,
    )
)]
async fn put(
    State(state): State<AppState>,
    Asker(asker): Asker,
    LeasePath { lease, token }: LeasePath,
    DigestPath(digest): DigestPath,
    request: Request,
) -> Result<StatusCode, Problem> {
    // Before its body: nobody else may fill the memory, or have a worker send in vain.
    state.driver.held(lease, &token).await?;
    let _share = state.places.to_upload_under(Party::Lease(lease))?;
    let _turn = state.places.lease_turns.take(Party::Lease(lease)).await;
    let _place = state.places.blob_uploads.take(asker).await;
    let most = Limit::BLOB.bytes();
    let bytes =
        http_body::Body::size_hint(request.body()).upper().map_or(most, |bytes| bytes.min(most));
    let time = UPLOAD_TIME + Duration::from_secs(bytes / SLOW_LINK_BYTES_A_SECOND);
    let read = timeout(time, Bytes::from_request(request, &state)).await;
    let bytes = read
        .map_err(|_| Problem::TooSlow)?
        .map_err(|rejection| unreadable(rejection, Limit::BLOB))?;
    let new = state.driver.put_blob(lease, &token, digest, bytes).await?;
    Ok(if new { StatusCode::CREATED } else { StatusCode::OK })
}

/// Download a checkpoint or the data set
///
/// Those that the segment starts from, and the bytes that its sweep is pinned to.
#[utoipa::path(
    get,
    path = "/v1/work/{lease}/blobs/{sha256}",
    operation_id = "getBlob",
    tag = "work",
    params(
        ("lease" = LeaseId, Path, description = "The lease"),
        ("sha256" = Digest, Path, description = "The digest of the bytes"),
        ("floodgauge-lease-token" = String, Header, description = "The lease's token"),
    ),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Octets,
         description = "The bytes"),
        Malformed, BlobLeaseLost, NoBlob,
    )
)]
async fn get(
    State(state): State<AppState>,
    LeasePath { lease, token }: LeasePath,
    DigestPath(digest): DigestPath,
) -> Result<Response, Problem> {
    let octets = [(header::CONTENT_TYPE, "application/octet-stream")];
    let found = match state.driver.get_blob(lease, &token, digest).await? {
        None => state.driver.get_data(lease, &token, digest).await?,
        checkpoint => checkpoint,
    };
    let Streamed { size, chunks } =
        found.ok_or_else(|| Problem::NotFound(format!("blob {digest}")))?;
    let length = [(header::CONTENT_LENGTH, size)];
    Ok((octets, length, Body::from_stream(chunks)).into_response())
}
