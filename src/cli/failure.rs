//! How a command can end other than well, and the exit code of each. What a script would do
//! differently has a code of its own; the rest is 1.

use super::error_text::of_cause;
use crate::client::ClientError;
use std::process::ExitCode;

/// The exit codes, for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something unforeseen: a port in use, a database that can't be opened; what `doctor` found,
     or what a `rerun` has otherwise
  2  bad input: a wrong flag, a file that can't be used, a sweep that can't be run, an unknown id
  3  the sweep failed or was cancelled
  4  the server is out of reach";

/// Why a command didn't end well.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What the user gave can't be used.
    #[error("{0}")]
    BadInput(String),
    /// The sweep ended without an answer.
    #[error("{0}")]
    Sweep(String),
    /// No server answered.
    #[error("{0}\nstart one with `floodgauge serve`, or name another with --server")]
    OutOfReach(String),
    /// It answered that it can't just now, or somebody else did, such as a proxy.
    #[error("{0}")]
    Answered(String),
    /// Anything else.
    #[error("{}", causes(.0))]
    Other(#[from] anyhow::Error),
}

impl Failure {
    /// The process's exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    fn code(&self) -> u8 {
        match self {
            Self::Other(_) => 1,
            Self::BadInput(_) => 2,
            Self::Sweep(_) => 3,
            Self::OutOfReach(_) | Self::Answered(_) => 4,
        }
    }
}

/// An error and what caused it; causes that were quoted already are left out.
fn causes(error: &anyhow::Error) -> String {
    error.chain().map(of_cause).fold(String::new(), |message, cause| match message {
        message if message.is_empty() => cause,
        message if message.contains(&cause) => message,
        message => format!("{message}: {cause}"),
    })
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Unreachable { .. } => Self::OutOfReach(error.to_string()),
            ClientError::Unavailable { .. } | ClientError::Intermediary { .. } => {
                Self::Answered(error.to_string())
            }
            ClientError::Refused(problem) if problem.status < 500 => {
                Self::BadInput(problem.to_string())
            }
            ClientError::Refused(_) | ClientError::Unclear { .. } => Self::Other(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{NoAnswer, Problem};

    fn refused_by(status: u16) -> Failure {
        let problem = serde_json::json!({ "title": "no", "status": status });
        ClientError::Refused(serde_json::from_value::<Problem>(problem).unwrap()).into()
    }

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow::anyhow!("no password").context("refused: no password");
        let failure = Failure::from(error.context("the database can't be opened"));
        assert_eq!(failure.to_string(), "the database can't be opened: refused: no password");
    }

    #[test]
    fn what_the_system_said_is_told_in_plain_words() {
        let missing = std::fs::read("/nowhere/at/all").unwrap_err();
        let failure = Failure::from(anyhow::Error::from(missing).context("x can't be read"));
        assert_eq!(failure.to_string(), "x can't be read: there is no such file or folder");
    }

    #[test]
    fn every_kind_of_failure_has_the_code_that_help_names() {
        let (server, reason) = ("a".into(), "b".into());
        let gone = ClientError::Unreachable { server, kind: NoAnswer::Refused, reason };
        assert_eq!(refused_by(500).code(), 1);
        assert_eq!(refused_by(404).code(), 2);
        assert_eq!(refused_by(422).code(), 2);
        assert_eq!(Failure::Sweep(String::new()).code(), 3);
        assert_eq!(Failure::from(gone).code(), 4);
        let (server, reason) = ("a".into(), "b".into());
        let is_transient = false;
        let other = ClientError::Intermediary { server, status: 413, reason, is_transient };
        assert_eq!(Failure::from(other).code(), 4);
        for code in 0..=4 {
            assert!(EXIT_CODES.contains(&format!("\n  {code}  ")));
        }
    }
}
