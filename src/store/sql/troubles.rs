//! Workers that said that their machines are in trouble.

use super::statements::{Columns, Statements, values};
use crate::store::{StoreError, TroubledWorker};
use std::time::Duration;

/// How long a worker that meant to look again may be silent before it counts as gone: five minutes, as
/// long as it waits at most between two tries. Chosen, not measured.
const SILENT: Duration = Duration::from_secs(300);

/// The most workers that are kept, of those that were heard of last; names come from outside. Chosen, not
/// measured.
const MAX_KEPT: u32 = 1_000;

/// The most workers that are told: more than people read. Chosen, not measured.
const MAX_TOLD: u32 = 100;

pub(super) async fn note(
    db: &mut impl Statements,
    worker: &str,
    message: &str,
    retry_in: Duration,
) -> Result<(), StoreError> {
    let sql = "insert into troubled_workers (worker, message, next_try_ms) \
               select $1, $2, now_ms + $3 from clock where true \
               on conflict (worker) do update set \
               message = excluded.message, next_try_ms = excluded.next_try_ms";
    db.execute(sql, values![worker, message, retry_in]).await?;
    // SQLite takes no `offset` without a `limit`: this one is beyond all that there may be.
    let sql = "delete from troubled_workers where next_try_ms < (select now_ms from clock) - $1 \
               or worker in (select worker from troubled_workers \
               order by next_try_ms desc, worker limit 1000000 offset $2)";
    db.execute(sql, values![SILENT, MAX_KEPT]).await.map(drop)
}

/// A worker that takes work is well again.
pub(super) async fn forget(db: &mut impl Statements, worker: &str) -> Result<(), StoreError> {
    db.execute("delete from troubled_workers where worker = $1", values![worker]).await.map(drop)
}

pub(super) async fn list(db: &mut impl Statements) -> Result<Vec<TroubledWorker>, StoreError> {
    let sql = "select worker, message, next_try_ms from troubled_workers \
               where next_try_ms >= (select now_ms from clock) - $1 order by worker limit $2";
    let rows = db.fetch(sql, values![SILENT, MAX_TOLD]).await?;
    rows.iter()
        .map(|row| {
            Ok(TroubledWorker {
                worker: row.text("worker")?,
                message: row.text("message")?,
                next_try_ms: row.number("next_try_ms")?,
            })
        })
        .collect()
}

/// Writes what nobody reads, a worker in trouble of no name, which none has, and takes it out again: the pages are
/// written all the same.
pub(super) async fn try_write(db: &mut impl Statements) -> Result<(), StoreError> {
    let sql = "insert into troubled_workers (worker, message, next_try_ms) values ('', '', 0) \
               on conflict do nothing";
    db.execute(sql, values![]).await?;
    db.execute("delete from troubled_workers where worker = ''", values![]).await.map(drop)
}
