//! The last rung: the choice of each method, and plain, to the end.

use crate::scheduler::{
    action::TrialEnd,
    facts::Trial,
    goal::Goal,
    intent::Intent,
    policy::View,
    reason::{Cause, Purpose, Reason},
    status::TrialStatus,
};
use floodgauge_protocol::{ArmIx, FamilyIx, TrialKey};

/// Trains the chosen arms, and plain, to the end.
pub(super) fn train(facts: View<'_>, ix: usize, finalists: &[ArmIx]) -> Vec<Intent> {
    let arms: Vec<_> = [ArmIx::PLAIN].into_iter().chain(finalists.iter().copied()).collect();
    let (goal, purpose) = (Goal::epoch(facts.full()), Purpose::ToTheEnd);
    let mut intents = vec![];
    for &family in &facts.brackets()[ix].families {
        for &arm in finalists {
            let trial = TrialKey::new(family, arm);
            intents.push(Intent::Wake { trial, goal, cause: Cause::Chosen });
            if !facts.method(arm).shares_trunk() {
                intents.push(Intent::Activate(trial));
            }
        }
        intents.push(Intent::SetGoal { family, arms: arms.clone(), goal });
        intents.push(Intent::EnqueueToGoals { family, arms: arms.clone(), purpose });
    }
    intents
}

/// Ends what was trained to the end; levels that were never reached are the plain run.
pub(super) fn complete(facts: View<'_>, ix: usize) -> Vec<Intent> {
    let families = &facts.brackets()[ix].families;
    let keys = families.iter().flat_map(|&f| facts.space().arm_ids().map(move |arm| (f, arm)));
    keys.flat_map(|(family, arm)| end_of(facts, family, arm)).collect()
}

/// The same, and nothing more is trained.
pub(super) fn close(facts: View<'_>, ix: usize) -> Vec<Intent> {
    [complete(facts, ix), vec![Intent::Close(ix)]].concat()
}

/// How a trial of a bracket ends that nothing more is trained of.
fn end_of(facts: View<'_>, family: FamilyIx, arm: ArmIx) -> Vec<Intent> {
    let trial = TrialKey::new(family, arm);
    let is_plain = arm != ArmIx::PLAIN && !facts.is_crossed(family, arm);
    let state = facts.trial(family, arm);
    if is_plain && state.is_dormant() && has_whole_trunk(facts, family) {
        return vec![Intent::TakeTrunk(trial), Intent::Complete { trial, is_plain }];
    }
    if !state.is_active() {
        return vec![];
    }
    if state.epochs() >= facts.full() {
        return vec![Intent::Complete { trial, is_plain }];
    }
    vec![close_unjudged(facts, trial, state)]
}

/// Whether the plain run of a family was trained to the end.
fn has_whole_trunk(facts: View<'_>, family: FamilyIx) -> bool {
    let plain = facts.trial(family, ArmIx::PLAIN);
    let is_whole = matches!(plain.status, TrialStatus::Active | TrialStatus::Completed);
    is_whole && plain.epochs() >= facts.full()
}

/// Ends a probe that no choice could weigh.
fn close_unjudged(facts: View<'_>, trial: TrialKey, state: &Trial) -> Intent {
    let metrics = &facts.criteria().metrics;
    if state.curve.iter().all(|point| point.is_finite(metrics)) {
        return Intent::Prune { trial, rung: 0, why: Reason::NothingToCompare };
    }
    Intent::End { trial, end: TrialEnd::Diverged, why: Reason::NotFinite { step: None } }
}
