//! A sweep's state in memory, rebuilt from its log.

use super::DriverError;
use crate::{
    scheduler::{self, Event, Sweep},
    store::{DynStore, Entry, StoreError},
};
use floodgauge_protocol::SweepId;
use serde_json::Value;
use std::sync::Arc;

/// Entries read at once.
const ENTRIES_AT_ONCE: u32 = 500;

/// The state after an entry of the log.
pub struct Live {
    sweep: SweepId,
    state: Arc<Sweep>,
    seq: u64,
}

impl Live {
    /// Replays a whole log, and asserts that it leads where it led before.
    pub async fn replay(store: &DynStore, sweep: SweepId) -> Result<Self, DriverError> {
        let row = store.sweep(sweep).await?.ok_or(DriverError::NotFound)?;
        if row.scheduler_version != scheduler::VERSION {
            let (found, ours) = (row.scheduler_version, scheduler::VERSION);
            return Err(DriverError::Version { found, ours });
        }
        let first = store.entries(sweep, 0, 1).await?.pop().ok_or(DriverError::NotFound)?;
        let Event::Submitted { spec } = event(&first)? else {
            let what = "the first log entry is no submission";
            return Err(DriverError::Store(StoreError::Corrupt(what.into())));
        };
        let mut live = Self { sweep, state: Arc::new(Sweep::new(*spec)), seq: 0 };
        live.catch_up(store).await?;
        Ok(live)
    }

    /// The state after `seq`.
    pub fn after(self, state: Arc<Sweep>, seq: u64) -> Self {
        Self { state, seq, ..self }
    }

    /// Takes in what other writers committed since.
    pub async fn catch_up(&mut self, store: &DynStore) -> Result<(), DriverError> {
        loop {
            let entries = store.entries(self.sweep, self.seq, ENTRIES_AT_ONCE).await?;
            if entries.is_empty() {
                return Ok(());
            }
            let whole = entries.len() < ENTRIES_AT_ONCE as usize;
            let state = Arc::make_mut(&mut self.state);
            for entry in entries {
                take(state, &entry)?;
                self.seq = entry.seq;
            }
            if whole {
                return Ok(());
            }
        }
    }

    /// The scheduler's state after the newest entry that was replayed.
    pub fn state(&self) -> Arc<Sweep> {
        self.state.clone()
    }

    /// The newest entry in it.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}

/// Takes a stored entry in; its decisions must be the stored ones.
fn take(state: &mut Sweep, entry: &Entry) -> Result<(), DriverError> {
    let decisions = super::json(&state.step(&event(entry)?))?;
    if decided(decisions) != decided(entry.decisions.clone()) {
        return Err(DriverError::Replay { seq: entry.seq });
    }
    Ok(())
}

/// What was decided, without the words of it: the final answer's wording, and the last bits of
/// its interval, may change with a release or with the C library, and decide nothing.
fn decided(mut decisions: Value) -> Value {
    for decision in decisions.as_array_mut().into_iter().flatten() {
        if let Some(decision) = decision.as_object_mut() {
            decision.remove("reason");
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
