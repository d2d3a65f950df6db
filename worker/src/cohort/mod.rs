//! Trains the branches of a segment in lockstep.

mod arm;
mod batches;
mod group;
mod hand_in;
mod keep;
mod lanes;
mod lockstep;
mod loops;
mod member;
mod metrics;
mod setup;
mod stack;
mod start;
mod tensors;

use crate::{checkpoint::CheckpointError, data::Data, device::Machine, models::NoImages};
use bytes::Bytes;
use floodgauge_protocol::{
    Digest, Family, Method, Recipe, Segment, SegmentKind,
    work::{Assignment, FinishedBranch, ReportRow, Stop},
};
use lockstep::Lockstep;
use rayon::{ThreadPool, ThreadPoolBuilder};
use setup::TrainingSetup;
use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

/// A leased segment with all that training it takes, beside data and checkpoints.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The recipe, its split filled in.
    pub recipe: &'a Recipe,
    /// The family of the segment.
    pub family: &'a Family,
    /// The sweep's arms, by index.
    pub arms: &'a [Method],
    /// The branches, and from where to where.
    pub segment: &'a Segment,
}

impl<'a> From<&'a Assignment> for Job<'a> {
    fn from(assignment: &'a Assignment) -> Self {
        Self {
            recipe: &assignment.recipe,
            family: &assignment.family,
            arms: &assignment.arms,
            segment: &assignment.segment,
        }
    }
}

/// Who hears of a segment's progress.
pub trait Progress: Sync {
    /// Takes the rows of an epoch, one for each run that finished it, in the segment's order and
    /// within a branch by the first of its arms. Where memory is short some runs go first, and an
    /// epoch comes again with the rows of the others.
    /// Answers what is known by now to be stopped; a stop at a later epoch is remembered.
    /// Training waits for the answer.
    fn epoch(&mut self, rows: Vec<ReportRow>) -> Vec<Stop>;

    /// Asked at the end of each epoch, after its rows: true has the states that the runs are in
    /// made checkpoints, for [`Progress::saved`].
    fn saves(&self) -> bool {
        false
    }

    /// Takes the runs as they would have ended, had the segment been cut at the end of the epoch
    /// whose rows came last, and those that ended since the states were saved before. Runs that wait
    /// for memory are not among them.
    fn saved(&mut self, _runs: Vec<Ended>) {}

    /// Hears at the end of a trained segment what of its `whole` time was `work`: forward,
    /// backward, update and the evaluation's forward.
    fn spent(&mut self, work: Duration, whole: Duration) {
        tracing::debug!(?work, ?whole, "segment trained");
    }

    /// Asked before each step, from any thread: true gives up with [`TrainError::Abandoned`], as
    /// on a lost lease or when the worker shuts down. Its segment is trained anew, by whoever
    /// claims it next.
    fn abandoned(&self) -> bool {
        false
    }
}

/// How a branch ended, with its state.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What to tell the server.
    pub branch: FinishedBranch,
    /// The checkpoints that it names.
    pub blobs: BTreeMap<Digest, Bytes>,
}

/// Why a segment can't be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A branch stands for no arm, or for several that can't share one run.
    #[error("branch {branch} has {arms} arms; it needs one, or several before their onset")]
    Arms {
        /// Its position in the segment.
        branch: usize,
        /// How many arms it names.
        arms: usize,
    },
    /// A branch names an arm that the sweep lacks.
    #[error("arm {arm} is not among the {arms} of the sweep")]
    UnknownArm {
        /// The index that the segment names.
        arm: usize,
        /// How many there are.
        arms: usize,
    },
    /// The steps of the segment can't be trained from where its branches start.
    #[error("a branch at step {at} can't go from step {from} to {to}")]
    Steps {
        /// Where the branch is.
        at: u64,
        /// The segment's first step.
        from: u64,
        /// The segment's last step.
        to: u64,
    },
    /// The data are not what the recipe says.
    #[error("the data hold {found} training samples; the recipe says {expected}")]
    Data {
        /// Samples the data have.
        found: usize,
        /// Samples the recipe has.
        expected: usize,
    },
    /// The model can't be trained on the data.
    #[error(transparent)]
    Model(#[from] NoImages),
    /// A checkpoint was not handed over.
    #[error("checkpoint {0} is missing")]
    Missing(Digest),
    /// A checkpoint can't be read.
    #[error("checkpoint {digest} is not usable")]
    Checkpoint {
        /// The blob's digest.
        digest: Digest,
        /// Why.
        source: CheckpointError,
    },
    /// A state can't be made a checkpoint.
    #[error("a branch's state can't be saved")]
    Save(#[source] CheckpointError),
    /// A thread can't be started.
    #[error("cannot start a training thread")]
    Threads(#[source] std::io::Error),
    /// [`Progress::abandoned`] said so.
    #[error("abandoned")]
    Abandoned,
}

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

/// At least one thread of its own.
fn pool(threads: usize) -> Result<ThreadPool, TrainError> {
    let pool = ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
    pool.map_err(|error| TrainError::Threads(std::io::Error::other(error)))
}
