//! Sweeps whose log this binary can't replay: of another version of the scheduler, or damaged.
//!
//! They are told as far as they are stored, and can be cancelled and deleted. This process gives
//! nothing of them out once it knows, so that each is met once and stops nobody else; it is tried
//! anew whenever somebody looks at it, and after a restart. What is known isn't stored: a server of
//! another release on the same database may well go on with what this one can't.

use super::{Driver, DriverError, live::check_version};
use crate::{
    scheduler::{Action, Decision, Event, Reason, SweepStatus, TrialStatus},
    store::{Commit, Effects, Page, StoreError, SweepRow, TrialUpdate},
    upcast,
    verdict::{Best, RunEquivalents, before_extension},
};
use floodgauge_protocol::SweepId;
use serde::Deserialize as _;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Sweeps that are looked over at once.
const BATCH: u32 = 100;

/// Entries of a log that are read at once.
const ENTRIES_AT_ONCE: u32 = 500;

/// Tries to cancel a sweep that others write to.
const MAX_RACES: u32 = 10;

/// What is known of such sweeps: why, in words.
#[derive(Debug, Default)]
pub(super) struct Unreplayable(Mutex<BTreeMap<SweepId, String>>);

impl Unreplayable {
    /// Notes what came of following a sweep's log.
    pub fn note<T>(&self, sweep: SweepId, outcome: &Result<T, DriverError>) {
        match outcome {
            Ok(_) => drop(self.lock().remove(&sweep)),
            Err(error) if error.is_unreplayable() => {
                if self.lock().insert(sweep, error.to_string()).is_none() {
                    tracing::error!(%sweep, %error, "its log can't be replayed; nothing more of it is given out");
                }
            }
            Err(_) => {}
        }
    }

    /// Every sweep that is set aside.
    pub fn all(&self) -> Vec<SweepId> {
        self.lock().keys().copied().collect()
    }

    pub fn forget(&self, sweep: SweepId) {
        self.lock().remove(&sweep);
    }

    fn why(&self, sweep: SweepId) -> Option<String> {
        self.lock().get(&sweep).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SweepId, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver {
    /// Why a sweep's log can't be replayed here; none if it can, or nobody has tried yet.
    pub fn replay_error(&self, row: &SweepRow) -> Option<String> {
        let version = check_version(row).err().map(|error| error.to_string());
        version.or_else(|| self.0.unreplayable.why(row.sweep))
    }

    /// Tries every sweep that hasn't ended, so that lists tell which can't be replayed.
    ///
    /// # Errors
    /// The database's trouble; sweeps that can't be replayed are noted, and no error.
    pub async fn look_over(&self) -> Result<(), StoreError> {
        for status in [SweepStatus::Queued, SweepStatus::Running, SweepStatus::Paused] {
            let mut page = Page { status: Some(status), limit: BATCH, ..Page::default() };
            loop {
                let rows = self.0.store.sweeps(page.clone()).await?;
                for row in &rows {
                    // Deleted meanwhile, or noted: either way the next one's turn.
                    let _ = self.sweep(row.sweep).await;
                }
                let Some(last) = rows.last().filter(|_| rows.len() == BATCH as usize) else {
                    break;
                };
                page.after = Some(last.sweep);
            }
        }
        Ok(())
    }

    /// Cancels a sweep without the scheduler, which can't follow it: all its work is withdrawn.
    ///
    /// # Errors
    /// [`DriverError::NotFound`], or [`DriverError::Ended`] if it has ended before.
    pub(super) async fn cancel_unreplayed(&self, sweep: SweepId) -> Result<(), DriverError> {
        let decision = Decision::new(Action::Cancel, Reason::AskedUnreplayed);
        let mut answer = LastAnswer::default();
        for _ in 0..MAX_RACES {
            let row = self.0.store.sweep(sweep).await?.ok_or(DriverError::NotFound)?;
            if row.status.is_final() {
                return Err(DriverError::Ended);
            }
            let trials = self.0.store.trials(sweep).await?;
            let active = trials.into_iter().filter(|trial| trial.status == TrialStatus::Active);
            let cancelled = |trial: TrialUpdate| TrialUpdate {
                status: TrialStatus::Cancelled,
                reason: Some(Reason::SweepCancelled.to_string()),
                ..trial
            };
            let best = match row.grown_seq {
                0 => None,
                _ => self.answer_in_log(&row, &mut answer).await?,
            };
            let commit = Commit {
                sweep,
                seq: row.head_seq + 1,
                event: super::json(&Event::CancelRequested)?,
                decisions: super::json(&[&decision])?,
                guard: None,
                extender: None,
                effects: Effects {
                    status: Some(SweepStatus::Cancelled),
                    best: best.as_ref().map(super::json).transpose()?,
                    close_all: true,
                    trials: active.map(cancelled).collect(),
                    ..Effects::default()
                },
            };
            match self.0.store.commit(commit).await {
                Ok(entry) => {
                    self.announce(sweep, entry.seq);
                    return Ok(());
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(DriverError::Store(StoreError::Conflict))
    }

    /// The answer that a sweep's log has of its last completion, as of a sweep that is cancelled, with what the sweep
    /// has cost since; none where it has none that can be read. Of the log it reads what it hasn't yet.
    async fn answer_in_log(
        &self,
        row: &SweepRow,
        so_far: &mut LastAnswer,
    ) -> Result<Option<Best>, DriverError> {
        loop {
            let entries = self.0.store.entries(row.sweep, so_far.seq, ENTRIES_AT_ONCE).await?;
            let Some(last) = entries.last() else { break };
            so_far.seq = last.seq;
            let decisions = entries.iter().filter_map(|entry| entry.decisions.as_array()).flatten();
            let mut completed = decisions.filter(|decision| decision["action"] == "complete");
            if let Some(decision) = completed.next_back() {
                so_far.stored = Some(decision["best"].clone());
            }
        }
        let Some(stored) = &so_far.stored else { return Ok(None) };
        let arms = row.read_space().map(|space| space.arms).unwrap_or_default();
        let read = Best::deserialize(&*upcast::arms(stored, &arms)).ok();
        Ok(read.map(|best| {
            let now = row.best.as_ref().map(|now| &now["run_equivalents"]);
            let in_all = now.and_then(|cost| RunEquivalents::deserialize(cost).ok());
            let cost = in_all.unwrap_or(best.run_equivalents);
            before_extension(best, SweepStatus::Cancelled, cost)
        }))
    }
}

/// The answer of a log's last completion, as far as the log is read.
#[derive(Default)]
struct LastAnswer {
    seq: u64,
    stored: Option<Value>,
}
