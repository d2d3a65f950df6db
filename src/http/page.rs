//! The page, built by Vite into `web/dist` and embedded in the binary.

use super::{problem::Problem, state::AppState};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::fmt::Write;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(index)).routes(routes!(docs))
}

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Dist;

/// Nothing from elsewhere, no scripts or styles in the markup, no frames around it. Figures are
/// drawn to files by way of `blob:`.
const POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; base-uri 'self'; \
                      form-action 'self'; object-src 'none'; frame-ancestors 'none'";

/// The same for the API reference, whose viewer keeps its styles in its markup. What it shows is
/// the server's own file; scripts are as closed as elsewhere.
const DOCS_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; base-uri 'self'; form-action 'self'; \
                           object-src 'none'; frame-ancestors 'none'";

/// What a binary says that was built without the page.
const UNBUILT: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<title>Floodgauge</title>
<h1>The page isn't in this binary</h1>
<p>The server works: see <a href=\"openapi.json\">openapi.json</a>. To have the page too, build both
with <code>make build</code> or, by hand:
<pre>npm --prefix web ci
npm --prefix web run build
cargo build --release</pre>
</html>
";

/// The page
///
/// Shows sweeps live; it needs JavaScript.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "page",
    tag = "operations",
    responses((status = 200, body = String, content_type = "text/html", description = "The page"))
)]
async fn index(headers: HeaderMap) -> Response {
    document(&headers)
}

/// The API reference
///
/// This description, to be read and tried out in a browser.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "docs",
    tag = "operations",
    responses((status = 200, body = String, content_type = "text/html", description = "The page"))
)]
async fn docs(headers: HeaderMap) -> Response {
    let mut response = file_or_unbuilt("docs.html", &headers);
    let policy = HeaderValue::from_static(DOCS_POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// Answers what no route does: a file of the page, the page itself for an address that a
/// person may have typed, or a problem.
pub(super) async fn fallback(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let reads = method == Method::GET || method == Method::HEAD;
    if reads
        && !path.is_empty()
        && let Some(file) = Dist::get(path)
    {
        return send(path, &file, &headers);
    }
    // The page's own addresses are relative: below a folder it would look for its files there.
    if reads && !path.contains('/') && path != "v1" && wants_html(&headers) {
        return document(&headers);
    }
    let shown: String = uri.path().chars().take(80).collect();
    Problem::NotFound(format!("route `{method} {shown}`")).into_response()
}

fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn document(headers: &HeaderMap) -> Response {
    file_or_unbuilt("index.html", headers)
}

fn file_or_unbuilt(path: &str, headers: &HeaderMap) -> Response {
    match Dist::get(path) {
        Some(file) => send(path, &file, headers),
        None => {
            let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            guarded((StatusCode::NOT_FOUND, html, UNBUILT).into_response())
        }
    }
}

fn send(path: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = entity_tag(file);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let fresh = known.is_some_and(|known| known == "*" || known.contains(&tag));
    let mut response = if fresh {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = match file.metadata.mimetype() {
            text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
            other => other.to_owned(),
        };
        ([(header::CONTENT_TYPE, kind)], Body::from(file.data.to_vec())).into_response()
    };
    // Vite puts a hash of the content into the names of what lies in `assets/`.
    let lasting = path.starts_with("assets/");
    let cache = if lasting { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    guarded(response)
}

/// The first half of the content's SHA-256, quoted. Weak, since the answer may be compressed.
fn entity_tag(file: &EmbeddedFile) -> String {
    let mut tag = String::from("W/\"");
    for byte in &file.metadata.sha256_hash()[..16] {
        // Writing to a string can't fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag + "\""
}

fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let set = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in set {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
