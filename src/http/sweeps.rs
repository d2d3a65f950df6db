//! Sweeps: submit, list, look, delete.

use super::{
    accept,
    access::Caller,
    body::JsonBody,
    extract::{IdempotencyKey, Query, SweepPath},
    openapi::{InvalidSweep, Malformed, NoSweep, StateConflict, TooLarge, UnsupportedMediaType},
    plan,
    problem::Problem,
    rows::{
        Broken,
        pieces::{self, PIECE_BYTES, Pieces},
    },
    state::AppState,
    stored::{self, Legible},
    time::timestamp,
};
use crate::{
    heavy::aside,
    scheduler::{self, Extent},
    store::{Page, SweepRow},
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use floodgauge_api::{
    Best, Finding, Progress, SweepDetail, SweepList, SweepQuery, SweepStatus, SweepSummary,
    TroubledWorker, WaitsFor,
};
use floodgauge_protocol::{Arm, Digest, SweepId, SweepSpec};
use serde::Deserialize;
use sha2::Digest as _;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(get, delete))
}

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

/// Longer than any name or id that could be found.
const MAX_SEARCH_CHARS: usize = 200;

/// How plans were asked for before they had a route of their own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateQuery {
    #[serde(default)]
    dry_run: bool,
}

/// Submit a sweep
///
/// With an `Idempotency-Key`, the same key and body again answer the same sweep with 200.
#[utoipa::path(
    post,
    path = "/v1/sweeps",
    operation_id = "submitSweep",
    tag = "sweeps",
    params(("idempotency-key" = Option<String>, Header, min_length = 1, max_length = 200,
            description = "A text of the client's own, the same in every attempt")),
    request_body(content = SweepSpec, description = "At most 1 MiB", example = json!({
        "name": "digits",
        "recipe": {
            "dataset": { "name": "digits", "label_noise": 0.2 },
            "model": { "kind": "mlp", "hidden": [128, 128], "batch_norm": false },
            "optimizer": { "kind": "sgd", "lr": 0.05, "momentum": 0.9 },
            "batch_size": 50,
            "epochs": 100
        },
        "search": {
            "levels": { "from": 0.01, "to": 0.2, "step": 0.01 },
            "weight_decay": [0.0],
            "seeds": [0],
            "methods": ["flood"],
            "objective": { "metric": "val_loss", "at": "last" }
        },
        "scheduler": { "kind": "halving", "priority": 0 }
    })),
    responses(
        (status = 201, body = SweepDetail, description = "Submitted",
         headers(("location" = String, description = "Where the sweep is"))),
        (status = 200, body = SweepDetail, description = "Submitted before with this key"),
        Malformed, TooLarge, UnsupportedMediaType, InvalidSweep,
    )
)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Query(query): Query<CreateQuery>,
    JsonBody(spec): JsonBody<SweepSpec>,
) -> Result<Response, Problem> {
    if query.dry_run {
        return Ok(plan::plan(&state, spec).await?.into_response());
    }
    let idempotency =
        key.map(|key| Ok::<_, Problem>((key, aside(|| canonical_digest(&spec))?))).transpose()?;
    let submitted = state.driver.submit_as(caller.owner(), spec, idempotency).await?;
    let body = Json(detail(&state, submitted.sweep).await?);
    if submitted.created {
        // Relative to the request, so that it holds below whatever prefix a proxy adds.
        let location = format!("sweeps/{}", submitted.sweep);
        Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
    } else {
        Ok(body.into_response())
    }
}

/// The digest of what the body says, whatever its spaces, its order and the defaults it spells out.
fn canonical_digest(spec: &SweepSpec) -> Result<Digest, Problem> {
    let canonical = serde_json::to_vec(spec).map_err(|error| Problem::Internal(error.into()))?;
    Ok(Digest(sha2::Sha256::digest(canonical).into()))
}

/// List sweeps, newest first
///
/// Each with its answer so far. A page at a time: `next_cursor` leads to the next one.
#[utoipa::path(
    get,
    path = "/v1/sweeps",
    operation_id = "listSweeps",
    tag = "sweeps",
    params(SweepQuery),
    responses((status = 200, body = SweepList, description = "A page of sweeps"), Malformed)
)]
async fn list(
    State(state): State<AppState>,
    Query(query): Query<SweepQuery>,
) -> Result<Response, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let detail = format!("limit {limit} must be between 1 and {MAX_LIMIT}");
        return Err(Problem::Malformed(detail, Vec::new()));
    }
    let search = query.search.filter(|text| !text.is_empty());
    let chars = search.as_deref().map_or(0, |text| text.chars().count());
    if chars > MAX_SEARCH_CHARS {
        let detail = format!("search has at most {MAX_SEARCH_CHARS} characters, not {chars}");
        return Err(Problem::Malformed(detail, Vec::new()));
    }
    // Which Postgres doesn't take in any text.
    if search.as_deref().is_some_and(|text| text.contains('\0')) {
        return Err(Problem::Malformed("search has no NUL".into(), Vec::new()));
    }
    let page = Page { after: query.cursor, search, status: query.status, limit: AT_ONCE };
    pieces::answer(accept::JSON, List { state, page, left: limit, place: Place::Begin }, ()).await
}

/// Sweeps read at once: the answer of one with thousands of arms is large.
const AT_ONCE: u32 = 20;

/// A [`SweepList`], made as it is sent.
struct List {
    state: AppState,
    /// What comes next.
    page: Page,
    /// How many may come yet.
    left: u32,
    place: Place,
}

/// How far a list is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Begin,
    Items,
    End,
}

impl Pieces for List {
    async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        if self.place == Place::End {
            return Ok(None);
        }
        let mut json = Vec::new();
        while json.len() < PIECE_BYTES && self.place != Place::End {
            // One more than may come tells whether there is a next page.
            let limit = AT_ONCE.min(self.left + 1);
            let page = Page { limit, ..self.page.clone() };
            let rows = self.state.driver.store().sweeps(page).await?;
            let count = rows.len().min(self.left as usize);
            let recovered = stored::recovered_of(&self.state.driver, &rows[..count]).await;
            // All at once: going aside takes longer than one of them does.
            aside(|| {
                for (row, recovered) in rows[..count].iter().zip(recovered) {
                    let begin: &[u8] =
                        if self.place == Place::Begin { b"{\"items\":[" } else { b"," };
                    json.extend(begin);
                    self.place = Place::Items;
                    serde_json::to_writer(&mut json, &summary(&self.state, row, recovered)?)?;
                    self.page.after = Some(row.sweep);
                }
                Ok::<_, Broken>(())
            })?;
            self.left -= count as u32;
            let more = rows.len() > count;
            if more || rows.len() < limit as usize {
                if self.place == Place::Begin {
                    json.extend(b"{\"items\":[");
                }
                json.extend(b"],\"next_cursor\":");
                serde_json::to_writer(&mut json, &self.page.after.filter(|_| more))?;
                json.push(b'}');
                self.place = Place::End;
            }
        }
        Ok(Some(json.into()))
    }
}

/// Look at a sweep
///
/// As in lists, with its spec, its arms and families, and how far its log has got.
#[utoipa::path(
    get,
    path = "/v1/sweeps/{id}",
    operation_id = "getSweep",
    tag = "sweeps",
    params(("id" = SweepId, Path, description = "The sweep")),
    responses((status = 200, body = SweepDetail, description = "The sweep"), NoSweep)
)]
async fn get(
    State(state): State<AppState>,
    SweepPath(sweep): SweepPath,
) -> Result<Json<SweepDetail>, Problem> {
    Ok(Json(detail(&state, sweep).await?))
}

/// Delete a sweep
///
/// With its log, its curves and its checkpoints. One that still runs has to be cancelled first.
#[utoipa::path(
    delete,
    path = "/v1/sweeps/{id}",
    operation_id = "deleteSweep",
    tag = "sweeps",
    params(("id" = SweepId, Path, description = "The sweep")),
    responses((status = 204, description = "Deleted"), NoSweep, StateConflict)
)]
async fn delete(
    State(state): State<AppState>,
    SweepPath(sweep): SweepPath,
) -> Result<StatusCode, Problem> {
    state.driver.delete(sweep).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A sweep's row, or the problem that there is none.
pub(super) async fn row(state: &AppState, sweep: SweepId) -> Result<SweepRow, Problem> {
    let row = state.driver.store().sweep(sweep).await?;
    row.ok_or_else(|| Problem::NotFound(format!("sweep {sweep}")))
}

pub(super) async fn detail(state: &AppState, sweep: SweepId) -> Result<SweepDetail, Problem> {
    let row = row(state, sweep).await?;
    // Whether it can be replayed is known once somebody has tried.
    let replayed = stored::replayed(&state.driver, sweep).await?;
    let waiting = state.driver.waiting(&row).await?;
    let waits_for = waiting.as_ref().filter(|waiting| {
        // What this field told before there was one of all that is waited for.
        matches!(waiting.what, WaitsFor::Data | WaitsFor::Machine | WaitsFor::LeaseExpired)
    });
    let waits_for = waits_for.map(|waiting| waiting.words.clone());
    let troubled_workers = troubled_workers(state, &row).await?;
    let recovered = stored::recovered(&state.driver, &row).await?;
    aside(|| {
        let summary = summary(state, &row, recovered)?;
        let Legible { spec, space, .. } = stored::legible(&row)?;
        let version = row.scheduler_version;
        let rungs = scheduler::decision_epochs(&spec, version);
        let stages = scheduler::stages(&spec, version);
        Ok(SweepDetail {
            summary,
            arms_list: Arm::all(&space),
            families: space.families,
            metrics: spec.search.metrics().iter().cloned().collect(),
            steps_per_epoch: spec.recipe.steps_per_epoch(),
            rungs,
            stages,
            seq: row.head_seq,
            scheduler_version: row.scheduler_version,
            waits_for,
            waiting,
            progress: replayed.map(|replayed| progress(&row, replayed.extent())),
            troubled_workers,
            spec,
        })
    })
}

/// The least share of a sweep by which its pace can be told.
const LEAST_SHARE: f64 = 0.02;

/// How far a sweep has got, with the times that its log tells.
fn progress(row: &SweepRow, extent: Extent) -> Progress {
    let elapsed_s = row.begun_ms.map(|begun| (row.updated_ms - begun).max(0) as f64 / 1e3);
    let goes_on = row.status == SweepStatus::Running;
    let left_s = elapsed_s.filter(|_| goes_on).and_then(|elapsed_s| left_s(&extent, elapsed_s));
    let Extent { phase, spent, planned, pruned, .. } = extent;
    Progress { phase, spent, planned, pruned, elapsed_s, left_s }
}

/// How many seconds are left at the pace so far; none where the time since the begin doesn't tell that.
fn left_s(extent: &Extent, elapsed_s: f64) -> Option<f64> {
    let &Extent { spent, planned, interrupted, .. } = extent;
    let is_telling = !interrupted && spent > 0.0 && spent >= LEAST_SHARE * planned;
    is_telling.then(|| elapsed_s * (planned - spent) / spent)
}

/// The workers in trouble, where a sweep could do with them.
async fn troubled_workers(
    state: &AppState,
    row: &SweepRow,
) -> Result<Vec<TroubledWorker>, Problem> {
    if !matches!(row.status, SweepStatus::Queued | SweepStatus::Running) {
        return Ok(vec![]);
    }
    let told = |of: crate::store::TroubledWorker| {
        let next_try_at = timestamp(of.next_try_ms).map_err(Problem::Internal)?;
        Ok(TroubledWorker { worker: of.worker, message: of.message, next_try_at })
    };
    state.driver.troubled_workers().await?.into_iter().map(told).collect()
}

/// A sweep as lists show it, with the answer that was `recovered` from its log where the row doesn't tell it.
fn summary(
    state: &AppState,
    row: &SweepRow,
    recovered: Option<Best>,
) -> Result<SweepSummary, Problem> {
    let Legible { spec, space, is_whole } = stored::legible(row)?;
    let unread = || (!is_whole).then(|| "not all that it was submitted with can be read".into());
    let objective = spec.search.objective.metric;
    let best = recovered.or_else(|| stored::best(row, &space));
    let ended = best.as_ref().filter(|_| row.status.is_final());
    let finding = ended.map(|best| best.finding).filter(|finding| *finding != Finding::Pending);
    Ok(SweepSummary {
        id: row.sweep,
        name: row.name.clone(),
        status: row.status,
        scheduler: spec.scheduler.kind,
        created_at: timestamp(row.created_ms).map_err(Problem::Internal)?,
        updated_at: timestamp(row.updated_ms).map_err(Problem::Internal)?,
        dataset: spec.recipe.dataset.name.to_string(),
        arms: space.arms.len(),
        seeds: spec.search.seeds.len(),
        epochs: spec.recipe.epochs,
        metric: objective,
        metric_unit: spec.search.metrics().get(objective).and_then(|metric| metric.unit.clone()),
        at: spec.search.objective.at,
        best,
        finding,
        replay_error: state.driver.replay_error(row).or_else(unread),
        end_reason: row.end_reason.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_is_left_goes_by_the_pace_so_far_unless_the_sweep_stood_still() {
        let extent = |spent, interrupted| Extent {
            phase: "training to the end".into(),
            spent,
            planned: 4.0,
            pruned: 0.0,
            interrupted,
        };
        assert_eq!(left_s(&extent(1.0, false), 20.0), Some(60.0));
        assert_eq!(left_s(&extent(1.0, true), 20.0), None, "how long it stood still isn't known");
        assert_eq!(left_s(&extent(0.01, false), 20.0), None, "too little of it is trained");
        assert_eq!(left_s(&extent(0.0, false), 20.0), None);
    }
}
