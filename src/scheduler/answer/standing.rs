//! How the arms of a sweep stand: what the verdict judges.

use super::{cost::run_equivalents, extrapolation::extrapolated};
use crate::{
    scheduler::{facts::Facts, status::TrialStatus},
    verdict::{self, Best, Candidate, Contender, Run, Standing},
};
use floodgauge_protocol::{ArmIx, Metric, Objective, ObjectiveMetric, TrialKey};

/// The answer so far; final once the sweep has ended.
pub fn best(facts: &Facts) -> Best {
    verdict::judge(&standing(facts))
}

/// The objective of a trial so far.
pub fn objective(facts: &Facts, trial: TrialKey) -> Option<Metric> {
    facts.trial(trial)?.objective(facts.spec().search.objective, facts.spec().recipe.epochs)
}

/// The bracket and the arm that the verdict chooses among the trials trained to the end.
pub(super) fn chosen(facts: &Facts) -> Option<(usize, ArmIx)> {
    let standing = standing(facts);
    let best = verdict::leader(&standing.contenders)?;
    let contender = &standing.contenders[best];
    contender.finished.then_some((contender.bracket, contender.arm))
}

/// How many arms lie dormant in every family, and never did otherwise.
fn untrained(facts: &Facts) -> usize {
    let dormant = |arm: &ArmIx| {
        let mut of_arm = facts.trials().filter(|(key, _)| key.arm == *arm);
        of_arm.all(|(_, trial)| trial.status == TrialStatus::Dormant && trial.epochs() == 0)
    };
    facts.plan().arm_ids().filter(dormant).count()
}

fn standing(facts: &Facts) -> Standing {
    let at = facts.spec().search.objective.at;
    let mut contenders = vec![];
    for (ix, bracket) in facts.brackets().iter().enumerate() {
        for arm in facts.plan().arm_ids() {
            let keys: Vec<_> =
                bracket.families.iter().map(|&family| TrialKey::new(family, arm)).collect();
            let trials: Vec<_> = keys.iter().filter_map(|&key| facts.trial(key)).collect();
            let scores: Option<Vec<Metric>> =
                keys.iter().map(|&key| objective(facts, key)).collect();
            let Some(scores) = scores else { continue };
            contenders.push(Contender {
                bracket: ix,
                arm,
                method: facts.plan().arms[arm.ix()],
                weight_decay: facts.plan().families[bracket.families[0].ix()].weight_decay,
                epochs: trials.iter().map(|trial| trial.epochs()).min().unwrap_or(0),
                finished: trials.iter().all(|trial| trial.status == TrialStatus::Completed),
                crossed: trials.iter().any(|trial| trial.onset_step.is_some()),
                pruned: trials.iter().any(|trial| trial.status == TrialStatus::Pruned),
                tests: trials
                    .iter()
                    .filter_map(|trial| trial.test(at, facts.steps_per_epoch()))
                    .collect(),
                scores,
            });
        }
    }
    let mut levels: Vec<_> = facts.plan().arms.iter().filter_map(|method| method.level()).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    Standing {
        objective: facts.spec().search.objective,
        levels,
        arms: facts.plan().arms.len() * facts.brackets().len(),
        untrained: untrained(facts),
        seeds: facts.spec().search.seeds.len() as u32,
        ended: facts.status().is_final(),
        epochs: facts.spec().recipe.epochs,
        candidates: candidates(facts),
        noise_floor: noise_floor(facts),
        train_loss: train_loss(facts),
        contenders,
        run_equivalents: run_equivalents(facts),
    }
}

/// All arms of each weight decay, by method and level: what the verdict draws must not depend on
/// whether a level was there from the start or added later.
fn candidates(facts: &Facts) -> Vec<Candidate> {
    let arms = arms_by_level(facts);
    let mut candidates = vec![];
    for (ix, bracket) in facts.brackets().iter().enumerate() {
        candidates.extend(arms.iter().map(|&arm| Candidate {
            bracket: ix,
            arm,
            method: facts.plan().arms[arm.ix()],
            weight_decay: facts.plan().families[bracket.families[0].ix()].weight_decay,
            runs: bracket.families.iter().map(|&f| run(facts, TrialKey::new(f, arm))).collect(),
        }));
    }
    candidates
}

/// The arms, the methods in the order of their first ones, each method's by level.
fn arms_by_level(facts: &Facts) -> Vec<ArmIx> {
    let method = |arm: &ArmIx| &facts.plan().arms[arm.ix()];
    let mut methods: Vec<&str> = vec![];
    for method in &facts.plan().arms {
        if !methods.contains(&method.name()) {
            methods.push(method.name());
        }
    }
    let rank = |arm: &ArmIx| methods.iter().position(|name| *name == method(arm).name());
    let level = |arm: &ArmIx| method(arm).level().unwrap_or_default();
    let mut arms: Vec<_> = facts.plan().arm_ids().collect();
    arms.sort_by(|a, b| rank(a).cmp(&rank(b)).then(level(a).total_cmp(&level(b))).then(a.cmp(b)));
    arms
}

/// What one seed has of an arm.
fn run(facts: &Facts, key: TrialKey) -> Run {
    let Some(trial) = facts.trial(key) else { return Run::default() };
    let objective = facts.spec().search.objective;
    let other = match objective.metric {
        ObjectiveMetric::ValLoss => ObjectiveMetric::ValError,
        ObjectiveMetric::ValError => ObjectiveMetric::ValLoss,
    };
    let full = facts.spec().recipe.epochs;
    Run {
        epochs: trial.epochs(),
        completed: trial.status == TrialStatus::Completed,
        crossed: trial.onset_step.is_some(),
        score: trial.objective(objective, full),
        other: trial.objective(Objective { metric: other, ..objective }, full),
        diverged: trial.status == TrialStatus::Diverged,
        // Only the model asks, once all has been trained.
        probe: facts.status().is_final().then(|| extrapolated(facts, key)).flatten(),
    }
}

/// The training loss that plain runs end at: their mean over the closing tenth of the epochs.
fn train_loss(facts: &Facts) -> Option<f64> {
    let plain = facts.trials().filter(|(key, _)| key.arm == ArmIx::PLAIN);
    let losses = plain.map(|(_, trial)| {
        let closing = trial.closing(facts.spec().recipe.epochs);
        match trial.status {
            TrialStatus::Completed => Metric::mean(closing.iter().map(|p| p.train_loss)),
            _ => Metric::Diverged,
        }
    });
    Metric::mean(losses).finite()
}

fn noise_floor(facts: &Facts) -> Option<f64> {
    let dataset = &facts.spec().recipe.dataset;
    verdict::noise_floor(dataset.label_noise, dataset.facts()?.classes)
}
