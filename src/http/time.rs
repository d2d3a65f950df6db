//! The database's milliseconds as RFC 3339 times.

use super::problem::Problem;
use anyhow::Context;
use jiff::Timestamp;

/// The time at `ms` milliseconds since 1970, in UTC.
pub(super) fn timestamp(ms: i64) -> Result<Timestamp, Problem> {
    Timestamp::from_millisecond(ms)
        .with_context(|| format!("{ms} ms is no time of the calendar"))
        .map_err(Problem::Internal)
}
