//! Textbook synchronous successive halving (Jamieson & Talwalkar, AISTATS 2016), the
//! arms of a bracket compared as means over its seeds; a grid is halving with one rung.
//!
//! The plain baseline doesn't compete: it is trained to the end beside the survivors.
//! Equal means keep the order of the levels, as the textbook has no better rule. Early
//! rungs compare levels that nothing tells apart yet, so this scheduler is cheap, and often wrong.

use super::{
    action::{Action, Decision, TrialEnd},
    status::{SweepStatus, TrialStatus},
    sweep::{Bracket, Sweep, Work},
    trial::{Goal, Trial},
};
use floodgauge_protocol::{ArmIx, At, Branch, FamilyIx, Metric, SegmentKind, Start, TrialKey};
use std::cmp::Ordering;

impl Sweep {
    /// The first rung of every bracket.
    pub(super) fn start(&mut self) -> Vec<Decision> {
        (0..self.brackets.len()).flat_map(|bracket| self.enqueue_rung(bracket)).collect()
    }

    /// Closes the rung of a family's bracket once nothing of it is open.
    pub(super) fn climb(&mut self, family: FamilyIx) -> Vec<Decision> {
        let Some(ix) = self.brackets.iter().position(|b| b.families.contains(&family)) else {
            return vec![];
        };
        let bracket = self.brackets[ix].clone();
        let open = |work: &Work| work.open && bracket.families.contains(&work.segment.family);
        if bracket.done || self.segments.values().any(open) {
            return vec![];
        }
        let mut decisions = if self.rungs.is_last(bracket.rung) {
            self.brackets[ix].done = true;
            self.end_last_rung(&bracket)
        } else {
            self.close_rung(ix, &bracket)
        };
        if self.brackets.iter().all(|bracket| bracket.done) {
            decisions.extend(self.enqueue_test());
        }
        decisions
    }

    fn end_last_rung(&mut self, bracket: &Bracket) -> Vec<Decision> {
        let epochs = self.spec.recipe.epochs;
        let mut decisions = vec![];
        for key in keys(bracket, &bracket.arms) {
            if let Some(trial) = self.trials.get_mut(&key)
                && trial.status == TrialStatus::Active
            {
                let reason = format!("trained all {epochs} epochs");
                decisions.push(trial.end(key, TrialEnd::Completed, reason));
            }
        }
        decisions
    }

    fn close_rung(&mut self, ix: usize, bracket: &Bracket) -> Vec<Decision> {
        let rung = bracket.rung;
        let epoch = self.rungs.epochs()[rung];
        let ranked = self.rank(bracket, epoch);
        let keep = self.rungs.keep(ranked.len());
        let metric = self.spec.search.objective.metric.as_str();
        let mut decisions = vec![];
        let mut survivors = vec![ArmIx::PLAIN];
        for (rank, &(arm, value)) in ranked.iter().enumerate() {
            let kept = rank < keep && value != Metric::Diverged;
            if kept {
                survivors.push(arm);
            }
            let shown = match value {
                Metric::Finite(value) => format!("{metric} {value:.4}"),
                Metric::Diverged => "no finite mean over seeds".into(),
            };
            let tie = ranked.iter().filter(|other| other.1.order(value) == Ordering::Equal).count();
            let tied = if tie > 1 {
                format!(", a tie of {tie} kept in order of level")
            } else {
                String::new()
            };
            for &family in &bracket.families {
                let key = TrialKey::new(family, arm);
                let exposure = self.trials[&key].exposure(self.steps_per_epoch);
                let reason = format!(
                    "{} at rung {} of {} (epoch {epoch}): {shown} is rank {} of {}, {keep} kept{tied}; exposure {exposure:.1} epochs",
                    if kept { "promoted" } else { "pruned" },
                    rung + 1,
                    self.rungs.epochs().len(),
                    rank + 1,
                    ranked.len(),
                );
                decisions.extend(self.settle(key, rung as u32, kept, reason));
            }
        }
        survivors.sort_unstable();
        self.brackets[ix].rung += 1;
        self.brackets[ix].arms = survivors;
        let next = self.enqueue_rung(ix);
        if next.is_empty() {
            self.brackets[ix].done = true;
        }
        decisions.extend(next);
        decisions
    }

    /// Promotes or prunes a trial, unless it has ended already.
    fn settle(&mut self, key: TrialKey, rung: u32, kept: bool, reason: String) -> Option<Decision> {
        let trial = self.trials.get_mut(&key).filter(|t| t.status == TrialStatus::Active)?;
        trial.reason = Some(reason.clone());
        let action = if kept {
            Action::Promote { trial: key, rung }
        } else {
            trial.status = TrialStatus::Pruned;
            Action::Prune { trial: key, rung }
        };
        Some(Decision { action, reason })
    }

    /// The competing arms, best first.
    fn rank(&self, bracket: &Bracket, epoch: u32) -> Vec<(ArmIx, Metric)> {
        let objective = self.spec.search.objective;
        let mean = |arm| {
            Metric::mean(bracket.families.iter().map(|&family| {
                let trial = &self.trials[&TrialKey::new(family, arm)];
                match trial.status {
                    TrialStatus::Active => trial.at_rung(objective, epoch),
                    _ => Metric::Diverged,
                }
            }))
        };
        let competing = bracket.arms.iter().filter(|arm| **arm != ArmIx::PLAIN);
        let mut ranked: Vec<_> = competing.map(|&arm| (arm, mean(arm))).collect();
        ranked.sort_by(|a, b| a.1.order(b.1));
        ranked
    }

    /// Has the bracket's arms train to its rung, from where they stand.
    fn enqueue_rung(&mut self, ix: usize) -> Vec<Decision> {
        let bracket = self.brackets[ix].clone();
        let goal = Goal::epoch(self.rungs.epochs()[bracket.rung]);
        let mut decisions = vec![];
        for &family in &bracket.families {
            self.aim(family, &bracket.arms, goal);
            decisions.extend(self.advance(family, &bracket.arms));
        }
        decisions
    }

    /// What a family is trained for.
    pub(super) fn purpose(&self, family: FamilyIx) -> String {
        let bracket = self.brackets.iter().find(|bracket| bracket.families.contains(&family));
        let rung = bracket.map_or(0, |bracket| bracket.rung) + 1;
        format!("rung {rung} of {}", self.rungs.epochs().len())
    }

    /// Test segments for the chosen arm and its baseline, one a seed; or the end, if there
    /// is nothing to test. Checkpoints hold the last epoch: an objective that is read at the
    /// best one has no weights to test.
    fn enqueue_test(&mut self) -> Vec<Decision> {
        let chosen = self.chosen().filter(|_| self.spec.search.objective.at == At::Last);
        let Some((bracket, arm)) = chosen else { return self.conclude() };
        let epochs = self.spec.recipe.epochs;
        let mut arms = vec![ArmIx::PLAIN, arm];
        arms.dedup();
        let mut decisions = vec![];
        for family in self.brackets[bracket].families.clone() {
            let branches: Vec<Branch> = arms
                .iter()
                .filter_map(|&arm| {
                    let trial = &self.trials[&TrialKey::new(family, arm)];
                    let digest =
                        trial.checkpoint.filter(|_| trial.status == TrialStatus::Completed)?;
                    let start = Start::Checkpoint { digest };
                    let (arms, onset_step) = (vec![arm], trial.onset_step);
                    Some(Branch { onset_step, ..Branch::new(arms, start) })
                })
                .collect();
            if branches.is_empty() {
                continue;
            }
            let reason = format!(
                "test metrics of the chosen {} and the baseline, seed {}",
                self.plan.arms[arm.ix()],
                self.plan.families[family.ix()].seed,
            );
            let end = u64::from(epochs) * self.steps_per_epoch;
            decisions.push(self.enqueue(family, SegmentKind::Test, (end, end), branches, reason));
        }
        if decisions.is_empty() { self.conclude() } else { decisions }
    }

    /// The end, once nothing is open: the answer, or failure if no arm was trained to the end
    /// with every seed.
    pub(super) fn conclude(&mut self) -> Vec<Decision> {
        if self.segments.values().any(|work| work.open) {
            return vec![];
        }
        if self.chosen().is_none() {
            self.status = SweepStatus::Failed;
            let lost = |trial: &&Trial| trial.status != TrialStatus::Completed;
            let why = self.trials.values().filter(lost).find_map(|trial| trial.reason.clone());
            let why = why.map(|why| format!("; the first reason: {why}")).unwrap_or_default();
            let reason = format!("no arm was trained to the end with every seed{why}");
            return vec![Decision { action: Action::Fail, reason }];
        }
        self.status = SweepStatus::Completed;
        let best = self.best();
        let reason = best.verdict.clone();
        vec![Decision { action: Action::Complete { best: Box::new(best) }, reason }]
    }
}

fn keys<'a>(bracket: &'a Bracket, arms: &'a [ArmIx]) -> impl Iterator<Item = TrialKey> + 'a {
    bracket
        .families
        .iter()
        .flat_map(move |&family| arms.iter().map(move |&arm| TrialKey::new(family, arm)))
}
