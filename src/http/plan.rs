//! The plan of a sweep that isn't submitted: what it would train, and what that would cost.

use super::{
    AppState,
    problem::Problem,
    sweeps::{ArmItem, arm_item},
};
use crate::{
    driver::PlannedTime,
    scheduler::{self, PlanBound, Rungs},
    verdict::noise_floor,
};
use axum::Json;
use floodgauge_protocol::{Family, SchedulerKind, SearchSpace, SweepSpec};
use serde::Serialize;
use utoipa::ToSchema;

/// What a sweep would train, and what that would cost. Nothing is stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct SweepPlan {
    /// What people would call it.
    pub name: String,
    /// Which scheduler would decide for it.
    pub scheduler: SchedulerKind,
    /// The version of the scheduler.
    pub scheduler_version: u32,
    /// How many arms would compete, plain included.
    pub arms: usize,
    /// How many seeds each arm may be trained with.
    pub seeds: usize,
    /// Epochs of a full run.
    pub epochs: u32,
    /// Mini-batches in one epoch.
    pub steps_per_epoch: u64,
    /// The arms, by index.
    pub arms_list: Vec<ArmItem>,
    /// The families, by index.
    pub families: Vec<Family>,
    /// The epochs at which the scheduler would decide, in rising order.
    pub rungs: Vec<u32>,
    /// What it would cost, and what would be trained, one thing after the other.
    pub run_equivalents: PlanBound,
    /// How long it would take; null while no worker has shown how fast it trains this recipe.
    #[schema(required)]
    pub time: Option<PlannedTime>,
    /// The least cross-entropy, in nats, that any model can have on labels as noisy as the recipe's;
    /// null without label noise.
    #[schema(required)]
    pub noise_floor: Option<f64>,
    /// The sweep as it would be stored, its split filled in.
    pub spec: SweepSpec,
}

/// Plans a sweep.
pub(super) async fn plan(state: &AppState, spec: SweepSpec) -> Result<Json<SweepPlan>, Problem> {
    let spec = state.driver.resolve(spec).await?;
    let plan = SearchSpace::of(&spec);
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
        arms_list: plan.arm_ids().zip(&plan.arms).map(|(ix, arm)| arm_item(ix, *arm)).collect(),
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
