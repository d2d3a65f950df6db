//! How the arms of a sweep stand: what the verdict judges.

use super::{status::TrialStatus, sweep::Sweep, trial::Trial};
use crate::verdict::{self, Best, Candidate, RunEquivalents, Standing, TrialSummary};
use floodgauge_protocol::{
    ArmIx, Metric, Objective, ObjectiveMetric, TrialKey, ladder::by_method_and_level,
};

impl Sweep {
    /// The answer so far; final once the sweep has ended.
    pub fn best(&self) -> Best {
        verdict::judge(&self.standing())
    }

    /// The objective of a trial so far.
    pub fn objective(&self, trial: TrialKey) -> Option<Metric> {
        self.trials.get(&trial)?.objective(self.spec.search.objective, self.spec.recipe.epochs)
    }

    /// The bracket and the arm that the verdict chooses among the trials trained to the end.
    pub(super) fn chosen(&self) -> Option<(usize, ArmIx)> {
        let standing = self.standing();
        let best = verdict::leader(&standing)?;
        best.finished().then_some((best.bracket, best.arm))
    }

    /// What was trained, and what was not.
    pub fn run_equivalents(&self) -> RunEquivalents {
        let full = f64::from(self.spec.recipe.epochs.max(1));
        let gradients = |key: &TrialKey| u64::from(self.gradients(key.arm));
        let cost = |(key, trial): (&TrialKey, &Trial)| gradients(key) * u64::from(trial.epochs());
        let seen: u64 = self.trials.iter().map(cost).sum();
        let given_up = [TrialStatus::Pruned, TrialStatus::Dormant];
        let pruned = self.trials.iter().filter(|(_, trial)| given_up.contains(&trial.status));
        let left = pruned.map(|(key, trial)| {
            gradients(key) * u64::from(self.spec.recipe.epochs.saturating_sub(trial.epochs()))
        });
        let left: u64 = left.sum();
        let runs: u64 = self.trials.keys().map(gradients).sum();
        let full_grid = runs as f64;
        RunEquivalents {
            spent: self.trained_epochs as f64 / full,
            full_grid,
            saved_by_sharing: seen.saturating_sub(self.trained_epochs) as f64 / full,
            saved_by_pruning: left as f64 / full,
            redone: self.redone_epochs as f64 / full,
        }
    }

    /// How many arms lie dormant in every family, and never did otherwise.
    fn untrained(&self) -> usize {
        let dormant = |arm: &ArmIx| {
            let mut of_arm = self.trials.iter().filter(|(key, _)| key.arm == *arm);
            of_arm.all(|(_, trial)| trial.status == TrialStatus::Dormant && trial.epochs() == 0)
        };
        self.plan.arm_ids().filter(dormant).count()
    }

    fn standing(&self) -> Standing {
        let mut levels: Vec<_> =
            self.plan.arms.iter().filter_map(|method| method.level()).collect();
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        Standing {
            objective: self.spec.search.objective,
            levels,
            untrained: self.untrained(),
            seeds: self.spec.search.seeds.len() as u32,
            ended: self.status.is_final(),
            epochs: self.spec.recipe.epochs,
            candidates: self.candidates(),
            noise_floor: self.noise_floor(),
            train_loss: self.train_loss(),
            run_equivalents: self.run_equivalents(),
        }
    }

    /// All arms of each weight decay, by method and level: what the verdict draws must not depend on
    /// whether a level was there from the start or added later.
    fn candidates(&self) -> Vec<Candidate> {
        let arms = by_method_and_level(self.plan.arm_ids().zip(self.plan.arms.iter().copied()));
        let mut candidates = vec![];
        for (ix, bracket) in self.brackets.iter().enumerate() {
            let weight_decay = self.plan.families[bracket.families[0].ix()].weight_decay;
            candidates.extend(arms.iter().map(|&arm| {
                let keys = bracket.families.iter().map(|&family| TrialKey::new(family, arm));
                let trials = keys.map(|key| self.summary(key)).collect();
                let method = self.plan.arms[arm.ix()];
                Candidate { bracket: ix, arm, method, weight_decay, trials }
            }));
        }
        candidates
    }

    /// What the verdict is to know of a trial.
    fn summary(&self, key: TrialKey) -> TrialSummary {
        let Some(trial) = self.trials.get(&key) else { return TrialSummary::default() };
        let objective = self.spec.search.objective;
        let other = match objective.metric {
            ObjectiveMetric::ValLoss => ObjectiveMetric::ValError,
            ObjectiveMetric::ValError => ObjectiveMetric::ValLoss,
        };
        let full = self.spec.recipe.epochs;
        TrialSummary {
            epochs: trial.epochs(),
            completed: trial.status == TrialStatus::Completed,
            pruned: trial.status == TrialStatus::Pruned,
            diverged: trial.status == TrialStatus::Diverged,
            past_onset: trial.onset_step.is_some(),
            objective: trial.objective(objective, full),
            other: trial.objective(Objective { metric: other, ..objective }, full),
            test: trial.test(objective.at, self.steps_per_epoch),
            // Only the model asks, once all has been trained.
            extrapolation: self.status.is_final().then(|| self.told_by(key)).flatten(),
        }
    }

    /// The training loss that plain runs end at: their mean over the closing tenth of the epochs.
    fn train_loss(&self) -> Option<f64> {
        let plain = self.trials.iter().filter(|(key, _)| key.arm == ArmIx::PLAIN);
        let losses = plain.map(|(_, trial)| {
            let closing = trial.closing(self.spec.recipe.epochs);
            match trial.status {
                TrialStatus::Completed => Metric::mean(closing.iter().map(|p| p.train_loss)),
                _ => Metric::Diverged,
            }
        });
        Metric::mean(losses).finite()
    }

    fn noise_floor(&self) -> Option<f64> {
        let dataset = &self.spec.recipe.dataset;
        verdict::noise_floor(dataset.label_noise, dataset.facts()?.classes)
    }
}
