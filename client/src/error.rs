//! What can go wrong between a client and its server. Variants are outcomes that a caller
//! treats differently: out of reach (try later), refused (change the request), unclear.

use floodgauge_api::Problem;

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
