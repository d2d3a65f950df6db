//! The trials of a sweep.

use super::{
    extract::SweepPath, openapi::NoSweep, problem::Problem, state::AppState, stored, sweeps,
};
use crate::store::TrialRow;
use axum::{Json, extract::State};
use floodgauge_api::{TrialItem, TrialList, TrialStatus};
use floodgauge_protocol::{Arm, Family, SweepId, TrialKey};
use std::collections::HashMap;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// List the trials of a sweep
///
/// All of them, one for each arm in each family: where each stands, and why.
#[utoipa::path(
    get,
    path = "/v1/sweeps/{id}/trials",
    operation_id = "listTrials",
    tag = "sweeps",
    params(("id" = SweepId, Path, description = "The sweep")),
    responses((status = 200, body = TrialList, description = "All its trials"), NoSweep)
)]
async fn list(
    State(state): State<AppState>,
    SweepPath(sweep): SweepPath,
) -> Result<Json<TrialList>, Problem> {
    let space = stored::legible(&sweeps::row(&state, sweep).await?)?.space;
    let rows = state.driver.store().trials(sweep).await?;
    let rows: HashMap<TrialKey, TrialRow> = rows.into_iter().map(|row| (row.trial, row)).collect();
    let replayed = stored::replayed(&state.driver, sweep).await?;
    let items = space
        .families
        .iter()
        .flat_map(|family| space.arm_ids().zip(&space.arms).map(move |arm| (family, arm)))
        .map(|(family, (arm, method))| {
            let key = TrialKey::new(family.family, arm);
            let Family { family, seed, weight_decay } = *family;
            let row = rows.get(&key);
            TrialItem {
                id: format!("{sweep}.{key}"),
                family,
                seed,
                weight_decay,
                arm: Arm::new(arm, *method),
                // A trial that nothing has touched yet has no row.
                status: row.map_or(TrialStatus::Dormant, |row| row.status),
                epochs: row.map_or(0, |row| row.epochs),
                onset_step: row.and_then(|row| row.onset_step),
                objective: replayed.as_ref().and_then(|state| state.objective(key)),
                reason: row.and_then(|row| row.reason.clone()),
                checkpoint: row.and_then(|row| row.checkpoint),
            }
        })
        .collect();
    Ok(Json(TrialList { items }))
}
