//! The trials of a sweep.

use super::{
    accept,
    access::Asker,
    extract::SweepPath,
    openapi::NoSweep,
    problem::Problem,
    rows::{
        Broken,
        pieces::{self, PIECE_BYTES, Pieces},
    },
    state::AppState,
    stored, sweeps,
};
use crate::{scheduler::Sweep, store::TrialRow};
use axum::{extract::State, response::Response};
use bytes::Bytes;
use floodgauge_api::{TrialItem, TrialList, TrialStatus};
use floodgauge_protocol::{Arm, ArmIx, Family, SearchSpace, SweepId, TrialKey};
use std::sync::Arc;
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
    Asker(asker): Asker,
    SweepPath(sweep): SweepPath,
) -> Result<Response, Problem> {
    let space = stored::legible(&sweeps::row(&state, sweep).await?)?.space;
    let place = state.places.exports.take(asker).await;
    let rows = state.driver.store().trials(sweep).await?;
    let replayed = stored::replayed(&state.driver, sweep).await?;
    pieces::answer(accept::JSON, List { sweep, space, rows, replayed, next: 0 }, place).await
}

/// A [`TrialList`], made as it is sent.
struct List {
    sweep: SweepId,
    space: SearchSpace,
    /// By family, then arm. A trial that nothing has touched yet has none.
    rows: Vec<TrialRow>,
    replayed: Option<Arc<Sweep>>,
    /// How many are sent.
    next: usize,
}

impl List {
    /// The item at a place of the list; none at its end.
    fn item(&self, place: usize) -> Option<TrialItem> {
        let SearchSpace { arms, families } = &self.space;
        let arm = place.checked_rem(arms.len())?;
        let Family { family, seed, weight_decay } = *families.get(place / arms.len())?;
        let key = TrialKey::new(family, ArmIx(arm as u16));
        let row = self.rows.binary_search_by_key(&key, |row| row.trial).ok();
        let row = row.map(|at| &self.rows[at]);
        Some(TrialItem {
            id: format!("{}.{key}", self.sweep),
            family,
            seed,
            weight_decay,
            arm: Arm::new(key.arm, arms[arm]),
            status: row.map_or(TrialStatus::Dormant, |row| row.status),
            epochs: row.map_or(0, |row| row.epochs),
            onset_step: row.and_then(|row| row.onset_step),
            objective: self.replayed.as_ref().and_then(|state| state.objective(key)),
            reason: row.and_then(|row| row.reason.clone()),
            checkpoint: row.and_then(|row| row.checkpoint),
        })
    }
}

impl Pieces for List {
    async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        let count = self.space.arms.len() * self.space.families.len();
        if self.next > count {
            return Ok(None);
        }
        let mut json = Vec::with_capacity(PIECE_BYTES + 1024);
        if self.next == 0 {
            json.extend(b"{\"items\":[");
        }
        while json.len() < PIECE_BYTES {
            let item = self.item(self.next);
            let is_first = self.next == 0;
            self.next += 1;
            let Some(item) = item else {
                json.extend(b"]}");
                break;
            };
            json.extend((!is_first).then_some(b','));
            serde_json::to_writer(&mut json, &item)?;
        }
        Ok(Some(json.into()))
    }
}
