//! What is kept of a data set, as a file to take away.

use super::{
    access::Asker,
    blobs::Octets,
    extract::DatasetPath,
    openapi::{DatasetDamaged, NoDataset},
    problem::Problem,
    state::AppState,
};
use crate::blobs::Streamed;
use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use floodgauge_protocol::{DatasetName, Format};
use futures::StreamExt as _;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(file))
}

/// Take what is kept of a data set
///
/// Of an uploaded set the file as it came; of a named one, once a sweep has needed it, its contents as four
/// IDX arrays in a row. The bytes are those whose digest the data set tells; they break off before their end
/// if they turn out to be damaged.
#[utoipa::path(
    get,
    path = "/v1/datasets/{name}/file",
    operation_id = "getDatasetFile",
    tag = "datasets",
    params(("name" = DatasetName, Path, description = "The data set")),
    responses(
        (status = 200, description = "The bytes",
         content((String = "text/csv"), (Octets = "application/zip"), (Octets = "application/octet-stream")),
         headers(("content-disposition" = String, description = "A name for the file"))),
        NoDataset, DatasetDamaged,
    )
)]
async fn file(
    State(state): State<AppState>,
    Asker(asker): Asker,
    DatasetPath(name): DatasetPath,
) -> Result<Response, Problem> {
    let row = state.driver.store().dataset(name.as_str()).await?;
    let row =
        row.ok_or_else(|| Problem::NotFound(format!("file kept of the data set `{name}`")))?;
    let (media_type, end) = match row.upload.map(|upload| upload.format) {
        Some(Format::Csv) => ("text/csv", "csv"),
        Some(Format::Npz) => ("application/zip", "npz"),
        None => ("application/octet-stream", "idx"),
    };
    let place = state.places.exports.take(asker).await;
    let Streamed { size, chunks } = state.driver.dataset_file(&name, &row).await?;
    let chunks = chunks.map(move |chunk| {
        // Held until the last of it is sent.
        let _ = &place;
        chunk
    });
    let headers = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{end}\"")),
        (header::CONTENT_LENGTH, size.to_string()),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}
