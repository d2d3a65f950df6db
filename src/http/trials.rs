//! The trials of a sweep.

use super::{
    AppState,
    extract::SweepPath,
    openapi::NoSweep,
    problem::Problem,
    stored,
    sweeps::{self, arm_item},
};
use crate::{scheduler::TrialStatus, store::TrialRow};
use axum::{Json, extract::State};
use floodgauge_protocol::{ArmIx, Digest, Family, FamilyIx, Metric, SweepId, TrialKey};
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// One arm in one family.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialItem {
    /// The sweep's id, the family and the arm.
    #[schema(example = "019b76da-a800-7000-8000-000000000000.0.7")]
    pub id: String,
    /// The family's index.
    pub family: FamilyIx,
    /// The family's seed.
    pub seed: u32,
    /// The family's weight decay.
    pub weight_decay: f64,
    /// The arm's index.
    pub arm: ArmIx,
    /// The arm in words.
    #[schema(example = "flood b=0.07")]
    pub name: String,
    /// The arm's method.
    #[schema(example = "flood")]
    pub method: &'static str,
    /// The arm's flood level; null for plain.
    #[schema(required)]
    pub b: Option<f64>,
    /// Where it stands.
    pub status: TrialStatus,
    /// Epochs reported.
    pub epochs: u32,
    /// The first step whose mini-batch loss was below the arm's level; null until known.
    #[schema(required)]
    pub onset_step: Option<u64>,
    /// Its objective so far; null before anything was reported, and where this server can't
    /// follow the decisions of the version that ran the sweep.
    #[schema(required)]
    pub objective: Option<Metric>,
    /// Why it has this status, in words.
    #[schema(required)]
    pub reason: Option<String>,
    /// Its newest checkpoint.
    #[schema(required)]
    pub checkpoint: Option<Digest>,
}

/// All trials of a sweep.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialList {
    /// By family, then arm.
    pub items: Vec<TrialItem>,
}

/// List the trials of a sweep
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
    let plan = stored::legible(&sweeps::row(&state, sweep).await?)?.plan;
    let rows = state.driver.store().trials(sweep).await?;
    let rows: HashMap<TrialKey, TrialRow> = rows.into_iter().map(|row| (row.trial, row)).collect();
    let replayed = stored::replayed(&state, sweep).await?;
    let items = plan
        .families
        .iter()
        .flat_map(|family| plan.arm_ids().zip(&plan.arms).map(move |arm| (family, arm)))
        .map(|(family, (arm, method))| {
            let key = TrialKey::new(family.family, arm);
            let name = arm_item(arm, *method);
            let Family { family, seed, weight_decay } = *family;
            let row = rows.get(&key);
            TrialItem {
                id: format!("{sweep}.{key}"),
                family,
                seed,
                weight_decay,
                arm,
                name: name.name,
                method: name.method,
                b: name.b,
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
