//! What an entry changes in the projections, in the entry's transaction.

use super::{
    Dialect, blobs,
    statements::{Statements, Value, values},
};
use crate::store::{Effects, RowUpdate, StoreError, TrialUpdate};
use floodgauge_protocol::{LeaseId, Segment, SegmentId, SweepId};
use std::collections::BTreeMap;

/// Writes the effects of an entry that is written under `lease`, if any.
pub(super) async fn apply<DB: Dialect>(
    db: &mut DB::Connection,
    sweep: SweepId,
    lease: Option<LeaseId>,
    now_ms: i64,
    effects: Effects,
) -> Result<(), StoreError> {
    let Effects { status, best, grown, enqueue, requeue, close, close_all, rows, trials } = effects;
    if let Some(status) = status {
        let sql = "update sweeps set status = $2 where sweep = $1";
        db.execute(sql, values![sweep, status.as_str()]).await?;
    }
    if let Some(best) = best {
        db.execute("update sweeps set best = $2 where sweep = $1", values![sweep, &best]).await?;
    }
    if let Some(grown) = grown {
        // The entry at hand is the head by now.
        let sql = "update sweeps set spec = $2, plan = $3, grown_seq = head_seq where sweep = $1";
        db.execute(sql, values![sweep, &grown.spec, &grown.space]).await?;
    }
    insert_segments(db, sweep, now_ms, enqueue).await?;
    for segment in requeue {
        end_lease(db, sweep, segment, "queued").await?;
    }
    for segment in close {
        end_lease(db, sweep, segment, "closed").await?;
    }
    if close_all {
        let sql = "update segments set state = 'closed', lease = null, token_sha256 = null, \
                   worker = null, expires_ms = null where sweep = $1 and state <> 'closed'";
        db.execute(sql, values![sweep]).await?;
    }
    insert_rows(db, sweep, rows).await?;
    // The last word on a trial counts; Postgres won't change a row twice in one statement.
    let trials: BTreeMap<_, _> = trials.into_iter().map(|trial| (trial.trial, trial)).collect();
    let newest = trials.values().filter_map(|trial| trial.checkpoint);
    let checkpoints =
        newest.chain(trials.values().flat_map(|trial| trial.kept.iter().flatten().copied()));
    blobs::check_kept::<DB>(db, sweep, lease, checkpoints.collect()).await?;
    keep_checkpoints(db, sweep, trials.values()).await?;
    upsert_trials(db, sweep, trials.into_values()).await
}

async fn keep_checkpoints(
    db: &mut impl Statements,
    sweep: SweepId,
    trials: impl Iterator<Item = &TrialUpdate>,
) -> Result<(), StoreError> {
    let mut rows = vec![];
    for TrialUpdate { trial, kept, .. } in trials {
        let Some(kept) = kept else { continue };
        let sql = "delete from kept_checkpoints where sweep = $1 and family = $2 and arm = $3";
        db.execute(sql, values![sweep, trial.family, trial.arm]).await?;
        rows.extend(kept.iter().map(|&digest| values![sweep, trial.family, trial.arm, digest]));
    }
    let head = "insert into kept_checkpoints (sweep, family, arm, digest)";
    db.insert_rows(head, rows, "").await
}

async fn insert_segments(
    db: &mut impl Statements,
    sweep: SweepId,
    now_ms: i64,
    segments: Vec<Segment>,
) -> Result<(), StoreError> {
    let row = |segment: Segment| {
        let body = serde_json::to_string(&segment)
            .map_err(|error| StoreError::Corrupt(format!("segment: {error}")))?;
        Ok(values![sweep, segment.segment, segment.family, body, "queued", now_ms])
    };
    let rows = segments.into_iter().map(row).collect::<Result<Vec<_>, StoreError>>()?;
    let head = "insert into segments (sweep, segment, family, body, state, queued_ms)";
    db.insert_rows(head, rows, "").await
}

/// Takes a segment from whoever holds it. It keeps its place in the queue and its attempts.
async fn end_lease(
    db: &mut impl Statements,
    sweep: SweepId,
    segment: SegmentId,
    state: &'static str,
) -> Result<(), StoreError> {
    // A closed segment stays closed: it may be withdrawn and lost at the same time.
    db.execute(
        "update segments set state = $3, lease = null, token_sha256 = null, worker = null, \
         expires_ms = null where sweep = $1 and segment = $2 and state <> 'closed'",
        values![sweep, segment, state],
    )
    .await
    .map(drop)
}

async fn insert_rows(
    db: &mut impl Statements,
    sweep: SweepId,
    rows: Vec<RowUpdate>,
) -> Result<(), StoreError> {
    let values_of = |row: RowUpdate| -> Result<Vec<Value>, StoreError> {
        let metrics = serde_json::to_string(&row.metrics)
            .map_err(|error| StoreError::Corrupt(format!("metrics: {error}")))?;
        Ok(values![
            sweep,
            row.trial.family,
            row.trial.arm,
            row.epoch,
            row.step,
            row.train_loss,
            metrics,
            row.branch,
            row.diagnostics.and_then(|diagnostics| diagnostics.grad_norm.finite()),
            row.diagnostics.map(|diagnostics| diagnostics.ascending),
            row.diagnostics.map(|diagnostics| diagnostics.flooded_steps)
        ])
    };
    let rows = rows.into_iter().map(values_of).collect::<Result<_, _>>()?;
    let head = "insert into reports \
                (sweep, family, arm, epoch, step, train_loss, metrics, branch, \
                 grad_norm, ascending, flooded_steps)";
    db.insert_rows(head, rows, "").await
}

async fn upsert_trials(
    db: &mut impl Statements,
    sweep: SweepId,
    trials: impl Iterator<Item = TrialUpdate>,
) -> Result<(), StoreError> {
    let values_of = |trial: TrialUpdate| -> Vec<Value> {
        values![
            sweep,
            trial.trial.family,
            trial.trial.arm,
            trial.status.as_str(),
            trial.epochs,
            trial.onset_step,
            trial.checkpoint,
            trial.reason
        ]
    };
    let rows = trials.map(values_of).collect();
    let head = "insert into trials \
                (sweep, family, arm, status, epochs, onset_step, checkpoint, reason)";
    let tail = "on conflict (sweep, family, arm) do update set \
                status = excluded.status, epochs = excluded.epochs, \
                onset_step = excluded.onset_step, checkpoint = excluded.checkpoint, \
                reason = excluded.reason";
    db.insert_rows(head, rows, tail).await
}
