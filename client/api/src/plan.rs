//! What a sweep would train and cost, told before it is paid.

use floodgauge_protocol::{Arm, Family, SchedulerKind, SweepId, SweepSpec};
use serde::{Deserialize, Serialize};

/// What a sweep would train, and what that would cost. Nothing is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SweepPlan {
    /// What people would call it.
    pub name: String,
    /// Which scheduler would decide for it.
    pub scheduler: SchedulerKind,
    /// The version of the scheduler.
    pub scheduler_version: u32,
    /// How many arms would compete, plain included.
    pub arms: usize,
    /// How many seeds each arm may be trained with.
    pub seeds: usize,
    /// Epochs of a full run.
    pub epochs: u32,
    /// Mini-batches in one epoch.
    pub steps_per_epoch: u64,
    /// Every arm that would compete, in the order of their indices; plain is the first.
    pub arms_list: Vec<Arm>,
    /// The families that these would be trained in, in the order of their indices.
    pub families: Vec<Family>,
    /// The epochs at which the scheduler would decide, in rising order.
    pub rungs: Vec<u32>,
    /// What it would cost, and what would be trained, one thing after the other.
    pub run_equivalents: PlanBound,
    /// How long it would take; null while no worker has shown how fast it trains this recipe.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub time: Option<PlannedTime>,
    /// The least cross-entropy, in nats, that any model can have on labels as noisy as the recipe's;
    /// null without label noise.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub noise_floor: Option<f64>,
    /// What is likely to go wrong, in words for people, most often none: features that training hardly stands as they
    /// are, labels that tell nothing. Submitting it is no error.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub warnings: Vec<String>,
    /// The sweep as it would be stored, its split filled in.
    pub spec: SweepSpec,
}

/// The bounds of a sweep's cost, in run-equivalents over all its seeds and weight decays.
///
/// They hold whatever the curves turn out to be. Work that is lost with a worker and done again
/// isn't in them, as it isn't in what a sweep has spent; neither is what an extension adds later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanBound {
    /// The least: no level is ever reached, and every flooded arm shares the trunk to the end.
    pub low: f64,
    /// The most: every level is reached in the first epoch.
    pub high: f64,
    /// What training every arm to the end, each alone, would cost.
    pub full_grid: f64,
    /// What is trained, in order.
    pub phases: Vec<Phase>,
}

/// A part of the plan, after which the scheduler decides who goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Phase {
    /// What is trained, in words.
    pub words: String,
    /// Up to which epoch; for probes of `halving`, epochs from that of their onset on.
    pub epochs: u32,
    /// At most so many arms beside plain, in each family.
    pub arms: usize,
    /// In so many families, each a seed and a weight decay.
    pub families: usize,
}

/// How long a sweep would take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedTime {
    /// The least, in seconds of one worker; several share it.
    pub low_s: f64,
    /// The most, in seconds of one worker.
    pub high_s: f64,
    /// Seconds that a worker takes for one epoch of one run among others.
    pub epoch_s: f64,
    /// The sweep of the same recipe whose workers showed that.
    pub measured_on: SweepId,
}
