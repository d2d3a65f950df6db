//! What became of a request that got no answer, as far as it can be told apart.

use crate::causes;
use std::io;

/// Why a request got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The machine is there, and nothing listens at that port.
    Refused,
    /// It took too long.
    TimedOut,
    /// No connection was agreed on that both trust.
    Tls,
    /// Anything else: a name that nobody knows, a network that is down, a connection that broke off.
    Other,
}

impl NoAnswer {
    /// What a failed request tells.
    pub fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::TimedOut;
        }
        let kinds = causes(error).filter_map(|cause| {
            if cause.is::<rustls::Error>() {
                return Some(Self::Tls);
            }
            match cause.downcast_ref::<io::Error>()?.kind() {
                io::ErrorKind::ConnectionRefused => Some(Self::Refused),
                io::ErrorKind::TimedOut => Some(Self::TimedOut),
                _ => None,
            }
        });
        // The innermost says most.
        kinds.last().unwrap_or(Self::Other)
    }
}
