//! What an entry changes in the projections, in the entry's transaction.

use super::{
    Dialect, blobs, pins,
    statements::{MAX_IDS, Statements, Value, numbered, values},
    turns,
};
use crate::store::{Effects, RowUpdate, StoreError, TrialUpdate};
use floodgauge_protocol::{LeaseId, Segment, SegmentId, SweepId};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Writes the effects of an entry that is written under `lease`, if any.
pub(super) async fn apply<DB: Dialect>(
    db: &mut DB::Connection,
    sweep: SweepId,
    lease: Option<LeaseId>,
    now_ms: i64,
    effects: Effects,
) -> Result<(), StoreError> {
    let changes_work = effects.change_work();
    let Effects {
        status,
        best,
        grown,
        enqueue,
        requeue,
        backoff,
        close,
        close_all,
        start_over,
        rows_of,
        hands_in,
        rows,
        trials,
    } = effects;
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
    // Before leases end: it reads the one at hand.
    if let Some(family) = rows_of {
        pins::take_rows(db, sweep, family, lease).await?;
    }
    if let Some(family) = start_over {
        pins::start_over(db, sweep, family).await?;
    }
    insert_segments(db, sweep, now_ms, enqueue).await?;
    end_leases(db, sweep, &requeue, "queued").await?;
    if !backoff.is_zero() {
        hold_back(db, sweep, &requeue, backoff).await?;
    }
    end_leases(db, sweep, &close, "closed").await?;
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
    let checkpoints: BTreeSet<_> = checkpoints.collect();
    let names_some = !checkpoints.is_empty();
    blobs::check_kept::<DB>(db, sweep, lease, checkpoints).await?;
    keep_checkpoints(db, sweep, trials.values()).await?;
    upsert_trials(db, sweep, trials.into_values()).await?;
    if let (true, Some(lease)) = (hands_in && names_some, lease) {
        blobs::let_go(db, lease).await?;
    }
    if changes_work {
        turns::requeue(db, sweep).await?;
    }
    Ok(())
}

pub(super) async fn keep_checkpoints(
    db: &mut impl Statements,
    sweep: SweepId,
    trials: impl Iterator<Item = &TrialUpdate> + Send,
) -> Result<(), StoreError> {
    let changed: Vec<_> =
        trials.filter_map(|trial| Some((trial.trial, trial.kept.as_ref()?))).collect();
    for changed in changed.chunks(MAX_IDS / 2) {
        let pairs: Vec<_> = (0..changed.len()).map(|i| numbered(2 + 2 * i, 2)).collect();
        let sql = format!(
            "delete from kept_checkpoints where sweep = $1 and (family, arm) in (values ({}))",
            pairs.join("), (")
        );
        let keys = changed.iter().flat_map(|(trial, _)| values![trial.family, trial.arm]);
        db.execute(sql, values![sweep].into_iter().chain(keys).collect()).await?;
    }
    let mut rows = vec![];
    for (trial, kept) in changed {
        rows.extend(kept.iter().map(|&digest| Ok(values![sweep, trial.family, trial.arm, digest])));
    }
    let head = "insert into kept_checkpoints (sweep, family, arm, digest)";
    db.insert_rows(head, rows.into_iter(), "").await
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
    let head = "insert into segments (sweep, segment, family, body, state, queued_ms)";
    db.insert_rows(head, segments.into_iter().map(row), "").await
}

/// Takes segments from whoever holds them. They keep their places in the queue and their attempts.
async fn end_leases(
    db: &mut impl Statements,
    sweep: SweepId,
    segments: &[SegmentId],
    state: &'static str,
) -> Result<(), StoreError> {
    for segments in segments.chunks(MAX_IDS) {
        // A closed segment stays closed: it may be withdrawn and lost at the same time.
        let sql = format!(
            "update segments set state = $2, lease = null, token_sha256 = null, worker = null, \
             expires_ms = null where sweep = $1 and state <> 'closed' and segment in ({})",
            numbered(3, segments.len())
        );
        let ids = segments.iter().map(|&segment| Value::from(segment));
        db.execute(sql, values![sweep, state].into_iter().chain(ids).collect()).await?;
    }
    Ok(())
}

/// Keeps queued segments from whoever asks for work, for so long: an expiry without a lease. Like that of a
/// lease it is cut where the clock is set back meanwhile.
async fn hold_back(
    db: &mut impl Statements,
    sweep: SweepId,
    segments: &[SegmentId],
    backoff: Duration,
) -> Result<(), StoreError> {
    for segments in segments.chunks(MAX_IDS) {
        let sql = format!(
            "update segments set expires_ms = (select steady_ms from clock) + $2, ttl_ms = $2 \
             where sweep = $1 and state = 'queued' and segment in ({})",
            numbered(3, segments.len())
        );
        let ids = segments.iter().map(|&segment| Value::from(segment));
        db.execute(sql, values![sweep, backoff].into_iter().chain(ids).collect()).await?;
    }
    Ok(())
}

pub(super) async fn insert_rows(
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
    let head = "insert into reports \
                (sweep, family, arm, epoch, step, train_loss, metrics, branch, \
                 grad_norm, ascending, flooded_steps)";
    db.insert_rows(head, rows.into_iter().map(values_of), "").await
}

pub(super) async fn upsert_trials(
    db: &mut impl Statements,
    sweep: SweepId,
    trials: impl Iterator<Item = TrialUpdate> + Send,
) -> Result<(), StoreError> {
    let values_of = |trial: TrialUpdate| {
        Ok(values![
            sweep,
            trial.trial.family,
            trial.trial.arm,
            trial.status.as_str(),
            trial.epochs,
            trial.onset_step,
            trial.checkpoint,
            trial.reason
        ])
    };
    let head = "insert into trials \
                (sweep, family, arm, status, epochs, onset_step, checkpoint, reason)";
    let tail = "on conflict (sweep, family, arm) do update set \
                status = excluded.status, epochs = excluded.epochs, \
                onset_step = excluded.onset_step, checkpoint = excluded.checkpoint, \
                reason = excluded.reason";
    db.insert_rows(head, trials.map(values_of), tail).await
}
