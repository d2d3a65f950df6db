//! Who does the training that a worker was given.

use super::data_cache::DataCache;
use crate::{
    cohort::{self, Ended, Job, Progress},
    data::Data,
    device::Machine,
    fingerprint::fingerprint,
};
use bytes::Bytes;
use floodgauge_protocol::{Digest, work::Assignment};
use std::{
    collections::HashMap,
    error::Error,
    fmt::Debug,
    fs::File,
    sync::{Arc, Mutex, PoisonError},
};

/// What a segment needs beside its assignment, fetched.
#[derive(Debug)]
pub struct Inputs {
    /// The checkpoints that its branches start from.
    pub checkpoints: HashMap<Digest, Bytes>,
    /// The bytes that its data set is pinned to, if it is.
    pub data: Option<File>,
}

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
        inputs: Inputs,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Ended>, Box<dyn Error + Send + Sync>>;
}

/// Trains in this process; keeps the data of late segments in memory.
#[derive(Debug)]
pub struct LocalTrainer {
    machine: Machine,
    cache: Mutex<DataCache>,
}

impl LocalTrainer {
    /// Trains on `machine`.
    pub fn new(machine: Machine) -> Self {
        Self { machine, cache: Mutex::default() }
    }

    fn data(
        &self,
        assignment: &Assignment,
        bytes: Option<File>,
    ) -> Result<Arc<Data>, crate::data::DataError> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(&assignment.recipe.dataset, assignment.family.seed, bytes)
    }
}

impl Trainer for LocalTrainer {
    fn fingerprint(&self) -> String {
        fingerprint(&self.machine)
    }

    fn train(
        &self,
        assignment: &Assignment,
        inputs: Inputs,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Ended>, Box<dyn Error + Send + Sync>> {
        let data = self.data(assignment, inputs.data)?;
        let job = Job::from(assignment);
        Ok(cohort::train(&self.machine, job, &data, &inputs.checkpoints, progress)?)
    }
}
