//! A sweep's state in memory, rebuilt from its log.

use super::DriverError;
use crate::{
    heavy::aside,
    scheduler::{self, Decision, EXTENSION_VERSION, Event, Sweep, policy::Registration},
    store::{DynStore, Entry, SweepRow},
    upcast,
};
use floodgauge_protocol::{SchedulerKind, SweepId};
use serde::Deserialize as _;
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
    /// A state that an entry of the log led to.
    pub fn of(sweep: SweepId, state: Arc<Sweep>, seq: u64) -> Self {
        Self { sweep, state, seq }
    }

    /// Replays a whole log, and asserts that it leads where it led before.
    pub async fn replay(store: &DynStore, sweep: SweepId) -> Result<Self, DriverError> {
        let mut live = Self::begin(store, sweep).await?;
        live.catch_up(store).await?;
        Ok(live)
    }

    /// The state before the first entry, by the version of the scheduler that wrote the log.
    pub async fn begin(store: &DynStore, sweep: SweepId) -> Result<Self, DriverError> {
        let row = store.sweep(sweep).await?.ok_or(DriverError::NotFound)?;
        check_version(&row)?;
        let first = store.entries(sweep, 0, 1).await?.pop();
        let Some(Event::Submitted { spec }) = first.as_ref().map(event).transpose()? else {
            return Err(DriverError::Damaged { seq: 1 });
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
            aside(|| entries.iter().try_for_each(|entry| self.take(entry).map(drop)))?;
        }
    }

    /// The entries that come next, so many at most as are read at once.
    pub async fn next_entries(&self, store: &DynStore) -> Result<Vec<Entry>, DriverError> {
        Ok(store.entries(self.sweep, self.seq, ENTRIES_AT_ONCE).await?)
    }

    /// Takes the next entry in; its decisions, which it answers, must be the stored ones.
    pub fn take(&mut self, entry: &Entry) -> Result<Vec<Decision>, DriverError> {
        if entry.seq != self.seq + 1 {
            return Err(DriverError::Damaged { seq: self.seq + 1 });
        }
        let event = event(entry)?;
        if let Event::Extended { version: found, .. } = event
            && found != EXTENSION_VERSION
        {
            return Err(DriverError::Version { found, ours: EXTENSION_VERSION });
        }
        let decisions = Arc::make_mut(&mut self.state).step(&event);
        let stored = upcast::arms(&entry.decisions, &self.state.facts().space().arms);
        if decided(super::json(&decisions)?) != decided(stored.into_owned()) {
            return Err(DriverError::Replay { seq: entry.seq });
        }
        self.seq = entry.seq;
        Ok(decisions)
    }

    /// The sweep as the entries that were replayed leave it.
    pub fn state(&self) -> Arc<Sweep> {
        self.state.clone()
    }

    /// The same, to look at: as long as nobody else has it, the next entry is taken in without a copy.
    pub fn sweep_now(&self) -> &Sweep {
        &self.state
    }

    /// The id of the sweep whose log it is replayed from.
    pub fn sweep(&self) -> SweepId {
        self.sweep
    }

    /// The newest entry in it.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}

/// Refuses a sweep that was decided by a version of its scheduler which this binary lacks.
pub fn check_version(row: &SweepRow) -> Result<(), DriverError> {
    // What its spec doesn't tell, its log's first entry doesn't either.
    let Ok(kind) = SchedulerKind::deserialize(&row.spec["scheduler"]["kind"]) else {
        return Ok(());
    };
    let found = row.scheduler_version;
    match Registration::get(kind, found) {
        Some(_) => Ok(()),
        None => Err(DriverError::Version { found, ours: scheduler::current_version(kind) }),
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

/// What was decided, without the words of it and without the final answer: they may change with a release, or in
/// their last bits with the C library, and decide nothing.
fn decided(mut decisions: Value) -> Value {
    for decision in decisions.as_array_mut().into_iter().flatten() {
        if let Some(decision) = decision.as_object_mut() {
            decision.remove("reason");
            decision.remove("why");
            decision.remove("best");
        }
    }
    decisions
}

/// The event of an entry.
///
/// # Errors
/// [`DriverError::Damaged`] if it reads as nothing that this binary knows.
pub fn event(entry: &Entry) -> Result<Event, DriverError> {
    serde_json::from_value(entry.event.clone()).map_err(|error| {
        tracing::debug!(sweep = %entry.sweep, seq = entry.seq, %error, "an entry can't be read");
        DriverError::Damaged { seq: entry.seq }
    })
}
