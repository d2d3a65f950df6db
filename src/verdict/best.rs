//! The answer's shape: the body of `GET /v1/sweeps/{id}/best`.

use floodgauge_protocol::{At, Metric, ObjectiveMetric, work::TestMetrics};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The best arm so far or, once the sweep has completed, at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Best {
    /// The metric that was compared.
    pub metric: ObjectiveMetric,
    /// When it was read.
    pub at: At,
    /// The arm with the lowest objective; none before anything was reported.
    pub best: Option<BestArm>,
    /// The plain run beside it.
    pub baseline: Option<Baseline>,
    /// Best minus baseline, paired by seed; none where one of them is missing.
    pub difference: Option<Difference>,
    /// What the sweep cost.
    pub run_equivalents: RunEquivalents,
    /// The answer in words.
    pub verdict: String,
}

/// The arm with the lowest objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BestArm {
    /// The arm in words: `flood b=0.07`.
    pub arm: String,
    /// Its method: `plain`, `flood`.
    pub method: String,
    /// Its flood level; null for plain, and for methods that have none.
    pub b: Option<f64>,
    /// The weight decay of its families.
    pub weight_decay: f64,
    /// Its objective, a mean over seeds.
    pub objective: Metric,
    /// The share of resamplings of the seeds in which it is best of all; null with one seed,
    /// until the sweep has ended, and where arms were not trained to the end, since those can't be
    /// compared.
    pub probability: Option<f64>,
    /// Its test metrics after the epoch at which the objective is read, means over seeds; null
    /// until the sweep has completed.
    pub test: Option<TestMetrics>,
}

/// The plain run with the best arm's weight decay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Baseline {
    /// Its objective, a mean over seeds.
    pub objective: Metric,
    /// Its test metrics after the epoch at which the objective is read, means over seeds; null
    /// until the sweep has completed.
    pub test: Option<TestMetrics>,
}

/// A mean difference, paired by seed, with a two-sided interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// The mean; negative when the best arm is better than plain.
    pub mean: f64,
    /// The interval's lower end (Student's t over seeds); null with one seed.
    pub low: Option<f64>,
    /// The interval's upper end; null with one seed.
    pub high: Option<f64>,
    /// The interval's confidence.
    pub level: f64,
    /// How many seeds were paired.
    pub seeds: u32,
}

/// What a sweep cost, in full runs of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunEquivalents {
    /// Epochs trained; one that several arms share counts once.
    pub spent: f64,
    /// What every arm trained alone to the end would cost.
    pub full_grid: f64,
    /// Epochs that arms had without training, since they shared them.
    pub saved_by_sharing: f64,
    /// Epochs that pruned arms had still before them.
    pub saved_by_pruning: f64,
    /// Epochs reported again, mostly since they were trained again after a crash; not in `spent`.
    pub redone: f64,
}
