//! Best b, and how sure: pure functions of what was measured.
//!
//! - [`Standing`], [`Contender`], [`Candidate`]: what is judged.
//! - [`judge`]: the answer, [`Best`]; [`leader`]: who is ahead.
//! - `model`: what other seeds would show, `sure` asks it; `judged` puts together what figures, words
//!   and advice stand on.
//! - [`ArmOutlook`]: what is known of each arm; [`OtherMetric`]; [`Advice`]: what would tell more.
//! - [`Table`]: the paper's table.
//! - [`noise_floor`]: what no model can do better than.

mod advice;
mod candidate;
mod floor;
mod judged;
mod leader;
mod model;
mod other;
mod outlook;
mod paired;
mod sure;
mod words;

pub use candidate::{Candidate, Probe, Run};
pub use floodgauge_api::{
    Advice, AdviceKind, ArmOutlook, Baseline, Best, BestArm, Difference, Evidence, Figure, Finding,
    OtherMetric, Preference, RunEquivalents, Table, TableCell, TableRow,
};
pub use floor::noise_floor;
pub use leader::{Contender, Standing, leader};

use floodgauge_protocol::{Metric, work::TestMetrics};
use judged::Judged;
use sure::Sureness;

/// Judges a sweep as it stands. While it still runs that is quick; once it has ended, the model of
/// what other seeds would show is asked too.
pub fn judge(standing: &Standing) -> Best {
    let sureness = Sureness::of(standing);
    let judged = Judged::of(standing, &sureness);
    let other_metric = judged.lead.and_then(|lead| other::judge(standing, lead));
    Best {
        metric: standing.objective.metric,
        at: standing.objective.at,
        verdict: words::verdict(&judged, other_metric.as_ref()),
        advice: advice::of(&judged),
        finding: judged.finding,
        best: judged.lead.map(|lead| BestArm {
            arm: lead.method.to_string(),
            method: lead.method.name().into(),
            b: lead.method.level(),
            weight_decay: lead.weight_decay,
            objective: lead.mean(),
            probability: judged.chance,
            test: mean_test(&lead.tests),
        }),
        baseline: judged
            .plain
            .map(|plain| Baseline { objective: plain.mean(), test: mean_test(&plain.tests) }),
        difference: judged.difference,
        run_equivalents: standing.run_equivalents,
        probabilities: outlook::of(standing, &sureness),
        other_metric,
        noise_floor: standing.noise_floor,
    }
}

fn mean_test(tests: &[TestMetrics]) -> Option<TestMetrics> {
    (!tests.is_empty()).then(|| TestMetrics {
        loss: Metric::mean(tests.iter().map(|test| test.loss)),
        error: Metric::mean(tests.iter().map(|test| test.error)),
    })
}

#[cfg(test)]
mod tests;
