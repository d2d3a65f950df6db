//! Sweeps and what hangs on them, for readers.

use super::statements::{Columns, Statements, values};
use crate::store::{CurveRow, Page, StoreError, SweepRow, TrialRow};
use floodgauge_protocol::{ArmIx, FamilyIx, MetricValues, SweepId, TrialKey, work::Diagnostics};

const SWEEP: &str = "select sweep, name, spec, plan, grown_seq, status, scheduler_version, \
                     head_seq, best, created_ms, updated_ms, checkpoints_dropped_ms from sweeps";

pub(super) async fn sweep(
    db: &mut impl Statements,
    sweep: SweepId,
) -> Result<Option<SweepRow>, StoreError> {
    let sql = format!("{SWEEP} where sweep = $1");
    db.fetch_optional(sql, values![sweep]).await?.as_ref().map(sweep_row).transpose()
}

pub(super) async fn sweeps(
    db: &mut impl Statements,
    page: Page,
) -> Result<Vec<SweepRow>, StoreError> {
    let text = page.search.map(|text| text.to_lowercase());
    let id = text.as_deref().filter(|text| text.len() >= MIN_ID_CHARS).map(beginning);
    let name = text.as_deref().map(|text| format!("%{}", beginning(text)));
    let sql = format!(
        "{SWEEP} where ($1 is null or sweep < $1) \
         and ($2 is null or name_folded like $2 escape '!' or sweep like $3 escape '!') \
         and ($4 is null or status = $4) \
         order by sweep desc limit $5"
    );
    let status = page.status.map(|status| status.as_str().to_owned());
    let rows = db.fetch(sql, values![page.after, name, id, status, page.limit]).await?;
    rows.iter().map(sweep_row).collect()
}

/// How long the beginning of an id has to be: those of one minute have shorter ones in common.
const MIN_ID_CHARS: usize = 8;

/// A pattern for texts that begin with `text`, whose own wildcards stand for themselves.
fn beginning(text: &str) -> String {
    let mut pattern = String::new();
    for char in text.chars() {
        if matches!(char, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(char);
    }
    pattern + "%"
}

pub(super) async fn trials(
    db: &mut impl Statements,
    sweep: SweepId,
) -> Result<Vec<TrialRow>, StoreError> {
    let sql = "select family, arm, status, epochs, onset_step, checkpoint, reason from trials \
               where sweep = $1 order by family, arm";
    db.fetch(sql, values![sweep]).await?.iter().map(trial_row).collect()
}

const REPORT: &str = "select family, arm, epoch, step, train_loss, val_loss, val_error, metrics, \
                      branch, grad_norm, ascending, flooded_steps from reports";

pub(super) async fn curves(
    db: &mut impl Statements,
    sweep: SweepId,
) -> Result<Vec<CurveRow>, StoreError> {
    let sql = format!("{REPORT} where sweep = $1 order by family, arm, epoch");
    db.fetch(sql, values![sweep]).await?.iter().map(curve_row).collect()
}

pub(super) async fn curve(
    db: &mut impl Statements,
    sweep: SweepId,
    trial: TrialKey,
) -> Result<Vec<CurveRow>, StoreError> {
    let sql = format!("{REPORT} where sweep = $1 and family = $2 and arm = $3 order by epoch");
    let values = values![sweep, trial.family, trial.arm];
    db.fetch(sql, values).await?.iter().map(curve_row).collect()
}

fn sweep_row(row: &impl Columns) -> Result<SweepRow, StoreError> {
    Ok(SweepRow {
        sweep: row.parse("sweep")?,
        name: row.text("name")?,
        spec: row.json("spec")?,
        space: row.maybe_json("plan")?,
        grown_seq: row.number("grown_seq")?,
        status: row.parse("status")?,
        scheduler_version: row.number("scheduler_version")?,
        head_seq: row.number("head_seq")?,
        best: row.maybe_json("best")?,
        created_ms: row.number("created_ms")?,
        updated_ms: row.number("updated_ms")?,
        checkpoints_dropped: row.maybe_number::<i64>("checkpoints_dropped_ms")?.is_some(),
    })
}

fn trial_row(row: &impl Columns) -> Result<TrialRow, StoreError> {
    Ok(TrialRow {
        trial: trial_key(row)?,
        status: row.parse("status")?,
        epochs: row.number("epochs")?,
        onset_step: row.maybe_number("onset_step")?,
        checkpoint: row.maybe_parse("checkpoint")?,
        kept: None,
        reason: row.maybe_text("reason")?,
    })
}

fn curve_row(row: &impl Columns) -> Result<CurveRow, StoreError> {
    Ok(CurveRow {
        trial: trial_key(row)?,
        epoch: row.number("epoch")?,
        step: row.number("step")?,
        train_loss: row.metric("train_loss")?,
        metrics: metrics(row)?,
        branch: ArmIx(row.number("branch")?),
        diagnostics: diagnostics(row)?,
    })
}

/// By name or, of epochs from before metrics had names, from the two columns of those that there were.
fn metrics(row: &impl Columns) -> Result<MetricValues, StoreError> {
    match row.maybe_json("metrics")? {
        Some(metrics) => Ok(metrics),
        None => Ok(MetricValues::validation(row.metric("val_loss")?, row.metric("val_error")?)),
    }
}

/// None for epochs from before they were told.
fn diagnostics(row: &impl Columns) -> Result<Option<Diagnostics>, StoreError> {
    let Some(flooded_steps) = row.maybe_number("flooded_steps")? else { return Ok(None) };
    let ascending = row.maybe_real("ascending")?.unwrap_or_default();
    Ok(Some(Diagnostics { grad_norm: row.metric("grad_norm")?, ascending, flooded_steps }))
}

fn trial_key(row: &impl Columns) -> Result<TrialKey, StoreError> {
    Ok(TrialKey { family: FamilyIx(row.number("family")?), arm: ArmIx(row.number("arm")?) })
}
