//! All curves of a sweep in the recorded-grid format: one file that holds every arm's run.

use super::{AppState, extract::SweepPath, openapi::NoSweep, problem::Problem, stored, sweeps};
use crate::store::{CurveRow, TrialRow};
use axum::{Json, extract::State};
use floodgauge_protocol::{
    ArmIx, DatasetName, Family, Method, Metric, Plan, SweepId, SweepSpec, TrialKey,
};
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(grid))
}

/// A sweep as a recorded grid.
#[derive(Debug, Serialize, ToSchema)]
pub struct Grid {
    /// The sweep's name.
    pub task: String,
    /// What was trained.
    pub recipe: GridRecipe,
    /// Each arm.
    pub arms: Vec<Method>,
    /// The level of each arm; null for plain, arm 0, and for methods that have none.
    pub levels: Vec<Option<f64>>,
    /// Epochs of a full run.
    pub epochs: u32,
    /// One run a family.
    pub runs: Vec<GridRun>,
}

/// A recipe, flattened.
#[derive(Debug, Serialize, ToSchema)]
pub struct GridRecipe {
    /// The data set.
    pub data: DatasetName,
    /// Training samples.
    #[schema(required)]
    pub n_train: Option<u32>,
    /// Validation samples.
    #[schema(required)]
    pub n_val: Option<u32>,
    /// The rate of flipped labels.
    pub label_noise: f64,
    /// The kind of model.
    #[schema(example = "mlp")]
    pub model: &'static str,
    /// The width of each hidden dense layer.
    pub hidden: Vec<u32>,
    /// Whether there is batch normalisation.
    pub batch_norm: bool,
    /// The optimiser.
    #[schema(example = "sgd")]
    pub optimizer: &'static str,
    /// Its learning rate, before any schedule.
    pub lr: f64,
    /// The weight decay; null when the sweep has several, each run then names its own.
    #[schema(required)]
    pub weight_decay: Option<f64>,
    /// Samples in a mini-batch.
    pub batch_size: u32,
    /// Epochs of a full run.
    pub epochs: u32,
}

/// The curves of one family: `[arm]`, then `[epoch]`, as long as the arm was trained.
#[derive(Debug, Serialize, ToSchema)]
pub struct GridRun {
    /// The seed.
    pub seed: u32,
    /// The weight decay.
    pub weight_decay: f64,
    /// Mini-batches in one epoch.
    pub steps_per_epoch: u64,
    /// The first step at which each arm departed from plain; null where it never did.
    pub onset_step: Vec<Option<u64>>,
    /// Mean training loss over each epoch.
    pub train_loss: Vec<Vec<Metric>>,
    /// Validation loss after each epoch.
    pub val_loss: Vec<Vec<Metric>>,
    /// Validation error after each epoch.
    pub val_error: Vec<Vec<Metric>>,
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
    let (spec, plan) = (stored::spec(&row)?, stored::plan(&row)?);
    let curves = state.driver.store().curves(sweep).await?;
    let trials = state.driver.store().trials(sweep).await?;
    Ok(Json(record(&spec, &plan, &curves, &trials)))
}

/// Arms and families come as if the sweep had been submitted as it is now, whatever it was
/// extended by.
fn record(spec: &SweepSpec, plan: &Plan, curves: &[CurveRow], trials: &[TrialRow]) -> Grid {
    let whole = Plan::of(spec);
    let index = |arm: &Method| plan.arms.iter().position(|known| known == arm);
    let arms: Vec<ArmIx> = whole.arms.iter().filter_map(index).map(|ix| ArmIx(ix as u16)).collect();
    let curves: HashMap<TrialKey, &[CurveRow]> =
        curves.chunk_by(|a, b| a.trial == b.trial).map(|rows| (rows[0].trial, rows)).collect();
    let onsets: HashMap<TrialKey, u64> =
        trials.iter().filter_map(|trial| Some((trial.trial, trial.onset_step?))).collect();
    let run = |family: &Family| {
        let keys: Vec<_> = arms.iter().map(|&arm| TrialKey::new(family.family, arm)).collect();
        let column = |metric: fn(&CurveRow) -> Metric| {
            let rows = |key| curves.get(key).copied().unwrap_or_default();
            keys.iter().map(|key| rows(key).iter().map(metric).collect()).collect()
        };
        GridRun {
            seed: family.seed,
            weight_decay: family.weight_decay,
            steps_per_epoch: spec.recipe.steps_per_epoch(),
            onset_step: keys.iter().map(|key| onsets.get(key).copied()).collect(),
            train_loss: column(|row| row.train_loss),
            val_loss: column(|row| row.val_loss),
            val_error: column(|row| row.val_error),
        }
    };
    let same = |family: &Family, wanted: &Family| {
        (family.seed, family.weight_decay) == (wanted.seed, wanted.weight_decay)
    };
    let family = |wanted: &Family| plan.families.iter().find(|family| same(family, wanted));
    Grid {
        task: spec.name.clone(),
        recipe: flattened(spec),
        arms: arms.iter().map(|arm| plan.arms[arm.ix()]).collect(),
        levels: arms.iter().map(|arm| plan.arms[arm.ix()].level()).collect(),
        epochs: spec.recipe.epochs,
        runs: whole.families.iter().filter_map(family).map(run).collect(),
    }
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
        model: recipe.model.kind(),
        hidden: recipe.model.hidden().to_vec(),
        batch_norm: recipe.model.batch_norm(),
        optimizer: recipe.optimizer.name(),
        lr: recipe.optimizer.lr(),
        weight_decay,
        batch_size: recipe.batch_size,
        epochs: recipe.epochs,
    }
}
