//! The verbs in the SQL that both databases speak; what differs is in [`Dialect`]. Here alone stands
//! which connections a verb takes, and where its transaction begins and ends; the modules below are
//! handed a connection, and can't tell whether others' statements share their transaction.
//!
//! - [`statements`]: values in, rows out.
//! - [`log`]: sweeps' first and further entries. [`effects`]: their projections.
//! - [`inspect`]: what an inspection asks, and a repair writes.
//! - [`lists`]: what readers ask for. [`queue`]: leases. [`turns`]: which segment is next.
//! - [`blobs`]: which blobs are kept.
//! - [`retention`]: what of ended sweeps is kept no longer, and how they go.
//! - [`datasets`]: data sets, and which of them sweeps are pinned to.
//! - [`tokens`]: who may do what, and how much of it.
//! - [`troubles`]: workers whose machines are in trouble.

mod blobs;
mod datasets;
mod effects;
pub(super) mod inspect;
mod lists;
mod log;
mod pins;
mod queue;
mod retention;
mod statements;
mod tokens;
mod troubles;
pub(super) mod turns;

use super::{
    AddedDataset, AddedToken, BlobRow, Claim, Commit, Created, CurveRow, DatasetRow,
    DeletedDataset, DeletedSweep, Depth, Depths, Entry, ExpiredLease, GlobalCursor, Integrity,
    LeasedSegment, NewDataset, NewSweep, NewToken, Notification, OpenWork, OrphanedFamily, Page,
    RowRange, Store, StoreError, SweepRow, TokenRow, TrialRow, TroubledWorker, Usage,
};
use crate::access::{Kind, Secret, TokenId};
use async_trait::async_trait;
use floodgauge_protocol::{Digest, FamilyIx, LeaseId, Segment, SegmentId, SweepId, TrialKey};
use futures::{future::BoxFuture, stream::BoxStream};
use sqlx::{Database, Pool, Transaction};
use statements::Statements;
use std::{collections::BTreeSet, time::Duration};

/// What the two databases don't share.
pub(super) trait Dialect: Database<Connection: Statements> + inspect::SelfKnowledge {
    /// How processes that share the database learn of each other's commits.
    type Notifier: Notifier;
    /// How it is looked after.
    type Upkeep: Upkeep;
    /// Opens a transaction that will write.
    const BEGIN: &str;
    /// Ends a query whose row nobody else may change before the transaction ends.
    const LOCK_ROW: &str;
    /// Ends a query for a segment that nobody else is about to change.
    const LOCK_SEGMENT: &str;
    /// Entries after the cursor `($1, $2)` that no later commit can come before, at most `$3`, and none
    /// that `$4` bytes of others come before.
    const ENTRIES_AFTER: &str;
    /// The newest of such entries.
    const NEWEST_ENTRY: &str;
}

/// How often a claim looks for another segment, once its family turned out to be pinned to another kind of
/// machine. Chosen: many times what claims at once have been seen to need.
const CLAIM_ROUNDS: u32 = 10;

/// A store on a SQL database.
#[expect(private_bounds, reason = "only the two databases here have a dialect")]
pub struct SqlStore<DB: Dialect> {
    /// For transactions that write.
    pub(super) writer: Pool<DB>,
    /// For statements that only read.
    pub(super) reader: Pool<DB>,
    pub(super) notifier: DB::Notifier,
    pub(super) upkeep: DB::Upkeep,
}

/// Looks after the database itself.
#[async_trait]
pub(super) trait Upkeep: Send + Sync + 'static {
    async fn check_integrity(&self, depth: Depth, bound: Duration)
    -> Result<Integrity, StoreError>;

    /// That the database which is open is the one that is found where it should be.
    fn check_place(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Notifies other processes of commits, and subscribes to theirs.
#[async_trait]
pub(super) trait Notifier: Send + Sync + 'static {
    fn notify(&self, notification: Notification);
    async fn subscribe(&self) -> Result<Option<BoxStream<'static, Notification>>, StoreError>;
}

async fn begin<DB: Dialect>(pool: &Pool<DB>) -> Result<Transaction<'static, DB>, StoreError> {
    Ok(pool.begin_with(DB::BEGIN).await?)
}

#[async_trait]
impl<DB: Dialect> Store for SqlStore<DB> {
    async fn create_sweep(&self, new: NewSweep) -> Result<Created, StoreError> {
        let mut tx = begin(&self.writer).await?;
        let created = log::create::<DB>(&mut *tx, new).await?;
        match created {
            Created::New(_) => tx.commit().await?,
            // Another request with the same key came first: what was begun must not stay.
            Created::Existing(_) => tx.rollback().await?,
        }
        Ok(created)
    }

    async fn commit(&self, commit: Commit) -> Result<Entry, StoreError> {
        let mut tx = begin(&self.writer).await?;
        let entry = log::append::<DB>(&mut *tx, commit).await?;
        tx.commit().await?;
        Ok(entry)
    }

    async fn entries(
        &self,
        sweep: SweepId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        log::entries(&mut *self.reader.acquire().await?, sweep, after_seq, limit).await
    }

    async fn all_entries(
        &self,
        after: Option<GlobalCursor>,
        limit: u32,
    ) -> Result<Vec<(GlobalCursor, Entry)>, StoreError> {
        log::all_entries::<DB>(&mut *self.reader.acquire().await?, after, limit).await
    }

    async fn global_head(&self) -> Result<Option<GlobalCursor>, StoreError> {
        log::global_head::<DB>(&mut *self.reader.acquire().await?).await
    }

    async fn sweep(&self, sweep: SweepId) -> Result<Option<SweepRow>, StoreError> {
        lists::sweep(&mut *self.reader.acquire().await?, sweep).await
    }

    async fn sweeps(&self, page: Page) -> Result<Vec<SweepRow>, StoreError> {
        lists::sweeps(&mut *self.reader.acquire().await?, page).await
    }

    async fn delete_sweep(
        &self,
        sweep: SweepId,
        age: Option<Duration>,
    ) -> Result<DeletedSweep, StoreError> {
        let mut tx = begin(&self.writer).await?;
        let deleted = retention::delete(&mut *tx, sweep, age).await?;
        tx.commit().await?;
        Ok(deleted)
    }

    async fn trials(&self, sweep: SweepId) -> Result<Vec<TrialRow>, StoreError> {
        lists::trials(&mut *self.reader.acquire().await?, sweep).await
    }

    async fn curves(
        &self,
        sweep: SweepId,
        range: RowRange,
        limit: u32,
    ) -> Result<Vec<CurveRow>, StoreError> {
        lists::curves(&mut *self.reader.acquire().await?, sweep, range, limit).await
    }

    async fn curve(
        &self,
        sweep: SweepId,
        trial: TrialKey,
        most: u32,
    ) -> Result<Vec<CurveRow>, StoreError> {
        lists::curve(&mut *self.reader.acquire().await?, sweep, trial, most).await
    }

    async fn claim(&self, claim: Claim) -> Result<Option<LeasedSegment>, StoreError> {
        // Most find nothing, and need no place among those who write.
        if !turns::has_next(&mut *self.reader.acquire().await?, &claim).await? {
            return Ok(None);
        }
        for _ in 0..CLAIM_ROUNDS {
            let mut tx = begin(&self.writer).await?;
            match queue::claim::<DB>(&mut *tx, &claim).await? {
                queue::Claimed::Segment(leased) => {
                    tx.commit().await?;
                    return Ok(Some(leased));
                }
                queue::Claimed::Nothing => return Ok(None),
                // The next round sees the other's pin.
                queue::Claimed::PinnedMeanwhile => tx.commit().await?,
            }
        }
        Ok(None)
    }

    async fn rebuild_queue(&self) -> Result<(), StoreError> {
        let mut tx = begin(&self.writer).await?;
        turns::requeue_all(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    async fn cut_leases(&self, ttl: Duration) -> Result<u64, StoreError> {
        // There are some only after the clock was set back.
        if queue::count_too_long(&mut *self.reader.acquire().await?, ttl).await? == 0 {
            return Ok(0);
        }
        let mut tx = begin(&self.writer).await?;
        let cut = queue::cut_leases(&mut *tx, ttl).await?;
        tx.commit().await?;
        Ok(cut)
    }

    async fn expired_leases(
        &self,
        after: Option<(SweepId, SegmentId)>,
    ) -> Result<Vec<ExpiredLease>, StoreError> {
        queue::expired(&mut *self.reader.acquire().await?, after).await
    }

    async fn release(&self, lease: LeaseId) -> Result<(), StoreError> {
        let mut tx = begin(&self.writer).await?;
        queue::release(&mut *tx, lease).await?;
        Ok(tx.commit().await?)
    }

    async fn segments(
        &self,
        sweep: SweepId,
        segments: &BTreeSet<SegmentId>,
    ) -> Result<Vec<Segment>, StoreError> {
        queue::segments(&mut *self.reader.acquire().await?, sweep, segments).await
    }

    async fn open_work(&self, sweep: SweepId) -> Result<Vec<OpenWork>, StoreError> {
        queue::open_work(&mut *self.reader.acquire().await?, sweep).await
    }

    async fn machine_seen(&self, fingerprint: &str) -> Result<(), StoreError> {
        let mut tx = begin(&self.writer).await?;
        pins::seen(&mut *tx, fingerprint).await?;
        Ok(tx.commit().await?)
    }

    async fn orphaned_families(
        &self,
        gone_for: Duration,
        after: Option<(SweepId, FamilyIx)>,
    ) -> Result<Vec<OrphanedFamily>, StoreError> {
        let mut tx = begin(&self.writer).await?;
        let orphaned = pins::orphaned(&mut *tx, gone_for, after).await?;
        tx.commit().await?;
        Ok(orphaned)
    }

    async fn note_trouble(
        &self,
        worker: &str,
        message: &str,
        retry_in: Duration,
    ) -> Result<(), StoreError> {
        let mut tx = begin(&self.writer).await?;
        troubles::note(&mut *tx, worker, message, retry_in).await?;
        Ok(tx.commit().await?)
    }

    async fn troubled_workers(&self) -> Result<Vec<TroubledWorker>, StoreError> {
        troubles::list(&mut *self.reader.acquire().await?).await
    }

    async fn renew(
        &self,
        lease: LeaseId,
        token: &str,
        ttl: Duration,
    ) -> Result<LeasedSegment, StoreError> {
        let mut tx = begin(&self.writer).await?;
        let leased = queue::renew(&mut *tx, lease, token, ttl).await?;
        tx.commit().await?;
        Ok(leased)
    }

    async fn held(&self, lease: LeaseId, token: &str) -> Result<LeasedSegment, StoreError> {
        queue::held(&mut *self.reader.acquire().await?, lease, token).await
    }

    async fn add_blob(&self, lease: LeaseId, blob: BlobRow) -> Result<(), StoreError> {
        let mut tx = begin(&self.writer).await?;
        blobs::add::<DB>(&mut *tx, lease, blob).await?;
        Ok(tx.commit().await?)
    }

    async fn confirm_hold(
        &self,
        lease: LeaseId,
        blob: BlobRow,
        delete: BoxFuture<'_, object_store::Result<()>>,
    ) -> Result<(), StoreError> {
        let mut tx = begin(&self.writer).await?;
        match blobs::confirm_hold(&mut *tx, lease, blob).await? {
            blobs::BlobFate::Held => Ok(tx.commit().await?),
            blobs::BlobFate::Kept => Err(StoreError::LeaseLost),
            blobs::BlobFate::Orphaned => {
                delete.await?;
                // The row, if there was one, goes with its object.
                blobs::delete(&mut *tx, blob.digest).await?;
                tx.commit().await?;
                Err(StoreError::LeaseLost)
            }
        }
    }

    async fn unreferenced_blobs(&self, limit: u32) -> Result<Vec<Digest>, StoreError> {
        blobs::unreferenced(&mut *self.reader.acquire().await?, limit).await
    }

    async fn forget_blob(
        &self,
        digest: Digest,
        delete: BoxFuture<'_, object_store::Result<()>>,
    ) -> Result<bool, StoreError> {
        let mut tx = begin(&self.writer).await?;
        if !blobs::lock_unreferenced::<DB>(&mut *tx, digest).await? {
            return Ok(false);
        }
        delete.await?;
        blobs::delete(&mut *tx, digest).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn add_dataset(
        &self,
        new: NewDataset,
        place: BoxFuture<'_, object_store::Result<()>>,
    ) -> Result<AddedDataset, StoreError> {
        let mut tx = begin(&self.writer).await?;
        let added = datasets::add::<DB>(&mut *tx, &new, place).await?;
        match added {
            AddedDataset::New | AddedDataset::Existing => tx.commit().await?,
            // The blob's row may be new, and nothing refers to it.
            AddedDataset::NameTaken => tx.rollback().await?,
        }
        Ok(added)
    }

    async fn dataset(&self, name: &str) -> Result<Option<DatasetRow>, StoreError> {
        datasets::get(&mut *self.reader.acquire().await?, name).await
    }

    async fn datasets(
        &self,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<DatasetRow>, StoreError> {
        datasets::list(&mut *self.reader.acquire().await?, after, limit).await
    }

    async fn delete_dataset(&self, name: &str) -> Result<DeletedDataset, StoreError> {
        let mut tx = begin(&self.writer).await?;
        let deleted = datasets::delete::<DB>(&mut *tx, name).await?;
        tx.commit().await?;
        Ok(deleted)
    }

    async fn add_token(&self, new: NewToken) -> Result<AddedToken, StoreError> {
        let mut tx = begin(&self.writer).await?;
        let added = tokens::add(&mut *tx, &new).await?;
        tx.commit().await?;
        Ok(added)
    }

    async fn tokens(
        &self,
        after: Option<TokenId>,
        limit: u32,
    ) -> Result<Vec<TokenRow>, StoreError> {
        tokens::list(&mut *self.reader.acquire().await?, after, limit).await
    }

    async fn any_token(&self) -> Result<bool, StoreError> {
        tokens::any(&mut *self.reader.acquire().await?).await
    }

    async fn revoke_token(&self, token: TokenId) -> Result<bool, StoreError> {
        let mut tx = begin(&self.writer).await?;
        let revoked = tokens::revoke(&mut *tx, token).await?;
        tx.commit().await?;
        Ok(revoked)
    }

    async fn token_opened_by(
        &self,
        kind: Kind,
        sha256: Digest,
    ) -> Result<Option<TokenRow>, StoreError> {
        tokens::opened_by(&mut *self.reader.acquire().await?, kind, sha256).await
    }

    async fn token_used(&self, token: TokenId) -> Result<(), StoreError> {
        let mut tx = begin(&self.writer).await?;
        tokens::used(&mut *tx, token).await?;
        Ok(tx.commit().await?)
    }

    async fn add_session(
        &self,
        session: &Secret,
        token: TokenId,
        lasts: Duration,
    ) -> Result<(), StoreError> {
        let mut tx = begin(&self.writer).await?;
        tokens::add_session(&mut *tx, session, token, lasts).await?;
        Ok(tx.commit().await?)
    }

    async fn end_session(&self, sha256: Digest) -> Result<(), StoreError> {
        let mut tx = begin(&self.writer).await?;
        tokens::end_session(&mut *tx, sha256).await?;
        Ok(tx.commit().await?)
    }

    async fn token_usage(&self, token: TokenId) -> Result<Usage, StoreError> {
        tokens::usage(&mut *self.reader.acquire().await?, token).await
    }

    fn notify(&self, sweep: SweepId, seq: u64) {
        self.notifier.notify(Notification { sweep, seq });
    }

    async fn subscribe(&self) -> Result<Option<BoxStream<'static, Notification>>, StoreError> {
        self.notifier.subscribe().await
    }

    async fn drop_checkpoints(
        &self,
        age: Duration,
        limit: u32,
    ) -> Result<Vec<SweepId>, StoreError> {
        let mut tx = begin(&self.writer).await?;
        let dropped = retention::drop_checkpoints::<DB>(&mut *tx, age, limit).await?;
        tx.commit().await?;
        Ok(dropped)
    }

    async fn count_ended(&self, age: Duration, with_checkpoints: bool) -> Result<u64, StoreError> {
        retention::count_ended(&mut *self.reader.acquire().await?, age, with_checkpoints).await
    }

    async fn ended_before(&self, age: Duration, limit: u32) -> Result<Vec<SweepId>, StoreError> {
        retention::ended_before(&mut *self.reader.acquire().await?, age, limit).await
    }

    async fn has_blobs(&self) -> Result<bool, StoreError> {
        blobs::is_any(&mut *self.reader.acquire().await?).await
    }

    async fn depths(&self) -> Result<Depths, StoreError> {
        queue::depths(&mut *self.reader.acquire().await?).await
    }

    async fn check_integrity(
        &self,
        depth: Depth,
        bound: Duration,
    ) -> Result<Integrity, StoreError> {
        self.upkeep.check_integrity(depth, bound).await
    }

    async fn try_write(&self) -> Result<(), StoreError> {
        let mut tx = begin(&self.writer).await?;
        troubles::try_write(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    fn check_place(&self) -> Result<(), StoreError> {
        self.upkeep.check_place()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // A table, since a connection may have its clock from elsewhere.
        let sql = "select sweep from sweeps limit 1";
        self.reader.acquire().await?.fetch(sql, vec![]).await.map(drop)
    }
}
