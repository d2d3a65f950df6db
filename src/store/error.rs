//! What can come of a store verb. Variants are outcomes that callers treat differently;
//! everything else is the database's own trouble.

use super::OverQuota;
use floodgauge_protocol::{Digest, SweepId};

/// A store verb that didn't do its work; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer took the place in the log: replay, and try again.
    #[error("the log has moved on")]
    Conflict,
    /// The lease was taken over, finished or withdrawn.
    #[error("the lease is no longer held")]
    LeaseLost,
    /// A trial was to refer to a blob that the commit's lease doesn't hold.
    #[error("blob {0} is not held by the lease")]
    NotHeld(Digest),
    /// A lease holds as many blobs as its segment can need.
    #[error("a worker at this segment has at most {at_most} checkpoints that it hasn't handed in")]
    TooManyBlobs {
        /// How many that are.
        at_most: u32,
    },
    /// There is no such sweep.
    #[error("no sweep {0}")]
    NoSweep(SweepId),
    /// The sweep was to be extended, and its checkpoints are gone.
    #[error("the checkpoints of the sweep were dropped")]
    CheckpointsDropped,
    /// There is no such data set, or it has another digest by now.
    #[error("no data set `{0}`")]
    NoDataset(String),
    /// An idempotency key came again with another body.
    #[error("the idempotency key was used before for another body")]
    KeyReused,
    /// The token would have more than it may.
    #[error("{0}")]
    OverQuota(OverQuota),
    /// A row doesn't read as what was written.
    #[error("the database holds something that can't be read: {0}")]
    Corrupt(String),
    /// The trouble of the object store, while a blob was being forgotten.
    #[error(transparent)]
    Object(#[from] object_store::Error),
    /// The database's own trouble.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A migration's trouble.
    #[error(transparent)]
    Migrate(#[from] sqlx::migrate::MigrateError),
}
