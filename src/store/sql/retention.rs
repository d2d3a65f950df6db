//! What of ended sweeps is kept no longer, and how they go.

use super::{
    Dialect,
    statements::{Columns, Statements, values},
    turns,
};
use crate::store::{DeletedSweep, StoreError};
use floodgauge_protocol::SweepId;
use std::time::Duration;

/// Holds for a row `w` of sweeps that have ended.
const IS_OVER: &str = "w.status in ('completed', 'failed', 'cancelled')";

/// Holds for a row `w` of sweeps that are over and have been for longer than `$1` milliseconds. What a
/// worker still holds of one may yet be handed in.
const ENDED: &str = "w.status in ('completed', 'failed', 'cancelled')
and w.updated_ms <= (select steady_ms from clock) - $1
and not exists (
    select 1 from segments s where s.sweep = w.sweep and s.state = 'leased'
    and s.expires_ms > (select steady_ms from clock)
)";

pub(super) async fn drop_checkpoints<DB: Dialect>(
    db: &mut DB::Connection,
    age: Duration,
    limit: u32,
) -> Result<Vec<SweepId>, StoreError> {
    // Locked, so that none of them is extended before the transaction ends.
    let sql = format!(
        "select w.sweep from sweeps w where w.checkpoints_dropped_ms is null and {ENDED} \
         order by w.sweep limit $2 {}",
        DB::LOCK_ROW
    );
    let dropped = db.fetch(sql, values![age, limit]).await?;
    let dropped: Vec<SweepId> =
        dropped.iter().map(|row| row.parse("sweep")).collect::<Result<_, _>>()?;
    for sweep in &dropped {
        let sql = "update sweeps set checkpoints_dropped_ms = (select now_ms from clock) \
                   where sweep = $1";
        db.execute(sql, values![*sweep]).await?;
        let sql = "update trials set checkpoint = null where sweep = $1";
        db.execute(sql, values![*sweep]).await?;
        db.execute("delete from kept_checkpoints where sweep = $1", values![*sweep]).await?;
    }
    Ok(dropped)
}

/// Refuses to extend a sweep whose checkpoints are gone; the sweep is locked by who appends to its
/// log, so that they can't go before the transaction ends.
pub(super) async fn check_extended(
    db: &mut impl Statements,
    sweep: SweepId,
) -> Result<(), StoreError> {
    let sql = "select sweep from sweeps where sweep = $1 and checkpoints_dropped_ms is not null";
    match db.fetch_optional(sql, values![sweep]).await? {
        Some(_) => Err(StoreError::CheckpointsDropped),
        None => Ok(()),
    }
}

/// How many have ended longer than an age ago; of these those alone that have their checkpoints, if asked so.
pub(super) async fn count_ended(
    db: &mut impl Statements,
    age: Duration,
    with_checkpoints: bool,
) -> Result<u64, StoreError> {
    let and = if with_checkpoints { "and w.checkpoints_dropped_ms is null" } else { "" };
    let sql = format!("select count(*) as sweeps from sweeps w where {ENDED} {and}");
    let row = db.fetch_optional(sql, values![age]).await?;
    row.map_or(Ok(0), |row| row.number("sweeps"))
}

pub(super) async fn ended_before(
    db: &mut impl Statements,
    age: Duration,
    limit: u32,
) -> Result<Vec<SweepId>, StoreError> {
    let sql = format!("select w.sweep from sweeps w where {ENDED} order by w.sweep limit $2");
    db.fetch(sql, values![age, limit]).await?.iter().map(|row| row.parse("sweep")).collect()
}

/// Deletes a sweep that has ended, or longer than an age ago. Whoever writes to its log at the same time
/// comes before, and is seen by what decides here, or after, and finds no sweep.
pub(super) async fn delete(
    db: &mut impl Statements,
    sweep: SweepId,
    age: Option<Duration>,
) -> Result<DeletedSweep, StoreError> {
    let deleted = match age {
        Some(age) => {
            let sql = format!("delete from sweeps as w where {ENDED} and w.sweep = $2");
            db.execute(sql, values![age, sweep]).await?
        }
        None => {
            let sql = format!("delete from sweeps as w where {IS_OVER} and w.sweep = $1");
            db.execute(sql, values![sweep]).await?
        }
    };
    if deleted > 0 {
        // Pins don't refer to their sweep; see the migration.
        db.execute("delete from families where sweep = $1", values![sweep]).await?;
        turns::forget(db, sweep).await?;
        return Ok(DeletedSweep::Deleted);
    }
    let sql = "select sweep from sweeps where sweep = $1";
    match db.fetch_optional(sql, values![sweep]).await? {
        Some(_) => Ok(DeletedSweep::NotEnded),
        None => Ok(DeletedSweep::NoSuch),
    }
}
