//! What a client is told when a request can't be answered (RFC 9457).

use floodgauge_protocol::Invalid;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A problem as it is sent.
///
/// All but the status may be missing from what is read: proxies answer too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(example = json!({
        "type": "urn:floodgauge:problem:invalid-sweep",
        "title": "the sweep is invalid",
        "status": 422,
        "detail": "1 problem",
        "errors": [{ "pointer": "/recipe/batch_size", "detail": "batch_size must be at least 1" }]
    }))
)]
pub struct Problem {
    /// `urn:floodgauge:problem:` and the kind of problem.
    #[serde(rename = "type", default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub kind: String,
    /// The kind in words.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong this time.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub detail: String,
    /// The fields at fault; empty when it isn't a field's.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub errors: Vec<FieldError>,
}

/// A field at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) into the body; empty for the whole of it.
    pub pointer: String,
    /// What is wrong, with the value and its bound.
    pub detail: String,
}

impl From<Invalid> for FieldError {
    fn from(invalid: Invalid) -> Self {
        Self { pointer: invalid.pointer, detail: invalid.message }
    }
}

/// Kinds whose detail says by itself what their title does.
const TOLD_BY_DETAIL: [&str; 2] =
    ["urn:floodgauge:problem:not-found", "urn:floodgauge:problem:conflict"];

/// For people: the fields at fault on lines of their own.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail.as_str() {
            "" => f.write_str(&self.title)?,
            detail if TOLD_BY_DETAIL.contains(&self.kind.as_str()) => f.write_str(detail)?,
            detail => write!(f, "{}: {detail}", self.title)?,
        }
        self.errors
            .iter()
            .try_for_each(|error| write!(f, "\n  {}: {}", error.pointer, error.detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_words_with_each_field_on_its_line() {
        let problem: Problem = serde_json::from_str(
            r#"{ "type": "urn:floodgauge:problem:invalid-sweep", "title": "the sweep is invalid",
                 "status": 422, "detail": "1 problem",
                 "errors": [ { "pointer": "/recipe/epochs", "detail": "epochs 0 is too few" } ] }"#,
        )
        .unwrap();
        assert_eq!(
            problem.to_string(),
            "the sweep is invalid: 1 problem\n  /recipe/epochs: epochs 0 is too few"
        );
    }

    #[test]
    fn a_detail_that_says_all_stands_alone() {
        for kind in TOLD_BY_DETAIL {
            let (kind, title, detail) = (kind.into(), "not found".into(), "no sweep 7".into());
            let problem = Problem { kind, title, status: 404, detail, errors: vec![] };
            assert_eq!(problem.to_string(), "no sweep 7");
        }
    }

    #[test]
    fn a_problem_that_a_proxy_cut_short_is_read_as_far_as_it_goes() {
        let problem: Problem =
            serde_json::from_str(r#"{ "title": "gone", "status": 502 }"#).unwrap();
        assert_eq!(problem.to_string(), "gone");
    }
}
