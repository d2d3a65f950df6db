//! What can come of driving a sweep. Variants are outcomes that callers treat differently.

use crate::{
    blobs::BlobError,
    counting::{count, count_is},
    scheduler::{BadReport, SweepStatus},
    store::StoreError,
};
use floodgauge_protocol::{DatasetName, Invalid};

/// A request that changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// There is no such sweep.
    #[error("there is no such sweep")]
    NotFound,
    /// The sweep can't be run.
    #[error("{} of the sweep can't be used", count(.0.len(), "field"))]
    Invalid(Vec<Invalid>),
    /// The idempotency key came before with another body.
    #[error("the idempotency key was used before for another body")]
    KeyReused,
    /// The sweep has already ended.
    #[error("the sweep has already ended")]
    Ended,
    /// Only a completed sweep can be extended.
    #[error("the sweep is {}: only a completed one can be extended", .0.as_str())]
    NotCompleted(SweepStatus),
    /// The sweep ended so long ago that its checkpoints were dropped.
    #[error(
        "the sweep's checkpoints were dropped some time after its end: submit a new sweep instead"
    )]
    CheckpointsDropped,
    /// The sweep has not ended yet.
    #[error("the sweep is still running: cancel it first")]
    StillRunning,
    /// The lease was taken over, finished or withdrawn.
    #[error("the lease is no longer held")]
    LeaseLost,
    /// A report that can't come from training its segment.
    #[error(transparent)]
    BadReport(#[from] BadReport),
    /// A segment handed in that isn't whole.
    #[error("not a whole segment: {0}")]
    BadFinish(String),
    /// What was sent as a checkpoint isn't one of the sweep's recipe; says what is wrong with it.
    #[error("not a checkpoint of the recipe: {0}")]
    BadCheckpoint(String),
    /// A field of a worker's request that is out of range.
    #[error("{0}")]
    BadRequest(String),
    /// The sweep was submitted under another version of the scheduler.
    #[error("the sweep was decided by scheduler version {found}, this binary has {ours}")]
    Version {
        /// The version that decided the sweep.
        found: u32,
        /// The newest version that this binary has.
        ours: u32,
    },
    /// The log doesn't lead where it led before.
    #[error("replaying entry {seq} gives other decisions than the log holds")]
    Replay {
        /// The place in the log.
        seq: u64,
    },
    /// An entry of the log is missing, or reads as nothing that this binary knows.
    #[error("entry {seq} of the log can't be read")]
    Damaged {
        /// The place in the log.
        seq: u64,
    },
    /// The worker's version of the wire has no words for the recipe.
    #[error("the worker doesn't understand the recipe")]
    Unspoken,
    /// An uploaded data set that can't be used; says which row or array is at fault.
    #[error("{0}")]
    BadDataset(String),
    /// The name stands for another data set.
    #[error("the name `{0}` stands for another data set")]
    DatasetTaken(DatasetName),
    /// There is no such data set, or nothing is kept of it.
    #[error("nothing is kept of a data set `{0}`")]
    NoDataset(DatasetName),
    /// What is kept of the data set is lost or damaged; a segment that needed it was put back.
    #[error(
        "the data set `{0}` is damaged on the server: its sweeps wait until the same file is added again"
    )]
    DataDamaged(DatasetName),
    /// The checkpoint that a segment starts from is lost or damaged; it was withdrawn.
    #[error("the checkpoint is lost or damaged on the server: what needs it is trained again")]
    CheckpointDamaged,
    /// Sweeps are pinned to the data set.
    #[error(
        "{} pinned to the data set `{name}`: delete {} first",
        count_is(*.sweeps as usize, "sweep"),
        if *.sweeps == 1 { "it" } else { "them" }
    )]
    DatasetInUse {
        /// As it was asked for.
        name: DatasetName,
        /// How many sweeps are pinned to it.
        sweeps: u64,
    },
    /// The disk of this machine, or what else of it fails.
    #[error(transparent)]
    Fault(anyhow::Error),
    /// The blob store fails, or a blob is not what it should be.
    #[error(transparent)]
    Blob(BlobError),
    /// The database fails, or holds what it should not.
    #[error(transparent)]
    Store(StoreError),
}

impl DriverError {
    /// Whether it says that a log can't be replayed by this binary.
    pub fn is_unreplayable(&self) -> bool {
        matches!(self, Self::Version { .. } | Self::Replay { .. } | Self::Damaged { .. })
    }
}

impl DriverError {
    /// Whether it says that the worker at hand can't have anything of a sweep, which goes on all the same.
    pub(super) fn is_not_for_now(&self) -> bool {
        matches!(self, Self::Unspoken | Self::DataDamaged(_))
    }
}

impl From<BlobError> for DriverError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Store(error) => error.into(),
            other => Self::Blob(other),
        }
    }
}

impl From<StoreError> for DriverError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost => Self::LeaseLost,
            StoreError::NotHeld(digest) => {
                Self::BadFinish(format!("checkpoint {digest} was not uploaded under this lease"))
            }
            StoreError::NoSweep(_) => Self::NotFound,
            StoreError::KeyReused => Self::KeyReused,
            StoreError::CheckpointsDropped => Self::CheckpointsDropped,
            other => Self::Store(other),
        }
    }
}
