//! Data sets: what there is to train on, uploads, deletions.

use super::{
    access::{Asker, Caller},
    blobs::Octets,
    body::is_late,
    extract::{DatasetPath, Query},
    limit::Limit,
    openapi::{
        DatasetConflict, InvalidDataset, Malformed, NoDataset, TooLarge, UnsupportedMediaType,
    },
    problem::Problem,
    state::AppState,
    time::timestamp,
};
use crate::{
    access::Limits,
    driver::{Driver, DriverError},
    store::DatasetRow,
};
use axum::{
    Json,
    body::{Body, HttpBody as _},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use floodgauge_api::{
    DatasetItem, DatasetList, Kept,
    datasets::{AddDatasetQuery, DatasetQuery},
};
use floodgauge_datasets::SetError;
use floodgauge_protocol::{DatasetKind, DatasetName, Format};
use futures::StreamExt as _;
use std::{fs::File, io::Write as _};
use utoipa_axum::{router::OpenApiRouter, routes};

/// What an upload may be declared as.
const MEDIA_TYPES: [(&str, Format); 2] =
    [("text/csv", Format::Csv), ("application/zip", Format::Npz)];
const ACCEPTED: &str = "text/csv` (CSV) or `application/zip` (NPZ)";

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 200;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(add, list)).routes(routes!(get, delete))
}

/// Upload a data set
///
/// CSV: a row a sample, numbers, the class in the column `label` or else in the last; a header or
/// none. NPZ: arrays `x` [n, d] or [n, channels, height, width] and `y` [n] and, if some samples
/// are for testing alone, `x_test` and `y_test`. Classes are 0, 1, 2 and so on. The same bytes
/// under the same name again answer 200.
#[utoipa::path(
    post,
    path = "/v1/datasets",
    operation_id = "addDataset",
    tag = "datasets",
    params(AddDatasetQuery),
    request_body(description = "At most 1 GiB", content((String = "text/csv"), (Octets = "application/zip"))),
    responses(
        (status = 201, body = DatasetItem, description = "Added",
         headers(("location" = String, description = "Where the data set is"))),
        (status = 200, body = DatasetItem, description = "It was there"),
        Malformed, DatasetConflict, TooLarge, UnsupportedMediaType, InvalidDataset,
    )
)]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Asker(asker): Asker,
    Query(query): Query<AddDatasetQuery>,
    request: Request,
) -> Result<Response, Problem> {
    let format = declared(request.headers())?;
    let declared = request.body().size_hint().lower();
    if declared > Limit::DATASET.bytes() {
        return Err(Problem::TooLarge(Limit::DATASET));
    }
    within_quota(&state, &caller, declared).await?;
    let _place = state.places.dataset_uploads.take(asker).await;
    let file = receive(request.into_body(), Limit::DATASET).await?;
    let (row, new) = state.driver.add_dataset(caller.owner(), &query.name, format, file).await?;
    let body = Json(item(&state.driver, &query.name, Some(&row)).await?);
    if new {
        // Relative to the request, so that it holds below whatever prefix a proxy adds.
        let location = format!("datasets/{}", query.name);
        Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
    } else {
        Ok(body.into_response())
    }
}

/// Refuses what would be refused anyway, before it is sent.
async fn within_quota(state: &AppState, caller: &Caller, declared: u64) -> Result<(), Problem> {
    let Caller::Token { row, .. } = caller else { return Ok(()) };
    let Some(_) = row.limits.upload_bytes else { return Ok(()) };
    let mut usage = state.driver.store().token_usage(row.token).await?;
    usage.upload_bytes += declared.max(1);
    let bytes_alone = Limits { upload_bytes: row.limits.upload_bytes, ..Limits::default() };
    match usage.beyond(&bytes_alone) {
        Some(over) => Err(Problem::OverQuota(over.to_string())),
        None => Ok(()),
    }
}

/// List data sets
///
/// Those that everybody has come first, whether their files are there or not; then uploaded ones by name,
/// a page at a time.
#[utoipa::path(
    get,
    path = "/v1/datasets",
    operation_id = "listDatasets",
    tag = "datasets",
    params(DatasetQuery),
    responses((status = 200, body = DatasetList, description = "A page of data sets"), Malformed)
)]
async fn list(
    State(state): State<AppState>,
    Query(query): Query<DatasetQuery>,
) -> Result<Json<DatasetList>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let detail = format!("limit {limit} must be between 1 and {MAX_LIMIT}");
        return Err(Problem::Malformed(detail, Vec::new()));
    }
    let store = state.driver.store();
    let mut items = Vec::new();
    if query.cursor.is_none() {
        for name in DatasetName::ALL {
            let row = store.dataset(name.as_str()).await?;
            items.push(item(&state.driver, &name, row.as_ref()).await?);
        }
    }
    // Named sets are told already; besides, one more than asked for tells of a next page.
    let most = limit + DatasetName::ALL.len() as u32 + 1;
    let rows = store.datasets(query.cursor, most).await?;
    let mut uploaded: Vec<_> = rows.iter().filter(|row| row.upload.is_some()).collect();
    let more = uploaded.len() > limit as usize;
    uploaded.truncate(limit as usize);
    let next_cursor = uploaded.last().filter(|_| more).map(|row| row.name.clone());
    for row in uploaded {
        let name =
            row.name.parse().map_err(|error| Problem::Internal(anyhow::Error::new(error)))?;
        items.push(item(&state.driver, &name, Some(row)).await?);
    }
    Ok(Json(DatasetList { items, next_cursor }))
}

/// Look at a data set
///
/// What its samples are, how many there are, and whether a sweep can train on it now.
#[utoipa::path(
    get,
    path = "/v1/datasets/{name}",
    operation_id = "getDataset",
    tag = "datasets",
    params(("name" = DatasetName, Path, description = "The data set")),
    responses((status = 200, body = DatasetItem, description = "The data set"), NoDataset)
)]
async fn get(
    State(state): State<AppState>,
    DatasetPath(name): DatasetPath,
) -> Result<Json<DatasetItem>, Problem> {
    let row = state.driver.store().dataset(name.as_str()).await?;
    item(&state.driver, &name, row.as_ref()).await.map(Json)
}

/// Delete a data set
///
/// Of a named set, what is kept for workers; its files stay. Not while a sweep is pinned to it.
#[utoipa::path(
    delete,
    path = "/v1/datasets/{name}",
    operation_id = "deleteDataset",
    tag = "datasets",
    params(("name" = DatasetName, Path, description = "The data set")),
    responses((status = 204, description = "Deleted"), NoDataset, DatasetConflict)
)]
async fn delete(
    State(state): State<AppState>,
    DatasetPath(name): DatasetPath,
) -> Result<StatusCode, Problem> {
    state.driver.delete_dataset(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a data set is, by its name and by what is kept of it.
async fn item(
    driver: &Driver,
    name: &DatasetName,
    row: Option<&DatasetRow>,
) -> Result<DatasetItem, Problem> {
    let folder = driver.folder();
    let damage = match row {
        Some(row) => driver.data_damage(row).await?,
        None => None,
    };
    let upload = row.and_then(|row| row.upload);
    let facts = name.facts().or_else(|| upload.map(|upload| upload.facts()));
    let facts = facts.ok_or_else(|| Problem::NotFound(format!("data set named `{name}`")))?;
    let missing = match folder.find(name) {
        Err(SetError::Missing { files, .. }) => files,
        _ => Vec::new(),
    };
    // People know where their folder is; others needn't.
    let relative = |file: &std::path::PathBuf| {
        file.strip_prefix(folder.path()).unwrap_or(file).display().to_string()
    };
    let kept = row.map(|row| {
        Ok::<_, Problem>(Kept {
            sha256: row.blob.digest,
            bytes: row.blob.size,
            format: upload.map(|upload| upload.format),
            test_samples: upload.map(|upload| upload.test_samples),
            since: timestamp(row.created_ms).map_err(Problem::Internal)?,
        })
    });
    Ok(DatasetItem {
        name: name.clone(),
        kind: name.kind(),
        ready: match name.kind() {
            // What is damaged of it is made anew from its files, if they are there.
            DatasetKind::Files => missing.is_empty() || row.is_some() && damage.is_none(),
            _ => damage.is_none(),
        },
        damage,
        missing: missing.iter().map(relative).collect(),
        features: facts.features,
        image: facts.image,
        classes: facts.classes,
        max_samples: facts.max_samples,
        n_train: facts.default_split.0,
        n_val: facts.default_split.1,
        kept: kept.transpose()?,
        sweeps: row.map(|row| row.sweeps),
        scales: row.and_then(|row| row.scales),
    })
}

/// The format that a body is declared as. Other sites' pages can't send it: a browser asks before
/// it sends these media types across origins, and nothing here says yes.
fn declared(headers: &HeaderMap) -> Result<Format, Problem> {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let known = MEDIA_TYPES.iter().find(|(name, _)| essence.eq_ignore_ascii_case(name));
    known.map(|(_, format)| *format).ok_or(Problem::UnsupportedMediaType(ACCEPTED))
}

/// Writes a body to a file that has no name and goes when it is closed.
async fn receive(body: Body, limit: Limit) -> Result<File, Problem> {
    let fault = |error: std::io::Error| {
        let error = anyhow::Error::new(error).context("an upload can't be put by");
        // Which tells a full disk, that passes, from other trouble.
        Problem::from(DriverError::Fault(error))
    };
    let mut file = crate::scratch::file().map_err(fault)?;
    let (mut chunks, mut bytes) = (body.into_data_stream(), 0);
    loop {
        // How long it may take is up to the connection's bounds.
        let Some(chunk) = chunks.next().await else { return Ok(file) };
        let broken = |error: axum::Error| match is_late(&error) {
            true => Problem::TooSlow,
            false => Problem::Malformed("the body broke off".into(), Vec::new()),
        };
        let chunk = chunk.map_err(broken)?;
        bytes += chunk.len() as u64;
        if bytes > limit.bytes() {
            return Err(Problem::TooLarge(limit));
        }
        file.write_all(&chunk).map_err(fault)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek};

    fn chunks(chunks: &'static [&'static str]) -> Body {
        Body::from_stream(
            futures::stream::iter(chunks).map(|chunk| Ok::<_, std::io::Error>(*chunk)),
        )
    }

    #[tokio::test]
    async fn a_body_without_a_declared_length_is_bounded_too() {
        let mut file = receive(chunks(&["a,", "b"]), Limit::DATASET).await.unwrap();
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "a,b");
        let refused = receive(chunks(&["a,", "b"]), Limit::of(2)).await;
        assert!(matches!(refused, Err(Problem::TooLarge(_))));
    }

    #[test]
    fn a_format_is_declared_by_its_media_type() {
        let declared = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, text.parse().unwrap());
            declared(&headers)
        };
        assert_eq!(declared("text/CSV; charset=utf-8").unwrap(), Format::Csv);
        assert_eq!(declared("application/zip").unwrap(), Format::Npz);
        for other in ["text/plain", "multipart/form-data; boundary=x", "application/json"] {
            assert!(matches!(declared(other), Err(Problem::UnsupportedMediaType(_))), "{other}");
        }
    }
}
