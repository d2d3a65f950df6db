//! The description of this surface, OpenAPI 3.1, made from the handlers themselves.

use super::{AppState, problem::ProblemBody};
use axum::{http::header, response::IntoResponse};
use std::{collections::BTreeMap, sync::LazyLock};
use utoipa::{
    IntoResponses, OpenApi,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder, path::Operation},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The media type of a problem.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(document))
}

/// What the file says beside the operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Floodgauge",
        description = "Finds the flood level of a training recipe, and says how sure it is."
    ),
    tags(
        (name = "sweeps", description = "Submit sweeps, and see what came of them"),
        (name = "datasets", description = "What sweeps train on"),
        (name = "events", description = "Follow sweeps live"),
        (name = "work", description = "What workers say to the server"),
        (name = "operations", description = "The server itself"),
    ),
    components(schemas(ProblemBody))
)]
pub(super) struct Description;

/// The description of every route of [`app`](super::app).
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut openapi = super::routes().into_openapi();
    let internal = told("A fault of the server");
    for item in openapi.paths.paths.values_mut() {
        let operations: [&mut Option<Operation>; 5] =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            let responses = &mut operation.responses.responses;
            responses.entry("500".into()).or_insert_with(|| internal.clone());
        }
    }
    openapi
}

static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| openapi().to_pretty_json().unwrap_or_else(|error| format!("{error}")));

/// This description
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "operations",
    responses((status = 200, body = Object, description = "OpenAPI 3.1"))
)]
async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

/// A response that holds a problem.
fn told(description: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build().into()
}

/// Problems that operations name among their responses.
macro_rules! problems {
    ($($name:ident $status:literal $description:literal,)*) => {
        $(
            #[doc = $description]
            pub(super) struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    BTreeMap::from([($status.into(), told($description))])
                }
            }
        )*
    };
}

problems! {
    Malformed "400" "`malformed`: the request can't be read",
    NoSweep "404" "`not-found`: there is no such sweep",
    NoLease "404" "`not-found`: the path names no lease",
    NoBlob "404" "`not-found`: there is no such blob",
    StateConflict "409" "`conflict`: the sweep's state doesn't allow this",
    LeaseLost "409" "`lease-lost`: drop the segment and claim anew",
    TooLarge "413" "`too-large`: the body is too long",
    UnsupportedMediaType "415" "`unsupported-media-type`: the body isn't declared as what is taken",
    NoDataset "404" "`not-found`: there is no such data set, or nothing is kept of it",
    DatasetConflict "409" "`conflict`: the name is taken, or sweeps are pinned to the data set",
    InvalidDataset "422" "`invalid-dataset`: the file can't be used; the detail names row or array",
    InvalidSweep "422" "`invalid-sweep`: fields are out of range; `idempotency-key-reused`: \
                        the key belongs to another body",
    InvalidWork "422" "`invalid-work`: this doesn't fit the segment",
    DigestMismatch "422" "`digest-mismatch`: the bytes have another digest",
    Unavailable "503" "`unavailable`: the database doesn't answer",
}
