//! The judgement: from what is measured to the answer.
//!
//! - `leader`: who is ahead; `paired`: by how much, as measured.
//! - `forecast`: what other seeds would show, by the model; `bracket`: the arms of one weight decay as
//!   the model takes them.
//! - `guessing`: whether the plain run learned anything.
//! - `judgement`: what these come to, on which figures, words and advice stand.
//! - `size`: the difference as a share; `against`: what speaks against the answer.
//! - `outlooks`: what is known of each arm; `other_metric`: whether the other metric agrees;
//!   `advise`: what would tell more; `words`: the answer in words.

mod advise;
mod against;
mod bracket;
mod forecast;
mod guessing;
mod judgement;
mod leader;
mod other_metric;
mod outlooks;
mod paired;
mod size;
mod words;

pub use leader::{Basis, expectations, lead, leader};
pub use words::GIVEN_UP;

use super::{Baseline, Best, BestArm, input::Standing};
use forecast::Forecast;
use judgement::Judgement;

/// Judges a sweep as it stands. While it still runs that is quick; once it has ended, the model of
/// what other seeds would show is asked too.
pub fn judge(standing: &Standing) -> Best {
    let forecast = Forecast::of(standing);
    let judgement = Judgement::of(standing, &forecast);
    let other_metric =
        judgement.lead.and_then(|lead| other_metric::by_other_metric(standing, lead));
    let objective = standing.objective;
    let size_percent = size::percent(&judgement);
    let answer = words::answer(&judgement, other_metric.as_ref(), size_percent);
    Best {
        metric: objective.name,
        direction: objective.direction,
        at: standing.at,
        size_percent,
        verdict: answer.whole(),
        sentence: answer.sentence,
        points: answer.points,
        against: answer.against,
        advice: advise::advise(&judgement),
        finding: judgement.finding,
        best: judgement.lead.map(|lead| BestArm {
            arm: lead.described(),
            weight_decay: lead.weight_decay,
            objective: objective.as_measured(lead.objective()),
            probability: judgement.probability,
            test: lead.test(),
        }),
        baseline: judgement.plain.map(|plain| Baseline {
            objective: objective.as_measured(plain.objective()),
            test: plain.test(),
        }),
        difference: judgement.difference.map(|difference| objective.difference(difference)),
        run_equivalents: standing.run_equivalents,
        probabilities: outlooks::outlooks(standing, &forecast),
        other_metric,
        noise_floor: standing.noise_floor,
        before_extension: false,
    }
}
