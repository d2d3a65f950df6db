//! The server below a path: for proxies that hand requests on with the prefix that they came with.
//!
//! Everything that the server says of where things are is relative, so it holds below any prefix.
//! All that is left to do here is to find the app's own path in a request's.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, Uri, header, uri::PathAndQuery},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use std::{fmt, str::FromStr};

/// A path such as `/floodgauge`: one or more segments, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasePath(String);

/// What isn't a [`BasePath`].
#[derive(Debug, thiserror::Error)]
#[error(
    "a base path is like /floodgauge or /tools/floodgauge: letters, digits and -._~, not `{0}`"
)]
pub struct BadBasePath(String);

impl FromStr for BasePath {
    type Err = BadBasePath;

    fn from_str(text: &str) -> Result<Self, BadBasePath> {
        let path = text.strip_suffix('/').unwrap_or(text);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let segment = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(plain);
        match path.strip_prefix('/') {
            Some(parts) if parts.split('/').all(segment) => Ok(Self(path.into())),
            _ => Err(BadBasePath(text.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The app below `base`. At the root it answers still: workers and probes that come past the proxy
/// needn't know of the prefix, nor need a proxy that takes it off.
pub fn below(base: BasePath, app: Router) -> Router {
    Router::new().fallback_service(app).layer(middleware::from_fn_with_state(base, strip))
}

async fn strip(State(base): State<BasePath>, mut request: Request, next: Next) -> Response {
    let Some(rest) = request.uri().path().strip_prefix(&base.0) else {
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
    let name = base.0.rsplit('/').next().unwrap_or_default();
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    if let Ok(folder) = HeaderValue::from_str(&format!("{name}/")) {
        response.headers_mut().insert(header::LOCATION, folder);
    }
    response
}

fn without(base: &BasePath, uri: &Uri) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(&base.0)?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::from_str(rest).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_has_segments_and_no_slash_at_its_end() {
        let read = |text: &str| text.parse::<BasePath>().map(|base| base.to_string());
        assert_eq!(read("/floodgauge").unwrap(), "/floodgauge");
        assert_eq!(read("/tools/flood-gauge_1/").unwrap(), "/tools/flood-gauge_1");
        for bad in ["", "/", "floodgauge", "//a", "/a//b", "/a/../b", "/a b", "/ü", "/a?b", "/a%2f"]
        {
            assert!(read(bad).unwrap_err().to_string().contains(bad), "{bad}");
        }
    }

    #[test]
    fn the_query_stays_when_the_prefix_goes() {
        let base = "/a/b".parse().unwrap();
        let rest = |uri: &str| without(&base, &uri.parse().unwrap()).unwrap().to_string();
        assert_eq!(rest("/a/b/v1/sweeps?limit=1"), "/v1/sweeps?limit=1");
        assert_eq!(rest("http://host/a/b/"), "http://host/");
    }
}
