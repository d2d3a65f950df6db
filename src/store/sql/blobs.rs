//! Which blobs are kept: those that a trial refers to as its newest or another of its checkpoints,
//! those that are a data set or that a sweep is pinned to, and those that were uploaded under a
//! lease which is still on its segment, and may still hand it in: it hasn't expired, or its
//! sweep goes on, so that a late worker loses nothing.

use super::{
    Dialect,
    statements::{Columns, MAX_IDS, Statements, Value, numbered, values},
};
use crate::store::{BlobRow, StoreError};
use floodgauge_protocol::{Digest, LeaseId, Segment, SweepId};
use std::collections::BTreeSet;

/// Holds for a row `b` of blobs that nothing keeps.
const UNREFERENCED: &str = "
not exists (select 1 from trials t where t.checkpoint = b.digest)
and not exists (select 1 from kept_checkpoints k where k.digest = b.digest)
and not exists (select 1 from datasets d where d.digest = b.digest)
and not exists (select 1 from sweep_data d where d.digest = b.digest)
and not exists (
    select 1 from blob_holds h
    join segments s on s.lease = h.lease
    join sweeps w on w.sweep = s.sweep
    where h.digest = b.digest
    -- nobody takes an ended sweep's segment over, so only time ends the lease of a dead worker
    and (w.status not in ('completed', 'failed', 'cancelled')
         or s.expires_ms > (select steady_ms from clock))
)";

pub(super) async fn add<DB: Dialect>(
    db: &mut DB::Connection,
    lease: LeaseId,
    blob: BlobRow,
) -> Result<(), StoreError> {
    // Locked, so that the lease can't end between this look and the commit.
    let sql = format!("select body from segments where lease = $1 {}", DB::LOCK_ROW);
    let row = db.fetch_optional(sql, values![lease]).await?.ok_or(StoreError::LeaseLost)?;
    let segment: Segment = row.json("body")?;
    let at_most = segment.most_checkpoints();
    let sql = "select count(*) as held from blob_holds where lease = $1 and digest <> $2";
    let held = db.fetch_optional(sql, values![lease, blob.digest]).await?;
    if held.map_or(Ok(0), |row| row.number::<u32>("held"))? >= at_most {
        return Err(StoreError::TooManyBlobs { at_most });
    }
    lock_or_insert(db, blob).await?;
    let sql = "insert into blob_holds (digest, lease) values ($1, $2) on conflict do nothing";
    db.execute(sql, values![blob.digest, lease]).await.map(drop)
}

/// Lets go of what a lease held, now that a commit under it refers to what it needs.
pub(super) async fn let_go(db: &mut impl Statements, lease: LeaseId) -> Result<(), StoreError> {
    db.execute("delete from blob_holds where lease = $1", values![lease]).await.map(drop)
}

/// Records the blob if it isn't yet; either way nobody else adds or forgets it before the
/// transaction ends.
pub(super) async fn lock_or_insert(
    db: &mut impl Statements,
    blob: BlobRow,
) -> Result<(), StoreError> {
    // The update changes nothing, but takes the row's lock.
    db.execute(
        "insert into blobs (digest, size, created_ms) \
         select $1, $2, now_ms from clock where true \
         on conflict (digest) do update set size = excluded.size",
        values![blob.digest, blob.size],
    )
    .await
    .map(drop)
}

/// What became of a blob while its object was put.
pub(super) enum BlobFate {
    /// The lease holds it still.
    Held,
    /// The lease doesn't, but something else keeps it.
    Kept,
    /// Nothing names it any more, and nobody can add it before the transaction ends.
    Orphaned,
}

pub(super) async fn confirm_hold(
    db: &mut impl Statements,
    lease: LeaseId,
    blob: BlobRow,
) -> Result<BlobFate, StoreError> {
    lock_or_insert(db, blob).await?;
    let sql = "select h.digest from blob_holds h join segments s on s.lease = h.lease \
               where h.digest = $1 and h.lease = $2";
    if db.fetch_optional(sql, values![blob.digest, lease]).await?.is_some() {
        return Ok(BlobFate::Held);
    }
    match is_unreferenced(db, blob.digest).await? {
        true => Ok(BlobFate::Orphaned),
        false => Ok(BlobFate::Kept),
    }
}

/// Refuses checkpoints that could be gone: each must be held by the lease that names it, or
/// kept by a trial of the sweep already. What is held stays until the transaction ends.
pub(super) async fn check_kept<DB: Dialect>(
    db: &mut DB::Connection,
    sweep: SweepId,
    lease: Option<LeaseId>,
    checkpoints: BTreeSet<Digest>,
) -> Result<(), StoreError> {
    let checkpoints: Vec<Digest> = checkpoints.into_iter().collect();
    for digests in checkpoints.chunks(MAX_IDS) {
        let places = numbered(2, digests.len());
        let sql = format!(
            "select checkpoint as digest from trials where sweep = $1 and checkpoint in ({places}) \
             union select digest from kept_checkpoints where sweep = $1 and digest in ({places})"
        );
        let kept = named(db, sql, values![sweep], digests).await?;
        let new: Vec<Digest> =
            digests.iter().copied().filter(|digest| !kept.contains(digest)).collect();
        let Some(&first) = new.first() else { continue };
        let held = match lease {
            Some(lease) => lock_held::<DB>(db, lease, &new).await?,
            None => BTreeSet::new(),
        };
        if held.len() < new.len() {
            let missing = new.into_iter().find(|digest| !held.contains(digest));
            return Err(StoreError::NotHeld(missing.unwrap_or(first)));
        }
    }
    Ok(())
}

/// Which of these blobs the lease uploaded; nobody can forget them before the transaction ends.
async fn lock_held<DB: Dialect>(
    db: &mut DB::Connection,
    lease: LeaseId,
    digests: &[Digest],
) -> Result<BTreeSet<Digest>, StoreError> {
    // Two statements: the second must see what was forgotten while the first waited for the locks,
    // which all take in one order.
    let sql = format!(
        "select digest from blobs where digest in ({}) order by digest {}",
        numbered(1, digests.len()),
        DB::LOCK_ROW
    );
    named(db, sql, vec![], digests).await?;
    let places = numbered(2, digests.len());
    let sql = format!("select digest from blob_holds where lease = $1 and digest in ({places})");
    named(db, sql, values![lease], digests).await
}

/// The digests that a query answers which asks for some of them, behind other values.
async fn named(
    db: &mut impl Statements,
    sql: String,
    mut values: Vec<Value>,
    digests: &[Digest],
) -> Result<BTreeSet<Digest>, StoreError> {
    values.extend(digests.iter().map(|&digest| Value::from(digest)));
    db.fetch(sql, values).await?.iter().map(|row| row.parse("digest")).collect()
}

pub(super) async fn unreferenced(
    db: &mut impl Statements,
    limit: u32,
) -> Result<Vec<Digest>, StoreError> {
    let sql = format!(
        "select digest from blobs b where {UNREFERENCED} \
         order by digest limit $1"
    );
    db.fetch(sql, values![limit]).await?.iter().map(|row| row.parse("digest")).collect()
}

/// Whether nothing keeps the blob; if so, nobody can add it before the transaction ends.
pub(super) async fn lock_unreferenced<DB: Dialect>(
    db: &mut DB::Connection,
    digest: Digest,
) -> Result<bool, StoreError> {
    // Two statements: the second must see what was committed while the first waited for the lock.
    let sql = format!("select digest from blobs where digest = $1 {}", DB::LOCK_ROW);
    db.fetch(sql, values![digest]).await?;
    is_unreferenced(db, digest).await
}

async fn is_unreferenced(db: &mut impl Statements, digest: Digest) -> Result<bool, StoreError> {
    let sql = format!("select digest from blobs b where b.digest = $1 and {UNREFERENCED}");
    Ok(db.fetch_optional(sql, values![digest]).await?.is_some())
}

pub(super) async fn delete(db: &mut impl Statements, digest: Digest) -> Result<(), StoreError> {
    db.execute("delete from blobs where digest = $1", values![digest]).await.map(drop)
}

/// Whether there is any.
pub(super) async fn is_any(db: &mut impl Statements) -> Result<bool, StoreError> {
    let any = db.fetch_optional("select digest from blobs limit 1", values![]).await?;
    Ok(any.is_some())
}
