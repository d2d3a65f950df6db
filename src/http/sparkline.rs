//! A sweep's best curve in a few points, for lists that draw many sweeps.

use super::{
    extract::SweepPath,
    openapi::NoSweep,
    problem::Problem,
    state::AppState,
    stored::{self, Legible},
    sweeps,
};
use axum::{Json, extract::State};
use floodgauge_api::{BestArm, curves::Sparkline};
use floodgauge_protocol::{ArmIx, FamilyIx, Metric, SearchSpace, SweepId, TrialKey};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The most points of a sparkline.
const POINTS: u32 = 60;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(sparkline))
}

/// Get a sweep's best curve in a few points
///
/// That of the best arm so far by the metric that the sweep compares; for lists that draw many sweeps.
#[utoipa::path(
    get,
    path = "/v1/sweeps/{id}/sparkline",
    operation_id = "getSparkline",
    tag = "sweeps",
    params(("id" = SweepId, Path, description = "The sweep")),
    responses((status = 200, body = Sparkline, description = "The curve so far"), NoSweep)
)]
async fn sparkline(
    State(state): State<AppState>,
    SweepPath(sweep): SweepPath,
) -> Result<Json<Sparkline>, Problem> {
    let row = sweeps::row(&state, sweep).await?;
    let Legible { spec, space, .. } = stored::legible(&row)?;
    let recovered = stored::recovered(&state.driver, &row).await?;
    let best = recovered.or_else(|| stored::best(&row, &space)).and_then(|best| best.best);
    let trial = trial_of(best.as_ref(), &space);
    let rows = state.driver.store().curve(sweep, trial, POINTS).await?;
    let metric = spec.search.objective.metric;
    Ok(Json(Sparkline {
        arm: trial.arm,
        family: trial.family,
        metric,
        epoch: rows.iter().map(|row| row.epoch).collect(),
        value: rows.iter().map(|r| r.metrics.get(metric).unwrap_or(Metric::Diverged)).collect(),
    }))
}

/// The best arm in its first family; the plain run of the first of all before there is one.
fn trial_of(best: Option<&BestArm>, space: &SearchSpace) -> TrialKey {
    let decay = best.map(|best| best.weight_decay);
    let family = space.families.iter().find(|family| Some(family.weight_decay) == decay);
    let family = family.map_or(FamilyIx(0), |family| family.family);
    TrialKey::new(family, best.map_or(ArmIx::PLAIN, |best| best.arm.ix))
}
