//! Data sets that were used of late, so that the next segment of a sweep finds them loaded.

use crate::data::{self, Data, DataError};
use floodgauge_protocol::Dataset;
use std::{fs::File, sync::Arc};

/// The bytes of features to keep; one set is kept however large it is.
const MAX_BYTES: usize = 1 << 30;

/// Loaded data by recipe and seed, the latest used last.
#[derive(Debug)]
pub(super) struct DataCache {
    max_bytes: usize,
    entries: Vec<(Dataset, u32, Arc<Data>)>,
}

impl Default for DataCache {
    fn default() -> Self {
        Self { max_bytes: MAX_BYTES, entries: Vec::new() }
    }
}

impl DataCache {
    /// The data of `dataset` as `seed` sees it, loaded unless they were there: from `bytes` where
    /// the recipe is pinned to them.
    pub fn get(
        &mut self,
        dataset: &Dataset,
        seed: u32,
        bytes: Option<File>,
    ) -> Result<Arc<Data>, DataError> {
        let dataset = dataset.resolved();
        let found = self.entries.iter().position(|(d, s, _)| *d == dataset && *s == seed);
        let entry = match found {
            Some(at) => self.entries.remove(at),
            None => {
                let data = match bytes {
                    Some(bytes) => data::load_pinned(&dataset, seed, bytes)?,
                    None => data::load(&dataset, seed, None)?,
                };
                tracing::debug!(name = dataset.name.as_str(), seed, "data loaded");
                (dataset, seed, Arc::new(data))
            }
        };
        let data = entry.2.clone();
        self.entries.push(entry);
        self.evict();
        Ok(data)
    }

    fn evict(&mut self) {
        let mut bytes: usize = self.entries.iter().map(|(_, _, data)| size(data)).sum();
        while bytes > self.max_bytes && self.entries.len() > 1 {
            bytes -= size(&self.entries.remove(0).2);
        }
    }
}

/// The bytes of the features, next to which the labels are few.
fn size(data: &Data) -> usize {
    let parts = [&data.train, &data.val, &data.test];
    parts.iter().map(|samples| size_of_val(samples.features.as_slice())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaussians() -> Dataset {
        serde_json::from_str(r#"{"name": "two_gaussians"}"#).unwrap()
    }

    #[test]
    fn data_are_loaded_once_for_each_seed() {
        let mut cache = DataCache::default();
        let first = cache.get(&gaussians(), 0, None).unwrap();
        assert!(Arc::ptr_eq(&first, &cache.get(&gaussians().resolved(), 0, None).unwrap()));
        assert!(!Arc::ptr_eq(&first, &cache.get(&gaussians(), 1, None).unwrap()));
    }

    #[test]
    fn the_least_lately_used_make_room() {
        let mut cache = DataCache::default();
        let first = cache.get(&gaussians(), 0, None).unwrap();
        cache.max_bytes = 2 * size(&first);
        cache.get(&gaussians(), 1, None).unwrap();
        cache.get(&gaussians(), 0, None).unwrap();
        cache.get(&gaussians(), 2, None).unwrap();
        let seeds: Vec<_> = cache.entries.iter().map(|(_, seed, _)| *seed).collect();
        assert_eq!(seeds, [0, 2]);
    }

    #[test]
    fn one_set_is_kept_however_large() {
        let mut cache = DataCache { max_bytes: 0, ..DataCache::default() };
        cache.get(&gaussians(), 0, None).unwrap();
        assert_eq!(cache.entries.len(), 1);
    }
}
