//! What is known of each arm, and by the other metric.

use floodgauge_protocol::{Arm, Metric, MetricName};
use serde::{Deserialize, Serialize};

/// An arm under one weight decay: what it measured, and what the model makes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArmOutlook {
    /// The arm that all this is known of.
    #[serde(flatten)]
    pub arm: Arm,
    /// The weight decay of its families.
    pub weight_decay: f64,
    /// How far it was trained.
    pub evidence: Evidence,
    /// With how many seeds it was trained to the end.
    pub seeds: u32,
    /// Its objective, a mean over those seeds; null where there are none.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub objective: Option<Metric>,
    /// The objective that the model expects: a smooth curve along the levels of a method; null
    /// with one seed, and until the sweep has ended.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub fitted: Option<f64>,
    /// The lower end of what the model thinks likely (90 %) of the mean over many seeds; null where
    /// `fitted` is.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub low: Option<f64>,
    /// The upper end of the same; null where `fitted` is.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub high: Option<f64>,
    /// How likely it comes out best of all arms with as many other seeds; those of a sweep add up to 1.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub probability: Option<f64>,
}

/// How far an arm was trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// To the end, with at least one seed.
    Trained,
    /// For some epochs, but with no seed to the end.
    Probed,
    /// Not at all: the levels beside it tell what it does.
    Untrained,
}

/// What the metric that isn't the objective says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OtherMetric {
    /// The name of that metric.
    pub metric: MetricName,
    /// Whether it finds the same arm best.
    pub prefers: Preference,
    /// The arm that it finds best among those that were trained to the end.
    #[serde(flatten)]
    pub arm: Arm,
    /// The weight decay of its families.
    pub weight_decay: f64,
    /// What that arm has by it, a mean over seeds.
    pub objective: Metric,
    /// What the answer's best arm has by it.
    pub of_best: Metric,
}

/// Whether two metrics agree on the best arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Preference {
    /// It finds the answer's best arm best too.
    Same,
    /// It finds another arm best, which is not plain.
    Another,
    /// It finds the plain run best: no flooding.
    Plain,
}
