//! Which blobs are kept: those that a trial refers to, and those that were uploaded under a
//! lease which is still on its segment.

use super::{
    Dialect,
    statements::{Columns, Statements, values},
};
use crate::store::{BlobRow, StoreError};
use floodgauge_protocol::{Digest, LeaseId, SweepId};
use std::collections::BTreeSet;

/// Holds for a row `b` of blobs that nothing keeps.
const UNREFERENCED: &str = "
not exists (select 1 from trials t where t.checkpoint = b.digest)
and not exists (
    select 1 from blob_holds h join segments s on s.lease = h.lease where h.digest = b.digest
)";

pub(super) async fn add(
    db: &mut impl Statements,
    lease: LeaseId,
    blob: BlobRow,
) -> Result<(), StoreError> {
    let sql = "select segment from segments where lease = $1";
    db.fetch_optional(sql, values![lease]).await?.ok_or(StoreError::LeaseLost)?;
    // The update changes nothing, but takes the row's lock, for which whoever forgets waits.
    db.execute(
        "insert into blobs (digest, size, created_ms) \
         select $1, $2, now_ms from clock where true \
         on conflict (digest) do update set size = excluded.size",
        values![blob.digest, blob.size],
    )
    .await?;
    let sql = "insert into blob_holds (digest, lease) values ($1, $2) on conflict do nothing";
    db.execute(sql, values![blob.digest, lease]).await.map(drop)
}

/// Refuses checkpoints that could be gone: each must be held by the lease that names it, or
/// kept by a trial of the sweep already. What is held stays until the transaction ends.
pub(super) async fn check_kept<DB: Dialect>(
    db: &mut DB::Connection,
    sweep: SweepId,
    lease: Option<LeaseId>,
    checkpoints: BTreeSet<Digest>,
) -> Result<(), StoreError> {
    if checkpoints.is_empty() {
        return Ok(());
    }
    let sql = "select distinct checkpoint from trials \
               where sweep = $1 and checkpoint is not null";
    let kept = db.fetch(sql, values![sweep]).await?;
    let kept: BTreeSet<Digest> =
        kept.iter().map(|row| row.parse("checkpoint")).collect::<Result<_, _>>()?;
    for digest in checkpoints.difference(&kept) {
        let held = match lease {
            Some(lease) => lock_held::<DB>(db, lease, *digest).await?,
            None => false,
        };
        if !held {
            return Err(StoreError::NotHeld(*digest));
        }
    }
    Ok(())
}

/// Whether the lease uploaded the blob; if so, nobody can forget it before the transaction ends.
async fn lock_held<DB: Dialect>(
    db: &mut DB::Connection,
    lease: LeaseId,
    digest: Digest,
) -> Result<bool, StoreError> {
    // Two statements: the second must see what was forgotten while the first waited for the lock.
    let sql = format!("select digest from blobs where digest = $1 {}", DB::LOCK_ROW);
    db.fetch(sql, values![digest]).await?;
    let sql = "select digest from blob_holds where digest = $1 and lease = $2";
    Ok(db.fetch_optional(sql, values![digest, lease]).await?.is_some())
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
    let sql = format!("select digest from blobs b where b.digest = $1 and {UNREFERENCED}");
    Ok(db.fetch_optional(sql, values![digest]).await?.is_some())
}

pub(super) async fn delete(db: &mut impl Statements, digest: Digest) -> Result<(), StoreError> {
    db.execute("delete from blobs where digest = $1", values![digest]).await.map(drop)
}
