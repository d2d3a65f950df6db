//! What can go wrong between a client and its server. Variants are outcomes that a caller
//! treats differently: out of reach (try later), refused (change the request), unclear.

use serde::Deserialize;

/// A request that wasn't answered as hoped.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No server answered.
    #[error("no answer from {server}: {reason}")]
    Unreachable {
        /// Who was asked.
        server: String,
        /// What happened.
        reason: String,
    },
    /// The server said no, and why.
    #[error("{0}")]
    Refused(Problem),
    /// The server answered something that this client can't read.
    #[error("the answer of {server} can't be read: {reason}")]
    Unclear {
        /// Who answered.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A problem as of RFC 9457.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// Its type, `urn:floodgauge:problem:…`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    #[serde(default)]
    pub detail: Option<String>,
    /// Each offending field.
    #[serde(default)]
    pub errors: Vec<FieldProblem>,
}

/// One offending field.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FieldProblem {
    /// A JSON pointer to it.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.title)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
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
            r#"{ "type": "urn:floodgauge:problem:invalid-sweep", "title": "the sweep can't be run",
                 "status": 422, "detail": "1 field is out of range",
                 "errors": [ { "pointer": "/recipe/epochs", "detail": "epochs 0 is too few" } ] }"#,
        )
        .unwrap();
        assert_eq!(
            problem.to_string(),
            "the sweep can't be run: 1 field is out of range\n  /recipe/epochs: epochs 0 is too few"
        );
    }
}
