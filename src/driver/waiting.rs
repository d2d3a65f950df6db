//! Why a sweep that could go on doesn't: its work is for a kind of machine that doesn't ask, or its worker is
//! gone.

use super::Driver;
use crate::{
    scheduler::SweepStatus,
    store::{StoreError, SweepRow},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long a worker that asked for work counts as there: five minutes. One that trains asks again when
/// it is done.
pub const SEEN_WITHIN: Duration = Duration::from_secs(300);

/// Fingerprints that a server remembers as asking, which come from outside. Chosen, not measured.
const MAX_CLAIMANTS: usize = 1_000;

/// How often the database is told that a kind of machine is there: each server's word counts for all.
const TOLD_EVERY: Duration = Duration::from_secs(30);

/// When a worker of each fingerprint last asked this server for work.
#[derive(Debug, Default)]
pub(super) struct Claimants(Mutex<HashMap<String, Asked>>);

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
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(fingerprint).is_some_and(|asked| asked.last.elapsed() < SEEN_WITHIN)
    }
}

impl Driver {
    /// Why nobody works on a sweep, in words, where its data set is damaged, all that is left of it is for
    /// machines of a kind that hasn't asked for work lately, or a worker fell silent and nobody has taken its
    /// place; else none.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn waits_for(&self, row: &SweepRow) -> Result<Option<String>, StoreError> {
        let goes_on = matches!(row.status, SweepStatus::Queued | SweepStatus::Running);
        if !goes_on || self.replay_error(row).is_some() {
            return Ok(None);
        }
        if let Ok(spec) = row.read_spec()
            && let Some(why) = self.waits_for_data(row.sweep, &spec.recipe.dataset.name)
        {
            return Ok(Some(why));
        }
        let open = self.0.store.open_work(row.sweep).await?;
        if open.iter().any(|work| work.is_held) {
            return Ok(None);
        }
        // Whoever waits for work takes it over within a second.
        let expired = open.iter().find_map(|work| work.expired_of.clone());
        let kinds: Option<BTreeSet<String>> = open.into_iter().map(|work| work.pinned_to).collect();
        let Some(kinds) = kinds.filter(|kinds| {
            !kinds.is_empty() && !kinds.iter().any(|kind| self.0.claimants.is_there(kind))
        }) else {
            return Ok(expired.map(|worker| {
                format!(
                    "the lease of worker {worker} ran out; its segment waits for another worker"
                )
            }));
        };
        let minutes = SEEN_WITHIN.as_secs() / 60;
        let kinds: Vec<_> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        Ok(Some(format!(
            "it waits for a worker of the kind that began it, {}: what a seed shows comes from one \
             kind of machine and build, and no such worker has asked this server for work in the \
             last {minutes} minutes{}",
            kinds.join(" or "),
            self.then(),
        )))
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
