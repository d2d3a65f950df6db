//! What workers hand in or save of a segment, checked before it becomes an event.

use super::{
    Facts,
    sift::{check_onset, stands_for},
};
use floodgauge_protocol::{
    ArmIx, Branch, Segment, SegmentId, SegmentKind, TrialKey,
    segment::last_epoch,
    work::{BranchEnd, FinishedBranch},
};

impl Facts {
    /// Checks what a worker hands in: every arm of the segment once, with the epochs up to the
    /// step of its run reported, and a checkpoint or test metrics as the segment asks for.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn check_finish(
        &self,
        segment: SegmentId,
        branches: &[FinishedBranch],
    ) -> Result<(), String> {
        let segment = open(self, segment)?;
        for arm in segment.arms() {
            if branches.iter().flat_map(|handed| &handed.arms).filter(|&&a| a == arm).count() != 1 {
                return Err(format!("arm {arm} must be handed in once"));
            }
        }
        branches.iter().try_for_each(|handed| check_run(self, segment, handed))
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
        let segment = open(self, segment)?;
        if segment.kind != SegmentKind::Train {
            return Err("a test segment has nothing to save".into());
        }
        branches.iter().try_for_each(|branch| check_run(self, segment, branch))
    }
}

/// A segment that isn't over, or that it is.
fn open(facts: &Facts, segment: SegmentId) -> Result<&Segment, String> {
    facts.segments.get_open(segment).ok_or_else(|| format!("segment {segment} is over"))
}

/// Checks one run that is handed in.
fn check_run(facts: &Facts, segment: &Segment, handed: &FinishedBranch) -> Result<(), String> {
    let whole = segment.branches.iter().find(|branch| stands_for(branch, &handed.arms));
    let Some(branch) = whole else {
        return Err("a run stands for arms of no branch, or of several".into());
    };
    check_places(facts, segment, handed)?;
    match missing(facts, segment, branch, handed) {
        Some(missing) => Err(format!("arm {} has no {missing}", handed.arms[0])),
        None => Ok(()),
    }
}

/// Checks that whatever a run tells of lies where it was trained: before the step that it ended at.
fn check_places(facts: &Facts, segment: &Segment, handed: &FinishedBranch) -> Result<(), String> {
    let (per_epoch, to_step, step) = (facts.steps_per_epoch, segment.to_step, handed.step);
    let diverged = handed.end == BranchEnd::Diverged;
    if segment.kind == SegmentKind::Train && diverged && step > to_step {
        return Err(format!("step {step} lies beyond step {to_step}"));
    }
    let steps = match segment.kind {
        // The step that it diverged in is its last one, and tells its loss too.
        SegmentKind::Train if diverged => step.saturating_add(1).min(to_step),
        SegmentKind::Train => step.min(to_step),
        // What is tested may be a state before the run's onset.
        SegmentKind::Test => u64::from(facts.spec.recipe.epochs) * per_epoch,
    };
    check_onset(handed.onset_step, steps)?;
    if let Some(late) = handed.minima.iter().find(|minimum| minimum.step >= steps) {
        return Err(format!("minimum at step {} is not among the first {steps} steps", late.step));
    }
    if let Some(late) = handed.waypoints.iter().find(|waypoint| waypoint.step > steps) {
        return Err(format!("waypoint after step {} lies beyond step {steps}", late.step));
    }
    let of_waypoints = handed.waypoints.iter().filter_map(|waypoint| waypoint.best);
    let mut best = handed.best.into_iter().chain(of_waypoints);
    match best.find(|best| u64::from(best.epoch) * per_epoch > steps) {
        Some(late) => Err(format!("best epoch {} ends beyond step {steps}", late.epoch)),
        None => Ok(()),
    }
}

/// What a run lacks to be handed in.
fn missing(
    facts: &Facts,
    segment: &Segment,
    branch: &Branch,
    handed: &FinishedBranch,
) -> Option<&'static str> {
    let per_epoch = facts.steps_per_epoch;
    let last = last_epoch(branch.exposure, handed.onset_step, per_epoch);
    let to_step = last.map_or(segment.to_step, |last| (last * per_epoch).min(segment.to_step));
    let reported = |arm: &ArmIx| {
        let trial = facts.trials.get(&TrialKey::new(segment.family, *arm));
        trial.is_some_and(|trial| u64::from(trial.epochs()) * per_epoch >= handed.step)
    };
    let epoch = (handed.step / per_epoch) as u32;
    let late = |arm| {
        facts
            .segments
            .stops(segment.segment)
            .iter()
            .any(|stop| stop.arms.contains(arm) && stop.discards(epoch))
    };
    let discarded = handed.arms.iter().all(late);
    match (segment.kind, handed.end) {
        (SegmentKind::Test, _) => handed.test.is_none().then_some("test metrics"),
        (_, BranchEnd::Diverged) => None,
        // What came after its last epoch was dropped, and nobody goes on from there.
        (_, BranchEnd::Stopped) if discarded => None,
        (_, BranchEnd::Stopped)
            if handed.step <= segment.from_step
                || handed.step > to_step
                || !handed.step.is_multiple_of(per_epoch) =>
        {
            Some("epoch to show for it")
        }
        (_, BranchEnd::Reached) if handed.step != to_step => Some("last step"),
        _ if !handed.arms.iter().all(reported) => Some("report of every epoch"),
        _ => handed.checkpoint.is_none().then_some("checkpoint"),
    }
}
