//! Trains the branches of a segment in lockstep.

mod arm;
mod batches;
mod error;
mod group;
mod hand_in;
mod job;
mod keep;
mod lanes;
mod lockstep;
mod loops;
mod member;
mod metrics;
mod progress;
mod setup;
mod stack;
mod start;
mod tensors;
mod threads;

use crate::{data::Data, device::Machine};
use bytes::Bytes;
use floodgauge_protocol::{Digest, SegmentKind};
use lockstep::Lockstep;
use setup::TrainingSetup;
use std::{collections::HashMap, time::Instant};

pub use error::TrainError;
pub use job::Job;
pub use progress::{Ended, Progress};
pub use setup::layout_of;

/// Trains or tests the branches of `job` and says how each ended, in the segment's order.
///
/// A branch of several arms is one run until the loss falls below the level of one of them, which
/// then goes on in a run of its own: so more can end than the segment has branches, and within a
/// branch those that ended come in the order of the first of their arms.
///
/// An arm's bits depend on recipe, seed, method and machine alone: not on the others in the
/// cohort, nor on the arms that it shared a run with, nor on the threads and the memory, nor on where
/// its run was cut into segments. (On a device other than the CPU with `flex` that holds up to
/// rounding.) Stops take effect at epoch ends. A run whose loss is NaN or infinite ends
/// there as diverged with all the arms that it then stands for, and leaves the others alone; it
/// has no row for the epoch that it didn't finish.
///
/// # Errors
/// See [`TrainError`].
pub fn train(
    machine: &Machine,
    job: Job<'_>,
    data: &Data,
    checkpoints: &HashMap<Digest, Bytes>,
    progress: &mut dyn Progress,
) -> Result<Vec<Ended>, TrainError> {
    let began = Instant::now();
    let setup = TrainingSetup::of(job, data)?;
    let members = start::members(&setup, job, checkpoints)?;
    let cohort = Lockstep::new(machine, job, &setup, data, members);
    match job.segment.kind {
        SegmentKind::Train => {
            let (ended, work) = cohort.run(progress)?;
            progress.spent(work, began.elapsed());
            Ok(ended)
        }
        SegmentKind::Test => cohort.test(),
    }
}
