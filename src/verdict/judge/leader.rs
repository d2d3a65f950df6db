//! Who is ahead.

use crate::verdict::input::{Candidate, Standing};
use floodgauge_protocol::Metric;

/// The arm with the lowest objective, minimised, among those that compete and were trained to the end or, before
/// there are any, among those trained furthest. A tie goes to plain, then to the arm that comes first in
/// the plan, then to the first weight decay. None if no objective is finite.
pub fn leader(standing: &Standing) -> Option<&Candidate> {
    let any_finished = standing.competing().any(Candidate::finished);
    let furthest = standing.competing().map(Candidate::epochs).max().unwrap_or(0);
    let comparable = standing.competing().filter(|candidate| match any_finished {
        true => candidate.finished(),
        false => candidate.epochs() == furthest,
    });
    comparable.filter(|candidate| candidate.objective() != Metric::Diverged).min_by(|a, b| {
        let by_objective = a.objective().order(b.objective());
        by_objective.then(a.arm.cmp(&b.arm)).then(a.bracket.cmp(&b.bracket))
    })
}
