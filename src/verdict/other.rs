//! What the metric that isn't the objective says.

use super::{
    candidate::Candidate,
    leader::{Contender, Standing},
};
use floodgauge_protocol::{ArmIx, Metric, ObjectiveMetric};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the metric that isn't the objective says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OtherMetric {
    /// The metric.
    pub metric: ObjectiveMetric,
    /// What it prefers.
    pub prefers: Preference,
    /// The arm that it finds best among those that were trained to the end.
    pub arm: String,
    /// Its method.
    pub method: String,
    /// Its flood level; null for plain, and for methods that have none.
    #[schema(required)]
    pub b: Option<f64>,
    /// The weight decay of its families.
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
    /// The same arm.
    Same,
    /// Another arm.
    Another,
    /// No flooding: the plain run.
    Plain,
}

/// Compares the arms that every seed trained to the end by the other metric; none before the best
/// arm is one of them.
pub fn judge(standing: &Standing, lead: &Contender) -> Option<OtherMetric> {
    let whole = standing.candidates.iter().filter_map(|c| Some((c, c.other()?)));
    let of_best = whole.clone().find(|(candidate, _)| candidate.is(lead))?.1;
    // A tie goes to the best arm itself, then to plain.
    let (arm, objective) = whole.min_by(|(a, x), (b, y)| {
        let rank = |candidate: &Candidate| (!candidate.is(lead), candidate.arm);
        x.order(*y).then(rank(a).cmp(&rank(b)))
    })?;
    let prefers = if arm.is(lead) {
        Preference::Same
    } else if arm.arm == ArmIx::PLAIN {
        Preference::Plain
    } else {
        Preference::Another
    };
    Some(OtherMetric {
        metric: match standing.objective.metric {
            ObjectiveMetric::ValLoss => ObjectiveMetric::ValError,
            ObjectiveMetric::ValError => ObjectiveMetric::ValLoss,
        },
        prefers,
        arm: arm.method.to_string(),
        method: arm.method.name().into(),
        b: arm.method.level(),
        weight_decay: arm.weight_decay,
        objective,
        of_best,
    })
}
