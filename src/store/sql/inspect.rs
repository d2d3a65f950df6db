//! The verbs of an inspection, in the SQL that both databases speak.

use super::{
    Dialect, SqlStore, begin, effects, pins, queue,
    statements::{Columns, Statements, values},
    turns,
};
use crate::store::{
    BlobRow, Inspect, MissedKind, Rebuilt, RebuiltSegment, Reference, Referrer, RowsOfLog, Schema,
    SegmentRow, Stamped, StoreError,
};
use async_trait::async_trait;
use floodgauge_protocol::{ArmIx, Digest, FamilyIx, SegmentId, SweepId, TrialKey};
use futures::{TryStreamExt as _, stream::BoxStream};
use sqlx::migrate::Migrator;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

#[async_trait]
impl<DB: Dialect> Inspect for SqlStore<DB> {
    async fn schema(&self) -> Result<Schema, StoreError> {
        let db = &mut *self.reader.acquire().await?;
        let applied = match db.fetch_optional(DB::HAS_MIGRATIONS, vec![]).await? {
            Some(_) => {
                let sql = "select version, cast(case when success then 1 else 0 end as bigint) as \
                           success, lower(DIGITS) as checksum from _sqlx_migrations order by version";
                db.fetch(sql.replace("DIGITS", DB::CHECKSUM), vec![]).await?
            }
            None => vec![],
        };
        let mut schema = Schema::default();
        let ours = DB::MIGRATIONS;
        let known = |version| ours.iter().find(|known| known.version == version);
        for row in &applied {
            let version = row.number("version")?;
            let Some(known) = known(version) else {
                schema.unknown.push(version);
                continue;
            };
            let digits: String = known.checksum.iter().map(|byte| format!("{byte:02x}")).collect();
            if row.number::<i64>("success")? == 0 || row.text("checksum")? != digits {
                schema.broken.push(version);
            }
        }
        let applied: BTreeSet<i64> =
            applied.iter().map(|row| row.number("version")).collect::<Result<_, _>>()?;
        let all = ours.iter().map(|known| known.version);
        schema.lacking = all.filter(|version| !applied.contains(version)).collect();
        Ok(schema)
    }

    async fn size(&self) -> Result<u64, StoreError> {
        let row = self.reader.acquire().await?.fetch_optional(DB::SIZE, vec![]).await?;
        row.map_or(Ok(0), |row| row.number("size"))
    }

    async fn now_ms(&self) -> Result<i64, StoreError> {
        let row = self.reader.acquire().await?.fetch_optional(DB::WALL, vec![]).await?;
        row.map_or(Ok(0), |row| row.number("now_ms"))
    }

    async fn listeners(&self) -> Result<u64, StoreError> {
        let row = self.reader.acquire().await?.fetch_optional(DB::LISTENERS, vec![]).await?;
        row.map_or(Ok(0), |row| row.number("listeners"))
    }

    async fn segment_rows(
        &self,
        sweep: SweepId,
        after: Option<SegmentId>,
        limit: u32,
    ) -> Result<Vec<SegmentRow>, StoreError> {
        let sql = "select segment, body, state, attempt from segments \
                   where sweep = $1 and segment > $2 order by segment limit $3";
        // Before the first: no number is below 0.
        let after = after.map_or(-1, |after| i64::from(after.0));
        let db = &mut *self.reader.acquire().await?;
        db.fetch_each(sql, values![sweep, after, limit], segment_row).await
    }

    async fn kept(
        &self,
        sweep: SweepId,
    ) -> Result<BTreeMap<TrialKey, BTreeSet<Digest>>, StoreError> {
        let sql = "select family, arm, digest from kept_checkpoints where sweep = $1";
        let db = &mut *self.reader.acquire().await?;
        let mut kept: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (trial, digest) in db.fetch_each(sql, values![sweep], kept_row).await? {
            kept.entry(trial).or_default().insert(digest);
        }
        Ok(kept)
    }

    async fn misplaced(&self) -> Result<Vec<SweepId>, StoreError> {
        let sql = turns::misplaced();
        let rows = self.reader.acquire().await?.fetch(sql, vec![]).await?;
        rows.iter().map(|row| row.parse("sweep")).collect()
    }

    async fn restore_queue_place(&self, sweep: SweepId) -> Result<(), StoreError> {
        let mut tx = begin(&self.writer).await?;
        turns::forget(&mut *tx, sweep).await?;
        turns::requeue(&mut *tx, sweep).await?;
        Ok(tx.commit().await?)
    }

    async fn long_leases(&self, ttl: Duration) -> Result<u64, StoreError> {
        queue::count_too_long(&mut *self.reader.acquire().await?, ttl).await
    }

    async fn blob_rows(&self) -> Result<Vec<BlobRow>, StoreError> {
        let sql = "select digest, size from blobs order by digest";
        let db = &mut *self.reader.acquire().await?;
        db.fetch_each(sql, vec![], blob_row).await
    }

    async fn references(&self) -> Result<Vec<Reference>, StoreError> {
        const REFERENCES: &str = "
            select distinct 'sweep' as kind, sweep as who, checkpoint as digest from trials
            where checkpoint is not null
            union select 'sweep', sweep, digest from kept_checkpoints
            union select 'dataset', name, digest from datasets
            union select 'pin', sweep, digest from sweep_data
            union select 'lease', h.lease, h.digest from blob_holds h
            join segments s on s.lease = h.lease";
        self.reader.acquire().await?.fetch_each(REFERENCES, vec![], reference).await
    }

    async fn record_blob(&self, blob: BlobRow) -> Result<(), StoreError> {
        let mut tx = begin(&self.writer).await?;
        super::blobs::lock_or_insert(&mut *tx, blob).await?;
        Ok(tx.commit().await?)
    }

    async fn stamped_after(&self, ms: i64) -> Result<Vec<Stamped>, StoreError> {
        const STAMPS: [([&str; 2], &str, &str); 6] = [
            (["submission", "submissions"], "sweeps", "created_ms"),
            // Of each sweep the newest.
            (["log entry", "log entries"], "sweeps", "updated_ms"),
            (["segment", "segments"], "segments", "queued_ms"),
            (["data set", "data sets"], "datasets", "created_ms"),
            (["blob", "blobs"], "blobs", "created_ms"),
            (["token", "tokens"], "tokens", "created_ms"),
        ];
        let db = &mut *self.reader.acquire().await?;
        let mut found = vec![];
        for ([one, many], table, column) in STAMPS {
            let sql = format!(
                "select count(*) as late, max({column}) as latest from {table} where {column} > $1"
            );
            let Some(row) = db.fetch_optional(sql, values![ms]).await? else { continue };
            if let Some(latest_ms) = row.maybe_number("latest")? {
                found.push(Stamped { one, many, count: row.number("late")?, latest_ms });
            }
        }
        Ok(found)
    }

    async fn kinds_there(&self, within: Duration) -> Result<u64, StoreError> {
        pins::there(&mut *self.reader.acquire().await?, within).await
    }

    async fn missed_kinds(&self, within: Duration) -> Result<Vec<MissedKind>, StoreError> {
        pins::missed(&mut *self.reader.acquire().await?, within).await
    }

    async fn rebuild(
        &self,
        head_seq: u64,
        rebuilt: Rebuilt,
        rows: BoxStream<'_, Result<RowsOfLog, StoreError>>,
    ) -> Result<(), StoreError> {
        let mut tx = begin(&self.writer).await?;
        rebuild(&mut *tx, head_seq, rebuilt, rows).await?;
        Ok(tx.commit().await?)
    }
}

async fn rebuild(
    db: &mut impl Statements,
    head_seq: u64,
    rebuilt: Rebuilt,
    rows: BoxStream<'_, Result<RowsOfLog, StoreError>>,
) -> Result<(), StoreError> {
    let Rebuilt { sweep, seq, status, spec, space, grown_seq, best, trials, segments } = rebuilt;
    let space = space.map(|space| space.to_string());
    let changed = db
        .execute(
            "update sweeps set status = $3, spec = $4, plan = $5, grown_seq = $6, head_seq = $7 \
             where sweep = $1 and head_seq = $2",
            values![sweep, head_seq, status.as_str(), &spec, space, grown_seq, seq],
        )
        .await?;
    if changed == 0 {
        return Err(StoreError::Conflict);
    }
    if let Some(best) = best {
        db.execute("update sweeps set best = $2 where sweep = $1", values![sweep, &best]).await?;
    }
    for table in ["reports", "kept_checkpoints", "trials"] {
        db.execute(format!("delete from {table} where sweep = $1"), values![sweep]).await?;
    }
    rebuild_rows(db, sweep, rows).await?;
    effects::keep_checkpoints(db, sweep, trials.iter()).await?;
    effects::upsert_trials(db, sweep, trials.into_iter()).await?;
    rebuild_segments(db, sweep, segments).await?;
    turns::forget(db, sweep).await?;
    turns::requeue(db, sweep).await
}

async fn rebuild_rows(
    db: &mut impl Statements,
    sweep: SweepId,
    mut of_log: BoxStream<'_, Result<RowsOfLog, StoreError>>,
) -> Result<(), StoreError> {
    while let Some(RowsOfLog { start_over, rows }) = of_log.try_next().await? {
        if let Some(family) = start_over {
            let sql = "delete from reports where sweep = $1 and family = $2";
            db.execute(sql, values![sweep, family]).await?;
        }
        effects::insert_rows(db, sweep, rows).await?;
    }
    Ok(())
}

/// Those that are right keep their leases, their attempts and their turns.
async fn rebuild_segments(
    db: &mut impl Statements,
    sweep: SweepId,
    segments: Vec<RebuiltSegment>,
) -> Result<(), StoreError> {
    let sql = "select segment, body, state, attempt from segments where sweep = $1";
    let there = db.fetch_each(sql, values![sweep], segment_row).await?;
    let mut there: BTreeMap<SegmentId, SegmentRow> =
        there.into_iter().map(|row| (row.id, row)).collect();
    for RebuiltSegment { segment, is_open, queued_ms } in segments {
        let id = segment.segment;
        let body = serde_json::to_string(&segment)
            .map_err(|error| StoreError::Corrupt(format!("segment: {error}")))?;
        let state = if is_open { "queued" } else { "closed" };
        match there.remove(&id) {
            None => {
                let sql = "insert into segments (sweep, segment, family, body, state, queued_ms) \
                           values ($1, $2, $3, $4, $5, $6)";
                let values = values![sweep, id, segment.family, body, state, queued_ms];
                db.execute(sql, values).await?;
            }
            Some(row) if row.is_open != is_open || row.segment.as_ref() != Some(&segment) => {
                let sql = "update segments set family = $3, body = $4, state = $5, lease = null, \
                           token_sha256 = null, worker = null, expires_ms = null \
                           where sweep = $1 and segment = $2";
                db.execute(sql, values![sweep, id, segment.family, body, state]).await?;
            }
            Some(_) => {}
        }
    }
    for id in there.into_keys() {
        let sql = "delete from segments where sweep = $1 and segment = $2";
        db.execute(sql, values![sweep, id]).await?;
    }
    Ok(())
}

fn segment_row(row: &impl Columns) -> Result<SegmentRow, StoreError> {
    Ok(SegmentRow {
        id: SegmentId(row.number("segment")?),
        segment: row.json("body").ok(),
        is_open: row.text("state")? != "closed",
        attempt: row.number("attempt")?,
    })
}

fn kept_row(row: &impl Columns) -> Result<(TrialKey, Digest), StoreError> {
    let (family, arm) = (row.number("family")?, row.number("arm")?);
    Ok((TrialKey::new(FamilyIx(family), ArmIx(arm)), row.parse("digest")?))
}

fn blob_row(row: &impl Columns) -> Result<BlobRow, StoreError> {
    Ok(BlobRow { digest: row.parse("digest")?, size: row.number("size")? })
}

fn reference(row: &impl Columns) -> Result<Reference, StoreError> {
    let by = match row.text("kind")?.as_str() {
        "sweep" => Referrer::Sweep(row.parse("who")?),
        "dataset" => Referrer::Dataset(row.text("who")?),
        "pin" => Referrer::Pin(row.parse("who")?),
        _ => Referrer::Lease,
    };
    Ok(Reference { digest: row.parse("digest")?, by })
}

/// The migrations of a database, and how to ask it about itself.
pub(in crate::store) trait SelfKnowledge {
    /// What makes its tables.
    const MIGRATIONS: Migrator;
    /// Answers a row if any migration was ever done.
    const HAS_MIGRATIONS: &str;
    /// The column `checksum` in hexadecimal digits.
    const CHECKSUM: &str;
    /// The database's `size` in bytes.
    const SIZE: &str;
    /// What its machine's clock says, as `now_ms`.
    const WALL: &str;
    /// How many `listeners` there are.
    const LISTENERS: &str;
}
