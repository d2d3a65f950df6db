//! The plan of a sweep that isn't submitted: what it would train, and what that would cost.

use super::{problem::Problem, state::AppState};
use crate::{
    scheduler::{self, Rungs},
    verdict::noise_floor,
};
use axum::Json;
use floodgauge_api::{ArmItem, SweepPlan};
use floodgauge_protocol::{Plan, SweepSpec};

/// Plans a sweep.
pub(super) async fn plan(state: &AppState, spec: SweepSpec) -> Result<Json<SweepPlan>, Problem> {
    let spec = state.driver.resolve(spec).await?;
    let plan = Plan::of(&spec);
    let cost = scheduler::bound(&spec);
    let dataset = &spec.recipe.dataset;
    Ok(Json(SweepPlan {
        name: spec.name.clone(),
        scheduler: spec.scheduler.kind,
        scheduler_version: scheduler::VERSION,
        arms: plan.arms.len(),
        seeds: spec.search.seeds.len(),
        epochs: spec.recipe.epochs,
        steps_per_epoch: spec.recipe.steps_per_epoch(),
        arms_list: ArmItem::all(&plan),
        rungs: Rungs::of(&spec, plan.arms.len() - 1).epochs().to_vec(),
        time: state.driver.time(&spec, cost.low, cost.high).await?,
        run_equivalents: cost,
        noise_floor: dataset
            .facts()
            .and_then(|facts| noise_floor(dataset.label_noise, facts.classes)),
        families: plan.families,
        spec,
    }))
}
