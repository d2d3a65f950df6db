//! What a sweep cost, and what it saved, in full runs.

use crate::{
    scheduler::{
        facts::{Facts, gradients},
        status::TrialStatus,
    },
    verdict::RunEquivalents,
};

/// What was trained, and what was not.
pub fn run_equivalents(facts: &Facts) -> RunEquivalents {
    let epochs = facts.spec().recipe.epochs;
    let full = f64::from(epochs.max(1));
    let (trained, redone) = (facts.cost().trained(), facts.cost().redone());
    let left_behind = facts.cost().left_behind();
    let (mut seen, mut left, mut runs) = (0, 0, 0);
    for (key, trial) in facts.trials() {
        let gradients = u64::from(gradients(facts.space(), key.arm));
        seen += gradients * u64::from(trial.epochs());
        runs += gradients;
        if matches!(trial.status, TrialStatus::Pruned | TrialStatus::Dormant) {
            left += gradients * u64::from(epochs.saturating_sub(trial.epochs()));
        }
    }
    RunEquivalents {
        spent: trained as f64 / full,
        full_grid: runs as f64,
        saved_by_sharing: (seen + left_behind).saturating_sub(trained) as f64 / full,
        saved_by_pruning: left as f64 / full,
        redone: redone as f64 / full,
        left_behind: left_behind as f64 / full,
    }
}
