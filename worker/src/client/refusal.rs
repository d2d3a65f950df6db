//! What the server's own answers mean that aren't successes.

use super::ClientError;
use floodgauge_net::{ASKS_FOR_TOKEN, lacks_token};
use reqwest::StatusCode;
use serde::Deserialize;

/// The types of problems with which a lease ends that is no fault of its segment: it was lost, or the
/// server's own data set or checkpoint is damaged.
const LEASE_ENDS: [&str; 3] = [
    "urn:floodgauge:problem:lease-lost",
    "urn:floodgauge:problem:data-damaged",
    "urn:floodgauge:problem:checkpoint-damaged",
];
/// More characters of a problem than are worth showing.
const MAX_DETAIL_CHARS: usize = 2_000;

/// How something was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Under a lease.
    pub leased: bool,
    /// With a token of the server's.
    pub with_token: bool,
}

/// What an answer other than a success means.
pub(super) fn refusal(status: StatusCode, body: &[u8], asked: Asked) -> ClientError {
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    if asked.leased && problem.kind.as_deref().is_some_and(|kind| LEASE_ENDS.contains(&kind)) {
        if problem.kind.as_deref() != Some(LEASE_ENDS[0]) {
            tracing::error!("{}", problem.words(status));
        }
        ClientError::LeaseLost
    } else if status.is_server_error() || later.contains(&status) {
        ClientError::Unreachable(format!("it answered {status}: {}", problem.words(status)))
    } else {
        let detail = match lacks_token(status, asked.with_token) {
            true => ASKS_FOR_TOKEN.into(),
            false => problem.words(status),
        };
        ClientError::Refused { status: status.as_u16(), detail }
    }
}

/// A problem (RFC 9457); all unset when the body isn't one.
#[derive(Default, Deserialize)]
pub(super) struct Problem {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    title: Option<String>,
    detail: Option<String>,
}

impl Problem {
    /// What it says, or else what the status says.
    fn words(self, status: StatusCode) -> String {
        let words = match (self.title, self.detail) {
            (Some(title), Some(detail)) => Some(format!("{title}: {detail}")),
            (title, detail) => detail.or(title),
        };
        let words =
            words.unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason").into());
        words.chars().take(MAX_DETAIL_CHARS).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNDER_LEASE: Asked = Asked { leased: true, with_token: true };

    fn words(status: StatusCode, body: &str, asked: Asked) -> String {
        match refusal(status, body.as_bytes(), asked) {
            ClientError::Refused { detail, .. } => detail,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_problem_is_told_in_its_own_words() {
        let words = |status, body| words(status, body, UNDER_LEASE);
        let body = r#"{"type": "about:blank", "title": "too large", "detail": "at most 10 rows"}"#;
        assert_eq!(words(StatusCode::PAYLOAD_TOO_LARGE, body), "too large: at most 10 rows");
        assert_eq!(words(StatusCode::NOT_FOUND, "<html>"), "Not Found");
        let unknown = r#"{"title": "no entry", "detail": "the token is unknown"}"#;
        assert_eq!(words(StatusCode::UNAUTHORIZED, unknown), "no entry: the token is unknown");
    }

    #[test]
    fn a_server_that_asks_for_a_token_is_told_of_whatever_it_says() {
        for detail in ["send `authorization: bearer fg_…`", "a token, please"] {
            let body = format!(r#"{{"title": "no token", "detail": "{detail}"}}"#);
            let asked = Asked { leased: false, with_token: false };
            assert_eq!(words(StatusCode::UNAUTHORIZED, &body, asked), ASKS_FOR_TOKEN);
        }
    }

    #[test]
    fn a_lost_lease_is_known_by_its_type_and_any_other_conflict_is_a_refusal() {
        let lost =
            format!(r#"{{"type": "{}", "title": "the lease is no longer held"}}"#, LEASE_ENDS[0]);
        for status in [StatusCode::CONFLICT, StatusCode::GONE, StatusCode::BAD_GATEWAY] {
            assert!(matches!(
                refusal(status, lost.as_bytes(), UNDER_LEASE),
                ClientError::LeaseLost
            ));
        }
        let other =
            br#"{"type": "urn:floodgauge:problem:conflict", "title": "the sweep has ended"}"#;
        for (status, body) in [(409, other.as_slice()), (410, other), (410, b"<html>")] {
            let error = refusal(StatusCode::from_u16(status).unwrap(), body, UNDER_LEASE);
            assert!(matches!(error, ClientError::Refused { status: s, .. } if s == status));
        }
        let unleased =
            refusal(StatusCode::CONFLICT, lost.as_bytes(), Asked { leased: false, ..UNDER_LEASE });
        assert!(matches!(unleased, ClientError::Refused { status: 409, .. }), "{unleased:?}");
    }
}
