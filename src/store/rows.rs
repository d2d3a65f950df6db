//! What the store answers.

use super::{
    StoreError,
    commit::{RowUpdate, TrialUpdate},
};
use crate::{access::TokenId, scheduler::SweepStatus};
use floodgauge_protocol::{
    Digest, FamilyIx, LeaseId, Scales, SearchSpace, Segment, SegmentId, SweepId, SweepSpec,
    TrialKey, Upload,
};
use serde::Deserialize as _;
use serde_json::Value;
use std::{fmt, str::FromStr, time::Duration};

/// An entry of a sweep's log, as it was committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Whose it is.
    pub sweep: SweepId,
    /// Its place in the sweep's log, from 1.
    pub seq: u64,
    /// When it was committed, in milliseconds since 1970.
    pub at_ms: i64,
    /// The event as JSON.
    pub event: Value,
    /// Its decisions as JSON.
    pub decisions: Value,
}

/// A place in the order of all sweeps' entries; opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GlobalCursor {
    /// The writing transaction (Postgres), or 0 (SQLite has one writer).
    pub transaction: i64,
    /// The entry's id, which rises with each insert but not with each commit.
    pub row: i64,
}

impl fmt::Display for GlobalCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.transaction, self.row)
    }
}

impl FromStr for GlobalCursor {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (transaction, row) = text.split_once('-').unwrap_or((text, ""));
        Ok(Self { transaction: transaction.parse()?, row: row.parse()? })
    }
}

/// That a log has grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The sweep whose log it is.
    pub sweep: SweepId,
    /// The newest place in it; 0 where the sweep was deleted.
    pub seq: u64,
}

impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sweep, self.seq)
    }
}

impl FromStr for Notification {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (sweep, seq) = text.split_once(' ')?;
            Some(Self { sweep: sweep.parse().ok()?, seq: seq.parse().ok()? })
        };
        read().ok_or_else(|| StoreError::Corrupt(format!("notification: {text}")))
    }
}

/// What came of creating a sweep.
#[derive(Clone, Debug, PartialEq)]
pub enum Created {
    /// It is new.
    New(Entry),
    /// The idempotency key had made this one before.
    Existing(SweepId),
}

/// A sweep as the projections have it.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRow {
    /// Version-7 UUIDs: they sort by submission.
    pub sweep: SweepId,
    /// What people call it; 1 to 100 characters.
    pub name: String,
    /// The `SweepSpec` as JSON, as it is now.
    pub spec: Value,
    /// The `SearchSpace` as JSON, if the sweep grew; else its spec spells it out.
    pub space: Option<Value>,
    /// The place in its log at which it last grew; 0 if it never did. What ended it before then,
    /// ends it no more.
    pub grown_seq: u64,
    /// As of `head_seq`.
    pub status: SweepStatus,
    /// The version of the scheduler that decides for it.
    pub scheduler_version: u32,
    /// The newest place in its log.
    pub head_seq: u64,
    /// The answer so far as JSON; none before anything was reported.
    pub best: Option<Value>,
    /// Why it failed or was cancelled, in words.
    pub end_reason: Option<String>,
    /// When it was submitted, in milliseconds since 1970.
    pub created_ms: i64,
    /// When something first happened to it: as a rule, a worker's claim.
    pub begun_ms: Option<i64>,
    /// When its log last grew, in milliseconds since 1970.
    pub updated_ms: i64,
    /// Whether its checkpoints were dropped, as they are some time after its end.
    pub checkpoints_dropped: bool,
}

impl SweepRow {
    /// The spec that it holds.
    ///
    /// # Errors
    /// If another version wrote it, with what this one doesn't know.
    pub fn read_spec(&self) -> serde_json::Result<SweepSpec> {
        SweepSpec::deserialize(&self.spec)
    }

    /// The arms and families of the sweep, those that were added on its way too.
    ///
    /// # Errors
    /// As of [`read_spec`](Self::read_spec).
    pub fn read_space(&self) -> serde_json::Result<SearchSpace> {
        match &self.space {
            Some(space) => SearchSpace::deserialize(space),
            None => Ok(SearchSpace::of(&self.read_spec()?)),
        }
    }
}

/// How much there is to do, and how many sweeps stand where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depths {
    /// Segments that wait for a worker.
    pub queued: u64,
    /// Segments under a live lease.
    pub leased: u64,
    /// Segments whose lease has expired, and that nobody has taken over yet.
    pub expired: u64,
    /// How long the oldest segment that waits has waited; nothing where none waits.
    pub oldest: Duration,
    /// Sweeps by status; statuses that none has are left out.
    pub sweeps: Vec<(SweepStatus, u64)>,
}

/// Which page of the list of sweeps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The last sweep of the page before.
    pub after: Option<SweepId>,
    /// Only sweeps whose name contains this or whose id begins with it, whatever the case; of
    /// an id at least eight characters.
    pub search: Option<String>,
    /// Only sweeps of this status.
    pub status: Option<SweepStatus>,
    /// The most sweeps that the page may hold.
    pub limit: u32,
}

/// A trial; the same fields as its update, without what it keeps beside its newest checkpoint.
pub type TrialRow = TrialUpdate;

/// A reported epoch; the same fields as its update.
pub type CurveRow = RowUpdate;

/// Which of a sweep's reported epochs: by family, arm, epoch. Whoever reads many reads ranges with an
/// end, so that a database finds few rows, whatever it knows of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowRange {
    /// Those behind this one; from the first on where there is none.
    pub after: Option<(TrialKey, u32)>,
    /// Up to this one; to the last where there is none.
    pub to: Option<(TrialKey, u32)>,
}

/// A worker asking for a segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The id that the lease will have.
    pub lease: LeaseId,
    /// The secret that the lease will have; stored hashed (SHA-256).
    pub token: String,
    /// The worker's name.
    pub worker: String,
    /// What the worker's bits depend on.
    pub fingerprint: String,
    /// How long the lease lasts unless renewed.
    pub ttl: Duration,
    /// Sweeps that nothing is wanted of.
    pub except: Vec<SweepId>,
}

/// A segment that isn't over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWork {
    /// Whether a worker holds it whose lease hasn't expired.
    pub is_held: bool,
    /// The worker whose lease on it expired, if nobody has taken it over since.
    pub expired_of: Option<String>,
    /// For how long nobody is given it yet, since workers in trouble handed it back too often.
    pub held_back_for: Option<Duration>,
    /// The fingerprint that its family is pinned to, if it was begun.
    pub pinned_to: Option<String>,
}

/// A lease that expired, and whose segment nobody has taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredLease {
    /// Whose it is.
    pub sweep: SweepId,
    /// By its index in the sweep, from 0.
    pub segment: SegmentId,
    /// The lease.
    pub lease: LeaseId,
    /// How often the segment has been claimed.
    pub attempt: u32,
    /// The worker that held it.
    pub worker: String,
}

/// A family whose kind of machine is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrphanedFamily {
    /// Whose it is.
    pub sweep: SweepId,
    /// By its index in the sweep, from 0.
    pub family: FamilyIx,
    /// The kind of machine that it is pinned to.
    pub fingerprint: String,
}

/// A segment under a lease.
#[derive(Clone, Debug, PartialEq)]
pub struct LeasedSegment {
    /// Whose it is.
    pub sweep: SweepId,
    /// What is to be trained or tested.
    pub segment: Segment,
    /// Under which the worker speaks of it.
    pub lease: LeaseId,
    /// How often the segment has been claimed.
    pub attempt: u32,
    /// The worker that holds it.
    pub worker: String,
    /// For a fresh claim: whether it took the segment from an expired lease.
    pub took_over: bool,
    /// For a fresh claim: the trace that its sweep was submitted in, as a W3C `traceparent`.
    pub traceparent: Option<String>,
}

/// A worker that said that its machine is in trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TroubledWorker {
    /// The name that it gave itself.
    pub worker: String,
    /// What it said of its trouble.
    pub message: String,
    /// When it means to look again, in milliseconds since 1970.
    pub next_try_ms: i64,
}

/// A blob that is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobRow {
    /// SHA-256 of its bytes, which names its object.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// A data set to record.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDataset {
    /// What people call it; 1 to 100 characters.
    pub name: String,
    /// Its file in the blob store.
    pub blob: BlobRow,
    /// What an uploaded file holds; none for a named set.
    pub upload: Option<Upload>,
    /// How large its features are, if that was measured.
    pub scales: Option<Scales>,
    /// The token that uploads it, if any.
    pub owner: Option<TokenId>,
}

/// What came of recording a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddedDataset {
    /// It is new, or new in its contents.
    New,
    /// The very same was there.
    Existing,
    /// Another one has its name.
    NameTaken,
}

/// What came of deleting a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletedDataset {
    /// It is gone.
    Deleted,
    /// There was none.
    NoSuch,
    /// So many sweeps refer to it.
    InUse {
        /// How many sweeps are pinned to it.
        sweeps: u64,
    },
}

/// What came of deleting a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletedSweep {
    /// It is gone, with all that hung on it.
    Deleted,
    /// There was none.
    NoSuch,
    /// It hasn't ended, or not long enough ago; it stays as it is.
    NotEnded,
}

/// A data set that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetRow {
    /// What people call it; 1 to 100 characters.
    pub name: String,
    /// Its file in the blob store.
    pub blob: BlobRow,
    /// What an uploaded file holds; none for a named set.
    pub upload: Option<Upload>,
    /// How large its features are; none for a named set, and for an upload of an earlier release.
    pub scales: Option<Scales>,
    /// When it came, in milliseconds since 1970.
    pub created_ms: i64,
    /// How many sweeps are pinned to it, of which no more than 1,000 are counted.
    pub sweeps: u64,
}
