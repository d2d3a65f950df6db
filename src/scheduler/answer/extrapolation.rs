//! What runs that ended early say of their ends: evidence for the verdict, and for which arm is
//! tested as the answer.

use crate::{
    scheduler::{
        facts::{Facts, Later, Trial},
        status::TrialStatus,
    },
    verdict::Extrapolation,
};
use floodgauge_protocol::TrialKey;

/// How much of the difference between two probes may be wrong about the difference of their ends, as
/// a standard deviation. Held to recorded grids, together with the next one: docs/results.md, *How sure*,
/// *Of `halving`*.
const DOUBT_PER_DISTANCE: f64 = 1.0;

/// How much of what a run moves after its probe may be its own, as a standard deviation. Held to
/// recorded grids likewise.
const DOUBT_PER_MOVE: f64 = 2.5;

/// What a run that ended early says of its end: what it had some epochs after its onset, moved as
/// the best run of its method in its family moved from as many epochs after its own onset
/// until its end. The further it was from that run, the less sure is how far it would be.
pub(super) fn extrapolated(facts: &Facts, key: TrialKey) -> Option<Extrapolation> {
    let trial = facts.trial(key).filter(|t| t.status != TrialStatus::Completed)?;
    let onset = trial.onset_epoch(facts.steps_per_epoch())?;
    let exposure = trial.curve.len().checked_sub(onset)?;
    let objective = facts.criteria().objective;
    let seen = window(facts, trial, exposure)?;
    let name = facts.space().arms[key.arm.ix()].name();
    let whole = facts.trials().filter(|(other, trial)| {
        let alike = facts.space().arms[other.arm.ix()].name() == name;
        alike && other.family == key.family && trial.status == TrialStatus::Completed
    });
    let (then, end) = whole
        .filter_map(|(_, other)| {
            let end = other.minimised(objective, facts.spec().recipe.epochs)?.finite()?;
            Some((window(facts, other, exposure)?, end))
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    let doubt = DOUBT_PER_DISTANCE * (seen - then).abs() + DOUBT_PER_MOVE * (end - then).abs();
    Some(Extrapolation { value: seen + end - then, doubt: doubt.max(f64::MIN_POSITIVE) })
}

/// The objective of a run, minimised, over the second half of so many epochs since its onset.
fn window(facts: &Facts, trial: &Trial, exposure: usize) -> Option<f64> {
    let (objective, steps) = (facts.criteria().objective, facts.steps_per_epoch());
    Some(trial.since_onset(objective, exposure, Later::Half, steps)?.value)
}
