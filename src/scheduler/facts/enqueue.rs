//! Brings trials to their goals, segment by segment.
//!
//! Arms that still share their trunk are one branch of a segment, and so one run; those that the
//! worker forked off go on as branches of their own. A segment ends after a small part of a full run,
//! so that little is lost with a worker, and what a trunk forked spreads over several workers.

use super::{Facts, Trial, again};
use crate::scheduler::{
    action::{Action, Decision},
    reason::{Purpose, Reason, Training},
};
use floodgauge_protocol::{ArmIx, Branch, FamilyIx, Segment, SegmentKind, Start, TrialKey};
use std::collections::BTreeMap;

/// The most branches that one segment stacks: beyond it a step costs as much more as it
/// trains, and smaller segments let several workers share the work. Chosen, not measured.
const MAX_BRANCHES: usize = 12;

/// A segment is at most one of so many parts of a full run, in epochs rounded up: shorter ones lose
/// less with a worker, longer ones begin and end less often. Chosen, not measured; what a short one
/// costs tells docs/results.md, *What a training step costs*.
const MIN_SEGMENTS_A_RUN: u32 = 10;

/// Segments for those of a family's `arms` that have not reached their goals yet; one that was trained
/// again to its goal is what it was before.
pub(super) fn to_goals(
    facts: &mut Facts,
    family: FamilyIx,
    arms: &[ArmIx],
    purpose: Purpose,
) -> Vec<Decision> {
    let mut by_start: BTreeMap<u64, Vec<ArmIx>> = BTreeMap::new();
    let mut decisions = vec![];
    for &arm in arms {
        let key = TrialKey::new(family, arm);
        decisions.extend(again::restore_ended(facts, key));
        let Some(trial) = facts.trials.get(&key) else { continue };
        if trial.is_active() && !is_at_goal(trial, facts.steps_per_epoch) {
            by_start.entry(trial.saved_step).or_default().push(arm);
        }
    }
    for (from, mut arms) in by_start {
        arms.sort_unstable();
        let from_epoch = from / facts.steps_per_epoch;
        let to_epoch = last_epoch(facts, family, from_epoch, &arms);
        for cohort in even_parts(&branches(facts, family, &arms)) {
            let why = Reason::Training(Training {
                purpose,
                arms: cohort.iter().map(|branch| branch.arms.len() as u32).sum(),
                runs: cohort.len() as u32,
                seed: facts.space.families[family.ix()].seed,
                from_epoch,
                to_epoch,
            });
            let steps = (from_epoch * facts.steps_per_epoch, to_epoch * facts.steps_per_epoch);
            let (kind, branches) = (SegmentKind::Train, cohort.to_vec());
            decisions.push(facts.enqueue(family, kind, steps, branches, why));
        }
    }
    decisions
}

impl Facts {
    /// Queues a segment from one step to another.
    pub fn enqueue(
        &mut self,
        family: FamilyIx,
        kind: SegmentKind,
        (from_step, to_step): (u64, u64),
        branches: Vec<Branch>,
        why: Reason,
    ) -> Decision {
        let segment = self.segments.next_id();
        let objective = self.criteria.objective;
        let (metric, direction) = (objective.metric, objective.direction());
        let segment =
            Segment { segment, family, kind, from_step, to_step, metric, direction, branches };
        self.segments.push(segment.clone());
        Decision::new(Action::Enqueue { segment }, why)
    }
}

/// The epoch at which a segment of `arms` that starts at epoch `from` ends: on the way to the
/// nearest of their goals, in even strides.
fn last_epoch(facts: &Facts, family: FamilyIx, from: u64, arms: &[ArmIx]) -> u64 {
    let goals = arms.iter().map(|&arm| facts.trials[&TrialKey::new(family, arm)].goal.epoch);
    let nearest = goals.min().map_or(from, u64::from);
    let stride = u64::from(facts.spec.recipe.epochs.div_ceil(MIN_SEGMENTS_A_RUN).max(1));
    let left = nearest.saturating_sub(from);
    let strides = left.div_ceil(stride).max(1);
    from + left.div_ceil(strides)
}

/// The runs that stand for `arms`, by the first of their arms.
fn branches(facts: &Facts, family: FamilyIx, arms: &[ArmIx]) -> Vec<Branch> {
    let mut branches: Vec<Branch> = vec![];
    for &arm in arms {
        let trial = &facts.trials[&TrialKey::new(family, arm)];
        let start = match trial.checkpoint {
            Some(digest) if trial.saved_step > 0 => Start::Checkpoint { digest },
            _ => Start::Init,
        };
        let shares_trunk = |arm: ArmIx| facts.space.arms[arm.ix()].shares_trunk();
        // An onset that lies beyond the state, since a worker was lost, is met again.
        let onset_step = trial.onset_step.filter(|&onset| onset < trial.saved_step);
        let exposure = trial.goal.exposure;
        let shared = branches.iter_mut().find(|branch| {
            onset_step.is_none()
                && branch.onset_step.is_none()
                && (branch.start, branch.exposure) == (start, exposure)
                && shares_trunk(arm)
                && shares_trunk(branch.arms[0])
        });
        match shared {
            Some(branch) => branch.arms.push(arm),
            None => branches.push(Branch {
                onset_step,
                exposure,
                best: trial.best_value(facts.criteria.objective, facts.steps_per_epoch),
                watch: if arm == ArmIx::PLAIN { dormant(facts, family) } else { vec![] },
                ..Branch::new(vec![arm], start)
            }),
        }
    }
    branches
}

/// The arms of a family that wait to be woken from its trunk.
fn dormant(facts: &Facts, family: FamilyIx) -> Vec<ArmIx> {
    let waits = |arm: &ArmIx| {
        let key = TrialKey::new(family, *arm);
        let dormant = facts.trials[&key].is_dormant();
        dormant && facts.space.arms[arm.ix()].shares_trunk() && facts.onset(key).is_none()
    };
    facts.space.arm_ids().filter(waits).collect()
}

/// Whether there is a checkpoint at the goal, or beyond it.
pub(super) fn is_at_goal(trial: &Trial, steps_per_epoch: u64) -> bool {
    trial.saved_step >= trial.goal.last_epoch(trial.onset_step, steps_per_epoch) * steps_per_epoch
}

/// Cuts into as few parts of at most `MAX_BRANCHES` as it takes, of sizes as even as can be.
fn even_parts(branches: &[Branch]) -> Vec<&[Branch]> {
    let parts = branches.len().div_ceil(MAX_BRANCHES).max(1);
    let bound = |part: usize| part * branches.len() / parts;
    (0..parts)
        .map(|part| &branches[bound(part)..bound(part + 1)])
        .filter(|part| !part.is_empty())
        .collect()
}
