//! What an intent changes.

use super::{
    Facts,
    ends::{active, end_trial},
    enqueue, grow,
    wake::{dormant, take_trunk, wake},
};
use crate::scheduler::{
    action::{Action, Decision, TrialEnd},
    intent::Intent,
    reason::Reason,
    status::TrialStatus,
};
use floodgauge_protocol::{Arm, TrialKey};

impl Facts {
    /// Does what a policy wants, and says what was done.
    pub fn apply(&mut self, intent: Intent) -> Vec<Decision> {
        match intent {
            Intent::SetGoal { family, arms, goal } => {
                for arm in arms {
                    if let Some(trial) = self.trials.get_mut(&TrialKey::new(family, arm)) {
                        trial.goal = goal;
                    }
                }
                vec![]
            }
            Intent::EnqueueToGoals { family, arms, purpose } => {
                enqueue::to_goals(self, family, &arms, purpose)
            }
            Intent::Promote { trial, rung, why } => {
                note(self, trial, TrialStatus::Active, Action::Promote { trial, rung }, why)
            }
            Intent::Prune { trial, rung, why } => {
                note(self, trial, TrialStatus::Pruned, Action::Prune { trial, rung }, why)
            }
            Intent::Rest { trial, why } => {
                note(self, trial, TrialStatus::Dormant, Action::Rest { trial }, why)
            }
            Intent::LieDormant { trial, why } => {
                if let Some(state) = active(self, trial) {
                    (state.status, state.reason) = (TrialStatus::Dormant, Some(why));
                }
                vec![]
            }
            Intent::Activate(trial) => {
                if let Some(state) = dormant(self, trial) {
                    state.status = TrialStatus::Active;
                }
                vec![]
            }
            Intent::Wake { trial, goal, cause } => {
                wake(self, trial, goal, cause).into_iter().collect()
            }
            Intent::TakeTrunk(trial) => take_trunk(self, trial).into_iter().collect(),
            Intent::Complete { trial, is_plain } => {
                let why = Reason::AllEpochs { epochs: self.spec.recipe.epochs, is_plain };
                end_trial(self, trial, TrialEnd::Completed, why).into_iter().collect()
            }
            Intent::End { trial, end, why } => {
                end_trial(self, trial, end, why).into_iter().collect()
            }
            Intent::AddLevels { levels, why } => add_arms(self, &levels, why),
            Intent::Begin { family, arms } => {
                grow::begin(self, family, &arms);
                vec![]
            }
            Intent::TakeOn { family, added, finish } => {
                grow::take_on(self, family, &added, &finish)
            }
            Intent::GoOn { trial, why } => grow::go_on(self, trial, why),
            Intent::Close(bracket) => {
                if let Some(bracket) = self.brackets.get_mut(bracket) {
                    bracket.done = true;
                }
                vec![]
            }
        }
    }
}

/// Gives an active trial a status for a reason.
fn note(
    facts: &mut Facts,
    trial: TrialKey,
    status: TrialStatus,
    action: Action,
    why: Reason,
) -> Vec<Decision> {
    let Some(state) = active(facts, trial) else { return vec![] };
    state.status = status;
    state.reason = Some(why.clone());
    vec![Decision::new(action, why)]
}

fn add_arms(facts: &mut Facts, levels: &[f64], why: Reason) -> Vec<Decision> {
    let added = grow::add_levels(facts, levels).into_iter();
    let arms: Vec<_> = added.map(|arm| Arm::new(arm, facts.space.arms[arm.ix()])).collect();
    if arms.is_empty() { vec![] } else { vec![Decision::new(Action::Grow { arms }, why)] }
}
