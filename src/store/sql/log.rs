//! The event log: the truth that everything else is projected from.

use super::{
    Dialect, datasets, effects, retention,
    statements::{Columns, Statements, values},
    tokens,
};
use crate::store::{
    Commit, Created, Entry, Expiry, GlobalCursor, LeaseGuard, NewSweep, StoreError,
};
use floodgauge_protocol::{Digest, SweepId};
use serde_json::json;

pub(super) async fn create<DB: Dialect>(
    db: &mut DB::Connection,
    new: NewSweep,
) -> Result<Created, StoreError> {
    if let Some(existing) = made_before(db, &new).await? {
        return Ok(Created::Existing(existing));
    }
    let inserted = db
        .fetch_optional(
            "insert into sweeps (sweep, name, name_folded, spec, status, scheduler_version, \
             priority, traceparent, head_seq, created_ms, updated_ms) \
             select $1, $2, $3, $4, 'queued', $5, $6, $7, 1, now_ms, now_ms from clock where true \
             on conflict do nothing returning created_ms",
            values![
                new.sweep,
                new.name.as_str(),
                new.name.to_lowercase(),
                &new.spec,
                new.scheduler_version,
                new.priority,
                new.traceparent.clone()
            ],
        )
        .await?
        .ok_or(StoreError::Conflict)?;
    if let Some(data) = &new.data {
        datasets::pin::<DB>(db, new.sweep, data).await?;
    }
    if let Some((key, body)) = &new.idempotency {
        let first = db
            .execute(
                "insert into idempotency_keys (token, key, body_sha256, sweep) \
                 values ($1, $2, $3, $4) on conflict do nothing",
                values![sender(&new), key.as_str(), *body, new.sweep],
            )
            .await?;
        if first == 0 {
            let winner = made_before(db, &new).await?.ok_or(StoreError::Conflict)?;
            return Ok(Created::Existing(winner));
        }
    }
    let entry = Entry {
        sweep: new.sweep,
        seq: 1,
        at_ms: inserted.number("created_ms")?,
        event: new.event,
        decisions: new.decisions,
    };
    insert(db, &entry).await?;
    effects::apply::<DB>(db, new.sweep, None, entry.at_ms, new.effects).await?;
    if let Some(owner) = new.owner {
        tokens::own_sweep::<DB>(db, new.sweep, owner).await?;
    }
    Ok(Created::New(entry))
}

/// The token whose idempotency keys count; empty where none was asked for.
fn sender(new: &NewSweep) -> String {
    new.owner.map(|token| token.to_string()).unwrap_or_default()
}

/// The sweep that the idempotency key of the same token made before.
async fn made_before(
    db: &mut impl Statements,
    new: &NewSweep,
) -> Result<Option<SweepId>, StoreError> {
    let Some((key, body)) = &new.idempotency else { return Ok(None) };
    let sql = "select body_sha256, sweep from idempotency_keys where token = $1 and key = $2";
    let Some(row) = db.fetch_optional(sql, values![sender(new), key.as_str()]).await? else {
        return Ok(None);
    };
    if row.parse::<Digest>("body_sha256")? != *body {
        return Err(StoreError::KeyReused);
    }
    row.parse("sweep").map(Some)
}

pub(super) async fn append<DB: Dialect>(
    db: &mut DB::Connection,
    commit: Commit,
) -> Result<Entry, StoreError> {
    // The compare and swap: a second writer waits here for the first, and then finds another
    // head. That settles it before `unique (sweep, seq)` would.
    let swapped = db
        .fetch_optional(
            "update sweeps set head_seq = $2, updated_ms = (select now_ms from clock) \
             where sweep = $1 and head_seq = $2 - 1 returning updated_ms",
            values![commit.sweep, commit.seq],
        )
        .await?;
    let Some(swapped) = swapped else {
        let sql = "select sweep from sweeps where sweep = $1";
        return Err(match db.fetch_optional(sql, values![commit.sweep]).await? {
            Some(_) => StoreError::Conflict,
            None => StoreError::NoSweep(commit.sweep),
        });
    };
    if let Some(guard) = commit.guard {
        check::<DB>(db, commit.sweep, guard).await?;
    }
    let is_extension = commit.event.get("type").is_some_and(|name| name == "extended");
    if is_extension {
        retention::check_extended(db, commit.sweep).await?;
    }
    let entry = Entry {
        sweep: commit.sweep,
        seq: commit.seq,
        at_ms: swapped.number("updated_ms")?,
        event: commit.event,
        decisions: commit.decisions,
    };
    insert(db, &entry).await?;
    let lease = commit.guard.map(|guard| guard.lease);
    effects::apply::<DB>(db, commit.sweep, lease, entry.at_ms, commit.effects).await?;
    if is_extension {
        tokens::extended::<DB>(db, commit.sweep, commit.extender).await?;
    }
    Ok(entry)
}

/// Refuses unless the lease is still on its segment, and its expiry is as the guard wants it; keeps it there until
/// the transaction ends, and renews it if asked to.
async fn check<DB: Dialect>(
    db: &mut DB::Connection,
    sweep: SweepId,
    guard: LeaseGuard,
) -> Result<(), StoreError> {
    let LeaseGuard { lease, attempt, expiry } = guard;
    let held = match expiry {
        Expiry::Renewed(ttl) => {
            let sql = "update segments set expires_ms = (select steady_ms from clock) + $4, ttl_ms = $4 \
                       where lease = $1 and attempt = $2 and sweep = $3 returning segment";
            db.fetch_optional(sql, values![lease, attempt, sweep, ttl]).await?
        }
        Expiry::Any | Expiry::Past => {
            let past = match expiry {
                Expiry::Past => "and expires_ms <= (select steady_ms from clock)",
                _ => "",
            };
            let sql = format!(
                "select segment from segments where lease = $1 and attempt = $2 and sweep = $3 \
                 {past} {}",
                DB::LOCK_ROW
            );
            db.fetch_optional(sql, values![lease, attempt, sweep]).await?
        }
    };
    held.map(drop).ok_or(StoreError::LeaseLost)
}

async fn insert(db: &mut impl Statements, entry: &Entry) -> Result<(), StoreError> {
    db.execute(
        "insert into events (sweep, seq, at_ms, event, decisions) values ($1, $2, $3, $4, $5)",
        values![entry.sweep, entry.seq, entry.at_ms, &entry.event, &entry.decisions],
    )
    .await
    .map(drop)
}

/// How many bytes of entries may come before the last one that is read at once. In memory an entry
/// takes several times its size.
const ENTRIES_BYTES: i64 = 256 << 10;

pub(super) async fn entries(
    db: &mut impl Statements,
    sweep: SweepId,
    after_seq: u64,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    // Their sizes are known without reading them.
    let sql = "with sized as ( \
                   select seq, octet_length(event) + octet_length(decisions) as size from events \
                   where sweep = $1 and seq > $2 order by seq limit $3), \
               summed as (select sum(size) over (order by seq) - size as before from sized) \
               select sweep, seq, at_ms, event, decisions from events \
               where sweep = $1 and seq > $2 order by seq \
               limit (select count(*) from summed where before < $4)";
    let values = values![sweep, after_seq, limit, ENTRIES_BYTES];
    db.fetch(sql, values).await?.iter().map(entry).collect()
}

pub(super) async fn all_entries<DB: Dialect>(
    db: &mut DB::Connection,
    after: Option<GlobalCursor>,
    limit: u32,
) -> Result<Vec<(GlobalCursor, Entry)>, StoreError> {
    // Transactions and rows count from 1.
    let after = after.unwrap_or(GlobalCursor { transaction: 0, row: 0 });
    let values = values![after.transaction, after.row, limit, ENTRIES_BYTES];
    let rows = db.fetch(DB::ENTRIES_AFTER, values).await?;
    rows.iter().map(|row| Ok((cursor(row)?, entry(row)?))).collect()
}

pub(super) async fn global_head<DB: Dialect>(
    db: &mut DB::Connection,
) -> Result<Option<GlobalCursor>, StoreError> {
    db.fetch_optional(DB::NEWEST_ENTRY, vec![]).await?.as_ref().map(cursor).transpose()
}

fn cursor(row: &impl Columns) -> Result<GlobalCursor, StoreError> {
    Ok(GlobalCursor { transaction: row.number("transaction_id")?, row: row.number("id")? })
}

/// What isn't JSON any more is told as a `damaged` event: it can't be replayed, and must not keep
/// readers from the entries around it.
fn entry(row: &impl Columns) -> Result<Entry, StoreError> {
    let (event, decisions) = (row.json("event"), row.json("decisions"));
    let (event, decisions) = match (event, decisions) {
        (Ok(event), Ok(decisions)) => (event, decisions),
        _ => (json!({ "type": "damaged" }), json!([])),
    };
    Ok(Entry {
        sweep: row.parse("sweep")?,
        seq: row.number("seq")?,
        at_ms: row.number("at_ms")?,
        event,
        decisions,
    })
}
