//! Answers that come as JSON or as CSV, as the client prefers.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// What JSON is declared as.
pub(super) const JSON: &str = "application/json";

/// What CSV is declared as.
pub(super) const CSV: &str = "text/csv; charset=utf-8";

/// An answer as JSON that could have been CSV.
pub(super) fn json(body: impl Serialize) -> Response {
    varying(Json(body).into_response())
}

/// An answer as CSV that could have been JSON.
pub(super) fn csv(table: String) -> Response {
    varying(([(header::CONTENT_TYPE, CSV)], table).into_response())
}

/// An answer that would have been another for a client that prefers it.
pub(super) fn varying(mut response: Response) -> Response {
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// Whether the client would rather have CSV; JSON wins a tie.
pub(super) fn prefers_csv(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT);
    let ranges: Vec<(&str, f32)> = accept
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let essence = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            (essence, weight.unwrap_or(1.0))
        })
        .collect();
    // The most specific range that covers a type speaks for it (RFC 9110, section 12.5.1).
    let weight = |names: [&str; 3]| {
        let of = |name: &str| ranges.iter().find(|(range, _)| range.eq_ignore_ascii_case(name));
        names.into_iter().find_map(of).map_or(0.0, |(_, weight)| *weight)
    };
    weight(["text/csv", "text/*", "*/*"]) > weight(["application/json", "application/*", "*/*"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_for_those_who_prefer_it() {
        let prefers = |accept: &'static str| {
            prefers_csv(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
        };
        assert!(prefers("text/csv"));
        assert!(prefers("text/csv, */*;q=0.1"));
        assert!(prefers("application/json;q=0.5, Text/CSV"));
        assert!(!prefers("*/*"));
        assert!(!prefers("text/csv;q=0.1, application/json"));
        assert!(!prefers("text/csv;q=0"));
        assert!(!prefers_csv(&HeaderMap::new()));
    }
}
