//! Who is ahead.

use super::bracket::Bracket;
use crate::verdict::input::{Candidate, Standing};
use floodgauge_protocol::Metric;
use std::cmp::Ordering;

/// The mean of each candidate over many seeds to expect, minimised, in the objective's unit; none where the
/// model can't tell, and with one seed. The same bits on every machine.
pub fn expectations(standing: &Standing) -> Vec<Option<f64>> {
    if standing.seeds < 2 || standing.all_tie() {
        return vec![None; standing.candidates.len()];
    }
    let of_bracket = |of: &[Candidate]| match Bracket::of(of, standing.guessing) {
        Some(bracket) => bracket.expected().collect(),
        None => vec![None; of.len()],
    };
    standing.brackets().flat_map(of_bracket).collect()
}

/// By what arms are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// By what was measured of the seeds that there are.
    Measured,
    /// By what is expected of other seeds, where the model can tell.
    Expected,
}

/// The arm that is best by some basis.
pub fn leader(standing: &Standing, basis: Basis) -> Option<&Candidate> {
    match basis {
        Basis::Measured => lead(standing, &[]),
        Basis::Expected => lead(standing, &expectations(standing)),
    }
}

/// The arm that is best, of those that every seed trained to the end: by what is expected of it or,
/// where there is nothing to expect of some, as measured. A tie goes to plain, then to the arm that comes first in the
/// plan, then to the first weight decay. None if there are none whose objective is finite, before all was trained that
/// is to be compared, and of a sweep that was given up.
pub fn lead<'a>(standing: &'a Standing, expected: &[Option<f64>]) -> Option<&'a Candidate> {
    let expected = |candidate: &Candidate| {
        let value = expected.get(standing.position(candidate)?).copied().flatten();
        value.filter(|value| value.is_finite())
    };
    let comparable: Vec<&Candidate> = comparable(standing).collect();
    let by_expectation = comparable.iter().all(|candidate| expected(candidate).is_some());
    let order = |a: &Candidate, b: &Candidate| match (expected(a), expected(b)) {
        (Some(a), Some(b)) if by_expectation => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        _ => a.objective().order(b.objective()),
    };
    let in_plan = |a: &Candidate, b: &Candidate| a.arm.cmp(&b.arm).then(a.bracket.cmp(&b.bracket));
    comparable.into_iter().min_by(|a, b| order(a, b).then(in_plan(a, b)))
}

/// The arms that can be the answer.
fn comparable(standing: &Standing) -> impl Iterator<Item = &Candidate> {
    let is_decided = !standing.given_up && (standing.ended || standing.decided);
    let counts = move |candidate: &&Candidate| is_decided && candidate.finished();
    let is_finite = |candidate: &&Candidate| candidate.objective() != Metric::Diverged;
    standing.competing().filter(counts).filter(is_finite)
}
