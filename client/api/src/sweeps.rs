//! Sweeps: as lists show them, and with all that they spell out.

use crate::{
    best::{Best, Finding},
    progress::{Progress, Waiting},
    stage::Stage,
    status::SweepStatus,
};
use floodgauge_protocol::{
    Arm, At, Family, MetricInfo, MetricName, SchedulerKind, SweepId, SweepSpec,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A sweep as lists show it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-01-01T00:00:00Z"))]
    pub created_at: Timestamp,
    /// When its log last grew.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-01-01T00:00:05Z"))]
    pub updated_at: Timestamp,
    /// The name of the data set that it trains on.
    #[cfg_attr(feature = "openapi", schema(example = "digits"))]
    pub dataset: String,
    /// How many arms compete, plain included.
    pub arms: usize,
    /// How many seeds each arm is trained with.
    pub seeds: usize,
    /// Epochs of a full run.
    pub epochs: u32,
    /// The metric that is compared.
    pub metric: MetricName,
    /// What that is measured in; null where nobody said, and where it has no unit.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub metric_unit: Option<String>,
    /// Where on a curve it is read: at the end, or at the best epoch.
    pub at: At,
    /// The answer so far; null before anything was reported.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub best: Option<Best>,
    /// What the answer comes to; null until the sweep has ended.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub finding: Option<Finding>,
    /// Why this server can't replay the sweep's log, in words: it is shown as far as it is stored,
    /// goes on no more here, and can be cancelled and deleted. Null where nothing of the kind is
    /// known.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub replay_error: Option<String>,
    /// Why it failed or was cancelled, in words; else null.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub end_reason: Option<String>,
}

/// A sweep with all that it spells out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SweepDetail {
    /// As in lists.
    #[serde(flatten)]
    pub summary: SweepSummary,
    /// The sweep as submitted, its split filled in, with what it was extended by.
    pub spec: SweepSpec,
    /// The arms, by index; those of levels that were added later come last.
    pub arms_list: Vec<Arm>,
    /// The families, by index; those of seeds that were added later come last.
    pub families: Vec<Family>,
    /// What each run reports beside its training loss, with which way it is better.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub metrics: Vec<MetricInfo>,
    /// Mini-batches in one epoch.
    pub steps_per_epoch: u64,
    /// The epochs at which the scheduler decides, in rising order.
    pub rungs: Vec<u32>,
    /// The parts that it is trained in, first to last. Servers of version 0.1 tell none.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub stages: Vec<Stage>,
    /// The newest place in its log.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub seq: u64,
    /// The version of the scheduler that decides for it.
    pub scheduler_version: u32,
    /// What it waits for, in words, where its data set is damaged, or all that is left of it is for machines
    /// of a kind that hasn't asked for work lately; else null. `waiting` tells of all else too.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub waits_for: Option<String>,
    /// Why nobody works on it, and what to do about it; null where somebody does, and where nothing more
    /// is to come of it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub waiting: Option<Waiting>,
    /// How far it has got; null where its log can't be replayed.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub progress: Option<Progress>,
    /// Workers of the server that said that their machines are in trouble, by name; empty for a sweep
    /// that doesn't go on.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub troubled_workers: Vec<TroubledWorker>,
}

/// A worker that asks for no work since its machine is in trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TroubledWorker {
    /// The name that it gave itself.
    pub worker: String,
    /// What it says of its trouble.
    pub message: String,
    /// When it means to look again.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-01-01T00:00:05Z"))]
    pub next_try_at: Timestamp,
}

impl SweepDetail {
    /// Whether it compares several weight decays, so that an arm's name alone doesn't tell it.
    pub fn has_several_decays(&self) -> bool {
        self.families.windows(2).any(|pair| pair[0].weight_decay != pair[1].weight_decay)
    }
}

/// A page of sweeps, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SweepList {
    /// The sweeps of this page.
    pub items: Vec<SweepSummary>,
    /// What to pass as `cursor` for the next page; null at the end.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub next_cursor: Option<SweepId>,
}

/// Which page of the list of sweeps.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct SweepQuery {
    /// `next_cursor` of the page before.
    pub cursor: Option<SweepId>,
    /// At most so many items, 1 to 200; 50 when unset.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 200, default = 50))]
    pub limit: Option<u32>,
    /// Only sweeps whose name contains this or whose id begins with it, whatever the case; of
    /// an id at least eight characters. At most 200 characters.
    #[cfg_attr(feature = "openapi", param(max_length = 200))]
    pub search: Option<String>,
    /// Only sweeps of this status.
    pub status: Option<SweepStatus>,
}
