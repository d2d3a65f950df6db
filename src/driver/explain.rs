//! Reasons as data for entries that were stored with the words alone, as version 0.1.0 did: the
//! policy that decided then decides again.

use super::{
    Driver, DriverError,
    live::{self, Live},
};
use crate::store::{Entry, StoreError};
use floodgauge_protocol::SweepId;
use serde_json::Value;
use std::collections::BTreeSet;

impl Driver {
    /// Entries with the reasons of their decisions as data, where a replay of the log gives
    /// these; others stay as they are stored.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn explained(&self, mut entries: Vec<Entry>) -> Result<Vec<Entry>, StoreError> {
        let unexplained = entries.iter().filter(|entry| lacks_reasons(entry));
        let sweeps: BTreeSet<SweepId> = unexplained.map(|entry| entry.sweep).collect();
        for sweep in sweeps {
            let of_sweep = entries.iter_mut().filter(|entry| entry.sweep == sweep).collect();
            match self.explain(sweep, of_sweep).await {
                Ok(()) => {}
                Err(DriverError::Store(error)) => return Err(error),
                Err(error) => {
                    tracing::debug!(%sweep, %error, "its reasons are known in words alone");
                }
            }
        }
        Ok(entries)
    }

    /// Replays a log up to the last of some of its entries, which are in order.
    async fn explain(&self, sweep: SweepId, wanted: Vec<&mut Entry>) -> Result<(), DriverError> {
        let mut live = Live::begin(&self.0.store, sweep).await?;
        let mut wanted = wanted.into_iter().peekable();
        while wanted.peek().is_some() {
            let entries = live.next_entries(&self.0.store).await?;
            if entries.is_empty() {
                break;
            }
            for entry in entries {
                let decisions = live.take(&entry)?;
                if let Some(wanted) = wanted.next_if(|wanted| wanted.seq == entry.seq)
                    && lacks_reasons(wanted)
                {
                    live::add_reasons(&mut wanted.decisions, &decisions)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a decision of an entry has its reason in words alone.
fn lacks_reasons(entry: &Entry) -> bool {
    let decisions = entry.decisions.as_array().into_iter().flatten();
    decisions.filter_map(Value::as_object).any(|decision| !decision.contains_key("why"))
}
