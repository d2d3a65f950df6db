//! Brings trials to their goals, segment by segment.
//!
//! Arms that still ride on their trunk are one branch of a segment, and so one run; those that the
//! worker forked off go on as branches of their own. A segment ends after at most a tenth of a full
//! run, so that little is lost with a worker, and what a trunk forked spreads over several workers.

use super::{
    action::{Action, Decision},
    status::TrialStatus,
    sweep::{Sweep, Work},
    trial::{Goal, Trial},
};
use floodgauge_protocol::{
    ArmIx, Branch, FamilyIx, Segment, SegmentId, SegmentKind, Start, TrialKey,
};
use std::collections::BTreeMap;

/// The most branches that one segment stacks: beyond it a step costs as much more as it
/// trains, and smaller segments let several workers share the work.
const MAX_BRANCHES: usize = 12;

impl Sweep {
    /// Says how far trials are to be trained.
    pub(super) fn aim(&mut self, family: FamilyIx, arms: &[ArmIx], goal: Goal) {
        for &arm in arms {
            if let Some(trial) = self.trials.get_mut(&TrialKey::new(family, arm)) {
                trial.goal = goal;
            }
        }
    }

    /// Segments for those of a family's `arms` that have not reached their goals yet.
    pub(super) fn advance(&mut self, family: FamilyIx, arms: &[ArmIx]) -> Vec<Decision> {
        let mut by_start: BTreeMap<u64, Vec<ArmIx>> = BTreeMap::new();
        for &arm in arms {
            let Some(trial) = self.trials.get(&TrialKey::new(family, arm)) else { continue };
            if trial.status == TrialStatus::Active && !trial.arrived(self.steps_per_epoch) {
                by_start.entry(trial.saved_step).or_default().push(arm);
            }
        }
        let mut decisions = vec![];
        for (from, mut arms) in by_start {
            arms.sort_unstable();
            let from = from / self.steps_per_epoch;
            let to = self.cut(family, from, &arms);
            let branches = self.branches(family, &arms);
            for cohort in even_parts(&branches) {
                let trained = cohort.iter().map(|branch| branch.arms.len()).sum();
                let sharing = match cohort.len() {
                    runs if runs < trained => format!(" in {}", count(runs, "run")),
                    _ => String::new(),
                };
                let reason = format!(
                    "{}: {}{sharing}, seed {}, epochs {from} to {to}",
                    self.purpose(family),
                    count(trained, "arm"),
                    self.plan.families[family.ix()].seed,
                );
                let steps = (from * self.steps_per_epoch, to * self.steps_per_epoch);
                let kind = SegmentKind::Train;
                decisions.push(self.enqueue(family, kind, steps, cohort.to_vec(), reason));
            }
        }
        decisions
    }

    /// The epoch at which a segment of `arms` that starts at epoch `from` ends: on the way to the
    /// nearest of their goals, in even strides.
    fn cut(&self, family: FamilyIx, from: u64, arms: &[ArmIx]) -> u64 {
        let goals = arms.iter().map(|&arm| self.trials[&TrialKey::new(family, arm)].goal.epoch);
        let nearest = goals.min().map_or(from, u64::from);
        let stride = u64::from(self.spec.recipe.epochs.div_ceil(10).max(1));
        let left = nearest.saturating_sub(from);
        let strides = left.div_ceil(stride).max(1);
        from + left.div_ceil(strides)
    }

    /// The runs that stand for `arms`, by the first of their arms.
    fn branches(&self, family: FamilyIx, arms: &[ArmIx]) -> Vec<Branch> {
        let mut branches: Vec<Branch> = vec![];
        for &arm in arms {
            let trial = &self.trials[&TrialKey::new(family, arm)];
            let start = match trial.checkpoint {
                Some(digest) if trial.saved_step > 0 => Start::Checkpoint { digest },
                _ => Start::Init,
            };
            let rides = |arm: ArmIx| self.plan.arms[arm.ix()].shares_trunk();
            // An onset that lies beyond the state, since a worker was lost, is met again.
            let onset_step = trial.onset_step.filter(|&onset| onset < trial.saved_step);
            let exposure = trial.goal.exposure;
            let shared = branches.iter_mut().find(|branch| {
                onset_step.is_none()
                    && branch.onset_step.is_none()
                    && (branch.start, branch.exposure) == (start, exposure)
                    && rides(arm)
                    && rides(branch.arms[0])
            });
            match shared {
                Some(branch) => branch.arms.push(arm),
                None => branches.push(Branch {
                    onset_step,
                    exposure,
                    best: trial.best_value(self.spec.search.objective.metric, self.steps_per_epoch),
                    watch: if arm == ArmIx::PLAIN { self.dormant(family) } else { vec![] },
                    ..Branch::new(vec![arm], start)
                }),
            }
        }
        branches
    }

    /// The arms of a family that wait to be woken from its trunk.
    fn dormant(&self, family: FamilyIx) -> Vec<ArmIx> {
        let waits = |arm: &ArmIx| {
            let key = TrialKey::new(family, *arm);
            let dormant = self.trials[&key].status == TrialStatus::Dormant;
            dormant && self.plan.arms[arm.ix()].shares_trunk() && self.onset(key).is_none()
        };
        self.plan.arm_ids().filter(waits).collect()
    }

    /// Queues a segment from one step to another.
    pub(super) fn enqueue(
        &mut self,
        family: FamilyIx,
        kind: SegmentKind,
        (from_step, to_step): (u64, u64),
        branches: Vec<Branch>,
        reason: String,
    ) -> Decision {
        let id = SegmentId(self.segments.len() as u32);
        let metric = self.spec.search.objective.metric;
        let segment = Segment { segment: id, family, kind, from_step, to_step, metric, branches };
        self.segments.insert(id, Work::new(segment.clone()));
        Decision { action: Action::Enqueue { segment }, reason }
    }
}

impl Trial {
    /// Whether there is a checkpoint at the goal, or beyond it.
    fn arrived(&self, steps_per_epoch: u64) -> bool {
        self.saved_step >= self.goal.last_epoch(self.onset_step, steps_per_epoch) * steps_per_epoch
    }
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

fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
