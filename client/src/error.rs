//! What can go wrong between a client and its server. Variants are outcomes that a caller
//! treats differently: out of reach (try later), answered by somebody else (look at what lies between),
//! refused (change the request), unclear.

use floodgauge_api::Problem;
use floodgauge_net::NoAnswer;

const OVER_SHARE: &str = "urn:floodgauge:problem:over-share";

/// A request that wasn't answered as hoped.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No server answered.
    #[error("no answer from {server}: {reason}")]
    Unreachable {
        /// Who was asked.
        server: String,
        /// What happened, as far as it can be told apart.
        kind: NoAnswer,
        /// What happened, in words.
        reason: String,
    },
    /// The server answered that it can't do it at the moment.
    #[error("{server} can't do this now: {reason}")]
    Unavailable {
        /// Who answered.
        server: String,
        /// What keeps it from that.
        reason: String,
    },
    /// Somebody else answered than the server: a proxy, or another program at its address.
    #[error("no answer from {server}: {reason}")]
    Intermediary {
        /// Who was asked.
        server: String,
        /// The status that came.
        status: u16,
        /// Who answered, as far as can be told, and what may be done about it.
        reason: String,
        /// Whether another try may get through.
        is_transient: bool,
    },
    /// The server said no, and why.
    #[error("{0}")]
    Refused(Problem),
    /// The server answered something that this client can't read.
    #[error(
        "the answer of {server} can't be read, is it a Floodgauge server of this version? ({reason})"
    )]
    Unclear {
        /// Who answered.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ClientError {
    /// Whether the same request may get its answer a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Unavailable { .. } => true,
            Self::Intermediary { is_transient, .. } => *is_transient,
            // As much as may be is going on for this client just now.
            Self::Refused(problem) => problem.kind == OVER_SHARE,
            Self::Unclear { .. } => false,
        }
    }
}
