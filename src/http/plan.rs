//! The plan of a sweep that isn't submitted: what it would train, and what that would cost.

use super::{
    body::JsonBody,
    openapi::{InvalidSweep, Malformed, TooLarge, UnsupportedMediaType},
    problem::Problem,
    state::AppState,
};
use crate::{heavy::on_trials, scheduler, verdict::noise_floor_of, warnings};
use axum::{Json, extract::State};
use floodgauge_api::SweepPlan;
use floodgauge_protocol::{Arm, SearchSpace, SweepSpec};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create))
}

/// Plan a sweep
///
/// Checks it as submitting it would, and answers what it would train and what that would cost.
/// Nothing is stored.
#[utoipa::path(
    post,
    path = "/v1/plans",
    operation_id = "planSweep",
    tag = "sweeps",
    request_body(content = SweepSpec, description = "At most 1 MiB", example = json!({
        "name": "digits",
        "recipe": { "dataset": { "name": "digits", "label_noise": 0.2 } },
        "search": { "seeds": [0, 1, 2] }
    })),
    responses(
        (status = 200, body = SweepPlan, description = "Its plan"),
        Malformed, TooLarge, UnsupportedMediaType, InvalidSweep,
    )
)]
async fn create(
    State(state): State<AppState>,
    JsonBody(spec): JsonBody<SweepSpec>,
) -> Result<Json<SweepPlan>, Problem> {
    plan(&state, spec).await
}

/// Plans a sweep.
pub(super) async fn plan(state: &AppState, spec: SweepSpec) -> Result<Json<SweepPlan>, Problem> {
    let spec = state.driver.resolve(spec).await?;
    let scales = state.driver.scales(&spec.recipe.dataset).await?;
    let warnings = warnings::of_recipe(&spec.recipe, scales.as_ref());
    let mut plan = on_trials(spec.search.trials(), || of(spec)).await;
    plan.warnings = warnings;
    let cost = &plan.run_equivalents;
    plan.time = state.driver.time(&plan.spec, cost.low, cost.high).await?;
    Ok(Json(plan))
}

/// The plan of a sweep, without the time that it would take and what there is to warn of.
fn of(spec: SweepSpec) -> SweepPlan {
    let plan = SearchSpace::of(&spec);
    let scheduler_version = scheduler::current_version(spec.scheduler.kind);
    SweepPlan {
        name: spec.name.clone(),
        scheduler: spec.scheduler.kind,
        scheduler_version,
        arms: plan.arms.len(),
        seeds: spec.search.seeds.len(),
        epochs: spec.recipe.epochs,
        steps_per_epoch: spec.recipe.steps_per_epoch(),
        arms_list: Arm::all(&plan),
        rungs: scheduler::decision_epochs(&spec, scheduler_version),
        time: None,
        run_equivalents: scheduler::bound(&spec),
        noise_floor: noise_floor_of(&spec),
        warnings: Vec::new(),
        families: plan.families,
        spec,
    }
}
