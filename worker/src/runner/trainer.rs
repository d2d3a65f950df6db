//! Who does the training that a worker was given.

use super::data_cache::DataCache;
use crate::{
    cohort::{self, Ended, Job, Progress},
    data::Data,
    device::{self, Machine},
};
use bytes::Bytes;
use floodgauge_protocol::{Digest, work::Assignment};
use std::{
    collections::HashMap,
    error::Error,
    fmt::Debug,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// Trains segments. Knows nothing of leases or HTTP.
pub trait Trainer: Debug + Send + Sync {
    /// What the bits of its results depend on, beside recipe and seed; 1 to 200 characters.
    fn fingerprint(&self) -> String;

    /// Trains or tests the branches of an assignment, and says how each ended. Called in a thread
    /// that may block; a panic becomes a failure of the segment.
    ///
    /// # Errors
    /// With a message for people; the server shows it.
    fn train(
        &self,
        assignment: &Assignment,
        checkpoints: &HashMap<Digest, Bytes>,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Ended>, Box<dyn Error + Send + Sync>>;
}

/// Trains in this process; keeps the data of late segments in memory.
#[derive(Debug)]
pub struct LocalTrainer {
    machine: Machine,
    data_dir: Option<PathBuf>,
    cache: Mutex<DataCache>,
}

impl LocalTrainer {
    /// Trains on `machine` with the files of `data_dir`.
    pub fn new(machine: Machine, data_dir: Option<PathBuf>) -> Self {
        Self { machine, data_dir, cache: Mutex::default() }
    }

    fn data(&self, assignment: &Assignment) -> Result<Arc<Data>, crate::data::DataError> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(&assignment.recipe.dataset, assignment.family.seed, self.data_dir.as_deref())
    }
}

impl Trainer for LocalTrainer {
    fn fingerprint(&self) -> String {
        device::fingerprint()
    }

    fn train(
        &self,
        assignment: &Assignment,
        checkpoints: &HashMap<Digest, Bytes>,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Ended>, Box<dyn Error + Send + Sync>> {
        let data = self.data(assignment)?;
        let job = Job::from(assignment);
        Ok(cohort::train(&self.machine, job, &data, checkpoints, progress)?)
    }
}
