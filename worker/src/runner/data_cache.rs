//! Data sets that were used of late, so that the next segment of a sweep finds them loaded.
//!
//! Of each only what its family trains and validates on is kept; what tests is read by the segments
//! that test, and goes with them.

use crate::data::{self, Data, DataError, Wanted};
use floodgauge_protocol::Dataset;
use std::{fs::File, sync::Arc};

/// The most bytes of features to keep. Chosen: sets that don't fit are read again for each segment, which
/// takes a small part of what training on them does.
const MAX_BYTES: u64 = 64 << 20;

/// The part of a worker's memory that they may take.
const SHARE: u64 = 8;

/// Loaded data by recipe and seed, the latest used last.
#[derive(Debug)]
pub(super) struct DataCache {
    max_bytes: u64,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    dataset: Dataset,
    seed: u32,
    wanted: Wanted,
    data: Arc<Data>,
}

impl DataCache {
    /// None yet, of a worker that may take so many bytes of memory. One set is kept however large it is.
    pub fn within(memory: u64) -> Self {
        Self { max_bytes: (memory / SHARE).min(MAX_BYTES), entries: Vec::new() }
    }

    /// What is wanted of the data of `dataset` as `seed` sees it, loaded unless it was there: from `bytes`
    /// where the recipe is pinned to them. Says too how many bytes this and all that is kept take.
    pub fn get(
        &mut self,
        dataset: &Dataset,
        seed: u32,
        wanted: Wanted,
        bytes: Option<File>,
    ) -> Result<(Arc<Data>, u64), DataError> {
        let dataset = dataset.resolved();
        let found = self.entries.iter().position(|entry| {
            (entry.seed, &entry.dataset) == (seed, &dataset)
                && (entry.wanted == Wanted::All || entry.wanted == wanted)
        });
        let entry = match found {
            Some(at) => self.entries.remove(at),
            None => {
                let (data, held) = match bytes {
                    Some(bytes) => (data::load_pinned(&dataset, seed, bytes, wanted)?, wanted),
                    None => (data::load(&dataset, seed, None)?, Wanted::All),
                };
                tracing::debug!(name = dataset.name.as_str(), seed, "data loaded");
                let is_for_tests = held == Wanted::All && dataset.pin.is_some();
                let data = Arc::new(data);
                if is_for_tests {
                    return Ok((data.clone(), self.bytes() + size(&data)));
                }
                Entry { dataset, seed, wanted: held, data }
            }
        };
        let data = entry.data.clone();
        self.entries.push(entry);
        self.evict();
        Ok((data, self.bytes()))
    }

    /// The bytes of all that is kept.
    fn bytes(&self) -> u64 {
        self.entries.iter().map(|entry| size(&entry.data)).sum()
    }

    fn evict(&mut self) {
        let mut bytes = self.bytes();
        while bytes > self.max_bytes && self.entries.len() > 1 {
            bytes -= size(&self.entries.remove(0).data);
        }
    }
}

/// The bytes of the features, next to which the labels are few.
fn size(data: &Data) -> u64 {
    let parts = [&data.train, &data.val, &data.test];
    parts.iter().map(|samples| samples.features.bytes() as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};

    fn gaussians() -> Dataset {
        serde_json::from_str(r#"{"name": "two_gaussians"}"#).unwrap()
    }

    #[test]
    fn data_are_loaded_once_for_each_seed() {
        let mut cache = DataCache::within(1 << 30);
        let (first, _) = cache.get(&gaussians(), 0, Wanted::Training, None).unwrap();
        let (again, bytes) = cache.get(&gaussians().resolved(), 0, Wanted::All, None).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(bytes, size(&first));
        let (other, _) = cache.get(&gaussians(), 1, Wanted::Training, None).unwrap();
        assert!(!Arc::ptr_eq(&first, &other));
    }

    #[test]
    fn the_least_lately_used_make_room() {
        let mut cache = DataCache::within(1 << 30);
        let (first, _) = cache.get(&gaussians(), 0, Wanted::Training, None).unwrap();
        cache.max_bytes = 2 * size(&first);
        cache.get(&gaussians(), 1, Wanted::Training, None).unwrap();
        cache.get(&gaussians(), 0, Wanted::Training, None).unwrap();
        cache.get(&gaussians(), 2, Wanted::Training, None).unwrap();
        let seeds: Vec<_> = cache.entries.iter().map(|entry| entry.seed).collect();
        assert_eq!(seeds, [0, 2]);
    }

    #[test]
    fn one_set_is_kept_however_large() {
        let mut cache = DataCache::within(0);
        cache.get(&gaussians(), 0, Wanted::Training, None).unwrap();
        assert_eq!(cache.entries.len(), 1);
    }

    #[test]
    fn what_tests_is_not_kept() {
        let rows: String = (0..40).map(|row| format!("{},{}\n", row % 7, row % 2)).collect();
        let file = || {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(rows.as_bytes()).unwrap();
            file.rewind().unwrap();
            Some(file)
        };
        let dataset: Dataset = serde_json::from_value(serde_json::json!({
            "name": "mine", "n_train": 20, "n_val": 10,
            "pin": { "sha256": "0".repeat(64), "upload": {
                "format": "csv", "features": 1, "classes": 2, "samples": 40, "test_samples": 0
            } }
        }))
        .unwrap();
        let mut cache = DataCache::within(1 << 30);
        let (training, _) = cache.get(&dataset, 0, Wanted::Training, file()).unwrap();
        assert!(training.test.is_empty());
        let (all, bytes) = cache.get(&dataset, 0, Wanted::All, file()).unwrap();
        assert_eq!((&all.train, &all.val, all.test.len()), (&training.train, &training.val, 10));
        assert_eq!(bytes, size(&training) + size(&all));
        let (again, bytes) = cache.get(&dataset, 0, Wanted::Training, file()).unwrap();
        assert!(Arc::ptr_eq(&training, &again));
        assert_eq!(bytes, size(&training));
    }
}
