//! The shape of what the metric that isn't the objective says.

use floodgauge_protocol::{Metric, ObjectiveMetric};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the metric that isn't the objective says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OtherMetric {
    /// Which it is: the error where the objective is the loss, the loss where it is the error.
    pub metric: ObjectiveMetric,
    /// Whether it agrees with the objective on the best arm.
    pub prefers: Preference,
    /// The arm that it finds best among those that were trained to the end.
    pub arm: String,
    /// That arm's method: `plain`, `flood`.
    pub method: String,
    /// Its flood level; null for plain, and for methods that have none.
    #[schema(required)]
    pub b: Option<f64>,
    /// The weight decay of that arm's families.
    pub weight_decay: f64,
    /// What that arm has by it, a mean over seeds.
    pub objective: Metric,
    /// What the answer's best arm has by it.
    pub of_best: Metric,
}

/// Whether two metrics agree on the best arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preference {
    /// The same arm is best by both.
    Same,
    /// Another arm.
    Another,
    /// No flooding: the plain run.
    Plain,
}
