//! States that workers save on their way, so that little is lost with a worker.

use super::Facts;
use floodgauge_protocol::{ArmIx, FamilyIx, SegmentId, TrialKey, work::FinishedBranch};

/// What a worker saved of a segment that is further than what is known; empty for a segment that is
/// over.
pub fn newer(facts: &Facts, segment: SegmentId, saved: &[FinishedBranch]) -> Vec<FinishedBranch> {
    let Some(open) = facts.segments.get_open(segment) else { return vec![] };
    let newer = |branch: &&FinishedBranch| {
        branch.arms.iter().all(|&arm| {
            let trial = facts.trials.get(&TrialKey::new(open.family, arm));
            trial.is_none_or(|trial| branch.step > trial.saved_step)
        })
    };
    saved.iter().filter(newer).cloned().collect()
}

/// Takes in what a worker saved of a segment that it still trains.
pub(super) fn save(facts: &mut Facts, segment: SegmentId, branches: &[FinishedBranch]) {
    let Some(queued) = facts.segments.queued_mut(segment) else { return };
    queued.saved = true;
    let family = queued.segment.family;
    for branch in branches {
        keep(facts, family, branch, false);
    }
}

/// Takes in the state of a run, and whether its segment ends with it.
pub(super) fn keep(facts: &mut Facts, family: FamilyIx, branch: &FinishedBranch, ends: bool) {
    if branch.arms.contains(&ArmIx::PLAIN) && branch.test.is_none() {
        let best = facts.trials.get(&TrialKey::new(family, ArmIx::PLAIN)).and_then(|t| t.best);
        facts.trunks.entry(family).or_default().extend(branch, best, ends);
    }
    for &arm in &branch.arms {
        let Some(trial) = facts.trials.get_mut(&TrialKey::new(family, arm)) else { continue };
        trial.onset_step = trial.onset_step.or(branch.onset_step);
        if branch.checkpoint.is_some() {
            (trial.checkpoint, trial.saved_step) = (branch.checkpoint, branch.step);
        }
        trial.best = branch.best.or(trial.best);
    }
}
