//! Who does the training that a worker was given.

use super::data_cache::DataCache;
use crate::{
    cohort::{self, Ended, Job, Progress},
    data::{Data, DataError, Wanted},
    device::Machine,
    fingerprint::fingerprint,
};
use bytes::Bytes;
use floodgauge_protocol::{Digest, SegmentKind, work::Assignment};
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

    /// The bytes that training may take on this machine; none where it doesn't train here.
    fn memory(&self) -> u64 {
        0
    }

    /// Trains or tests the branches of an assignment, and says how each ended. Called in a thread
    /// that may block; a panic becomes a failure of the segment.
    ///
    /// # Errors
    /// With a message for people; the server shows it. One that has an [`std::io::Error`] among its causes,
    /// other than for what a file holds, is taken for the machine's trouble.
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
        Self { cache: Mutex::new(DataCache::within(machine.memory())), machine }
    }

    /// The data of an assignment, and the bytes of all that is loaded.
    fn data(
        &self,
        assignment: &Assignment,
        bytes: Option<File>,
    ) -> Result<(Arc<Data>, u64), DataError> {
        let wanted = match assignment.segment.kind {
            SegmentKind::Train => Wanted::Training,
            SegmentKind::Test => Wanted::All,
        };
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let (dataset, seed) = (&assignment.recipe.dataset, assignment.family.seed);
        cache.get(dataset, seed, wanted, bytes)
    }
}

impl Trainer for LocalTrainer {
    fn fingerprint(&self) -> String {
        fingerprint(&self.machine)
    }

    fn memory(&self) -> u64 {
        self.machine.memory()
    }

    fn train(
        &self,
        assignment: &Assignment,
        inputs: Inputs,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Ended>, Box<dyn Error + Send + Sync>> {
        let (data, loaded) = self.data(assignment, inputs.data)?;
        let job = Job::from(assignment);
        // What is loaded takes its part of the memory.
        let machine = self.machine.clone();
        let left = machine.memory().saturating_sub(loaded);
        let machine = machine.with_memory(left);
        Ok(cohort::train(&machine, job, &data, &inputs.checkpoints, progress)?)
    }
}
