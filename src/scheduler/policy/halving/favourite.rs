//! The arm that other seeds are expected to do best with, where it wasn't trained with every seed: it is, if that
//! stays within what the sweep was told to cost at most.
//!
//! The choice among probes is made before anything is trained to the end. What is, then tells more of the
//! probes: so the model that gives the answer is asked once, and an answer that it prefers another arm to
//! is given only where that arm can't be trained.

use super::{Halving, end};
use crate::scheduler::{
    goal::Goal,
    intent::Intent,
    policy::{Policy, View},
    reason::{Cause, Purpose, Reason},
    status::TrialStatus,
};
use floodgauge_protocol::{ArmIx, FamilyIx, TrialKey};

/// What trains the favourite of a bracket to the end with every seed; nothing where that is done, or costs too
/// much.
pub(super) fn train(halving: &Halving, facts: View<'_>, ix: usize) -> Vec<Intent> {
    let families = &facts.brackets()[ix].families;
    let Some(arm) = facts.favourite(ix).filter(|arm| *arm != ArmIx::PLAIN) else { return vec![] };
    let left: Vec<FamilyIx> =
        families.iter().copied().filter(|&family| is_left(facts, family, arm)).collect();
    if left.is_empty() || !is_within_bound(halving, facts, ix, arm, &left) {
        return vec![];
    }
    let (goal, purpose) = (Goal::epoch(facts.full()), Purpose::ToTheEnd);
    left.into_iter()
        .flat_map(|family| {
            let trial = TrialKey::new(family, arm);
            let on_its_own = !facts.method(arm).shares_trunk();
            [
                Some(Intent::Resume { trial, goal, why: Reason::Favoured }),
                Some(Intent::Wake { trial, goal, cause: Cause::Favoured }),
                on_its_own.then_some(Intent::Activate(trial)),
                Some(Intent::SetGoal { family, arms: vec![arm], goal }),
                Some(Intent::EnqueueToGoals { family, arms: vec![arm], purpose }),
            ]
        })
        .flatten()
        .collect()
}

/// Whether a family still has to train an arm that it could.
fn is_left(facts: View<'_>, family: FamilyIx, arm: ArmIx) -> bool {
    match facts.trial(family, arm).status {
        TrialStatus::Pruned => true,
        // One that the trunk never crossed is the plain run.
        TrialStatus::Dormant => {
            facts.is_crossed(family, arm) || !end::has_whole_trunk(facts, family)
        }
        _ => false,
    }
}

/// Whether the bracket then costs at most what it was told to.
fn is_within_bound(
    halving: &Halving,
    facts: View<'_>,
    ix: usize,
    arm: ArmIx,
    left: &[FamilyIx],
) -> bool {
    let families = &facts.brackets()[ix].families;
    let full = f64::from(facts.full());
    let bound = halving.bound(facts.spec(), facts.space()).high * full * families.len() as f64;
    let trained: u64 = families.iter().map(|&family| facts.trained(family)).sum();
    let gradients = u64::from(facts.method(arm).gradients_per_step());
    let done = |family| facts.trial(family, arm).epochs().max(facts.shared_epochs(family, arm));
    let needed: u64 = left
        .iter()
        .map(|&family| u64::from(facts.full().saturating_sub(done(family))) * gradients)
        .sum();
    (trained + needed) as f64 <= bound
}
