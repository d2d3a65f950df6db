//! Entries of version 0.1.0 as they would be stored today: with reasons as data, where only the words
//! were stored, since the policy that decided then decides again; and with arms described as since.

use super::{
    Driver, DriverError,
    live::{self, Live},
};
use crate::{
    store::{Entry, StoreError},
    upcast,
};
use floodgauge_protocol::{Method, SearchSpace, SweepId, SweepSpec};
use serde::Deserialize as _;
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeSet};

impl Driver {
    /// Entries with the reasons of their decisions as data, where a replay of the log gives
    /// these, and with arms in today's shape; others stay as they are stored.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn explained(&self, mut entries: Vec<Entry>) -> Result<Vec<Entry>, StoreError> {
        let unexplained = entries.iter().filter(|entry| lacks_reasons(entry));
        let sweeps: BTreeSet<SweepId> = unexplained.map(|entry| entry.sweep).collect();
        for sweep in sweeps {
            let arms = self.arms(sweep).await?;
            for entry in entries.iter_mut().filter(|entry| entry.sweep == sweep) {
                if let Cow::Owned(today) = upcast::arms(&entry.decisions, &arms) {
                    entry.decisions = today;
                }
            }
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

    /// A sweep's arms by index, those that were added later too; none of a sweep that is gone, or
    /// whose spec can't be read.
    async fn arms(&self, sweep: SweepId) -> Result<Vec<Method>, StoreError> {
        let Some(row) = self.0.store.sweep(sweep).await? else { return Ok(vec![]) };
        let grown = row.plan.and_then(|plan| SearchSpace::deserialize(plan).ok());
        let space =
            grown.or_else(|| Some(SearchSpace::of(&SweepSpec::deserialize(row.spec).ok()?)));
        Ok(space.map(|space| space.arms).unwrap_or_default())
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
