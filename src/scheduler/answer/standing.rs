//! How the arms of a sweep stand: what the verdict judges.

use super::{cost::run_equivalents, extrapolation::extrapolated};
use crate::{
    scheduler::{
        facts::{Criterion, Facts, Trial},
        status::{SweepStatus, TrialStatus},
    },
    verdict::{self, Basis, Best, Candidate, Judged, Standing, TrialSummary},
};
use floodgauge_protocol::{ArmIx, At, Metric, TrialKey, ladder::by_method_and_level};
use std::collections::BTreeMap;

/// The answer so far; final once the sweep has ended.
pub fn best(facts: &Facts) -> Best {
    verdict::judge(&standing(facts))
}

/// The same as of so many other seeds, to be held against them.
pub fn best_of(facts: &Facts, others: u32) -> Best {
    verdict::judge(&Standing { others, ..standing(facts) })
}

/// The objective of a trial so far, as it was measured.
pub fn objective(facts: &Facts, trial: TrialKey) -> Option<Metric> {
    let objective = facts.criteria().objective;
    let minimised = facts.trial(trial)?.minimised(objective, facts.spec().recipe.epochs)?;
    Some(objective.as_measured(minimised))
}

/// The bracket and the arm that the verdict chooses among the trials trained to the end.
pub(super) fn chosen(facts: &Facts, basis: Basis) -> Option<(usize, ArmIx)> {
    let standing = Standing { ended: true, ..standing_at(facts, basis == Basis::Expected) };
    let best = verdict::leader(&standing, basis)?;
    best.finished().then_some((best.bracket, best.arm))
}

/// What is expected of the arms of a bracket with other seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The best of those that every seed trained to the end.
    pub leader: ArmIx,
    /// Of each arm of which something is expected, the mean objective over many seeds, minimised; the same bits
    /// on every machine.
    pub means: BTreeMap<ArmIx, f64>,
}

/// What is expected of the arms of a bracket; none where no arm leads, and where the model can't tell.
pub fn expected(facts: &Facts, bracket: usize) -> Option<Expected> {
    let mut standing = Standing { decided: true, ended: true, ..standing_at(facts, true) };
    standing.candidates.retain(|candidate| candidate.bracket == bracket);
    let expectations = verdict::expectations(&standing);
    let of_arm = |(candidate, mean): (&Candidate, &Option<f64>)| {
        Some((candidate.arm, mean.filter(|mean| mean.is_finite())?))
    };
    let means = standing.candidates.iter().zip(&expectations).filter_map(of_arm).collect();
    let leader = verdict::lead(&standing, &expectations).filter(|leader| leader.finished())?;
    Some(Expected { leader: leader.arm, means })
}

/// How many arms with a level lie dormant in every family, and never did otherwise.
fn untrained(facts: &Facts) -> usize {
    let dormant = |arm: &ArmIx| {
        let families = facts.space().families.iter();
        let mut of_arm =
            families.filter_map(|family| facts.trial(TrialKey::new(family.family, *arm)));
        of_arm.all(|trial| trial.status == TrialStatus::Dormant && trial.epochs() == 0)
    };
    let has_level = |arm: &ArmIx| facts.space().arms[arm.ix()].level().is_some();
    facts.space().arm_ids().filter(has_level).filter(dormant).count()
}

/// What the verdict judges.
pub fn standing(facts: &Facts) -> Standing {
    standing_at(facts, facts.status() == SweepStatus::Completed)
}

/// The same; if all that is trained `ended`, with what runs that ended early say of their ends.
fn standing_at(facts: &Facts, ended: bool) -> Standing {
    let mut levels: Vec<_> =
        facts.space().arms.iter().filter_map(|method| method.level()).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    let judged = |by: Criterion| Judged { name: by.metric, direction: by.direction() };
    Standing {
        objective: judged(facts.criteria().objective),
        at: facts.criteria().objective.at,
        other: facts.criteria().other.map(judged),
        levels,
        untrained: untrained(facts),
        seeds: facts.spec().search.seeds.len() as u32,
        others: facts.spec().search.seeds.len() as u32,
        decided: facts.is_decided(),
        ended: facts.status() == SweepStatus::Completed,
        given_up: facts.status().is_given_up(),
        epochs: facts.spec().recipe.epochs,
        candidates: candidates(facts, ended),
        noise_floor: verdict::noise_floor_of(facts.spec()),
        guessing: verdict::guessing_of(facts.spec()),
        validation_samples: facts.spec().recipe.dataset.resolved().n_val,
        run_equivalents: run_equivalents(facts),
    }
}

/// All arms of each weight decay, by method and level: what the verdict draws must not depend on
/// whether a level was there from the start or added later.
fn candidates(facts: &Facts, ended: bool) -> Vec<Candidate> {
    let arms = by_method_and_level(facts.space().arm_ids().zip(facts.space().arms.iter().copied()));
    let mut candidates = vec![];
    for (ix, bracket) in facts.brackets().iter().enumerate() {
        let weight_decay = facts.space().families[bracket.families[0].ix()].weight_decay;
        candidates.extend(arms.iter().map(|&arm| {
            let keys = bracket.families.iter().map(|&family| TrialKey::new(family, arm));
            let trials = keys.map(|key| summary(facts, key, ended)).collect();
            let method = facts.space().arms[arm.ix()];
            Candidate { bracket: ix, arm, method, weight_decay, trials }
        }));
    }
    candidates
}

/// What the verdict is to know of a trial.
fn summary(facts: &Facts, key: TrialKey, ended: bool) -> TrialSummary {
    let Some(trial) = facts.trial(key) else { return TrialSummary::default() };
    let criteria = facts.criteria();
    let full = facts.spec().recipe.epochs;
    TrialSummary {
        epochs: trial.epochs(),
        completed: trial.status == TrialStatus::Completed,
        pruned: trial.status == TrialStatus::Pruned,
        diverged: trial.status == TrialStatus::Diverged,
        past_onset: trial.onset_step.is_some(),
        objective: trial.minimised(criteria.objective, full),
        train_loss: train_loss(trial, full),
        early_stopped: early_stopped(facts).and_then(|by| trial.minimised(by, full)),
        other: criteria.other.and_then(|other| trial.minimised(other, full)),
        test: trial.test(criteria.objective.at, facts.steps_per_epoch()),
        // Only the model asks, once all has been trained.
        extrapolation: ended.then(|| extrapolated(facts, key)).flatten(),
    }
}

/// What early stopping would have gone by; none where the objective is read so anyway, and while it is not asked for.
fn early_stopped(facts: &Facts) -> Option<Criterion> {
    let mut objective = facts.criteria().objective;
    let is_other = facts.status() == SweepStatus::Completed && objective.at == At::Last;
    objective.at = At::Best;
    is_other.then_some(objective)
}

/// The training loss that a run ends at: its mean over the closing tenth of the epochs.
fn train_loss(trial: &Trial, full: u32) -> Option<f64> {
    let closing = trial.closing(full).iter().map(|point| point.train_loss);
    let has_ended = trial.status == TrialStatus::Completed;
    has_ended.then(|| Metric::mean(closing))?.finite()
}
