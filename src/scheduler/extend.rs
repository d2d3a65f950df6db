//! Going on with a completed sweep: more seeds, levels or epochs, of which only what is missing is
//! trained.
//!
//! Arms and families keep their indices; new ones come behind them. Whatever the scheduler, those
//! that were trained to the end are the *contenders*: more epochs take them on from their last
//! checkpoints, and more seeds train them beside plain. Added levels contend in every family: where
//! the trunk was trained they are woken from it, so that their runs have the bits that they would
//! have had from the start.

use super::{
    action::{Action, Decision, TrialEnd},
    rungs::Rungs,
    status::{SweepStatus, TrialStatus},
    sweep::Sweep,
    textbook::keys,
    trial::{Goal, Trial},
};
use floodgauge_protocol::{ArmIx, Family, FamilyIx, Levels, MethodSpec, SchedulerKind, TrialKey};
use std::collections::BTreeSet;

const UNTRAINED: &str = "not trained: with other seeds others did better";

impl Sweep {
    /// Takes a completed sweep on.
    pub(super) fn extend(
        &mut self,
        seeds: &[u32],
        levels: &[f64],
        epochs: Option<u32>,
    ) -> Vec<Decision> {
        if self.status != SweepStatus::Completed {
            return vec![];
        }
        let contenders: Vec<_> = (0..self.brackets.len()).map(|ix| self.contenders(ix)).collect();
        let arms = self.add_levels(levels);
        let families = self.add_seeds(seeds);
        self.spec.recipe.epochs = epochs.unwrap_or(self.spec.recipe.epochs);
        self.rungs = Rungs::of(&self.spec, self.plan.arms.len() - 1);
        self.status = SweepStatus::Running;
        let mut decisions = vec![];
        for (ix, mut contenders) in contenders.into_iter().enumerate() {
            contenders.extend(&arms);
            let contenders: Vec<_> = contenders.into_iter().collect();
            let bracket = &mut self.brackets[ix];
            bracket.arms.clone_from(&contenders);
            bracket.done = false;
            bracket.extended = true;
            for family in bracket.families.clone() {
                if families.contains(&family) {
                    self.begin(family, &contenders);
                } else {
                    decisions.extend(self.take_on(family, &arms));
                }
                let all: Vec<_> = self.plan.arm_ids().collect();
                decisions.extend(self.advance(family, &all));
            }
        }
        for ix in 0..self.brackets.len() {
            decisions.extend(self.climb(self.brackets[ix].families[0]));
        }
        decisions
    }

    /// Ends what an extension trained.
    pub(super) fn close_extension(&mut self, ix: usize) -> Vec<Decision> {
        self.brackets[ix].done = true;
        let full = self.spec.recipe.epochs;
        let all: Vec<_> = self.plan.arm_ids().collect();
        let keys: Vec<_> = keys(&self.brackets[ix], &all).collect();
        let mut decisions = vec![];
        for key in keys {
            let never = key.arm != ArmIx::PLAIN
                && self.plan.arms[key.arm.ix()].shares_trunk()
                && self.onset(key).is_none();
            let done =
                |trial: &&mut Trial| trial.status == TrialStatus::Active && trial.epochs() >= full;
            if let Some(trial) = self.trials.get_mut(&key).filter(done) {
                decisions.push(trial.complete(key, never, full));
            }
        }
        decisions
    }

    /// Adds arms at new levels for every method that has one; they lie dormant in every family.
    /// Answers their indices. Levels that are there already add nothing.
    pub(super) fn add_levels(&mut self, levels: &[f64]) -> Vec<ArmIx> {
        let known = self.spec.search.levels.expand().unwrap_or_default();
        let mut new: Vec<f64> = levels.to_vec();
        new.retain(|level| !known.contains(level));
        new.sort_by(f64::total_cmp);
        new.dedup();
        if new.is_empty() {
            return vec![];
        }
        let first = self.plan.arms.len() as u16;
        let leveled = |method: &&MethodSpec| matches!(method, MethodSpec::Level(_));
        for method in self.spec.search.methods.iter().filter(leveled) {
            self.plan.arms.extend(method.arms(&new));
        }
        let mut all = [known, new].concat();
        all.sort_by(f64::total_cmp);
        self.spec.search.levels = Levels::List(all);
        let arms: Vec<_> = (first..self.plan.arms.len() as u16).map(ArmIx).collect();
        for family in &self.plan.families {
            for &arm in &arms {
                self.trials
                    .insert(TrialKey::new(family.family, arm), Trial::dormant("not trained"));
            }
        }
        arms
    }

    /// Adds a family for each new seed and weight decay; all their trials lie dormant.
    fn add_seeds(&mut self, seeds: &[u32]) -> BTreeSet<FamilyIx> {
        let mut added = BTreeSet::new();
        for bracket in &mut self.brackets {
            let weight_decay = self.plan.families[bracket.families[0].ix()].weight_decay;
            for &seed in seeds {
                let family = FamilyIx(self.plan.families.len() as u16);
                self.plan.families.push(Family { family, seed, weight_decay });
                bracket.families.push(family);
                added.insert(family);
                for arm in self.plan.arm_ids() {
                    self.trials.insert(TrialKey::new(family, arm), Trial::dormant(UNTRAINED));
                }
            }
        }
        self.spec.search.seeds.extend(seeds);
        added
    }

    /// The arms that further seeds train: plain, and those trained to the end with every seed;
    /// of a grid all.
    fn contenders(&self, ix: usize) -> BTreeSet<ArmIx> {
        let families = &self.brackets[ix].families;
        let status = |family: &FamilyIx, arm| self.trials[&TrialKey::new(*family, arm)].status;
        let contends = |arm: &ArmIx| {
            *arm == ArmIx::PLAIN
                || self.spec.scheduler.kind == SchedulerKind::Grid
                || families.iter().all(|family| status(family, *arm) == TrialStatus::Completed)
        };
        self.plan.arm_ids().filter(contends).collect()
    }

    /// Aims at a full run of some arms of a new family.
    fn begin(&mut self, family: FamilyIx, arms: &[ArmIx]) {
        let goal = Goal::epoch(self.spec.recipe.epochs);
        for &arm in arms {
            self.trials.insert(TrialKey::new(family, arm), Trial { goal, ..Trial::new() });
        }
    }

    /// Aims at a full run, as long as it is now, of what a family trained to the end, and of `new`
    /// arms.
    fn take_on(&mut self, family: FamilyIx, new: &[ArmIx]) -> Vec<Decision> {
        let goal = Goal::epoch(self.spec.recipe.epochs);
        let of_family = self.trials.iter_mut().filter(|(key, _)| key.family == family);
        for (_, trial) in of_family {
            if trial.status == TrialStatus::Completed && trial.epochs() < goal.epoch {
                trial.status = TrialStatus::Active;
                trial.goal = goal;
            }
        }
        new.iter().flat_map(|&arm| self.add_run(TrialKey::new(family, arm), goal)).collect()
    }

    /// Lets a new arm of a family that was trained go on from its trunk, or begin.
    fn add_run(&mut self, key: TrialKey, goal: Goal) -> Vec<Decision> {
        let rides = self.plan.arms[key.arm.ix()].shares_trunk();
        if rides && self.onset(key).is_some() {
            return self.wake(key, goal, "added").into_iter().collect();
        }
        let plain = self.trials.get(&TrialKey::new(key.family, ArmIx::PLAIN)).cloned();
        let trunk = plain.filter(|plain| rides && plain.saved_step > 0);
        let Some(trial) = self.trials.get_mut(&key) else { return vec![] };
        let Some(trunk) = trunk else {
            *trial = Trial { goal, ..Trial::new() };
            return vec![];
        };
        // The trunk as far as it was trained is its run, tests and all, even if that diverged.
        let (epochs, diverged) = (trunk.epochs(), trunk.status == TrialStatus::Diverged);
        let reason = "added; so far the training loss never fell below it".to_string();
        *trial = Trial { status: TrialStatus::Active, goal, ..trunk };
        let why = trial.reason.replace(reason.clone()).unwrap_or_default();
        let mut decisions = vec![Decision { action: Action::Wake { trial: key, epochs }, reason }];
        decisions.extend(diverged.then(|| trial.end(key, TrialEnd::Diverged, why)));
        decisions
    }
}

impl Trial {
    /// A trial that nobody trains.
    fn dormant(reason: &str) -> Self {
        Self { status: TrialStatus::Dormant, reason: Some(reason.into()), ..Self::new() }
    }
}
