//! Dormant trials: how they go on from the plain run of their family, their trunk.

use super::{Facts, Trial};
use crate::scheduler::{
    action::{Action, Decision},
    goal::Goal,
    reason::{Cause, Reason, Woken},
    status::TrialStatus,
};
use floodgauge_protocol::{ArmIx, TrialKey};

/// Lets a dormant arm go on from its trunk's last state before its onset, towards a goal. Epochs of its own,
/// which none of them has beyond that, stay. None if it isn't dormant, or the trunk hasn't crossed its level.
pub(super) fn wake(facts: &mut Facts, key: TrialKey, goal: Goal, cause: Cause) -> Option<Decision> {
    let onset = facts.onset(key)?;
    let from = facts.trunks.get(&key.family)?.before(onset).copied();
    let epochs = from.map_or(0, |from| from.step / facts.steps_per_epoch) as u32;
    let plain = facts.trials.get(&TrialKey::new(key.family, ArmIx::PLAIN))?;
    let shared = plain.curve.get(..epochs as usize)?.to_vec();
    let onset = onset as f64 / facts.steps_per_epoch as f64;
    let trial = dormant(facts, key)?;
    trial.status = TrialStatus::Active;
    let had = trial.epochs() as usize;
    trial.curve.extend(shared.into_iter().skip(had));
    trial.goal = goal;
    if let Some(from) = from {
        (trial.checkpoint, trial.saved_step) = (Some(from.checkpoint), from.step);
        trial.best = from.best;
    }
    let why = Reason::Woken(Woken { cause, onset, epochs });
    trial.reason = Some(why.clone());
    Some(Decision::new(Action::Wake { trial: key, epochs }, why))
}

/// Gives a dormant arm the epochs of its trunk.
pub(super) fn take_trunk(facts: &mut Facts, key: TrialKey) -> Option<Decision> {
    let plain = facts.trials.get(&TrialKey::new(key.family, ArmIx::PLAIN))?;
    let (curve, checkpoint, saved_step, best) =
        (plain.curve.clone(), plain.checkpoint, plain.saved_step, plain.best);
    let epochs = facts.spec.recipe.epochs;
    let trial = dormant(facts, key)?;
    trial.status = TrialStatus::Active;
    trial.curve = curve;
    (trial.checkpoint, trial.saved_step, trial.best) = (checkpoint, saved_step, best);
    let why = Reason::SharesTrunk { added: false };
    Some(Decision::new(Action::Wake { trial: key, epochs }, why))
}

/// A dormant trial, to change it.
pub(super) fn dormant(facts: &mut Facts, key: TrialKey) -> Option<&mut Trial> {
    facts.trials.get_mut(&key).filter(|trial| trial.is_dormant())
}
