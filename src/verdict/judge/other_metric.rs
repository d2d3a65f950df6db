//! Whether another metric agrees.

use crate::verdict::{
    OtherMetric, Preference,
    input::{Candidate, Standing},
};

/// Compares the arms that every seed trained to the end by the other metric; none before the best
/// arm is one of them, and where there is no other.
pub fn by_other_metric(standing: &Standing, lead: &Candidate) -> Option<OtherMetric> {
    let other = standing.other?;
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
        metric: other.name,
        prefers,
        arm: arm.described(),
        weight_decay: arm.weight_decay,
        objective: other.as_measured(objective),
        of_best: other.as_measured(of_best),
    })
}
