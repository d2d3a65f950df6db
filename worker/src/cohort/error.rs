//! What can go wrong with a segment.

use crate::{checkpoint::CheckpointError, models::NoImages};
use floodgauge_protocol::Digest;

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
        /// What is wrong with it.
        source: CheckpointError,
    },
    /// A state can't be made a checkpoint.
    #[error("a branch's state can't be saved")]
    Save(#[source] CheckpointError),
    /// A thread can't be started.
    #[error("can't start a training thread")]
    Threads(#[source] std::io::Error),
    /// [`Progress::abandoned`](super::Progress::abandoned) said so.
    #[error("abandoned")]
    Abandoned,
}
