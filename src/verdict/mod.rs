//! Best b, and how sure: pure functions of what was measured.
//!
//! - [`Standing`], [`Contender`]: what is judged.
//! - [`judge`]: the answer, [`Best`]; [`leader`]: who is ahead.

mod best;
mod leader;
mod paired;
mod words;

pub use best::{Baseline, Best, BestArm, Difference, RunEquivalents};
pub use leader::{Contender, Standing, leader};

use floodgauge_protocol::{ArmIx, Metric, work::TestMetrics};

/// Judges a sweep as it stands.
pub fn judge(standing: &Standing) -> Best {
    let contenders = &standing.contenders;
    let lead = leader(contenders).map(|ix| &contenders[ix]);
    let plain = lead.and_then(|lead| {
        let same = |c: &&Contender| c.bracket == lead.bracket && c.arm == ArmIx::PLAIN;
        contenders.iter().find(same).filter(|plain| plain.finished || !lead.finished)
    });
    let difference = lead.zip(plain).and_then(|(lead, plain)| paired::difference(lead, plain));
    Best {
        metric: standing.objective.metric,
        at: standing.objective.at,
        verdict: words::verdict(standing, lead, plain, difference.as_ref()),
        best: lead.map(|lead| BestArm {
            arm: lead.method.to_string(),
            method: lead.method.name().into(),
            b: lead.method.level(),
            weight_decay: lead.weight_decay,
            objective: lead.mean(),
            probability: probability(standing, lead),
            test: mean_test(&lead.tests),
        }),
        baseline: plain
            .map(|plain| Baseline { objective: plain.mean(), test: mean_test(&plain.tests) }),
        difference,
        run_equivalents: standing.run_equivalents,
    }
}

/// How likely the leader is the best of all arms; none before the end, and none where some were
/// neither trained to the end nor diverged, since those can't be compared.
fn probability(standing: &Standing, lead: &Contender) -> Option<f64> {
    let settled = |c: &&Contender| c.finished || c.mean() == Metric::Diverged;
    let all = standing.contenders.iter().filter(settled).count() == standing.arms;
    (standing.ended && lead.finished && all)
        .then(|| paired::probability(&standing.contenders, lead))
        .flatten()
}

fn mean_test(tests: &[TestMetrics]) -> Option<TestMetrics> {
    (!tests.is_empty()).then(|| TestMetrics {
        loss: Metric::mean(tests.iter().map(|test| test.loss)),
        error: Metric::mean(tests.iter().map(|test| test.error)),
    })
}

#[cfg(test)]
mod tests;
