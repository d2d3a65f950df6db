//! The last rung: the choice of each method, and plain, to the end.

use crate::scheduler::{
    action::{Action, Decision, TrialEnd},
    status::TrialStatus,
    sweep::Sweep,
    textbook::keys,
    trial::{Goal, Point, Trial},
};
use floodgauge_protocol::{ArmIx, TrialKey};

impl Sweep {
    /// Whether a level has an effect at all.
    pub(in crate::scheduler) fn is_crossed(&self, key: TrialKey) -> bool {
        !self.plan.arms[key.arm.ix()].shares_trunk() || self.onset(key).is_some()
    }

    /// Trains the chosen arms, and plain, to the end.
    pub(in crate::scheduler) fn finish_with(
        &mut self,
        ix: usize,
        finalists: &[ArmIx],
    ) -> Vec<Decision> {
        let arms: Vec<_> = [ArmIx::PLAIN].into_iter().chain(finalists.iter().copied()).collect();
        let goal = Goal::epoch(self.spec.recipe.epochs);
        let mut decisions = vec![];
        for family in self.brackets[ix].families.clone() {
            for &arm in finalists {
                let key = TrialKey::new(family, arm);
                let why = "the response of the probes is lowest here";
                decisions.extend(self.wake(key, goal, why));
                let alone = !self.plan.arms[arm.ix()].shares_trunk();
                let dormant = |t: &&mut Trial| alone && t.status == TrialStatus::Dormant;
                if let Some(trial) = self.trials.get_mut(&key).filter(dormant) {
                    trial.status = TrialStatus::Active;
                }
            }
            self.aim(family, &arms, goal);
            decisions.extend(self.advance(family, &arms));
        }
        self.brackets[ix].arms = arms;
        decisions
    }

    /// Ends what was trained to the end; levels that were never reached are the plain run.
    pub(super) fn end_bracket(&mut self, ix: usize) -> Vec<Decision> {
        self.brackets[ix].done = true;
        let full = self.spec.recipe.epochs;
        let all: Vec<_> = self.plan.arm_ids().collect();
        let mut decisions = vec![];
        for key in keys(&self.brackets[ix].clone(), &all) {
            decisions.extend(self.ride_to_the_end(key));
            let rides = key.arm != ArmIx::PLAIN && !self.is_crossed(key);
            let done = |t: &&mut Trial| t.status == TrialStatus::Active && t.epochs() >= full;
            if let Some(trial) = self.trials.get_mut(&key).filter(done) {
                decisions.push(trial.complete(key, rides, full));
            }
            decisions.extend(self.leave(key));
        }
        decisions
    }

    /// Ends a probe that no choice could weigh.
    fn leave(&mut self, key: TrialKey) -> Option<Decision> {
        let active = |trial: &&mut Trial| trial.status == TrialStatus::Active;
        let trial = self.trials.get_mut(&key).filter(active)?;
        let whole = |point: &Point| point.val_loss.finite().and(point.val_error.finite()).is_some();
        if !trial.curve.iter().all(whole) {
            let reason = "a loss was not finite".to_string();
            return Some(trial.end(key, TrialEnd::Diverged, reason));
        }
        let reason = "pruned: with another seed it ended early, so nothing compares it".into();
        self.settle(key, 0, false, reason)
    }

    /// Gives a dormant arm the epochs of its trunk if these never crossed its level.
    fn ride_to_the_end(&mut self, key: TrialKey) -> Option<Decision> {
        let plain = self.trials.get(&TrialKey::new(key.family, ArmIx::PLAIN))?;
        let over = matches!(plain.status, TrialStatus::Active | TrialStatus::Completed)
            && plain.epochs() >= self.spec.recipe.epochs;
        if !over || self.is_crossed(key) {
            return None;
        }
        let (curve, checkpoint, saved_step, best) =
            (plain.curve.clone(), plain.checkpoint, plain.saved_step, plain.best);
        let trial =
            self.trials.get_mut(&key).filter(|trial| trial.status == TrialStatus::Dormant)?;
        trial.status = TrialStatus::Active;
        trial.curve = curve;
        (trial.checkpoint, trial.saved_step, trial.best) = (checkpoint, saved_step, best);
        let reason = "the training loss never fell below it".into();
        let epochs = self.spec.recipe.epochs;
        Some(Decision { action: Action::Wake { trial: key, epochs }, reason })
    }
}
