//! Sweeps: submit, list, look, delete.

use super::{
    AppState,
    access::Caller,
    body::JsonBody,
    extract::{IdempotencyKey, Query, SweepPath},
    openapi::{InvalidSweep, Malformed, NoSweep, StateConflict, TooLarge, UnsupportedMediaType},
    plan::{self, SweepPlan},
    problem::Problem,
    stored::{self, Legible},
    time::timestamp,
};
use crate::{
    scheduler::{Rungs, SweepStatus},
    store::{Page, SweepRow},
    verdict::Best,
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use floodgauge_protocol::{
    ArmIx, At, Digest, Family, Method, ObjectiveMetric, SchedulerKind, SweepId, SweepSpec,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(look, delete))
}

/// A sweep as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SweepSummary {
    /// Its id; ids sort by the time of submission.
    pub id: SweepId,
    /// What people call it.
    pub name: String,
    /// Where it stands.
    pub status: SweepStatus,
    /// Which scheduler decides for it.
    pub scheduler: SchedulerKind,
    /// When it was submitted.
    #[schema(value_type = String, format = DateTime, example = "2026-01-01T00:00:00Z")]
    pub created_at: Timestamp,
    /// When its log last grew.
    #[schema(value_type = String, format = DateTime, example = "2026-01-01T00:00:05Z")]
    pub updated_at: Timestamp,
    /// The data set.
    #[schema(example = "digits")]
    pub dataset: String,
    /// How many arms compete, plain included.
    pub arms: usize,
    /// How many seeds each arm is trained with.
    pub seeds: usize,
    /// Epochs of a full run.
    pub epochs: u32,
    /// The metric that is compared.
    pub metric: ObjectiveMetric,
    /// When it is read.
    pub at: At,
    /// The answer so far; null before anything was reported.
    #[schema(required)]
    pub best: Option<Best>,
    /// Why this server can't replay the sweep's log, in words: it is shown as far as it is stored,
    /// goes on no more here, and can be cancelled and deleted. Null where nothing of the kind is
    /// known.
    #[schema(required)]
    pub replay_error: Option<String>,
}

/// A sweep with all that it spells out.
#[derive(Debug, Serialize, ToSchema)]
pub struct SweepDetail {
    /// As in lists.
    #[serde(flatten)]
    pub summary: SweepSummary,
    /// The sweep as submitted, its split filled in, with what it was extended by.
    pub spec: SweepSpec,
    /// The arms, by index; those of levels that were added later come last.
    pub arms_list: Vec<ArmItem>,
    /// The families, by index; those of seeds that were added later come last.
    pub families: Vec<Family>,
    /// Mini-batches in one epoch.
    pub steps_per_epoch: u64,
    /// The epochs at which the scheduler decides, in rising order.
    pub rungs: Vec<u32>,
    /// The newest place in its log.
    pub seq: u64,
    /// The version of the scheduler that decides for it.
    pub scheduler_version: u32,
    /// What it waits for, in words, where all that is left of it is for machines of a kind that
    /// hasn't asked for work lately; else null.
    #[schema(required)]
    pub waits_for: Option<String>,
}

/// An arm of a sweep.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArmItem {
    /// Its index.
    pub arm: ArmIx,
    /// In words.
    #[schema(example = "flood b=0.01")]
    pub name: String,
    /// Its method.
    #[schema(example = "flood")]
    pub method: &'static str,
    /// Its flood level; null for plain, and for methods that have none.
    #[schema(required)]
    pub b: Option<f64>,
}

/// A page of sweeps, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SweepList {
    /// The sweeps.
    pub items: Vec<SweepSummary>,
    /// What to pass as `cursor` for the next page; null at the end.
    #[schema(required)]
    pub next_cursor: Option<SweepId>,
}

/// Which page of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// `next_cursor` of the page before.
    cursor: Option<SweepId>,
    /// At most so many items, 1 to 200; 50 when unset.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Only sweeps whose name contains this or whose id begins with it, whatever the case; of
    /// an id at least eight characters.
    search: Option<String>,
    /// Only sweeps of this status.
    status: Option<SweepStatus>,
}

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

/// Whether a submission is only tried.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CreateQuery {
    /// Check the sweep and answer its plan; nothing is stored.
    #[serde(default)]
    #[param(default = false)]
    dry_run: bool,
}

/// What a submission answers with 200.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum SubmittedOrPlanned {
    /// The sweep that its idempotency key had made before.
    Sweep(Box<SweepDetail>),
    /// The plan of one that wasn't submitted.
    Plan(Box<SweepPlan>),
}

/// Submit a sweep
///
/// With an `Idempotency-Key`, the same key and body again answer the same sweep with 200. With
/// `dry_run`, nothing is stored: the answer is the sweep's plan.
#[utoipa::path(
    post,
    path = "/v1/sweeps",
    operation_id = "submitSweep",
    tag = "sweeps",
    params(("idempotency-key" = Option<String>, Header, min_length = 1, max_length = 200,
            description = "A text of the client's own, the same in every attempt"),
           CreateQuery),
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
        (status = 200, body = SubmittedOrPlanned,
         description = "Submitted before with this key; with `dry_run`, its plan"),
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
        key.map(|key| Ok::<_, Problem>((key, canonical_digest(&spec)?))).transpose()?;
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
#[utoipa::path(
    get,
    path = "/v1/sweeps",
    operation_id = "listSweeps",
    tag = "sweeps",
    params(ListQuery),
    responses((status = 200, body = SweepList, description = "A page of sweeps"), Malformed)
)]
async fn list(
    State(state): State<AppState>,
    Query(query): Query<ListQuery>,
) -> Result<Json<SweepList>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let detail = format!("limit {limit} must be between 1 and {MAX_LIMIT}");
        return Err(Problem::Malformed(detail, Vec::new()));
    }
    let search = query.search.filter(|text| !text.is_empty());
    // One more than asked for tells whether there is a next page.
    let page = Page { after: query.cursor, search, status: query.status, limit: limit + 1 };
    let mut rows = state.driver.store().sweeps(page).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| row.sweep);
    let items = rows.iter().map(|row| summary(&state, row)).collect::<Result<_, _>>()?;
    Ok(Json(SweepList { items, next_cursor }))
}

/// Look at a sweep
#[utoipa::path(
    get,
    path = "/v1/sweeps/{id}",
    operation_id = "getSweep",
    tag = "sweeps",
    params(("id" = SweepId, Path, description = "The sweep")),
    responses((status = 200, body = SweepDetail, description = "The sweep"), NoSweep)
)]
async fn look(
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

/// An arm, spelled out.
pub(super) fn arm_item(arm: ArmIx, method: Method) -> ArmItem {
    ArmItem { arm, name: method.to_string(), method: method.name(), b: method.level() }
}

pub(super) async fn detail(state: &AppState, sweep: SweepId) -> Result<SweepDetail, Problem> {
    let row = row(state, sweep).await?;
    // Whether it can be replayed is known once somebody has tried.
    stored::replayed(state, sweep).await?;
    let summary = summary(state, &row)?;
    let waits_for = state.driver.waits_for(&row).await?;
    let Legible { spec, plan, .. } = stored::legible(&row)?;
    let rungs = Rungs::of(&spec, plan.arms.len() - 1).epochs().to_vec();
    Ok(SweepDetail {
        summary,
        arms_list: plan.arm_ids().zip(&plan.arms).map(|(ix, arm)| arm_item(ix, *arm)).collect(),
        families: plan.families,
        steps_per_epoch: spec.recipe.steps_per_epoch(),
        rungs,
        seq: row.head_seq,
        scheduler_version: row.scheduler_version,
        waits_for,
        spec,
    })
}

fn summary(state: &AppState, row: &SweepRow) -> Result<SweepSummary, Problem> {
    let Legible { spec, plan, is_whole } = stored::legible(row)?;
    let unread = || (!is_whole).then(|| "not all that it was submitted with can be read".into());
    Ok(SweepSummary {
        id: row.sweep,
        name: row.name.clone(),
        status: row.status,
        scheduler: spec.scheduler.kind,
        created_at: timestamp(row.created_ms).map_err(Problem::Internal)?,
        updated_at: timestamp(row.updated_ms).map_err(Problem::Internal)?,
        dataset: spec.recipe.dataset.name.to_string(),
        arms: plan.arms.len(),
        seeds: spec.search.seeds.len(),
        epochs: spec.recipe.epochs,
        metric: spec.search.objective.metric,
        at: spec.search.objective.at,
        best: stored::stored_best(row),
        replay_error: state.driver.replay_error(row).or_else(unread),
    })
}
