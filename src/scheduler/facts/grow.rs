//! What is added to a sweep on its way: levels, seeds, epochs, and the rest of runs that ended early.
//!
//! Arms and families keep their indices; new ones come behind them. Levels that were added lie
//! dormant in every family: where the trunk was trained they are woken from it, so that their runs
//! have the bits that they would have had from the start. So have runs that go on to the end: they go on
//! from their own last state, or from their trunk's where that is further and still theirs.

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
    /// Arms that the sweep had, and that every family is to train to the end now.
    pub finish: Vec<ArmIx>,
}

/// Arms with a level that not every family trained to the end, by level.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfinished(Vec<(f64, ArmIx)>);

impl Unfinished {
    /// Those at a level; empty where an extension has nothing left to train of it, and for a level that the
    /// sweep doesn't have.
    pub fn at(&self, level: f64) -> impl Iterator<Item = ArmIx> + '_ {
        // Adding zero makes a negative zero a positive one.
        let level = level + 0.0;
        let from = self.0.partition_point(|(known, _)| known.total_cmp(&level).is_lt());
        let is_at = move |(known, _): &&(f64, ArmIx)| known.total_cmp(&level).is_eq();
        self.0[from..].iter().take_while(is_at).map(|(_, arm)| *arm)
    }
}

impl Facts {
    /// The arms with a level that not every family trained to the end, whatever became of them: probed,
    /// pruned, given up, or never trained. What diverged has no more to show.
    pub fn unfinished(&self) -> Unfinished {
        let goes_on = |arm: ArmIx| {
            let families = self.space.families.iter().map(|family| family.family);
            let mut trials = families.filter_map(|f| self.trials.get(&TrialKey::new(f, arm)));
            trials.any(|trial| !has_ended(trial.status))
        };
        let with_level = self.space.arm_ids().zip(&self.space.arms);
        let with_level = with_level.filter_map(|(arm, method)| Some((method.level()?, arm)));
        let mut all: Vec<_> = with_level.filter(|(_, arm)| goes_on(*arm)).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        Unfinished(all)
    }

    /// Whether an arm with this level diverged with any seed.
    pub fn has_diverged(&self, level: f64) -> bool {
        let has_level = |arm: ArmIx| self.space.arms[arm.ix()].level() == Some(level);
        let diverged = |trial: &Trial| trial.status == TrialStatus::Diverged;
        self.trials.iter().any(|(key, trial)| diverged(trial) && has_level(key.arm))
    }
}

/// Whether there is no more to train of a run of full length.
fn has_ended(status: TrialStatus) -> bool {
    matches!(status, TrialStatus::Completed | TrialStatus::Diverged)
}

/// Takes a completed sweep on, by what an `Extended` event adds.
pub fn extend(facts: &mut Facts, event: &Event) -> Added {
    let Event::Extended { seeds, levels, finish, epochs, .. } = event else {
        return Added::default();
    };
    let added = Added {
        arms: add_levels(facts, levels),
        families: add_seeds(facts, seeds),
        finish: finish.clone(),
    };
    facts.spec.recipe.epochs = epochs.unwrap_or(facts.spec.recipe.epochs);
    facts.status = SweepStatus::Running;
    (facts.interrupted, facts.extended) = (true, true);
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

/// Aims at a full run, as long as it is now, of what a family trained to the end, of arms that were
/// `added`, and of those that it is to `finish`.
pub(super) fn take_on(
    facts: &mut Facts,
    family: FamilyIx,
    added: &[ArmIx],
    finish: &[ArmIx],
) -> Vec<Decision> {
    let goal = Goal::epoch(facts.spec.recipe.epochs);
    let of_family = facts.trials.iter_mut().filter(|(key, _)| key.family == family);
    for (_, trial) in of_family {
        if trial.status == TrialStatus::Completed && trial.epochs() < goal.epoch {
            trial.status = TrialStatus::Active;
            trial.goal = goal;
        }
    }
    let added = added.iter().map(|&arm| (arm, Cause::Added));
    let all = added.chain(finish.iter().map(|&arm| (arm, Cause::Asked)));
    let asked =
        |(arm, cause)| to_the_end(facts, TrialKey::new(family, arm), goal, cause, Reason::Asked);
    all.flat_map(asked).collect()
}

/// Lets a trial that hasn't ended go on to the end, since other seeds are expected to do best with its arm.
pub(super) fn go_on(facts: &mut Facts, key: TrialKey, why: Reason) -> Vec<Decision> {
    let goal = Goal::epoch(facts.spec.recipe.epochs);
    to_the_end(facts, key, goal, Cause::Promising, why)
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

/// Lets a run of a family that was trained go on to its end, or begin; nothing if it has ended. One that was
/// pruned says `why` it goes on.
fn to_the_end(
    facts: &mut Facts,
    key: TrialKey,
    goal: Goal,
    cause: Cause,
    why: Reason,
) -> Vec<Decision> {
    let Some(trial) = facts.trials.get(&key).filter(|trial| !has_ended(trial.status)) else {
        return vec![];
    };
    // What departed from its trunk has no more in common with it than it has already.
    let rides = facts.space.arms[key.arm.ix()].shares_trunk() && trial.onset_step.is_none();
    let (saved_step, epochs) = (trial.saved_step, trial.epochs());
    let per_epoch = facts.steps_per_epoch;
    let is_further = |step: u64| step >= saved_step && step / per_epoch.max(1) >= u64::from(epochs);
    match facts.onset(key).filter(|_| rides) {
        Some(onset) => {
            let from = facts.trunks.get(&key.family).and_then(|trunk| trunk.before(onset));
            if is_further(from.map_or(0, |from| from.step)) {
                if let Some(trial) = facts.trials.get_mut(&key) {
                    trial.status = TrialStatus::Dormant;
                }
                return wake(facts, key, goal, cause).into_iter().collect();
            }
        }
        None if rides => {
            let plain = facts.trials.get(&TrialKey::new(key.family, ArmIx::PLAIN)).cloned();
            let trunk = plain.filter(|plain| plain.saved_step > 0 && is_further(plain.saved_step));
            if let Some(trunk) = trunk {
                return be_the_trunk(facts, key, goal, cause, trunk);
            }
        }
        None => {}
    }
    let Some(trial) = facts.trials.get_mut(&key) else { return vec![] };
    let was_pruned = trial.status == TrialStatus::Pruned;
    (trial.status, trial.goal) = (TrialStatus::Active, goal);
    (trial.reason, trial.until_again) = (was_pruned.then(|| why.clone()), None);
    let resumed = was_pruned.then(|| Decision::new(Action::Resume { trial: key }, why));
    resumed.into_iter().collect()
}

/// Takes the trunk, as far as it was trained, for the run of an arm whose level it hasn't reached: tests and
/// all, even if it diverged.
fn be_the_trunk(
    facts: &mut Facts,
    key: TrialKey,
    goal: Goal,
    cause: Cause,
    trunk: Trial,
) -> Vec<Decision> {
    let Some(trial) = facts.trials.get_mut(&key) else { return vec![] };
    let (epochs, diverged) = (trunk.epochs(), trunk.status == TrialStatus::Diverged);
    let why = Reason::SharesTrunk { added: cause == Cause::Added };
    let of_trunk = trunk.reason.clone();
    let mut curve = std::mem::take(&mut trial.curve);
    curve.extend(trunk.curve.iter().skip(curve.len()).cloned());
    *trial = Trial { status: TrialStatus::Active, goal, reason: Some(why.clone()), curve, ..trunk };
    let mut decisions = vec![Decision::new(Action::Wake { trial: key, epochs }, why)];
    if let (true, Some(why)) = (diverged, of_trunk) {
        decisions.extend(end_trial(facts, key, TrialEnd::Diverged, why));
    }
    decisions
}
