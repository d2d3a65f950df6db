//! The description of this surface, OpenAPI 3.1, made from the handlers themselves.
//!
//! - `findings`: what an answer's finding is called.
//! - `schedulers`: which schedulers have which setting.
//! - `variants`: tagged unions, as generators of clients want them.

mod findings;
mod schedulers;
mod variants;

use super::{
    access::{COOKIE, Need, TABLE},
    problem::PROBLEM_JSON,
    state::AppState,
};
use crate::access::Scope;
use axum::{http::header, response::IntoResponse};
use std::{collections::BTreeMap, sync::LazyLock};
use utoipa::{
    IntoResponses, OpenApi,
    openapi::{
        ContentBuilder, Ref, RefOr, Response, ResponseBuilder, SecurityRequirement,
        path::Operation,
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

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
    servers(
        (url = "http://{address}", description = "A server of one's own",
         variables(("address" = (default = "127.0.0.1:7878",
                                 description = "Where it listens, and its base path if it has one")))),
        (url = ".", description = "The server that this file came from"),
    ),
    tags(
        (name = "sweeps", description = "Submit sweeps, and see what came of them"),
        (name = "datasets", description = "What sweeps train on"),
        (name = "events", description = "Follow sweeps live"),
        (name = "work", description = "What workers say to the server"),
        (name = "access", description = "Sign in and out; tokens"),
        (name = "operations", description = "The server itself"),
    ),
    components(schemas(floodgauge_api::Problem))
)]
pub(super) struct Description;

/// The description of every route of [`app`](super::app).
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut openapi = super::routes().into_openapi();
    let schemes = openapi.components.get_or_insert_default();
    schemes.add_security_scheme(TOKEN, SecurityScheme::Http(bearer()));
    schemes.add_security_scheme(
        SESSION,
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
            COOKIE,
            "What signing in sets, for browsers; where the page came over TLS, it is \
             `__Host-floodgauge_session`",
        ))),
    );
    for (path, item) in &mut openapi.paths.paths {
        let operations: [(&str, &mut Option<Operation>); 5] = [
            ("GET", &mut item.get),
            ("POST", &mut item.post),
            ("PUT", &mut item.put),
            ("DELETE", &mut item.delete),
            ("PATCH", &mut item.patch),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            let need = TABLE.iter().find(|row| row.0 == method && row.1 == path);
            add_common(method, need.map(|row| row.2), operation);
        }
    }
    variants::name(&mut openapi);
    schedulers::describe(&mut openapi);
    findings::describe(&mut openapi);
    openapi
}

const TOKEN: &str = "token";
const SESSION: &str = "session";

fn bearer() -> Http {
    HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("fg_ and 64 hexadecimal digits")
        .description(Some(
            "A token that `floodgauge token create` made; the scope that an operation needs \
             stands beside it. A server on loopback that never had a token asks for none.",
        ))
        .build()
}

/// What goes for an operation by what it needs, and for every one.
fn add_common(method: &str, need: Option<Need>, operation: &mut Operation) {
    let has_body = operation.request_body.is_some();
    let mut add = |status: &str, description: &str| {
        let responses = &mut operation.responses.responses;
        responses.entry(status.into()).or_insert_with(|| problem(description));
    };
    add("500", "A fault of the server");
    add("503", "`unavailable`: the database or the blobs don't answer");
    if has_body {
        add("408", "`too-slow`: too little of the body came in time; send it again");
    }
    if method != "GET" {
        add("403", FORBIDDEN);
    }
    if need != Some(Need::Nothing) {
        add(
            "429",
            "`rate-limited`: the token asks too fast; `over-quota`: it has as much as it may; \
             `over-share`: as much is going on for it as may at once",
        );
    }
    let Some(Need::Scope(scope)) = need else { return };
    add("401", "`unauthorized`: this needs a token that works");
    add("403", FORBIDDEN);
    let schemes: &[&str] = match scope {
        // No page works.
        Scope::Worker => &[TOKEN],
        _ => &[TOKEN, SESSION],
    };
    let requirement = |scheme: &&str| SecurityRequirement::new(*scheme, [scope.as_str()]);
    operation.security = Some(schemes.iter().map(requirement).collect());
}

const FORBIDDEN: &str = "`forbidden`: the token doesn't allow this; `cross-site`: a page of \
                         another site had its reader's browser ask";

static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| openapi().to_pretty_json().unwrap_or_else(|error| format!("{error}")));

/// This description
///
/// What this server can be asked, as OpenAPI 3.1, for people, viewers and generators of clients.
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
fn problem(description: &str) -> RefOr<Response> {
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
                    BTreeMap::from([($status.into(), problem($description))])
                }
            }
        )*
    };
}

problems! {
    Unauthorized "401" "`unauthorized`: this needs a token that works",
    Forbidden "403" "`forbidden`: the page needs a token with the scope `read`; `cross-site`: a \
                     page of another site had its reader's browser ask",
    NoToken "404" "`not-found`: there is no such token, or it was revoked before",
    TokenConflict "409" "`conflict`: another token that isn't revoked has the name",
    Malformed "400" "`malformed`: the request can't be read",
    NoSweep "404" "`not-found`: there is no such sweep",
    NoModel "404" "`not-found`: there is no such trial, or no checkpoint of it is kept",
    NoLease "404" "`not-found`: the path names no lease",
    NoBlob "404" "`not-found`: there is no such blob",
    BadModel "409" "`checkpoint-damaged`: what is kept of the trial is damaged; `conflict`: it can't be \
                    read as a checkpoint",
    StateConflict "409" "`conflict`: the sweep's state doesn't allow this",
    LeaseLost "409" "`lease-lost`: drop the segment and claim anew",
    BlobLeaseLost "409" "`lease-lost`: drop the segment and claim anew; `data-damaged`: the same, \
                         since the data set that it needs is damaged here; `checkpoint-damaged`: the same, \
                         since the checkpoint is, and what needs it is trained again",
    WireVersion "409" "`wire-version`: worker and server understand no version in common; the \
                       detail says which each does",
    TooLarge "413" "`too-large`: the body is too long",
    UnsupportedMediaType "415" "`unsupported-media-type`: the body isn't declared as what is taken",
    NoDataset "404" "`not-found`: there is no such data set, or nothing is kept of it",
    DatasetDamaged "409" "`data-damaged`: what is kept of the data set is lost or damaged",
    DatasetConflict "409" "`conflict`: the name is taken, or sweeps are pinned to the data set",
    InvalidDataset "422" "`invalid-dataset`: the file can't be used; the detail names row or array",
    InvalidSweep "422" "`invalid-sweep`: fields are out of range; `idempotency-key-reused`: \
                        the key belongs to another body",
    InvalidExtension "422" "`invalid-sweep`: the sweep can't be extended by this; `errors` says why",
    InvalidWork "422" "`invalid-work`: this doesn't fit the segment",
    BadBlob "422" "`digest-mismatch`: the bytes have another digest; `invalid-checkpoint`: they are no \
                   checkpoint of the sweep's recipe; `invalid-work`: there are as many as the segment \
                   can need",
    NotReady "503" "`unavailable`: the database doesn't answer, or a disk can't be written; `detail` says why; \
                    `database-damaged`: it is damaged, and `detail` holds what it says",
}

#[cfg(test)]
mod tests;
