//! A sweep's state in memory, rebuilt from its log.

use super::DriverError;
use crate::{
    scheduler::{self, Event, Sweep},
    store::{DynStore, Entry, StoreError},
};
use floodgauge_protocol::SweepId;
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
        let row = store.sweep(sweep).await?.ok_or(DriverError::NotFound)?;
        if row.scheduler_version != scheduler::VERSION {
            let (found, ours) = (row.scheduler_version, scheduler::VERSION);
            return Err(DriverError::Version { found, ours });
        }
        let spec = serde_json::from_value(row.spec).map_err(|error| corrupt(0, &error))?;
        let mut live = Self { sweep, state: Arc::new(Sweep::new(spec)), seq: 0 };
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
            let entries = store.entries(self.sweep, self.seq, BATCH).await?;
            if entries.is_empty() {
                return Ok(());
            }
            let whole = entries.len() < BATCH as usize;
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

    /// The state.
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
    let event: Event =
        serde_json::from_value(entry.event.clone()).map_err(|error| corrupt(entry.seq, &error))?;
    let decisions = super::json(&state.step(&event))?;
    if decisions != entry.decisions {
        return Err(DriverError::Replay { seq: entry.seq });
    }
    Ok(())
}

fn corrupt(seq: u64, error: &serde_json::Error) -> DriverError {
    DriverError::Store(StoreError::Corrupt(format!("log entry {seq}: {error}")))
}
