//! The curves of a sweep, as JSON or as CSV.

use super::{
    accept::{self, prefers_csv},
    access::Asker,
    cell,
    extract::SweepPath,
    openapi::NoSweep,
    problem::Problem,
    rows::{
        Broken, Extent, Rows,
        column::Column,
        pieces::{self, PIECE_BYTES, Pieces},
        sheet::{Array, Part, Sheet, When},
    },
    state::AppState,
    stored::{self, Legible},
    sweeps,
};
use crate::store::CurveRow;
use axum::{extract::State, http::HeaderMap, response::Response};
use bytes::Bytes;
use floodgauge_api::curves::CurveList;
use floodgauge_protocol::{
    Metric, MetricInfo, MetricName, Metrics, SearchSpace, Shown, SweepId, TrialKey,
    work::Diagnostics,
};
use std::{
    collections::BTreeSet,
    fmt::{self, Write},
    sync::Arc,
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
    Asker(asker): Asker,
    SweepPath(sweep): SweepPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let row = sweeps::row(&state, sweep).await?;
    let place = state.places.exports.take(asker).await;
    let mut rows = Rows::of(state.driver.store(), sweep).await?;
    let Legible { spec, space, .. } = stored::legible(&row)?;
    let metrics = spec.search.metrics();
    let answer = if prefers_csv(&headers) {
        pieces::answer(accept::CSV, Table::new(rows, metrics, space), place).await?
    } else {
        // Those of what this server can't read of a spec, too.
        let mut names = rows.first_metrics().await?;
        names.extend(metrics.iter().map(|metric| metric.name));
        names.extend(legacy_metrics());
        pieces::answer(accept::JSON, by_trial(rows, names), place).await?
    };
    Ok(accept::varying(answer))
}

/// Metrics that 0.1.0 had as fields of their own; they still stand there too, beside `metrics`.
fn legacy_metrics() -> [MetricName; 2] {
    [MetricName::val_loss(), MetricName::val_error()]
}

/// A [`CurveList`], made as it is sent.
fn by_trial(rows: Rows, names: BTreeSet<MetricName>) -> impl Pieces {
    let extents = rows.extents();
    let with_rows = move |i: usize| Some(extents[i]).filter(|extent| extent.epochs > 0);
    let curves = (0..rows.extents().len()).filter_map(with_rows);
    let curves = curves.flat_map(move |extent| curve(extent, &names));
    let begin = [Part::Open("{\"items\":[".into())];
    Sheet::new(rows, begin.into_iter().chain(curves).chain([Part::Close("]}")]))
}

/// A [`Curve`].
fn curve(of: Extent, names: &BTreeSet<MetricName>) -> Vec<Part> {
    let TrialKey { family, arm } = of.trial;
    let field = |key: &str, column| Part::Array(Array::field(key, of, column));
    let metric = |name: MetricName, when| {
        Part::Array(Array { when, ..Array::field(name.as_str(), of, Column::Metric(name)) })
    };
    let mut parts = vec![
        Part::Open(format!("{{\"family\":{family},\"arm\":{arm}")),
        field("epoch", Column::Epoch),
        field("step", Column::Step),
        field("train_loss", Column::TrainLoss),
        Part::Open("\"metrics\":{".into()),
    ];
    parts.extend(names.iter().map(|&name| metric(name, When::Any)));
    parts.push(Part::Close("}"));
    parts.extend(legacy_metrics().map(|name| metric(name, When::Whole)));
    parts.extend([
        field("branch", Column::Branch),
        field("grad_norm", Column::GradNorm),
        field("ascending", Column::Ascending),
        field("flooded_steps", Column::FloodedSteps),
        field("onset_step", Column::OnsetStep),
        Part::Close("}"),
    ]);
    parts
}

/// The curves as CSV. The metrics that can be compared stand beside the training loss, the others at
/// the end.
struct Table {
    rows: Rows,
    extents: Arc<[Extent]>,
    /// Which of them comes next, and how many of its epochs are written.
    next: (usize, u32),
    space: SearchSpace,
    compared: Vec<MetricName>,
    further: Vec<MetricName>,
    is_begun: bool,
}

impl Table {
    fn new(rows: Rows, metrics: Metrics, space: SearchSpace) -> Self {
        let (compared, further): (Vec<_>, Vec<_>) =
            metrics.iter().partition(|metric| metric.direction.is_some());
        let names = |of: Vec<&MetricInfo>| of.iter().map(|metric| metric.name).collect();
        let extents = rows.extents();
        let (compared, further) = (names(compared), names(further));
        Self { rows, extents, next: (0, 0), space, compared, further, is_begun: false }
    }

    fn head(&self) -> Result<String, fmt::Error> {
        let mut table = String::from("family,seed,weight_decay,arm,method,b,epoch,step,train_loss");
        for name in &self.compared {
            write!(table, ",{name}")?;
        }
        table.push_str(",grad_norm,ascending,flooded_steps,onset_step");
        for name in &self.further {
            write!(table, ",{name}")?;
        }
        table.push_str("\r\n");
        Ok(table)
    }
}

impl Pieces for Table {
    async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        let mut table = if self.is_begun { String::new() } else { self.head()? };
        self.is_begun = true;
        while table.len() < PIECE_BYTES {
            let (place, epoch) = self.next;
            let Some(of) = self.extents.get(place).copied() else { break };
            let TrialKey { family, arm } = of.trial;
            let (family, arm) =
                (self.space.families.get(family.ix()), self.space.arms.get(arm.ix()));
            let (Some(family), Some(arm), true) = (family, arm, of.epochs > 0) else {
                self.next = (place + 1, 0);
                continue;
            };
            let rows = self.rows.after(&of, epoch).await?;
            let mut done = epoch;
            for row in rows {
                if table.len() >= PIECE_BYTES {
                    break;
                }
                let decay = Shown(family.weight_decay);
                write!(table, "{},{},{decay},", family.family, family.seed)?;
                write!(table, "{},{},", of.trial.arm, cell::text(arm.name()))?;
                if let Some(b) = arm.level() {
                    write!(table, "{}", Shown(b))?;
                }
                write_row(&mut table, row, of.onset, &self.compared, &self.further)?;
                done = row.epoch;
            }
            self.next = if done == of.epochs { (place + 1, 0) } else { (place, done) };
        }
        Ok((!table.is_empty()).then(|| table.into()))
    }
}

/// Writes what a line has of the row itself.
fn write_row(
    table: &mut String,
    row: &CurveRow,
    onset: Option<u64>,
    compared: &[MetricName],
    further: &[MetricName],
) -> fmt::Result {
    write!(table, ",{},{}", row.epoch, row.step)?;
    write_metric(table, Some(row.train_loss))?;
    for &name in compared {
        write_metric(table, row.metrics.get(name))?;
    }
    match row.diagnostics {
        Some(Diagnostics { grad_norm, ascending, flooded_steps }) => {
            write_metric(table, Some(grad_norm))?;
            write!(table, ",{ascending},{flooded_steps}")?;
        }
        None => table.push_str(",,,"),
    }
    table.push(',');
    if let Some(onset) = onset.filter(|&onset| onset < row.step) {
        write!(table, "{onset}")?;
    }
    for &name in further {
        write_metric(table, row.metrics.get(name))?;
    }
    table.push_str("\r\n");
    Ok(())
}

fn write_metric(table: &mut String, metric: Option<Metric>) -> fmt::Result {
    match metric {
        Some(Metric::Finite(value)) => write!(table, ",{value}"),
        Some(Metric::Diverged) => write!(table, ",diverged"),
        None => write!(table, ","),
    }
}
