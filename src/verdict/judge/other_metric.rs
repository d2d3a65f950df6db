//! Whether the metric that isn't the objective agrees.

use crate::verdict::{
    OtherMetric, Preference,
    input::{Candidate, Standing},
};
use floodgauge_protocol::ObjectiveMetric;

/// Compares the arms that every seed trained to the end by the other metric; none before the best
/// arm is one of them.
pub fn by_other_metric(standing: &Standing, lead: &Candidate) -> Option<OtherMetric> {
    let whole = standing.candidates.iter().filter_map(|c| Some((c, c.other()?)));
    let of_best = lead.other()?;
    // A tie goes to the best arm itself, then to plain.
    let (arm, objective) = whole.min_by(|(a, x), (b, y)| {
        let rank = |candidate: &Candidate| (!candidate.is(lead), candidate.arm);
        x.order(*y).then(rank(a).cmp(&rank(b)))
    })?;
    let prefers = if arm.is(lead) {
        Preference::Same
    } else if arm.is_plain() {
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
        arm: arm.described(),
        weight_decay: arm.weight_decay,
        objective,
        of_best,
    })
}
