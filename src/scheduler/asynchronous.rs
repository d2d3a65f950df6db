//! Asynchronous successive halving by promotion (ASHA; Li et al., MLSys 2020, algorithm 2).
//!
//! An arm goes on from a rung as soon as it is among the best one in `eta` of those that got there so
//! far; none waits for the others. So who goes on depends on who comes first, and with it on the
//! number and the speed of the workers. All arms are queued at once, as there is no endless supply of
//! them; once nothing is open and none was trained to the end, the best of the highest rung goes on.

use super::{
    action::Decision,
    status::TrialStatus,
    sweep::{Bracket, Sweep},
    trial::Goal,
};
use floodgauge_protocol::{ArmIx, FamilyIx, Metric, TrialKey};

impl Sweep {
    /// Has every arm of a bracket train to the first rung, and the plain run to the end.
    pub(super) fn start_asynchronously(&mut self, ix: usize) -> Vec<Decision> {
        let bracket = self.brackets[ix].clone();
        let first = Goal::epoch(self.rungs.epochs()[0]);
        let competing = competing(&bracket);
        self.brackets[ix].reaching = competing.iter().map(|&arm| (arm, 0)).collect();
        let mut decisions = vec![];
        for &family in &bracket.families {
            self.aim(family, &competing, first);
            self.aim(family, &[ArmIx::PLAIN], Goal::epoch(self.spec.recipe.epochs));
            decisions.extend(self.advance(family, &bracket.arms));
        }
        decisions
    }

    /// Lets go on who may since `arms` of a family were handed in, and queues what they need. A
    /// plain run that others ride on goes on with them, as one run.
    pub(super) fn promote(&mut self, family: FamilyIx, arms: &[ArmIx]) -> Vec<Decision> {
        let Some(ix) = self.brackets.iter().position(|b| b.families.contains(&family)) else {
            return vec![];
        };
        let mut decisions = vec![];
        let mut promoted = vec![];
        for rung in (0..self.rungs.epochs().len() - 1).rev() {
            promoted.extend(self.promote_from(ix, rung, &mut decisions));
        }
        for other in self.brackets[ix].families.clone() {
            let mut next = if other == family { arms.to_vec() } else { vec![] };
            next.extend(promoted.iter().filter(|arm| other != family || !arms.contains(arm)));
            next.sort_unstable();
            decisions.extend(self.advance(other, &next));
        }
        decisions
    }

    /// Promotes those at a rung that are among the best one in `eta` of all that got there.
    fn promote_from(
        &mut self,
        ix: usize,
        rung: usize,
        decisions: &mut Vec<Decision>,
    ) -> Vec<ArmIx> {
        let bracket = self.brackets[ix].clone();
        let there: Vec<_> = competing(&bracket)
            .into_iter()
            .filter(|&arm| self.got_to(&bracket, arm, rung))
            .collect();
        let ranked = self.rank(&bracket, &there, self.rungs.epochs()[rung]);
        let best = ranked.iter().take(self.rungs.promotable(ranked.len())).enumerate();
        let mut promoted = vec![];
        for (rank, &(arm, value)) in best {
            let waits = bracket.reaching.get(&arm) == Some(&rung);
            if waits && value != Metric::Diverged {
                let why = format!("is rank {} of the {} that got there", rank + 1, ranked.len());
                self.let_on(ix, arm, rung, &format!("{value} {why}"), decisions);
                promoted.push(arm);
            }
        }
        promoted
    }

    /// Lets an arm go on from a rung in every family.
    fn let_on(
        &mut self,
        ix: usize,
        arm: ArmIx,
        rung: usize,
        why: &str,
        decisions: &mut Vec<Decision>,
    ) {
        let epochs = self.rungs.epochs().to_vec();
        self.brackets[ix].reaching.insert(arm, rung + 1);
        let metric = self.spec.search.objective.metric.as_str();
        for family in self.brackets[ix].families.clone() {
            self.aim(family, &[arm], Goal::epoch(epochs[rung + 1]));
            let reason = format!(
                "promoted at rung {} of {} (epoch {}): {metric} {why} so far",
                rung + 1,
                epochs.len(),
                epochs[rung],
            );
            let key = TrialKey::new(family, arm);
            decisions.extend(self.settle(key, rung as u32, true, reason));
        }
    }

    /// What follows once nothing of a bracket is open.
    pub(super) fn after_promotions(&mut self, ix: usize) -> Vec<Decision> {
        let bracket = self.brackets[ix].clone();
        let last = self.rungs.epochs().len() - 1;
        let ended = |arm: &ArmIx| self.got_to(&bracket, *arm, last);
        let mut decisions = vec![];
        if !competing(&bracket).iter().any(ended) {
            for rung in (0..last).rev() {
                let waits = |arm: &ArmIx| bracket.reaching.get(arm) == Some(&rung);
                let waiting: Vec<_> = competing(&bracket).into_iter().filter(waits).collect();
                let ranked = self.rank(&bracket, &waiting, self.rungs.epochs()[rung]);
                if let Some(&(arm, value @ Metric::Finite(_))) = ranked.first() {
                    let why = format!("{value} is the best of the highest rung");
                    self.let_on(ix, arm, rung, &why, &mut decisions);
                    for &family in &bracket.families {
                        decisions.extend(self.advance(family, &[arm]));
                    }
                    return decisions;
                }
            }
        }
        self.brackets[ix].done = true;
        let full = self.spec.recipe.epochs;
        for arm in competing(&bracket) {
            let rung = bracket.reaching.get(&arm).copied().unwrap_or(last);
            for &family in &bracket.families {
                let key = TrialKey::new(family, arm);
                if self.trials[&key].epochs() < full {
                    let reason = format!(
                        "pruned at rung {} of {} (epoch {}): others were better when they came",
                        rung + 1,
                        last + 1,
                        self.rungs.epochs()[rung],
                    );
                    decisions.extend(self.settle(key, rung as u32, false, reason));
                }
            }
        }
        decisions.extend(self.end_last_rung(&bracket));
        decisions
    }

    /// Whether an arm was trained to a rung in every family, or ended before.
    fn got_to(&self, bracket: &Bracket, arm: ArmIx, rung: usize) -> bool {
        let epoch = self.rungs.epochs()[rung];
        bracket.families.iter().all(|&family| {
            let trial = &self.trials[&TrialKey::new(family, arm)];
            let saved = trial.saved_step >= u64::from(epoch) * self.steps_per_epoch;
            saved || trial.status != TrialStatus::Active
        })
    }
}

/// The arms of a bracket beside plain.
fn competing(bracket: &Bracket) -> Vec<ArmIx> {
    bracket.arms.iter().copied().filter(|arm| *arm != ArmIx::PLAIN).collect()
}
