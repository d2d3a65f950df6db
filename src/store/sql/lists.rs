//! Sweeps and what hangs on them, for readers.

use super::statements::{Columns, MAX_IDS, Statements, Value, numbered, values};
use crate::store::{CurveRow, Page, RowRange, StoreError, SweepRow, TrialRow};
use floodgauge_protocol::{ArmIx, FamilyIx, MetricValues, SweepId, TrialKey, work::Diagnostics};

/// Workers may still hand in what they hold of a sweep that was ended, so what ended it is among the newest
/// entries of its log, and needn't be the newest. A quote within a text is escaped: no reason reads as an action.
const SWEEP: &str = "select sweep, name, spec, plan, grown_seq, status, scheduler_version, \
                     head_seq, best, created_ms, updated_ms, checkpoints_dropped_ms, \
                     (select e.decisions from events e where e.sweep = sweeps.sweep \
                     and sweeps.status in ('failed', 'cancelled') \
                     and (e.decisions like '%\"action\":\"fail\"%' \
                     or e.decisions like '%\"action\":\"cancel\"%') order by e.seq desc limit 1) \
                     as ending, (select e.at_ms from events e where e.sweep = sweeps.sweep \
                     and e.seq = 2) as begun_ms from sweeps";

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
    db.fetch_each(sql, values![sweep], trial_row).await
}

const REPORT: &str = "select family, arm, epoch, step, train_loss, val_loss, val_error, metrics, \
                      branch, grad_norm, ascending, flooded_steps from reports";

pub(super) async fn curves(
    db: &mut impl Statements,
    sweep: SweepId,
    range: RowRange,
    limit: u32,
) -> Result<Vec<CurveRow>, StoreError> {
    if let (Some((trial, after)), Some((last, to))) = (range.after, range.to)
        && trial == last
    {
        // Said apart, since rows compared as a whole end no scan of Postgres' before its time.
        let sql = format!(
            "{REPORT} where sweep = $1 and family = $2 and arm = $3 \
             and epoch > $4 and epoch <= $5 order by epoch limit $6"
        );
        let values = values![sweep, trial.family, trial.arm, after, to, limit];
        return db.fetch_each(sql, values, curve_row).await;
    }
    let sql = format!(
        "{REPORT} where sweep = $1 and (family, arm, epoch) > ($2, $3, $4) \
         and (family, arm, epoch) <= ($5, $6, $7) order by family, arm, epoch limit $8"
    );
    let mut values = values![sweep];
    // Before and behind all of them where there is no bound.
    for (bound, none) in [(range.after, -1), (range.to, i64::MAX)] {
        values.extend(match bound {
            Some((trial, epoch)) => values![trial.family, trial.arm, epoch],
            None => values![none, none, none],
        });
    }
    values.push(limit.into());
    db.fetch_each(sql, values, curve_row).await
}

pub(super) async fn curve(
    db: &mut impl Statements,
    sweep: SweepId,
    trial: TrialKey,
    most: u32,
) -> Result<Vec<CurveRow>, StoreError> {
    let sql = "select max(epoch) as newest from reports \
               where sweep = $1 and family = $2 and arm = $3";
    let newest = db.fetch_optional(sql, values![sweep, trial.family, trial.arm]).await?;
    let newest = newest.map(|row| row.maybe_number("newest")).transpose()?.flatten();
    let mut rows = Vec::new();
    for epochs in thinned(newest.unwrap_or(0), most).chunks(MAX_IDS) {
        let sql = format!(
            "{REPORT} where sweep = $1 and family = $2 and arm = $3 and epoch in ({}) \
             order by epoch",
            numbered(4, epochs.len())
        );
        let epochs = epochs.iter().map(|&epoch| Value::from(epoch));
        let values = values![sweep, trial.family, trial.arm].into_iter().chain(epochs).collect();
        rows.extend(db.fetch_each(sql, values, curve_row).await?);
    }
    Ok(rows)
}

/// At most so many of the epochs up to the newest, evenly spread, both ends included.
fn thinned(newest: u32, most: u32) -> Vec<u32> {
    let points = u64::from(newest.min(most));
    let last = u64::from(newest.saturating_sub(1));
    let at = |point: u64| 1 + (point * last / points.saturating_sub(1).max(1)) as u32;
    (0..points).map(at).collect()
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
        end_reason: row.maybe_text("ending")?.as_deref().and_then(reason_in),
        created_ms: row.number("created_ms")?,
        begun_ms: row.maybe_number("begun_ms")?,
        updated_ms: row.number("updated_ms")?,
        checkpoints_dropped: row.maybe_number::<i64>("checkpoints_dropped_ms")?.is_some(),
    })
}

/// Why a sweep ended, by the decision of an entry that ended it; none where it can't be read, which keeps no
/// sweep out of a list.
fn reason_in(decisions: &str) -> Option<String> {
    let decisions: Vec<serde_json::Value> = serde_json::from_str(decisions).ok()?;
    let ends = |decision: &&serde_json::Value| {
        decision["action"] == "fail" || decision["action"] == "cancel"
    };
    decisions.iter().rfind(ends)?.get("reason")?.as_str().map(Into::into)
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

#[cfg(test)]
mod tests {
    use super::thinned;

    #[test]
    fn a_curve_is_thinned_evenly_and_keeps_both_ends() {
        assert!(thinned(0, 60).is_empty());
        assert_eq!(thinned(1, 60), [1]);
        assert_eq!(thinned(60, 60), (1..=60).collect::<Vec<_>>());
        let long = thinned(20_000, 60);
        assert_eq!((long.len(), long[0], long[59]), (60, 1, 20_000));
        assert!(long.windows(2).all(|pair| (338..=340).contains(&(pair[1] - pair[0]))));
        assert_eq!(thinned(61, 60).len(), 60);
    }
}
