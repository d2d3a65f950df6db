//! A sweep's state in memory, rebuilt from its log.

use super::DriverError;
use crate::{
    scheduler::{self, Event, Sweep},
    store::{DynStore, Entry, SweepRow},
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
        let row = store.sweep(sweep).await?.ok_or(DriverError::NotFound)?;
        check_version(&row)?;
        let first = store.entries(sweep, 0, 1).await?.pop();
        let Some(Event::Submitted { spec }) = first.as_ref().map(event).transpose()? else {
            return Err(DriverError::Damaged { seq: 1 });
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
            let entries = store.entries(self.sweep, self.seq, BATCH).await?;
            if entries.is_empty() {
                return Ok(());
            }
            let whole = entries.len() < BATCH as usize;
            let state = Arc::make_mut(&mut self.state);
            for entry in entries {
                if entry.seq != self.seq + 1 {
                    return Err(DriverError::Damaged { seq: self.seq + 1 });
                }
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

/// Refuses a sweep that was decided by a version of the scheduler which this binary lacks.
pub fn check_version(row: &SweepRow) -> Result<(), DriverError> {
    let (found, ours) = (row.scheduler_version, scheduler::VERSION);
    if found == ours { Ok(()) } else { Err(DriverError::Version { found, ours }) }
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
        tracing::debug!(sweep = %entry.sweep, seq = entry.seq, %error, "an entry can't be read");
        DriverError::Damaged { seq: entry.seq }
    })
}
