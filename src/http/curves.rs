//! The curves of a sweep, as JSON or as CSV.

use super::{
    accept::{self, prefers_csv},
    cell,
    extract::SweepPath,
    openapi::NoSweep,
    problem::Problem,
    state::AppState,
    stored, sweeps,
};
use crate::store::{CurveRow, TrialRow};
use axum::{extract::State, http::HeaderMap, response::Response};
use floodgauge_api::curves::{Curve, CurveList};
use floodgauge_protocol::{Metric, SearchSpace, SweepId, TrialKey, work::Diagnostics};
use std::{
    collections::HashMap,
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
        let plan = stored::legible(&row)?.plan;
        let table = csv(&plan, &rows, &onsets).map_err(|error| Problem::Internal(error.into()))?;
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
    fn met_by(&self, row: &CurveRow) -> Option<u64> {
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
        val_loss: rows.iter().map(|row| row.val_loss).collect(),
        val_error: rows.iter().map(|row| row.val_error).collect(),
        branch: rows.iter().map(|row| row.branch).collect(),
        grad_norm: rows.iter().map(|row| Some(row.diagnostics?.grad_norm)).collect(),
        ascending: rows.iter().map(|row| Some(row.diagnostics?.ascending)).collect(),
        flooded_steps: rows.iter().map(|row| Some(row.diagnostics?.flooded_steps)).collect(),
        onset_step: rows.iter().map(|row| onsets.met_by(row)).collect(),
    };
    // The store sorts them by trial.
    rows.chunk_by(|a, b| a.trial == b.trial).map(curve).collect()
}

fn csv(plan: &SearchSpace, rows: &[CurveRow], onsets: &Onsets) -> Result<String, fmt::Error> {
    let mut table = String::from(
        "family,seed,weight_decay,arm,method,b,epoch,step,train_loss,val_loss,val_error,\
         grad_norm,ascending,flooded_steps,onset_step\r\n",
    );
    for row in rows {
        let trial = row.trial;
        let (Some(family), Some(arm)) =
            (plan.families.get(trial.family.ix()), plan.arms.get(trial.arm.ix()))
        else {
            continue;
        };
        write!(table, "{},{},{},", family.family, family.seed, family.weight_decay)?;
        write!(table, "{},{},", trial.arm, cell::text(arm.name()))?;
        if let Some(b) = arm.level() {
            write!(table, "{b}")?;
        }
        write!(table, ",{},{}", row.epoch, row.step)?;
        for metric in [row.train_loss, row.val_loss, row.val_error] {
            write_metric(&mut table, metric)?;
        }
        match row.diagnostics {
            Some(Diagnostics { grad_norm, ascending, flooded_steps }) => {
                write_metric(&mut table, grad_norm)?;
                write!(table, ",{ascending},{flooded_steps}")?;
            }
            None => table.push_str(",,,"),
        }
        table.push(',');
        if let Some(onset) = onsets.met_by(row) {
            write!(table, "{onset}")?;
        }
        table.push_str("\r\n");
    }
    Ok(table)
}

fn write_metric(table: &mut String, metric: Metric) -> fmt::Result {
    match metric {
        Metric::Finite(value) => write!(table, ",{value}"),
        Metric::Diverged => write!(table, ",diverged"),
    }
}
