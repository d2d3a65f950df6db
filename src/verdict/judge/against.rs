//! What speaks against an answer, a point each.

use super::{
    judgement::Judgement,
    words::{metric, objective},
};
use crate::{
    beyond::Edge,
    verdict::{
        OtherMetric, Preference,
        input::{Candidate, Standing},
    },
};
use floodgauge_protocol::Metric;
use std::cmp::Ordering;

/// The points, the gravest first: what other figures say, what simpler means do, what is left open.
pub fn against(
    judgement: &Judgement<'_>,
    lead: &Candidate,
    other: Option<&OtherMetric>,
) -> Vec<String> {
    let standing = judgement.standing;
    let plain = standing.candidates.iter().find(|c| c.is_plain() && c.bracket == lead.bracket);
    let mut points = vec![];
    points.extend(other.and_then(|other| by_other(other, lead)));
    if let Some(plain) = judgement.plain.filter(|_| !lead.is_plain()) {
        points.extend(by_test(lead, plain));
        points.extend(by_early_stopping(standing, lead, plain));
    }
    points.extend(plain.and_then(diverged));
    // Where levels were pruned too early, those beyond the edge are the lesser question.
    if standing.pruned_before_onset(lead.bracket) == 0 {
        points.extend(edge(standing, lead));
    }
    points
}

/// Where the other metric disagrees.
fn by_other(other: &OtherMetric, lead: &Candidate) -> Option<String> {
    let metric = other.metric;
    let (objective, of_best) = (other.objective, other.of_best);
    match other.prefers {
        Preference::Same => None,
        Preference::Plain => Some(format!(
            "By {metric}, plain is best: it has {objective}, {} {of_best}.",
            lead.method
        )),
        Preference::Another => Some(format!(
            "By {metric}, another arm is best: {} has {objective}, {} {of_best}.",
            other.arm, lead.method
        )),
    }
}

/// Where plain does better on test data.
fn by_test(lead: &Candidate, plain: &Candidate) -> Option<String> {
    let (lead, plain) = (lead.test()?, plain.test()?);
    let figures = [("loss", plain.loss, lead.loss), ("error", plain.error, lead.error)];
    let better =
        figures.into_iter().filter(|(_, plain, lead)| plain.order(*lead) == Ordering::Less);
    let told: Vec<_> =
        better.map(|(name, plain, lead)| format!("{name} {plain} against {lead}")).collect();
    (!told.is_empty()).then(|| format!("On test data plain does better: {}.", told.join(", ")))
}

/// Where the plain run was as good or better on its way.
fn by_early_stopping(standing: &Standing, lead: &Candidate, plain: &Candidate) -> Option<String> {
    let stopped = plain.early_stopped().filter(|stopped| *stopped != Metric::Diverged)?;
    let order = stopped.order(lead.objective());
    let how = match order {
        Ordering::Less => "better",
        Ordering::Equal => "as well",
        Ordering::Greater => return None,
    };
    Some(format!(
        "Early stopping alone does {how}: at its best epoch plain has {} {}, against {}.",
        metric(standing),
        standing.objective.as_measured(stopped),
        objective(standing, lead)
    ))
}

/// How many seeds of the baseline diverged: the best arm, trained to its end with every seed, has none.
fn diverged(plain: &Candidate) -> Option<String> {
    let all = plain.trials.len();
    match plain.trials.iter().filter(|trial| trial.diverged).count() {
        0 => None,
        n => Some(format!("{n} of {all} seeds diverged with plain.")),
    }
}

/// A hint that the grid may be too short.
fn edge(standing: &Standing, lead: &Candidate) -> Option<String> {
    Some(match standing.edge(lead)? {
        Edge::Highest => {
            "It is the highest level of the grid: higher ones may do better still.".into()
        }
        Edge::Lowest => {
            "It is the lowest level of the grid: lower ones may do better still.".into()
        }
    })
}
