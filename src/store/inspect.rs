//! What only an inspection of the database asks of it, and what only a repair writes. A server never
//! does: see [`crate::doctor`].

use super::{
    BlobRow, Clock, PostgresStore, RowUpdate, SqliteStore, Store, StoreError, TrialUpdate,
};
use crate::scheduler::SweepStatus;
use async_trait::async_trait;
use floodgauge_protocol::{Digest, FamilyIx, Segment, SegmentId, SweepId, TrialKey};
use futures::stream::BoxStream;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// A store as an inspection sees it.
pub type DynInspect = Arc<dyn Inspect>;

/// Opens the database that a URL names as it is: nothing is made, and its tables aren't brought up to
/// date. Unless it is to be repaired, nothing can be written.
///
/// # Errors
/// The URL's or the database's trouble.
pub async fn inspect(url: &str, repair: bool) -> Result<DynInspect, StoreError> {
    match url.split_once(':') {
        Some(("sqlite", _)) => {
            Ok(Arc::new(SqliteStore::open_as_it_is(url, Clock::of_system(), repair).await?))
        }
        _ => Ok(Arc::new(PostgresStore::connect_as_it_is(url, repair).await?)),
    }
}

/// The verbs of an inspection.
#[async_trait]
pub trait Inspect: Store {
    /// How the tables came to be what they are.
    async fn schema(&self) -> Result<Schema, StoreError>;

    /// Bytes that the database takes.
    async fn size(&self) -> Result<u64, StoreError>;

    /// The database's time, in milliseconds since 1970.
    async fn now_ms(&self) -> Result<i64, StoreError>;

    /// Servers that listen to each other on this database, as far as may be known; of SQLite none.
    async fn listeners(&self) -> Result<u64, StoreError>;

    /// The segments of a sweep, over or not, by id; those behind one of them, at most `limit`.
    async fn segment_rows(
        &self,
        sweep: SweepId,
        after: Option<SegmentId>,
        limit: u32,
    ) -> Result<Vec<SegmentRow>, StoreError>;

    /// What the trials of a sweep keep beside their newest checkpoints.
    async fn kept(
        &self,
        sweep: SweepId,
    ) -> Result<BTreeMap<TrialKey, BTreeSet<Digest>>, StoreError>;

    /// Sweeps whose place in the queue isn't what their status and their segments make it.
    async fn misplaced(&self) -> Result<Vec<SweepId>, StoreError>;

    /// Puts a sweep where it belongs in the queue.
    async fn restore_queue_place(&self, sweep: SweepId) -> Result<(), StoreError>;

    /// How many leases last longer than they were given for; those that earlier releases gave, than `ttl`.
    async fn long_leases(&self, ttl: Duration) -> Result<u64, StoreError>;

    /// The blobs that are recorded, by digest.
    async fn blob_rows(&self) -> Result<Vec<BlobRow>, StoreError>;

    /// What refers to which blob.
    async fn references(&self) -> Result<Vec<Reference>, StoreError>;

    /// Records a blob that is referred to.
    async fn record_blob(&self, blob: BlobRow) -> Result<(), StoreError>;

    /// How many of what are stamped with a time after this one, and the latest.
    async fn stamped_after(&self, ms: i64) -> Result<Vec<Stamped>, StoreError>;

    /// How many kinds of machines had a worker that asked for work within this time.
    async fn kinds_there(&self, within: Duration) -> Result<u64, StoreError>;

    /// Kinds of machines that sweeps wait for: those with which families with epochs were begun whose work
    /// nobody holds, and that neither asked for work within this time nor hold any; by sweep and kind.
    async fn missed_kinds(&self, within: Duration) -> Result<Vec<MissedKind>, StoreError>;

    /// Writes the projections of a sweep anew whose newest entry is said to be `head_seq`, with its epochs as
    /// they come; from then on it is the one that they were made of.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another one is by now; what `rows` answers. Nothing is written then.
    async fn rebuild(
        &self,
        head_seq: u64,
        rebuilt: Rebuilt,
        rows: BoxStream<'_, Result<RowsOfLog, StoreError>>,
    ) -> Result<(), StoreError>;
}

/// How the tables came to be what they are: the numbers of migrations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// Those that this build has and the database lacks.
    pub lacking: Vec<i64>,
    /// Those that the database has and this build doesn't know.
    pub unknown: Vec<i64>,
    /// Those that ended in the middle, or were others than this build's.
    pub broken: Vec<i64>,
}

/// A segment as the database has it.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentRow {
    /// Its id.
    pub id: SegmentId,
    /// What it asks for; none if that can't be read.
    pub segment: Option<Segment>,
    /// Whether it isn't over.
    pub is_open: bool,
    /// How often it was claimed.
    pub attempt: u32,
}

/// What refers to a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The blob.
    pub digest: Digest,
    /// Who refers to it.
    pub by: Referrer,
}

/// Who refers to a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Referrer {
    /// A trial of this sweep.
    Sweep(SweepId),
    /// A data set of this name.
    Dataset(String),
    /// A sweep that is pinned to a data set.
    Pin(SweepId),
    /// A lease, until a commit refers to the blob.
    Lease,
}

/// Rows that are stamped with a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// What one of them is.
    pub one: &'static str,
    /// What several are.
    pub many: &'static str,
    /// How many there are.
    pub count: u64,
    /// The latest of the times, in milliseconds since 1970.
    pub latest_ms: i64,
}

/// A kind of machine that a sweep waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissedKind {
    /// The sweep.
    pub sweep: SweepId,
    /// What its bits depend on.
    pub fingerprint: String,
    /// How many of the sweep's families wait for it.
    pub families: u64,
    /// For how long none has asked for work; none if it isn't known that one ever did.
    pub gone_for: Option<Duration>,
}

/// What an entry of a log says of epochs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowsOfLog {
    /// A family whose epochs go, before the others come.
    pub start_over: Option<FamilyIx>,
    /// Epochs that weren't known before.
    pub rows: Vec<RowUpdate>,
}

/// A sweep's projections but for its epochs, as its log has them.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    /// Whose they are.
    pub sweep: SweepId,
    /// The newest entry that they are made of.
    pub seq: u64,
    /// The sweep's status.
    pub status: SweepStatus,
    /// The `SweepSpec` as JSON.
    pub spec: Value,
    /// The `SearchSpace` as JSON, if the sweep grew.
    pub space: Option<Value>,
    /// The place at which it last grew, or 0.
    pub grown_seq: u64,
    /// The answer so far as JSON; none leaves the one that there is.
    pub best: Option<Value>,
    /// Its trials, all with what they keep.
    pub trials: Vec<TrialUpdate>,
    /// Its segments.
    pub segments: Vec<RebuiltSegment>,
}

/// A segment, as the log has it.
#[derive(Clone, Debug)]
pub struct RebuiltSegment {
    /// What it asks for.
    pub segment: Segment,
    /// Whether it isn't over.
    pub is_open: bool,
    /// When it was queued, in milliseconds since 1970.
    pub queued_ms: i64,
}
