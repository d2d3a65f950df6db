//! The shape of what is known of each arm.

use floodgauge_protocol::Metric;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An arm under one weight decay: what it measured, and what the model makes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ArmOutlook {
    /// The arm in words: `flood b=0.07`.
    pub arm: String,
    /// Its method: `plain`, `flood`.
    pub method: String,
    /// Its flood level; null for plain, and for methods that have none.
    #[schema(required)]
    pub b: Option<f64>,
    /// The weight decay of its families.
    pub weight_decay: f64,
    /// How far it was trained.
    pub evidence: Evidence,
    /// With how many seeds it was trained to the end.
    pub seeds: u32,
    /// Its objective, a mean over those seeds; null where there are none.
    #[schema(required)]
    pub objective: Option<Metric>,
    /// The objective that the model expects: a smooth curve along the levels of a method; null
    /// with one seed, and until the sweep has ended.
    #[schema(required)]
    pub fitted: Option<f64>,
    /// The lower end of what the model thinks likely (90 %) of the mean over many seeds.
    #[schema(required)]
    pub low: Option<f64>,
    /// The upper end of the same.
    #[schema(required)]
    pub high: Option<f64>,
    /// How likely it comes out best of all arms with as many other seeds; those of a sweep add up to 1.
    #[schema(required)]
    pub probability: Option<f64>,
}

/// How far an arm was trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// To the end, with at least one seed.
    Trained,
    /// For a while.
    Probed,
    /// Not at all: the levels beside it tell what it does.
    Untrained,
}
