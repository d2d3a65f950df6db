//! Textbook synchronous successive halving (Jamieson & Talwalkar, AISTATS 2016), the
//! arms of a bracket compared as means over its seeds; a grid is halving with one rung. Hyperband
//! (Li et al., JMLR 2018) is several halvings that begin at different rungs; since arms of different
//! ones are never compared, all may be trained to one rung before any goes on to the next.
//!
//! The plain baseline doesn't compete: it is trained to the end beside the survivors.
//! Equal means keep the order of the levels, as the textbook has no better rule. Early
//! rungs compare levels that nothing tells apart yet, so this scheduler is cheap, and often wrong.

use super::{
    action::{Action, Decision},
    status::TrialStatus,
    sweep::{Bracket, Sweep},
    trial::Goal,
};
use floodgauge_protocol::{ArmIx, Metric, TrialKey};
use std::cmp::Ordering;

impl Sweep {
    /// The first rung of a bracket.
    pub(super) fn first_rung(&mut self, ix: usize) -> Vec<Decision> {
        self.enqueue_rung(ix)
    }

    /// What follows a rung that every arm of the bracket has reached.
    pub(super) fn next_rung(&mut self, ix: usize) -> Vec<Decision> {
        let bracket = self.brackets[ix].clone();
        if !self.rungs.is_last(bracket.rung) {
            return self.close_rung(ix, &bracket);
        }
        self.brackets[ix].done = true;
        self.end_last_rung(&bracket)
    }

    pub(super) fn end_last_rung(&mut self, bracket: &Bracket) -> Vec<Decision> {
        let epochs = self.spec.recipe.epochs;
        let mut decisions = vec![];
        for key in keys(bracket, &bracket.arms) {
            if let Some(trial) = self.trials.get_mut(&key)
                && trial.status == TrialStatus::Active
            {
                decisions.push(trial.complete(key, false, epochs));
            }
        }
        decisions
    }

    fn close_rung(&mut self, ix: usize, bracket: &Bracket) -> Vec<Decision> {
        let mut decisions = vec![];
        let mut survivors = vec![ArmIx::PLAIN];
        for heat in self.rungs.heats().to_vec() {
            let of_heat = |arm: &ArmIx| heat.arms.contains(&(arm.ix().wrapping_sub(1)));
            let arms: Vec<_> = bracket.arms.iter().copied().filter(of_heat).collect();
            if heat.first > bracket.rung {
                survivors.extend(arms);
            } else {
                survivors.extend(self.halve(bracket, &arms, &mut decisions));
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

    /// Promotes the best of `arms`, prunes the others; answers who goes on.
    fn halve(
        &mut self,
        bracket: &Bracket,
        arms: &[ArmIx],
        decisions: &mut Vec<Decision>,
    ) -> Vec<ArmIx> {
        let rung = bracket.rung;
        let epoch = self.rungs.epochs()[rung];
        let ranked = self.rank(bracket, arms, epoch);
        let keep = self.rungs.keep(ranked.len());
        let metric = self.spec.search.objective.metric.as_str();
        let mut survivors = vec![];
        for (rank, &(arm, value)) in ranked.iter().enumerate() {
            let kept = rank < keep && value != Metric::Diverged;
            if kept {
                survivors.push(arm);
            }
            let shown = match value {
                Metric::Finite(_) => format!("{metric} {value}"),
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
        survivors
    }

    /// Promotes or prunes a trial, unless it has ended already.
    pub(super) fn settle(
        &mut self,
        key: TrialKey,
        rung: u32,
        kept: bool,
        reason: String,
    ) -> Option<Decision> {
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

    /// Some arms of a bracket at a rung, best first.
    pub(super) fn rank(
        &self,
        bracket: &Bracket,
        arms: &[ArmIx],
        epoch: u32,
    ) -> Vec<(ArmIx, Metric)> {
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
        let mut ranked: Vec<_> = arms.iter().map(|&arm| (arm, mean(arm))).collect();
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
}

pub(super) fn keys<'a>(
    bracket: &'a Bracket,
    arms: &'a [ArmIx],
) -> impl Iterator<Item = TrialKey> + 'a {
    bracket
        .families
        .iter()
        .flat_map(move |&family| arms.iter().map(move |&arm| TrialKey::new(family, arm)))
}
