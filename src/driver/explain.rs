//! Entries of version 0.1.0 as they would be stored today: with reasons as data, where only the words
//! were stored, since the policy that decided then decides again; and with arms and metrics as since.

use super::{
    Driver, DriverError,
    live::{self, Live},
};
use crate::{
    heavy::aside,
    store::{Entry, StoreError},
    upcast,
};
use floodgauge_protocol::{Method, SweepId};
use serde_json::Value;
use std::{
    borrow::Cow,
    collections::{BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How many readers of old logs are known at once; whoever comes back after more others begins anew.
const MAX_READERS: usize = 32;

impl Driver {
    /// Entries with the reasons of their decisions as data, where a replay of the log gives
    /// these, and with arms and metrics in today's shape; others stay as they are stored.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn explained(&self, mut entries: Vec<Entry>) -> Result<Vec<Entry>, StoreError> {
        for entry in &mut entries {
            entry.event = upcast::event(std::mem::take(&mut entry.event));
        }
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
                Ok(_) => {}
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
        let row = self.0.store.sweep(sweep).await?;
        let space = row.and_then(|row| row.read_space().ok());
        Ok(space.map(|space| space.arms).unwrap_or_default())
    }

    /// Replays a log up to the last of some of its entries, which are in order, from where a reader
    /// left it that came by before them; else from its start. Answers how many entries it took in.
    async fn explain(&self, sweep: SweepId, wanted: Vec<&mut Entry>) -> Result<u64, DriverError> {
        let Some(first) = wanted.first().map(|entry| entry.seq) else { return Ok(0) };
        let mut live = match self.0.readers.take(sweep, first) {
            Some(live) => live,
            None => Live::begin(&self.0.store, sweep).await?,
        };
        let from = live.seq();
        for entry in wanted {
            self.replay_before(&mut live, entry.seq).await?;
            let decisions = live.take(entry)?;
            if lacks_reasons(entry) {
                live::add_reasons(&mut entry.decisions, &decisions)?;
            }
        }
        let replayed = live.seq() - from;
        // What ended isn't read on but from its start.
        if !live.state().status().is_final() {
            self.0.readers.keep(live);
        }
        Ok(replayed)
    }

    /// Takes in all entries before one.
    async fn replay_before(&self, live: &mut Live, seq: u64) -> Result<(), DriverError> {
        while live.seq() + 1 < seq {
            let entries = live.next_entries(&self.0.store).await?;
            if entries.is_empty() {
                return Err(DriverError::Damaged { seq: live.seq() + 1 });
            }
            let mut before = entries.iter().take_while(|entry| entry.seq < seq);
            aside(|| before.try_for_each(|entry| live.take(entry).map(drop)))?;
        }
        Ok(())
    }
}

/// How far readers of old logs have got: those who come back for what follows go on from there, so
/// that a log is replayed once for each reader, however long it is.
#[derive(Default)]
pub(super) struct Readers(Mutex<VecDeque<Live>>);

impl Readers {
    /// The state that is furthest in a sweep's log of those before an entry; it is the caller's.
    fn take(&self, sweep: SweepId, before: u64) -> Option<Live> {
        let mut kept = self.lock();
        let known = kept.iter().enumerate();
        let fit = known.filter(|(_, live)| live.sweep() == sweep && live.seq() < before);
        let (furthest, _) = fit.max_by_key(|(_, live)| live.seq())?;
        kept.remove(furthest)
    }

    /// Keeps a state for who comes back; the one that waited longest goes once there are too many.
    fn keep(&self, live: Live) {
        let mut kept = self.lock();
        kept.truncate(MAX_READERS - 1);
        kept.push_front(live);
    }

    /// Drops what is kept of a sweep that is gone.
    pub fn forget(&self, sweep: SweepId) {
        self.lock().retain(|live| live.sweep() != sweep);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Live>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a decision of an entry has its reason in words alone.
fn lacks_reasons(entry: &Entry) -> bool {
    let decisions = entry.decisions.as_array().into_iter().flatten();
    decisions.filter_map(Value::as_object).any(|decision| !decision.contains_key("why"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{blobs::Blobs, driver::DriverConfig, store::SqliteStore};
    use std::{sync::Arc, time::Duration};
    use tempfile::TempDir;

    /// A sweep with a log of so many entries, and its driver.
    async fn logged(entries: u64) -> (TempDir, Driver, SweepId) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("test.db")).await.unwrap();
        let blobs = Blobs::open(folder.path().join("blobs")).unwrap();
        let lease_ttl = Duration::from_secs(60);
        let data = folder.path().join("data");
        let config = DriverConfig { lease_ttl, data, start_over_after: None, data_dir: None };
        let driver = Driver::new(Arc::new(store), blobs, config);
        let spiral = r#"{"name": "x", "recipe": {"dataset": {"name": "spiral"}}}"#;
        let sweep = driver.submit(serde_json::from_str(spiral).unwrap(), None).await.unwrap().sweep;
        for entry in 1..entries {
            match entry % 2 {
                1 => driver.pause(sweep).await.unwrap(),
                _ => driver.resume(sweep).await.unwrap(),
            }
        }
        (folder, driver, sweep)
    }

    /// Entries as 0.1.0 stored them.
    async fn batch(driver: &Driver, sweep: SweepId, after: u64, count: u32) -> Vec<Entry> {
        let mut entries = driver.store().entries(sweep, after, count).await.unwrap();
        let decisions =
            entries.iter_mut().flat_map(|entry| entry.decisions.as_array_mut().unwrap());
        for decision in decisions {
            decision.as_object_mut().unwrap().remove("why").unwrap();
        }
        entries
    }

    #[tokio::test]
    async fn a_log_that_is_read_in_parts_is_replayed_once_for_each_reader() {
        let (_folder, driver, sweep) = logged(41).await;
        let mut replayed = [0, 0];
        // One reader is ahead of the other.
        for after in (0..56).step_by(4) {
            for (reader, after) in [(0, Some(after)), (1, u64::checked_sub(after, 12))] {
                let Some(after) = after else { continue };
                let mut part = batch(&driver, sweep, after, 4).await;
                replayed[reader] += driver.explain(sweep, part.iter_mut().collect()).await.unwrap();
                assert!(!part.iter().any(lacks_reasons));
            }
        }
        assert_eq!(replayed, [41, 41]);
    }

    #[tokio::test]
    async fn who_begins_in_the_middle_is_told_the_same() {
        let (_folder, driver, sweep) = logged(9).await;
        let stored = driver.store().entries(sweep, 0, 9).await.unwrap();
        for after in [0, 6, 3, 8] {
            let part = batch(&driver, sweep, after, 9).await;
            assert_eq!(driver.explained(part).await.unwrap(), stored[after as usize..]);
        }
    }
}
