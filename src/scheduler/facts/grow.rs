//! What is added to a sweep on its way: levels, seeds, epochs.
//!
//! Arms and families keep their indices; new ones come behind them. Levels that were added lie
//! dormant in every family: where the trunk was trained they are woken from it, so that their runs
//! have the bits that they would have had from the start.

use super::{Facts, Trial, ends::end_trial, wake::wake};
use crate::scheduler::{
    action::{Action, Decision, TrialEnd},
    event::Event,
    goal::Goal,
    reason::{Cause, Reason},
    status::{SweepStatus, TrialStatus},
};
use floodgauge_protocol::{ArmIx, Family, FamilyIx, Levels, MethodSpec, TrialKey};
use std::collections::BTreeSet;

/// What an extension added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Added {
    /// Arms at new levels; they lie dormant in every family.
    pub arms: Vec<ArmIx>,
    /// Families of new seeds; all their trials lie dormant.
    pub families: BTreeSet<FamilyIx>,
}

/// Takes a completed sweep on, by what an `Extended` event adds.
pub fn extend(facts: &mut Facts, event: &Event) -> Added {
    let Event::Extended { seeds, levels, epochs, .. } = event else { return Added::default() };
    let added = Added { arms: add_levels(facts, levels), families: add_seeds(facts, seeds) };
    facts.spec.recipe.epochs = epochs.unwrap_or(facts.spec.recipe.epochs);
    facts.status = SweepStatus::Running;
    facts.interrupted = true;
    for bracket in &mut facts.brackets {
        bracket.done = false;
    }
    added
}

/// Aims at a full run of some arms of a family that was added.
pub(super) fn begin(facts: &mut Facts, family: FamilyIx, arms: &[ArmIx]) {
    let goal = Goal::epoch(facts.spec.recipe.epochs);
    for &arm in arms {
        facts.trials.insert(TrialKey::new(family, arm), Trial { goal, ..Trial::new() });
    }
}

/// Aims at a full run, as long as it is now, of what a family trained to the end, and of arms
/// that were `added`.
pub(super) fn take_on(facts: &mut Facts, family: FamilyIx, added: &[ArmIx]) -> Vec<Decision> {
    let goal = Goal::epoch(facts.spec.recipe.epochs);
    let of_family = facts.trials.iter_mut().filter(|(key, _)| key.family == family);
    for (_, trial) in of_family {
        if trial.status == TrialStatus::Completed && trial.epochs() < goal.epoch {
            trial.status = TrialStatus::Active;
            trial.goal = goal;
        }
    }
    added.iter().flat_map(|&arm| add_run(facts, TrialKey::new(family, arm), goal)).collect()
}

/// Adds arms at new levels for every method that has one; they lie dormant in every family.
/// Answers their indices. Levels that are there already add nothing.
pub(super) fn add_levels(facts: &mut Facts, levels: &[f64]) -> Vec<ArmIx> {
    let known = facts.spec.search.levels.expand().unwrap_or_default();
    let mut new: Vec<f64> = levels.to_vec();
    // They rise.
    new.retain(|level| known.binary_search_by(|b| b.total_cmp(&(level + 0.0))).is_err());
    new.sort_by(f64::total_cmp);
    new.dedup();
    if new.is_empty() {
        return vec![];
    }
    let first = facts.space.arms.len() as u16;
    let leveled = |method: &&MethodSpec| matches!(method, MethodSpec::Level(_));
    for method in facts.spec.search.methods.iter().filter(leveled) {
        facts.space.arms.extend(method.arms(&new));
    }
    let mut all = [known, new].concat();
    all.sort_by(f64::total_cmp);
    facts.spec.search.levels = Levels::List(all);
    let arms: Vec<_> = (first..facts.space.arms.len() as u16).map(ArmIx).collect();
    for family in &facts.space.families {
        for &arm in &arms {
            let trial = Trial::dormant(Reason::NotTrained);
            facts.trials.insert(TrialKey::new(family.family, arm), trial);
        }
    }
    arms
}

/// Adds a family for each new seed and weight decay; all their trials lie dormant.
fn add_seeds(facts: &mut Facts, seeds: &[u32]) -> BTreeSet<FamilyIx> {
    let mut added = BTreeSet::new();
    for bracket in &mut facts.brackets {
        let weight_decay = facts.space.families[bracket.families[0].ix()].weight_decay;
        for &seed in seeds {
            let family = FamilyIx(facts.space.families.len() as u16);
            facts.space.families.push(Family { family, seed, weight_decay });
            bracket.families.push(family);
            added.insert(family);
            for arm in facts.space.arm_ids() {
                let trial = Trial::dormant(Reason::BeatenWithOtherSeeds);
                facts.trials.insert(TrialKey::new(family, arm), trial);
            }
        }
    }
    facts.spec.search.seeds.extend(seeds);
    added
}

/// Lets a new arm of a family that was trained go on from its trunk, or begin.
fn add_run(facts: &mut Facts, key: TrialKey, goal: Goal) -> Vec<Decision> {
    let shares_trunk = facts.space.arms[key.arm.ix()].shares_trunk();
    if shares_trunk && facts.onset(key).is_some() {
        return wake(facts, key, goal, Cause::Added).into_iter().collect();
    }
    let plain = facts.trials.get(&TrialKey::new(key.family, ArmIx::PLAIN)).cloned();
    let trunk = plain.filter(|plain| shares_trunk && plain.saved_step > 0);
    let Some(trial) = facts.trials.get_mut(&key) else { return vec![] };
    let Some(trunk) = trunk else {
        *trial = Trial { goal, ..Trial::new() };
        return vec![];
    };
    // The trunk as far as it was trained is its run, tests and all, even if that diverged.
    let (epochs, diverged) = (trunk.epochs(), trunk.status == TrialStatus::Diverged);
    let why = Reason::SharesTrunk { added: true };
    let of_trunk = trunk.reason.clone();
    *trial = Trial { status: TrialStatus::Active, goal, reason: Some(why.clone()), ..trunk };
    let mut decisions = vec![Decision::new(Action::Wake { trial: key, epochs }, why)];
    if let (true, Some(why)) = (diverged, of_trunk) {
        decisions.extend(end_trial(facts, key, TrialEnd::Diverged, why));
    }
    decisions
}
