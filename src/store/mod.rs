//! The event log, its projections and the work queue, on SQLite or Postgres.
//!
//! The log is the truth; everything else in the database is a projection of it, written in
//! the transaction of the event that caused it ([`Commit`]). Concurrent writers are settled
//! by `UNIQUE(sweep, seq)`: who comes second gets [`StoreError::Conflict`], replays and
//! tries again. All times are the database's own, in milliseconds since 1970; see [`clock`].

pub mod clock;
mod commit;
mod error;
mod inspect;
mod integrity;
mod notify;
mod place;
mod postgres;
mod rows;
mod sql;
mod sqlite;
mod tokens;

pub use clock::Clock;
pub use commit::{
    Commit, Effects, Expiry, Grown, LeaseGuard, NewSweep, RowUpdate, SweepData, TrialUpdate,
};
pub use error::{StoreError, damage, unwritable};
pub use inspect::{
    DynInspect, Inspect, MissedKind, Rebuilt, RebuiltSegment, Reference, Referrer, RowsOfLog,
    Schema, SegmentRow, Stamped, inspect,
};
pub use integrity::{Depth, Integrity};
pub use postgres::PostgresStore;
pub use rows::{
    AddedDataset, BlobRow, Claim, Created, CurveRow, DatasetRow, DeletedDataset, DeletedSweep,
    Depths, Entry, ExpiredLease, GlobalCursor, LeasedSegment, NewDataset, Notification, OpenWork,
    OrphanedFamily, Page, RowRange, SweepRow, TrialRow, TroubledWorker,
};
/// The statements by which claims find work, for tests of what they cost.
#[doc(hidden)]
pub use sql::turns::{NEXT_SEGMENT, NEXT_SWEEP};
pub use sqlite::{SqliteStore, sqlite_file};
pub use tokens::{AddedToken, NewToken, OverQuota, Quota, TokenRow, Usage};

use crate::access::{Kind, Secret, TokenId};
use async_trait::async_trait;
use floodgauge_protocol::{Digest, FamilyIx, LeaseId, Segment, SegmentId, SweepId, TrialKey};
use futures::{future::BoxFuture, stream::BoxStream};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// A store as server, driver and housekeeping share it.
pub type DynStore = Arc<dyn Store>;

/// Opens the database that a URL names, with its tables: `sqlite:PATH`, whose file is made if
/// it is missing, or `postgres://…`.
///
/// # Errors
/// The URL's, the database's or a migration's trouble.
pub async fn open(database_url: &str) -> Result<DynStore, StoreError> {
    match database_url.split_once(':') {
        Some(("sqlite", _)) => Ok(Arc::new(SqliteStore::connect(database_url).await?)),
        Some(("postgres" | "postgresql", _)) => {
            Ok(Arc::new(PostgresStore::connect(database_url).await?))
        }
        _ => {
            let said = "a database url begins with `sqlite:` or `postgres:`";
            Err(sqlx::Error::Configuration(said.into()).into())
        }
    }
}

/// The verbs of the database. Every implementation passes the same contract suite.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Records a sweep with its first log entry and effects, in one transaction.
    /// With an idempotency key that was used before for the same body, answers the sweep
    /// that it made; for another body, [`StoreError::KeyReused`].
    ///
    /// # Errors
    /// [`StoreError::NoDataset`] if its data set is gone, or has another digest by now;
    /// [`StoreError::OverQuota`] if its owner would have more than it may.
    async fn create_sweep(&self, new: NewSweep) -> Result<Created, StoreError>;

    /// Appends one log entry with all its effects, in one transaction; answers the entry as stored.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if `seq` is taken; [`StoreError::LeaseLost`] if the guard's
    /// lease was taken over, finished or withdrawn, or hasn't expired though it must have; [`StoreError::NotHeld`] if a trial comes to
    /// refer to a blob that neither this lease holds nor another trial of the sweep refers to;
    /// [`StoreError::OverQuota`] if it extends a sweep, and the token that does (or, where none is
    /// named, the one that the sweep counts against) would have more than it may. Nothing is written then.
    async fn commit(&self, commit: Commit) -> Result<Entry, StoreError>;

    /// Log entries of a sweep after `after_seq` (0 for all), in order, at most `limit`. Of large ones they
    /// are fewer, so that a reader never holds many of these at once; where there is any, at least one.
    async fn entries(
        &self,
        sweep: SweepId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError>;

    /// Log entries of all sweeps after a cursor, in an order that no later commit changes: an
    /// entry may therefore come some time after its commit, once no older transaction is open. At most
    /// `limit`, and fewer of large ones, as in [`entries`](Self::entries).
    async fn all_entries(
        &self,
        after: Option<GlobalCursor>,
        limit: u32,
    ) -> Result<Vec<(GlobalCursor, Entry)>, StoreError>;

    /// The cursor after the newest entry of all sweeps, to tail from now on.
    async fn global_head(&self) -> Result<Option<GlobalCursor>, StoreError>;

    /// A sweep as it is listed; none once it was deleted.
    async fn sweep(&self, sweep: SweepId) -> Result<Option<SweepRow>, StoreError>;

    /// Sweeps, newest first, after a cursor (the last id of the page before), optionally
    /// only those whose name contains a text (case-insensitive).
    async fn sweeps(&self, page: Page) -> Result<Vec<SweepRow>, StoreError>;

    /// Deletes a sweep with all that hangs on it, if it has ended; with an age, only one that
    /// [`ended_before`](Self::ended_before) names. Whether it has is decided in the transaction that
    /// deletes it, so that one which is extended meanwhile stays.
    async fn delete_sweep(
        &self,
        sweep: SweepId,
        age: Option<Duration>,
    ) -> Result<DeletedSweep, StoreError>;

    /// The trials of a sweep, by family, then arm.
    async fn trials(&self, sweep: SweepId) -> Result<Vec<TrialRow>, StoreError>;

    /// The reported epochs of a sweep, by family, arm, epoch; those of a range, at most `limit`.
    async fn curves(
        &self,
        sweep: SweepId,
        range: RowRange,
        limit: u32,
    ) -> Result<Vec<CurveRow>, StoreError>;

    /// The reported epochs of one trial, which have no gaps, by epoch; where there are more than
    /// `most`, so many of them, evenly spread, with the first and the newest.
    async fn curve(
        &self,
        sweep: SweepId,
        trial: TrialKey,
        most: u32,
    ) -> Result<Vec<CurveRow>, StoreError>;

    /// Leases a queued segment, or one whose lease has expired, to a worker: highest
    /// priority first, then the sweep with the fewest live leases, then the one that had its turn
    /// longest ago, then the oldest.
    /// Only segments whose sweep is `queued` or `running` and none of those excepted, and whose
    /// family is not pinned to another fingerprint; the claim pins the family. A pin holds as long as a
    /// lease of the family is alive, and for good once rows of it are known. The claim may pass over a
    /// segment that another writer is just about to change.
    async fn claim(&self, claim: Claim) -> Result<Option<LeasedSegment>, StoreError>;

    /// Puts right which sweeps claims are served from, where a server wrote that is too old to know of
    /// it: to be called at a server's start, and every now and then.
    async fn rebuild_queue(&self) -> Result<(), StoreError>;

    /// Cuts leases that would last longer from now on than they were given for, since the clock was set
    /// back; those that earlier releases gave, to `ttl`. Answers how many. To be called at a server's
    /// start, and every now and then.
    async fn cut_leases(&self, ttl: Duration) -> Result<u64, StoreError>;

    /// Leases of `queued` and `running` sweeps that expired and that nobody has taken over, by sweep and
    /// segment, those after one of them, at most 100.
    async fn expired_leases(
        &self,
        after: Option<(SweepId, SegmentId)>,
    ) -> Result<Vec<ExpiredLease>, StoreError>;

    /// Puts a segment back into the queue that was claimed and not begun; its family is pinned no
    /// more if nothing else of it was ever claimed. Nothing happens if the lease is lost.
    async fn release(&self, lease: LeaseId) -> Result<(), StoreError>;

    /// Segments of a sweep by their ids, over or not; those that it doesn't have, or that this
    /// version can't read, are left out.
    async fn segments(
        &self,
        sweep: SweepId,
        segments: &BTreeSet<SegmentId>,
    ) -> Result<Vec<Segment>, StoreError>;

    /// The segments of a sweep that aren't over, in order.
    async fn open_work(&self, sweep: SweepId) -> Result<Vec<OpenWork>, StoreError>;

    /// Notes that a worker of a kind of machine asked for work.
    async fn machine_seen(&self, fingerprint: &str) -> Result<(), StoreError>;

    /// Families with rows whose kind of machine neither asked for work for so long nor has a lease, and
    /// whose work nobody holds, if another kind asked lately; by sweep and family, those after one of them,
    /// at most 100.
    async fn orphaned_families(
        &self,
        gone_for: Duration,
        after: Option<(SweepId, FamilyIx)>,
    ) -> Result<Vec<OrphanedFamily>, StoreError>;

    /// Notes that a worker's machine is in trouble, and that it looks again after `retry_in`: in place
    /// of what was noted of it before, until it takes work.
    async fn note_trouble(
        &self,
        worker: &str,
        message: &str,
        retry_in: Duration,
    ) -> Result<(), StoreError>;

    /// The workers in trouble by name, at most 100; those that meant to look again long ago and
    /// weren't heard of since are left out.
    async fn troubled_workers(&self) -> Result<Vec<TroubledWorker>, StoreError>;

    /// Looks a lease up by its id and token, whether or not it has expired, as long as nobody
    /// took its segment over; pushes its expiry `ttl` ahead.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] otherwise.
    async fn renew(
        &self,
        lease: LeaseId,
        token: &str,
        ttl: Duration,
    ) -> Result<LeasedSegment, StoreError>;

    /// Looks a lease up as [`renew`](Self::renew) does, and leaves its expiry alone.
    ///
    /// # Errors
    /// As of [`renew`](Self::renew).
    async fn held(&self, lease: LeaseId, token: &str) -> Result<LeasedSegment, StoreError>;

    /// Records a blob before its object is put; the lease holds it, as long as it is on its
    /// segment, until a commit refers to it. Once its sweep has ended and the lease has
    /// expired, it holds nothing.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] if the lease was taken over, finished or withdrawn.
    async fn add_blob(&self, lease: LeaseId, blob: BlobRow) -> Result<(), StoreError>;

    /// Makes sure, after its object was put, that the lease still holds a blob. If it ended
    /// meanwhile, a collection may have passed before there was an object to delete: then, if
    /// nothing else keeps the blob, the object is deleted as in
    /// [`forget_blob`](Self::forget_blob), and else `delete` isn't polled.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] if the lease doesn't hold it any more; what `delete` answers.
    async fn confirm_hold(
        &self,
        lease: LeaseId,
        blob: BlobRow,
        delete: BoxFuture<'_, object_store::Result<()>>,
    ) -> Result<(), StoreError>;

    /// Blobs that no trial, data set or sweep refers to and no lease holds that may still be handed in;
    /// at most `limit`.
    async fn unreferenced_blobs(&self, limit: u32) -> Result<Vec<Digest>, StoreError>;

    /// Forgets a blob and deletes its object, if it is still unreferenced; false, and `delete`
    /// isn't polled, if it isn't (any more). Whoever adds the blob meanwhile waits until its
    /// object is gone, so an object put after [`add_blob`](Self::add_blob) is never deleted.
    ///
    /// # Errors
    /// What `delete` answers; the blob is still recorded then.
    async fn forget_blob(
        &self,
        digest: Digest,
        delete: BoxFuture<'_, object_store::Result<()>>,
    ) -> Result<bool, StoreError>;

    /// Records a data set, and has its object put by `place` while nobody else can add or forget
    /// its blob: where the very same is there too, since its object may be damaged. A named set takes
    /// the place of what it was; an uploaded one takes nobody's name.
    ///
    /// # Errors
    /// What `place` answers; [`StoreError::OverQuota`] if its owner would have more than it may.
    /// Nothing is recorded then.
    async fn add_dataset(
        &self,
        new: NewDataset,
        place: BoxFuture<'_, object_store::Result<()>>,
    ) -> Result<AddedDataset, StoreError>;

    /// A data set that is kept under a name.
    async fn dataset(&self, name: &str) -> Result<Option<DatasetRow>, StoreError>;

    /// Data sets by name, after a name, at most `limit`.
    async fn datasets(
        &self,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<DatasetRow>, StoreError>;

    /// Deletes a data set, unless a sweep is pinned to one of its name.
    async fn delete_dataset(&self, name: &str) -> Result<DeletedDataset, StoreError>;

    /// Records a token, unless another one that isn't revoked has its name.
    async fn add_token(&self, new: NewToken) -> Result<AddedToken, StoreError>;

    /// Tokens, newest first, after an id (the last of the page before), at most `limit`; revoked
    /// and expired ones too.
    async fn tokens(&self, after: Option<TokenId>, limit: u32)
    -> Result<Vec<TokenRow>, StoreError>;

    /// Whether there ever was a token.
    async fn any_token(&self) -> Result<bool, StoreError>;

    /// Revokes a token and ends its sessions; false if there is none that isn't revoked.
    async fn revoke_token(&self, token: TokenId) -> Result<bool, StoreError>;

    /// The token that a secret opens; none if there is none, or it doesn't work any more.
    async fn token_opened_by(
        &self,
        kind: Kind,
        sha256: Digest,
    ) -> Result<Option<TokenRow>, StoreError>;

    /// Notes that a token was used, unless that was noted within the hour.
    async fn token_used(&self, token: TokenId) -> Result<(), StoreError>;

    /// Opens a session of a token.
    async fn add_session(
        &self,
        session: &Secret,
        token: TokenId,
        lasts: Duration,
    ) -> Result<(), StoreError>;

    /// Ends a session, if there is one.
    async fn end_session(&self, sha256: Digest) -> Result<(), StoreError>;

    /// What a token has of that which can be bounded.
    async fn token_usage(&self, token: TokenId) -> Result<Usage, StoreError>;

    /// Notifies other processes that a sweep's log has grown to `seq`, soon and together with other
    /// notifications. They may miss it, and look for themselves every now and then.
    fn notify(&self, sweep: SweepId, seq: u64);

    /// The notifications of other processes and of this one; none where only one process uses the
    /// database.
    ///
    /// # Errors
    /// The connection's trouble, here and in the stream, which ends with it.
    async fn subscribe(&self) -> Result<Option<BoxStream<'static, Notification>>, StoreError>;

    /// Drops what keeps the checkpoints of sweeps that ended longer than `age` ago, of at most `limit`
    /// of them; answers which. The blobs then go with the next collection.
    async fn drop_checkpoints(&self, age: Duration, limit: u32)
    -> Result<Vec<SweepId>, StoreError>;

    /// How many sweeps ended longer than `age` ago; of these those alone whose checkpoints weren't dropped, if
    /// asked so.
    async fn count_ended(&self, age: Duration, with_checkpoints: bool) -> Result<u64, StoreError>;

    /// Sweeps that ended longer than `age` ago, oldest first, at most `limit`.
    async fn ended_before(&self, age: Duration, limit: u32) -> Result<Vec<SweepId>, StoreError>;

    /// Whether there is any blob.
    async fn has_blobs(&self) -> Result<bool, StoreError>;

    /// How much there is to do, and how many sweeps stand where.
    async fn depths(&self) -> Result<Depths, StoreError>;

    /// Whether the database's own bytes are whole, by a look that takes no longer than `bound` for each
    /// table, or of SQLite in all; nobody else waits for it.
    ///
    /// # Errors
    /// A database that can't be reached.
    async fn check_integrity(&self, depth: Depth, bound: Duration)
    -> Result<Integrity, StoreError>;

    /// Writes something that changes nothing, to see whether the database can be written.
    async fn try_write(&self) -> Result<(), StoreError>;

    /// That the database which is open is the one that is found where it was opened.
    ///
    /// # Errors
    /// [`StoreError::Misplaced`] if its file was taken away.
    fn check_place(&self) -> Result<(), StoreError>;

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StoreError>;
}
