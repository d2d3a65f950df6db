//! The answer of a sweep: best b, and how sure.

use super::{
    extract::SweepPath, openapi::NoSweep, problem::Problem, state::AppState, stored, sweeps,
};
use crate::{
    scheduler::{Sweep, SweepStatus},
    store::SweepRow,
    verdict::{Best, Paste, paste},
};
use axum::{Json, extract::State};
use floodgauge_api::SweepBest;
use floodgauge_protocol::SweepId;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(best))
}

/// Ask for the best arm, at any time
///
/// The best level with its objective, its difference to plain training, how sure that is, what it cost, and
/// all of it in words. Before the sweep has ended it is the answer so far. Of a sweep that was extended it is
/// the answer before that, should the extension be cancelled or fail (`before_extension`).
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
            "direction": "min",
            "at": "last",
            "best": { "arm": 7, "name": "flood b=0.07", "method": "flood", "b": 0.07,
                      "parameter": 0.07, "weight_decay": 0.0, "objective": 0.231, "probability": null,
                      "test": { "loss": 0.2, "error": 0.05 } },
            "baseline": { "objective": 0.301, "test": { "loss": 0.3, "error": 0.06 } },
            "difference": { "mean": -0.07, "expected": null, "low": null, "high": null, "level": 0.9,
                            "seeds": 1 },
            "run_equivalents": { "spent": 2.2, "full_grid": 21.0, "saved_by_sharing": 1.2,
                                 "saved_by_pruning": 17.6, "redone": 0.0, "left_behind": 0.0 },
            "finding": "one_seed",
            "probabilities": [{ "arm": 7, "name": "flood b=0.07", "method": "flood", "b": 0.07,
                                "parameter": 0.07, "weight_decay": 0.0, "evidence": "trained", "seeds": 1,
                                "objective": 0.231, "fitted": null, "low": null, "high": null,
                                "probability": null }],
            "other_metric": { "metric": "val_error", "prefers": "same", "arm": 7,
                              "name": "flood b=0.07", "method": "flood", "b": 0.07,
                              "parameter": 0.07, "weight_decay": 0.0,
                              "objective": 0.051, "of_best": 0.051 },
            "noise_floor": null,
            "advice": { "kind": "more_seeds", "seeds": 2, "levels": [], "epochs": null,
                        "command": "floodgauge extend 019b76da-a800-7000-8000-000000000000 --seeds 2",
                        "words": "One seed can't say how sure the answer is: two more would." },
            "paste": { "line": "loss = (loss - 0.07).abs() + 0.07", "learning_rate": 0.05,
                       "weight_decay": 0.0, "epochs": 100,
                       "words": "at learning rate 0.05, for 100 epochs" },
            "size_percent": -23.3,
            "sentence": "flood b=0.07 has the lowest val_loss, 0.2310, 23 % below plain (0.3010).",
            "points": ["One seed can't say how sure that is: give several seeds for an interval."],
            "against": [],
            "verdict": "flood b=0.07 has the lowest val_loss, 0.2310, 23 % below plain (0.3010). One seed can't \
                        say how sure that is: give several seeds for an interval.",
            "before_extension": false
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
    let replayed = stored::replayed(&state.driver, sweep).await?;
    let best = match &replayed {
        Some(replayed) => stored::of_row(&row, replayed.best()),
        // Nothing was reported yet, which is an answer too.
        None if row.best.is_none() => Sweep::new(stored::legible(&row)?.spec).best(),
        None => stored::best(&row, &stored::legible(&row)?.space).ok_or_else(|| {
            Problem::Internal(anyhow::anyhow!("nothing tells the answer of sweep {sweep}"))
        })?,
    };
    let paste = to_paste(&row, replayed.as_deref(), &best)?;
    Ok(Json(SweepBest { sweep, status, best, paste }))
}

/// What trains as the best arm does, for as many epochs as it was trained; none before there is an answer.
fn to_paste(
    row: &SweepRow,
    replayed: Option<&Sweep>,
    best: &Best,
) -> Result<Option<Paste>, Problem> {
    let before = match (row.status, replayed.and_then(Sweep::before_extension)) {
        (SweepStatus::Completed, _) => None,
        (_, Some(answered)) => Some(answered.epochs),
        _ => return Ok(None),
    };
    let stored::Legible { mut spec, space, .. } = stored::legible(row)?;
    spec.recipe.epochs = before.unwrap_or(spec.recipe.epochs);
    Ok(paste(best, &spec, &space.arms))
}
