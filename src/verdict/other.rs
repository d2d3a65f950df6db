//! What the metric that isn't the objective says.

use super::{
    OtherMetric, Preference,
    candidate::Candidate,
    leader::{Contender, Standing},
};
use floodgauge_protocol::{ArmIx, ObjectiveMetric};

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
