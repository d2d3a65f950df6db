//! A sweep's state in memory, rebuilt from its log.

use super::DriverError;
use crate::{
    scheduler::{self, Decision, EXTENSION_VERSION, Event, Sweep},
    store::{DynStore, Entry, StoreError},
};
use floodgauge_protocol::SweepId;
use serde_json::Value;
use std::sync::Arc;

/// Entries read at once.
const BATCH: u32 = 500;

/// The state after an entry of the log.
pub struct Live {
    sweep: SweepId,
    state: Arc<Sweep>,
    seq: u64,
}

impl Live {
    /// Replays a whole log, and asserts that it leads where it led before.
    pub async fn replay(store: &DynStore, sweep: SweepId) -> Result<Self, DriverError> {
        let mut live = Self::begin(store, sweep).await?;
        live.catch_up(store).await?;
        Ok(live)
    }

    /// The state before the first entry, by the version of the scheduler that wrote the log.
    pub async fn begin(store: &DynStore, sweep: SweepId) -> Result<Self, DriverError> {
        let row = store.sweep(sweep).await?.ok_or(DriverError::NotFound)?;
        let first = store.entries(sweep, 0, 1).await?.pop().ok_or(DriverError::NotFound)?;
        let Event::Submitted { spec } = event(&first)? else {
            let what = "the first log entry is no submission";
            return Err(DriverError::Store(StoreError::Corrupt(what.into())));
        };
        let (kind, found) = (spec.scheduler.kind, row.scheduler_version);
        let Some(state) = Sweep::of_version(*spec, found) else {
            let ours = scheduler::current_version(kind);
            return Err(DriverError::Version { found, ours });
        };
        Ok(Self { sweep, state: Arc::new(state), seq: 0 })
    }

    /// The state after `seq`.
    pub fn after(self, state: Arc<Sweep>, seq: u64) -> Self {
        Self { state, seq, ..self }
    }

    /// Takes in what other writers committed since.
    pub async fn catch_up(&mut self, store: &DynStore) -> Result<(), DriverError> {
        loop {
            let entries = self.next_entries(store).await?;
            if entries.is_empty() {
                return Ok(());
            }
            let whole = entries.len() < BATCH as usize;
            for entry in &entries {
                self.take(entry)?;
            }
            if whole {
                return Ok(());
            }
        }
    }

    /// The entries that come next, so many at most as are read at once.
    pub async fn next_entries(&self, store: &DynStore) -> Result<Vec<Entry>, DriverError> {
        Ok(store.entries(self.sweep, self.seq, BATCH).await?)
    }

    /// Takes the next entry in; its decisions, which it answers, must be the stored ones.
    pub fn take(&mut self, entry: &Entry) -> Result<Vec<Decision>, DriverError> {
        let event = event(entry)?;
        if let Event::Extended { version: found, .. } = event
            && found != EXTENSION_VERSION
        {
            return Err(DriverError::Version { found, ours: EXTENSION_VERSION });
        }
        let decisions = Arc::make_mut(&mut self.state).step(&event);
        if decided(super::json(&decisions)?) != decided(entry.decisions.clone()) {
            return Err(DriverError::Replay { seq: entry.seq });
        }
        self.seq = entry.seq;
        Ok(decisions)
    }

    /// The state.
    pub fn state(&self) -> Arc<Sweep> {
        self.state.clone()
    }

    /// The newest entry in it.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}

/// Gives stored decisions the reasons that a replay gave them.
pub fn add_reasons(stored: &mut Value, replayed: &[Decision]) -> Result<(), DriverError> {
    for (stored, decision) in stored.as_array_mut().into_iter().flatten().zip(replayed) {
        if let (Some(stored), Some(why)) = (stored.as_object_mut(), &decision.why) {
            stored.insert("why".into(), super::json(why)?);
        }
    }
    Ok(())
}

/// What was decided, without the words of it: the final answer's wording, and the last bits of
/// its interval, may change with a release or with the C library, and decide nothing.
fn decided(mut decisions: Value) -> Value {
    for decision in decisions.as_array_mut().into_iter().flatten() {
        if let Some(decision) = decision.as_object_mut() {
            decision.remove("reason");
            decision.remove("why");
            if let Some(best) = decision.remove("best") {
                decision.insert("chosen".into(), best["best"]["arm"].clone());
            }
        }
    }
    decisions
}

fn event(entry: &Entry) -> Result<Event, DriverError> {
    serde_json::from_value(entry.event.clone()).map_err(|error| {
        let what = format!("log entry {}: {error}", entry.seq);
        DriverError::Store(StoreError::Corrupt(what))
    })
}
