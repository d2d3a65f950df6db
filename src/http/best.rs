//! The answer of a sweep: best b, and how sure.

use super::{AppState, extract::SweepPath, openapi::NoSweep, problem::Problem, stored, sweeps};
use crate::{
    scheduler::{Sweep, SweepStatus},
    verdict::Best,
};
use axum::{Json, extract::State};
use floodgauge_protocol::SweepId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(best))
}

/// The answer so far or, once the sweep has completed, at all.
#[derive(Debug, Serialize, ToSchema)]
pub struct SweepBest {
    /// The sweep.
    pub sweep: SweepId,
    /// Where it stands.
    pub status: SweepStatus,
    /// The answer.
    #[serde(flatten)]
    pub best: Best,
}

/// Ask for the best arm, at any time
#[utoipa::path(
    get,
    path = "/v1/sweeps/{id}/best",
    operation_id = "getBest",
    tag = "sweeps",
    params(("id" = SweepId, Path, description = "The sweep")),
    responses(
        (status = 200, body = SweepBest, description = "The answer", example = json!({
            "sweep": "019b76da-a800-7000-8000-000000000000",
            "status": "completed",
            "metric": "val_loss",
            "at": "last",
            "best": { "arm": "flood b=0.07", "method": "flood", "b": 0.07, "weight_decay": 0.0,
                      "objective": 0.231, "probability": null,
                      "test": { "loss": 0.2, "error": 0.05 } },
            "baseline": { "objective": 0.301, "test": { "loss": 0.3, "error": 0.06 } },
            "difference": { "mean": -0.07, "low": null, "high": null, "level": 0.9, "seeds": 1 },
            "run_equivalents": { "spent": 5.9, "full_grid": 21.0, "saved_by_sharing": 0.0,
                                 "saved_by_pruning": 15.1, "redone": 0.0 },
            "verdict": "flood b=0.07 ends 0.070 below plain"
        })),
        NoSweep,
    )
)]
async fn best(
    State(state): State<AppState>,
    SweepPath(sweep): SweepPath,
) -> Result<Json<SweepBest>, Problem> {
    // The status first: an answer that is newer than its status may say more, never less.
    let row = sweeps::row(&state, sweep).await?;
    let status = row.status;
    let best = match stored::replayed(&state, sweep).await? {
        Some(replayed) => replayed.best(),
        // Nothing was reported yet, which is an answer too.
        None if row.best.is_none() => Sweep::new(stored::legible(&row)?.spec).best(),
        None => stored::stored_best(&row).ok_or_else(|| {
            Problem::Internal(anyhow::anyhow!("nothing tells the answer of sweep {sweep}"))
        })?,
    };
    Ok(Json(SweepBest { sweep, status, best: best.of_sweep(sweep) }))
}
