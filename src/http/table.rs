//! The paper's table of a sweep, as JSON or as CSV.

use super::{
    accept::{self, prefers_csv},
    cell,
    extract::SweepPath,
    openapi::{NoSweep, StateConflict},
    problem::Problem,
    state::AppState,
    stored, sweeps,
};
use crate::scheduler::Sweep;
use axum::{extract::State, http::HeaderMap, response::Response};
use floodgauge_api::{Figure, SweepTable, Table, TableCell, TableRow};
use floodgauge_protocol::{Arm, Metric, MetricInfo, Shown, SweepId};
use std::fmt::Write as _;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(table))
}

/// Get the paper's table
///
/// Early stopping and weight decay down, without and with flooding across: validation and test metrics,
/// means over seeds with their standard errors. As JSON or, with `Accept: text/csv`, a row a cell. Test
/// figures come once the sweep has completed.
#[utoipa::path(
    get,
    path = "/v1/sweeps/{id}/table",
    operation_id = "getTable",
    tag = "sweeps",
    params(("id" = SweepId, Path, description = "The sweep")),
    responses(
        (status = 200, description = "The table, as far as it is known",
         content((SweepTable = "application/json"), (String = "text/csv"))),
        NoSweep, StateConflict,
    )
)]
async fn table(
    State(state): State<AppState>,
    SweepPath(sweep): SweepPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let row = sweeps::row(&state, sweep).await?;
    let replayed = match stored::replayed(&state.driver, sweep).await? {
        Some(replayed) => replayed.table(),
        None if row.best.is_none() => Sweep::new(stored::legible(&row)?.spec).table(),
        None => {
            let why = state.driver.replay_error(&row).unwrap_or_default();
            return Err(Problem::Conflict(format!("this server can't replay the log: {why}")));
        }
    };
    Ok(if prefers_csv(&headers) {
        accept::csv(csv(&replayed))
    } else {
        accept::json(SweepTable { sweep, status: row.status, table: replayed })
    })
}

fn csv(table: &Table) -> String {
    let mut text = String::from("early_stopping,weight_decay,method,arm,b,seeds");
    for MetricInfo { name, .. } in &table.metrics {
        // Writing to a string can't fail.
        let _ = write!(text, ",{name},{name}_se");
    }
    text.push_str(",test_loss,test_loss_se,test_error,test_error_se\r\n");
    for row in &table.rows {
        for cell in row.cells() {
            line(&mut text, &table.metrics, row, cell);
        }
    }
    text
}

fn line(text: &mut String, metrics: &[MetricInfo], row: &TableRow, of: &TableCell) {
    let Arm { name, method, b, .. } = &of.arm;
    let b = b.map(|b| Shown(b).to_string()).unwrap_or_default();
    let (method, arm) = (cell::text(method), cell::text(name));
    let decay = Shown(row.weight_decay);
    let _ = write!(text, "{},{decay},{method},{arm},{b},{}", row.early_stopping, of.seeds);
    let validation = metrics.iter().map(|metric| of.metrics.get(&metric.name).copied());
    for figure in validation.chain([of.test_loss, of.test_error]) {
        let _ = write!(text, ",{}", figures(figure));
    }
    text.push_str("\r\n");
}

fn figures(figure: Option<Figure>) -> String {
    let Some(Figure { mean, standard_error }) = figure else { return ",".into() };
    let mean = match mean {
        Metric::Finite(value) => value.to_string(),
        Metric::Diverged => "diverged".into(),
    };
    format!("{mean},{}", standard_error.map(|se| se.to_string()).unwrap_or_default())
}
