//! The curves of a sweep, as JSON or as CSV.

use super::{
    accept::{self, prefers_csv},
    cell,
    extract::SweepPath,
    openapi::NoSweep,
    problem::Problem,
    state::AppState,
    stored::{self, Legible},
    sweeps,
};
use crate::store::{CurveRow, TrialRow};
use axum::{extract::State, http::HeaderMap, response::Response};
use floodgauge_api::curves::{Curve, CurveList};
use floodgauge_protocol::{
    Metric, MetricName, Metrics, SearchSpace, SweepId, TrialKey, work::Diagnostics,
};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::{self, Write},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(curves))
}

/// Get the curves of a sweep
///
/// As JSON or, with `Accept: text/csv`, as a table with a row an epoch.
#[utoipa::path(
    get,
    path = "/v1/sweeps/{id}/curves",
    operation_id = "getCurves",
    tag = "sweeps",
    params(("id" = SweepId, Path, description = "The sweep")),
    responses(
        (status = 200, description = "All its curves so far",
         content((CurveList = "application/json"), (String = "text/csv"))),
        NoSweep,
    )
)]
async fn curves(
    State(state): State<AppState>,
    SweepPath(sweep): SweepPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let row = sweeps::row(&state, sweep).await?;
    // The trials after the rows, so that no onset is missed that a row lies beyond.
    let rows = state.driver.store().curves(sweep).await?;
    let onsets = Onsets::of(&state.driver.store().trials(sweep).await?);
    if prefers_csv(&headers) {
        let Legible { spec, space, .. } = stored::legible(&row)?;
        let table = csv(&spec.search.metrics(), &space, &rows, &onsets)
            .map_err(|error| Problem::Internal(error.into()))?;
        Ok(accept::csv(table))
    } else {
        Ok(accept::json(CurveList { items: by_trial(&rows, &onsets) }))
    }
}

/// Where arms departed from plain.
struct Onsets(HashMap<TrialKey, u64>);

impl Onsets {
    fn of(trials: &[TrialRow]) -> Self {
        Self(trials.iter().filter_map(|trial| Some((trial.trial, trial.onset_step?))).collect())
    }

    /// The onset of the row's trial, if its epoch has met it.
    fn onset_by(&self, row: &CurveRow) -> Option<u64> {
        self.0.get(&row.trial).copied().filter(|&onset| onset < row.step)
    }
}

fn by_trial(rows: &[CurveRow], onsets: &Onsets) -> Vec<Curve> {
    let curve = |rows: &[CurveRow]| Curve {
        family: rows[0].trial.family,
        arm: rows[0].trial.arm,
        epoch: rows.iter().map(|row| row.epoch).collect(),
        step: rows.iter().map(|row| row.step).collect(),
        train_loss: rows.iter().map(|row| row.train_loss).collect(),
        metrics: by_name(rows),
        val_loss: column(rows, MetricName::val_loss()),
        val_error: column(rows, MetricName::val_error()),
        branch: rows.iter().map(|row| row.branch).collect(),
        grad_norm: rows.iter().map(|row| Some(row.diagnostics?.grad_norm)).collect(),
        ascending: rows.iter().map(|row| Some(row.diagnostics?.ascending)).collect(),
        flooded_steps: rows.iter().map(|row| Some(row.diagnostics?.flooded_steps)).collect(),
        onset_step: rows.iter().map(|row| onsets.onset_by(row)).collect(),
    };
    // The store sorts them by trial.
    rows.chunk_by(|a, b| a.trial == b.trial).map(curve).collect()
}

/// A metric of some epochs; none unless all of them have it.
fn column(rows: &[CurveRow], name: MetricName) -> Option<Vec<Metric>> {
    rows.iter().map(|row| row.metrics.get(name)).collect()
}

/// The metrics of some epochs, each as long as these.
fn by_name(rows: &[CurveRow]) -> BTreeMap<MetricName, Vec<Option<Metric>>> {
    let mut columns: BTreeMap<MetricName, Vec<Option<Metric>>> = BTreeMap::new();
    for (i, row) in rows.iter().enumerate() {
        for (name, value) in row.metrics.iter() {
            let column = columns.entry(name).or_insert_with(|| Vec::with_capacity(rows.len()));
            column.resize(i, None);
            column.push(Some(value));
        }
    }
    for column in columns.values_mut() {
        column.resize(rows.len(), None);
    }
    columns
}

/// The metrics that can be compared stand beside the training loss, the others at the end.
fn csv(
    metrics: &Metrics,
    space: &SearchSpace,
    rows: &[CurveRow],
    onsets: &Onsets,
) -> Result<String, fmt::Error> {
    let (compared, further): (Vec<_>, Vec<_>) =
        metrics.iter().partition(|metric| metric.direction.is_some());
    let mut table = String::from("family,seed,weight_decay,arm,method,b,epoch,step,train_loss");
    for metric in &compared {
        write!(table, ",{}", metric.name)?;
    }
    table.push_str(",grad_norm,ascending,flooded_steps,onset_step");
    for metric in &further {
        write!(table, ",{}", metric.name)?;
    }
    table.push_str("\r\n");
    for row in rows {
        let trial = row.trial;
        let (Some(family), Some(arm)) =
            (space.families.get(trial.family.ix()), space.arms.get(trial.arm.ix()))
        else {
            continue;
        };
        write!(table, "{},{},{},", family.family, family.seed, family.weight_decay)?;
        write!(table, "{},{},", trial.arm, cell::text(arm.name()))?;
        if let Some(b) = arm.level() {
            write!(table, "{b}")?;
        }
        write!(table, ",{},{}", row.epoch, row.step)?;
        write_metric(&mut table, Some(row.train_loss))?;
        for metric in &compared {
            write_metric(&mut table, row.metrics.get(metric.name))?;
        }
        match row.diagnostics {
            Some(Diagnostics { grad_norm, ascending, flooded_steps }) => {
                write_metric(&mut table, Some(grad_norm))?;
                write!(table, ",{ascending},{flooded_steps}")?;
            }
            None => table.push_str(",,,"),
        }
        table.push(',');
        if let Some(onset) = onsets.onset_by(row) {
            write!(table, "{onset}")?;
        }
        for metric in &further {
            write_metric(&mut table, row.metrics.get(metric.name))?;
        }
        table.push_str("\r\n");
    }
    Ok(table)
}

fn write_metric(table: &mut String, metric: Option<Metric>) -> fmt::Result {
    match metric {
        Some(Metric::Finite(value)) => write!(table, ",{value}"),
        Some(Metric::Diverged) => write!(table, ",diverged"),
        None => write!(table, ","),
    }
}
