//! The server below a path: for proxies that hand requests on with the prefix that they came with.
//!
//! Everything that the server says of where things are is relative, so it holds below any prefix.
//! All that is left to do here is to find the app's own path in a request's.

use crate::base_path::BasePath;
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, Uri, header, uri::PathAndQuery},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};

/// The app below `base`. At the root it answers still: workers and probes that come past the proxy
/// needn't know of the prefix, nor need a proxy that takes it off.
pub fn below(base: BasePath, app: Router) -> Router {
    Router::new().fallback_service(app).layer(middleware::from_fn_with_state(base, strip))
}

async fn strip(State(base): State<BasePath>, mut request: Request, next: Next) -> Response {
    let Some(rest) = request.uri().path().strip_prefix(base.as_str()) else {
        return next.run(request).await;
    };
    if rest.is_empty() {
        return to_folder(&base);
    }
    // `/floodgaugette` is another path.
    if rest.starts_with('/')
        && let Some(uri) = without(&base, request.uri())
    {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

/// Relative addresses need the slash: sends the browser to the folder, whatever is before it.
fn to_folder(base: &BasePath) -> Response {
    let name = base.as_str().rsplit('/').next().unwrap_or_default();
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    if let Ok(folder) = HeaderValue::from_str(&format!("{name}/")) {
        response.headers_mut().insert(header::LOCATION, folder);
    }
    response
}

fn without(base: &BasePath, uri: &Uri) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(base.as_str())?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(rest.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_stays_when_the_prefix_goes() {
        let base: BasePath = "/a/b".parse().unwrap();
        let rest = |uri: &str| without(&base, &uri.parse().unwrap()).unwrap().to_string();
        assert_eq!(rest("/a/b/v1/sweeps?limit=1"), "/v1/sweeps?limit=1");
        assert_eq!(rest("http://host/a/b/"), "http://host/");
    }
}
