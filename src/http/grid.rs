//! All curves of a sweep in the recorded-grid format: one file that holds every arm's run.

use super::{
    extract::SweepPath, openapi::NoSweep, problem::Problem, state::AppState, stored, sweeps,
};
use crate::store::{CurveRow, TrialRow};
use axum::{Json, extract::State};
use floodgauge_api::grid::{Grid, GridRecipe, GridRun};
use floodgauge_protocol::{
    ArmIx, Family, Method, Metric, MetricName, SearchSpace, SweepId, SweepSpec, TrialKey,
};
use std::collections::HashMap;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(grid))
}

/// Get a sweep as a recorded grid
///
/// Of a completed `grid` sweep it is whole; of any other, arrays are as long as their arms
/// were trained.
#[utoipa::path(
    get,
    path = "/v1/sweeps/{id}/grid",
    operation_id = "getGrid",
    tag = "sweeps",
    params(("id" = SweepId, Path, description = "The sweep")),
    responses((status = 200, body = Grid, description = "The grid"), NoSweep)
)]
async fn grid(
    State(state): State<AppState>,
    SweepPath(sweep): SweepPath,
) -> Result<Json<Grid>, Problem> {
    let row = sweeps::row(&state, sweep).await?;
    let (spec, space) = (stored::spec(&row)?, stored::space(&row)?);
    let curves = state.driver.store().curves(sweep).await?;
    let trials = state.driver.store().trials(sweep).await?;
    Ok(Json(record(&spec, &space, &curves, &trials)))
}

/// Arms and families come as if the sweep had been submitted as it is now, whatever it was
/// extended by.
fn record(spec: &SweepSpec, space: &SearchSpace, curves: &[CurveRow], trials: &[TrialRow]) -> Grid {
    let whole = SearchSpace::of(spec);
    let index = |arm: &Method| space.arms.iter().position(|known| known == arm);
    let arms: Vec<ArmIx> = whole.arms.iter().filter_map(index).map(|ix| ArmIx(ix as u16)).collect();
    let curves: HashMap<TrialKey, &[CurveRow]> =
        curves.chunk_by(|a, b| a.trial == b.trial).map(|rows| (rows[0].trial, rows)).collect();
    let onsets: HashMap<TrialKey, u64> =
        trials.iter().filter_map(|trial| Some((trial.trial, trial.onset_step?))).collect();
    let metrics = spec.search.metrics();
    let columns = [MetricName::val_loss(), MetricName::val_error()];
    let further = metrics.iter().map(|metric| metric.name).filter(|name| !columns.contains(name));
    let further: Vec<_> = further.collect();
    let run = |family: &Family| {
        let keys: Vec<_> = arms.iter().map(|&arm| TrialKey::new(family.family, arm)).collect();
        let rows: Vec<&[CurveRow]> =
            keys.iter().map(|key| curves.get(key).copied().unwrap_or_default()).collect();
        let old = |name| {
            let value = |row: &CurveRow| row.metrics.get(name).unwrap_or(Metric::Diverged);
            metrics.get(name).is_some().then(|| column(&rows, value))
        };
        let of = |name| (name, column(&rows, |row| row.metrics.get(name)));
        GridRun {
            seed: family.seed,
            weight_decay: family.weight_decay,
            steps_per_epoch: spec.recipe.steps_per_epoch(),
            onset_step: keys.iter().map(|key| onsets.get(key).copied()).collect(),
            train_loss: column(&rows, |row| row.train_loss),
            val_loss: old(MetricName::val_loss()),
            val_error: old(MetricName::val_error()),
            metrics: further.iter().copied().map(of).collect(),
        }
    };
    let same = |family: &Family, wanted: &Family| {
        (family.seed, family.weight_decay) == (wanted.seed, wanted.weight_decay)
    };
    let family = |wanted: &Family| space.families.iter().find(|family| same(family, wanted));
    Grid {
        task: spec.name.clone(),
        spec: Some(spec.clone()),
        recipe: flattened(spec),
        arms: arms.iter().map(|arm| space.arms[arm.ix()]).collect(),
        levels: arms.iter().map(|arm| space.arms[arm.ix()].level()).collect(),
        epochs: spec.recipe.epochs,
        runs: whole.families.iter().filter_map(family).map(run).collect(),
    }
}

/// A value of each epoch of each trial.
fn column<T>(trials: &[&[CurveRow]], value: impl Fn(&CurveRow) -> T) -> Vec<Vec<T>> {
    trials.iter().map(|rows| rows.iter().map(&value).collect()).collect()
}

fn flattened(spec: &SweepSpec) -> GridRecipe {
    let recipe = &spec.recipe;
    let data = recipe.dataset.resolved();
    let weight_decay = match spec.search.weight_decay[..] {
        [only] => Some(only),
        _ => None,
    };
    GridRecipe {
        data: data.name,
        n_train: data.n_train,
        n_val: data.n_val,
        label_noise: data.label_noise,
        model: recipe.model.kind().into(),
        hidden: recipe.model.hidden().to_vec(),
        batch_norm: recipe.model.batch_norm(),
        optimizer: recipe.optimizer.name().into(),
        lr: recipe.optimizer.lr(),
        weight_decay,
        batch_size: recipe.batch_size,
        epochs: recipe.epochs,
    }
}
