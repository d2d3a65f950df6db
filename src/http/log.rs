//! The logs that can be followed: one sweep's, and all sweeps'.

use crate::{
    driver::Driver,
    store::{Entry, GlobalCursor, StoreError},
};
use floodgauge_protocol::SweepId;
use serde_json::Value;
use std::{fmt::Display, hash::Hash};

/// Entries read at once.
const BATCH: u32 = 256;

/// A log that grows at its end.
pub trait Log: Copy + Eq + Hash + Send + Sync + 'static {
    /// A place in it, which is also an event's id.
    type Place: Copy + Ord + Display + Send + Sync + 'static;

    /// What the streams of such logs are called in metrics.
    const NAME: &'static str;

    /// Entries after a place, in order.
    fn read(
        self,
        driver: &Driver,
        after: Self::Place,
    ) -> impl Future<Output = Result<Batch<Self::Place>, StoreError>> + Send;

    /// Whether a stream of this log is over after an entry, given [`Batch::Entries::grown`].
    fn ends_with(entry: &Entry, grown: u64) -> bool;
}

/// What was read of a log at once.
pub enum Batch<Place> {
    /// Entries; none if there are none yet.
    Entries {
        /// In their order, each with its place in the log.
        entries: Vec<(Place, Entry)>,
        /// The place at which the log's sweep last grew: what ended it before, ends it no more.
        grown: u64,
    },
    /// Nothing, and nothing will come.
    End,
}

/// One sweep's log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OfSweep(pub SweepId);

impl Log for OfSweep {
    const NAME: &'static str = "sweep";
    type Place = u64;

    async fn read(self, driver: &Driver, after: u64) -> Result<Batch<u64>, StoreError> {
        let store = driver.store();
        // A sweep's row is much cheaper than a look for entries that aren't there.
        let grown = match store.sweep(self.0).await? {
            Some(row) if row.head_seq > after => row.grown_seq,
            Some(row) if !row.status.is_final() => {
                return Ok(Batch::Entries { entries: Vec::new(), grown: row.grown_seq });
            }
            // Over, or deleted.
            _ => return Ok(Batch::End),
        };
        let entries = store.entries(self.0, after, BATCH).await?;
        let entries = driver.explained(entries).await?;
        let entries = entries.into_iter().map(|entry| (entry.seq, entry)).collect();
        Ok(Batch::Entries { entries, grown })
    }

    fn ends_with(entry: &Entry, grown: u64) -> bool {
        entry.seq > grown
            && entry.decisions.as_array().into_iter().flatten().any(|decision| {
                let action = decision.get("action").and_then(Value::as_str);
                matches!(action, Some("complete" | "fail" | "cancel"))
            })
    }
}

/// All sweeps' log, which has no end.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OfAll;

impl OfAll {
    /// The place before every entry.
    pub const START: GlobalCursor = GlobalCursor { transaction: 0, row: 0 };
}

impl Log for OfAll {
    const NAME: &'static str = "all";
    type Place = GlobalCursor;

    async fn read(
        self,
        driver: &Driver,
        after: GlobalCursor,
    ) -> Result<Batch<GlobalCursor>, StoreError> {
        let entries = driver.store().all_entries(Some(after), BATCH).await?;
        let (places, entries): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let entries = places.into_iter().zip(driver.explained(entries).await?).collect();
        Ok(Batch::Entries { entries, grown: 0 })
    }

    fn ends_with(_: &Entry, _: u64) -> bool {
        false
    }
}
