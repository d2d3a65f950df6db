//! The database's milliseconds as RFC 3339 times.

use anyhow::Context;
use jiff::Timestamp;

/// The time at `ms` milliseconds since 1970, in UTC.
pub(super) fn timestamp(ms: i64) -> anyhow::Result<Timestamp> {
    Timestamp::from_millisecond(ms)
        .with_context(|| format!("{ms} ms is not a time of the calendar"))
}
