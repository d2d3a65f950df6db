//! How long bodies may be.

use axum::extract::DefaultBodyLimit;
use floodgauge_datasets::upload;
use std::fmt;

/// The longest body that a route takes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(usize);

impl Limit {
    /// For a token, of whom nobody knows yet.
    pub const SIGN_IN: Self = Self(4 << 10);
    /// For what people and their scripts send.
    pub const JSON: Self = Self(1 << 20);
    /// For what workers send in JSON: a report holds thousands of rows.
    pub const WORK: Self = Self(16 << 20);
    /// For checkpoints, which are held in memory until they are stored.
    pub const BLOB: Self = Self(256 << 20);
    /// For data sets, which go to a file as they come.
    pub const DATASET: Self = Self(upload::MAX_BYTES as usize);

    /// Another one, for tests.
    #[cfg(test)]
    pub(super) const fn of(bytes: usize) -> Self {
        Self(bytes)
    }

    /// How many bytes.
    pub fn bytes(self) -> u64 {
        self.0 as u64
    }

    /// The layer that makes a route's extractors stop there.
    pub fn layer(self) -> DefaultBodyLimit {
        DefaultBodyLimit::max(self.0)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 >> 20 {
            0 => write!(f, "{} KiB", self.0 >> 10),
            mib => write!(f, "{mib} MiB"),
        }
    }
}
