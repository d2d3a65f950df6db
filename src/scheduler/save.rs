//! States that workers save on their way, so that little is lost with a worker.

use super::{
    action::{Action, Decision},
    sweep::Sweep,
};
use floodgauge_protocol::{
    ArmIx, FamilyIx, SegmentId, SegmentKind, TrialKey, work::FinishedBranch,
};

impl Sweep {
    /// What of `saved` is further than what is known; empty for a segment that is over.
    pub fn newer(&self, segment: SegmentId, saved: &[FinishedBranch]) -> Vec<FinishedBranch> {
        let Some(work) = self.open_segment(segment) else { return vec![] };
        let newer = |branch: &&FinishedBranch| {
            branch.arms.iter().all(|&arm| {
                let trial = self.trials.get(&TrialKey::new(work.family, arm));
                trial.is_none_or(|trial| branch.step > trial.saved_step)
            })
        };
        saved.iter().filter(newer).cloned().collect()
    }

    /// Takes in what a worker saved of a segment that it still trains.
    pub(super) fn save(
        &mut self,
        segment: SegmentId,
        branches: &[FinishedBranch],
    ) -> Vec<Decision> {
        let Some(work) = self.segments.get_mut(&segment).filter(|work| work.open) else {
            return vec![];
        };
        work.saved = true;
        let family = work.segment.family;
        for branch in branches {
            self.keep(family, branch, false);
        }
        vec![]
    }

    /// Takes in the state of a run, and whether its segment ends with it.
    pub(super) fn keep(&mut self, family: FamilyIx, branch: &FinishedBranch, ends: bool) {
        let test = branch.test.is_some();
        if branch.arms.contains(&ArmIx::PLAIN) && !test {
            let best = self.trials[&TrialKey::new(family, ArmIx::PLAIN)].best;
            self.trunks.entry(family).or_default().extend(branch, best, ends);
        }
        for &arm in &branch.arms {
            let Some(trial) = self.trials.get_mut(&TrialKey::new(family, arm)) else { continue };
            trial.onset_step = trial.onset_step.or(branch.onset_step);
            if branch.checkpoint.is_some() {
                (trial.checkpoint, trial.saved_step) = (branch.checkpoint, branch.step);
            }
            trial.best = branch.best.or(trial.best);
        }
    }

    /// Ends a segment of which something was saved: its arms go on from there in others.
    pub(super) fn recut(&mut self, segment: SegmentId, why: &str) -> Vec<Decision> {
        let Some(work) = self.close(segment) else { return vec![] };
        debug_assert_eq!(work.kind, SegmentKind::Train);
        let reason = format!("{why}; what it saved is gone on from");
        let mut decisions = vec![Decision { action: Action::Withdraw { segment }, reason }];
        decisions.extend(self.after(&work));
        decisions
    }

    /// Checks what a worker saves of a segment: whole runs, each with the epochs up to its step
    /// reported, and a checkpoint.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn check_saved(
        &self,
        segment: SegmentId,
        branches: &[FinishedBranch],
    ) -> Result<(), String> {
        let Some(segment) = self.open_segment(segment) else {
            return Err(format!("segment {segment} is over"));
        };
        if segment.kind != SegmentKind::Train {
            return Err("a test segment has nothing to save".into());
        }
        branches.iter().try_for_each(|branch| self.check_run(segment, branch))
    }
}
