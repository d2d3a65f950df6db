//! Why a sweep that could go on doesn't, and what to do about it: nobody has resumed it, its data set is
//! damaged, its work was handed back too often, or is for a kind of machine that doesn't ask, its worker is gone,
//! or there is none for it.

use super::Driver;
use crate::{
    scheduler::SweepStatus,
    store::{StoreError, SweepRow},
    story::lease_expired,
};
use floodgauge_api::{Waiting, WaitsFor};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long a worker that asked for work counts as there: five minutes. One that trains asks again when
/// it is done.
pub const SEEN_WITHIN: Duration = Duration::from_secs(300);

/// How long a worker that asked counts as idle: one of each kind that waits looks again every second.
const IDLE_WITHIN: Duration = Duration::from_secs(5);

/// How long a worker that was turned away counts as there: it tries again within the minute.
const INCOMPATIBLE_WITHIN: Duration = Duration::from_secs(60);

/// Fingerprints that a server remembers as asking, which come from outside. Chosen, not measured.
const MAX_CLAIMANTS: usize = 1_000;

/// How often the database is told that a kind of machine is there: each server's word counts for all.
const TOLD_EVERY: Duration = Duration::from_secs(30);

/// When a worker of each fingerprint last asked this server for work, and when one was last turned away.
#[derive(Debug, Default)]
pub(super) struct Claimants {
    asked: Mutex<HashMap<String, Asked>>,
    incompatible: Mutex<Option<Instant>>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    last: Instant,
    /// When the database was last told.
    told: Instant,
}

impl Claimants {
    /// Notes that one asks; answers whether the database is to be told.
    pub fn note(&self, fingerprint: &str) -> bool {
        let now = Instant::now();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|_, asked| asked.last.elapsed() < SEEN_WITHIN);
        if let Some(known) = asked.get_mut(fingerprint) {
            known.last = now;
            let due = known.told.elapsed() >= TOLD_EVERY;
            known.told = if due { now } else { known.told };
            return due;
        }
        let is_new = asked.len() < MAX_CLAIMANTS;
        if is_new {
            asked.insert(fingerprint.into(), Asked { last: now, told: now });
        }
        is_new
    }

    fn is_there(&self, fingerprint: &str) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(fingerprint).is_some_and(|asked| asked.last.elapsed() < SEEN_WITHIN)
    }

    /// Whether anybody has just asked.
    fn is_anyone_idle(&self) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.values().any(|asked| asked.last.elapsed() < IDLE_WITHIN)
    }

    /// Notes that a worker was turned away, since server and worker don't understand each other.
    fn note_incompatible(&self) {
        *self.incompatible.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn has_incompatible(&self) -> bool {
        let incompatible = *self.incompatible.lock().unwrap_or_else(PoisonError::into_inner);
        incompatible.is_some_and(|at| at.elapsed() < INCOMPATIBLE_WITHIN)
    }
}

impl Driver {
    /// Notes that a worker was turned away, since this server doesn't understand it.
    pub fn turned_away(&self) {
        self.0.claimants.note_incompatible();
    }

    /// Why nobody works on a sweep, and what to do about it; none where somebody does, and where nothing
    /// more is to come of it.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn waiting(&self, row: &SweepRow) -> Result<Option<Waiting>, StoreError> {
        if row.status.is_final() || self.replay_error(row).is_some() {
            return Ok(None);
        }
        if row.status == SweepStatus::Paused {
            let remedy = "resume it to continue";
            return Ok(Some(waiting(WaitsFor::Resume, "it is paused", remedy)));
        }
        if let Ok(spec) = row.read_spec()
            && let Some(why) = self.waits_for_data(row.sweep, &spec.recipe.dataset.name)
        {
            return Ok(Some(waiting(
                WaitsFor::Data,
                why,
                "once its file is there again it continues by itself",
            )));
        }
        let open = self.0.store.open_work(row.sweep).await?;
        if open.is_empty() || open.iter().any(|work| work.is_held) {
            return Ok(None);
        }
        let (held_back, free): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|work| work.held_back_for.is_some());
        if free.is_empty() {
            let first = held_back.iter().filter_map(|work| work.held_back_for).min();
            return Ok(first.map(waits_for_backoff));
        }
        // Whoever waits for work takes it over within a second.
        let expired = free.iter().find_map(|work| work.expired_of.clone());
        let kinds: Option<BTreeSet<String>> = free.into_iter().map(|work| work.pinned_to).collect();
        if let Some(kinds) = kinds
            && !kinds.is_empty()
            && !kinds.iter().any(|kind| self.0.claimants.is_there(kind))
        {
            return Ok(Some(self.waits_for_machine(&kinds)));
        }
        match expired {
            Some(worker) => Ok(Some(waits_for_another(&worker))),
            None => self.waits_for_anyone().await,
        }
    }

    /// That it waits for any worker, or for its turn.
    async fn waits_for_anyone(&self) -> Result<Option<Waiting>, StoreError> {
        Ok(Workers {
            is_anyone_idle: self.0.claimants.is_anyone_idle(),
            is_anyone_busy: self.0.store.depths().await?.leased > 0,
            is_anyone_incompatible: self.0.claimants.has_incompatible(),
            is_anyone_troubled: !self.troubled_workers().await?.is_empty(),
        }
        .lacking())
    }

    fn waits_for_machine(&self, kinds: &BTreeSet<String>) -> Waiting {
        let minutes = SEEN_WITHIN.as_secs() / 60;
        let kinds: Vec<_> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        let words = format!(
            "it waits for a worker of the kind that began it, {}: what a seed shows comes from one \
             kind of machine and build, and no such worker has asked this server for work in the \
             last {minutes} minutes{}",
            kinds.join(" or "),
            self.then(),
        );
        worker_for(WaitsFor::Machine, words, "start one on a machine of that kind")
    }

    /// What comes of it if none comes.
    fn then(&self) -> String {
        self.0.config.start_over_after.map_or_else(String::new, |after| {
            let after = jiff::SignedDuration::try_from(after).unwrap_or(jiff::SignedDuration::MAX);
            format!(
                "; once none has been there for {after:#}, what it began starts over on another kind, \
                 as soon as there is one"
            )
        })
    }
}

/// What is known of a server's workers.
#[derive(Clone, Copy, Debug, Default)]
struct Workers {
    /// Whether one has just asked for work.
    is_anyone_idle: bool,
    /// Whether one holds a lease.
    is_anyone_busy: bool,
    /// Whether one was turned away lately.
    is_anyone_incompatible: bool,
    /// Whether one said that its machine is in trouble.
    is_anyone_troubled: bool,
}

impl Workers {
    /// What a sweep waits for that any worker could take; none where it is about to be given out.
    fn lacking(self) -> Option<Waiting> {
        let (what, words, remedy) = match self {
            Self { is_anyone_idle: true, .. } => return None,
            Self { is_anyone_busy: true, .. } => (
                WaitsFor::Turn,
                "all workers are busy with other sweeps",
                "another worker would start it sooner",
            ),
            Self { is_anyone_incompatible: true, .. } => (
                WaitsFor::IncompatibleWorkers,
                "the workers that ask for work are of a release that this server doesn't understand",
                "start one of the server's release",
            ),
            Self { is_anyone_troubled: true, .. } => (
                WaitsFor::WorkersInTrouble,
                "no worker takes work: all of their machines are in trouble",
                "fix what they report, or start one elsewhere",
            ),
            _ => (
                WaitsFor::Worker,
                "no worker asks this server for work",
                "start one, here or on another machine",
            ),
        };
        Some(worker_for(what, words, remedy))
    }
}

fn waiting(what: WaitsFor, words: impl Into<String>, remedy: &str) -> Waiting {
    Waiting {
        what,
        words: words.into(),
        remedy: remedy.into(),
        wants_worker: false,
        transient: what.is_transient(),
        backoff_s: None,
    }
}

/// That it waits for another worker in the place of one.
fn waits_for_another(worker: &str) -> Waiting {
    let words = format!("{}; its segment waits for another worker", lease_expired(worker));
    worker_for(WaitsFor::LeaseExpired, words, "start one, here or on another machine")
}

/// That nobody is given what is left of it for so long.
fn waits_for_backoff(backoff: Duration) -> Waiting {
    let seconds = backoff.as_millis().div_ceil(1_000).max(1);
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    let words = format!(
        "workers in trouble handed back what is left of it again and again, so nobody is given it for \
         another {seconds} s"
    );
    let remedy = "fix what they report; after that it continues by itself";
    Waiting { backoff_s: Some(seconds), ..waiting(WaitsFor::HeldBack, words, remedy) }
}

/// What one more worker would end.
fn worker_for(what: WaitsFor, words: impl Into<String>, remedy: &str) -> Waiting {
    Waiting { wants_worker: true, ..waiting(what, words, remedy) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_reason_is_told_first() {
        let mut workers = Workers::default();
        let lacking = |workers: Workers| workers.lacking().map(|waiting| waiting.what);
        assert_eq!(lacking(workers), Some(WaitsFor::Worker));
        workers.is_anyone_troubled = true;
        assert_eq!(lacking(workers), Some(WaitsFor::WorkersInTrouble));
        workers.is_anyone_incompatible = true;
        assert_eq!(lacking(workers), Some(WaitsFor::IncompatibleWorkers));
        workers.is_anyone_busy = true;
        assert_eq!(lacking(workers), Some(WaitsFor::Turn));
        workers.is_anyone_idle = true;
        assert_eq!(lacking(workers), None, "it is about to be given out");
    }

    #[test]
    fn what_is_held_back_is_told_in_whole_seconds_that_are_never_too_few() {
        for (ms, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (600_000, 600)] {
            let told = waits_for_backoff(Duration::from_millis(ms));
            assert_eq!(told.backoff_s, Some(seconds));
            assert!(told.words.ends_with(&format!("for another {seconds} s")), "{}", told.words);
            assert!(!told.transient && !told.wants_worker, "one more worker wouldn't be given it");
        }
    }

    #[tokio::test]
    async fn who_has_just_asked_is_idle_and_who_was_turned_away_is_not() {
        let claimants = Claimants::default();
        assert!(!claimants.is_anyone_idle() && !claimants.has_incompatible());
        claimants.note_incompatible();
        assert!(!claimants.is_anyone_idle() && claimants.has_incompatible());
        claimants.note("one kind");
        assert!(claimants.is_anyone_idle());
        assert!(claimants.is_there("one kind") && !claimants.is_there("another"));
    }
}
