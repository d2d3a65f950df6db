//! Textbook synchronous successive halving (Jamieson & Talwalkar, AISTATS 2016), the
//! arms of a bracket compared as means over its seeds; a grid is halving with one rung. Hyperband
//! (Li et al., JMLR 2018) is several halvings that begin at different rungs; since arms of different
//! ones are never compared, all may be trained to one rung before any goes on to the next.
//!
//! The plain baseline doesn't compete: it is trained to the end beside the survivors.
//! Equal means keep the order of the levels, as the textbook has no better rule. Early
//! rungs compare levels that nothing tells apart yet, so this scheduler is cheap, and often wrong.

use super::{
    FamilyBound, Policy, View, bound,
    rank::{comparison, rank},
    rungs::{Heat, Rungs},
};
use crate::scheduler::{
    facts::Bracket,
    goal::Goal,
    intent::Intent,
    reason::{AtRung, Fate, Purpose, Reason},
};
use floodgauge_protocol::{ArmIx, Metric, SearchSpace, SweepSpec, TrialKey};
use std::cmp::Ordering;

/// Arms that are compared at rungs, all at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Synchronous {
    rungs: Rungs,
    /// Whether every arm is trained to the end, so that there is nothing to choose on the way.
    is_grid: bool,
    /// What each bracket trains; none before the start.
    fields: Vec<Field>,
}

/// The arms of a bracket that are trained to a rung.
#[derive(Clone, Debug, PartialEq)]
struct Field {
    rung: usize,
    arms: Vec<ArmIx>,
}

impl Synchronous {
    /// Every arm to the end.
    pub fn grid(spec: &SweepSpec, space: &SearchSpace) -> Self {
        Self { is_grid: true, ..Self::with(Rungs::grid(spec, space.arms.len() - 1)) }
    }

    /// Textbook halving.
    pub fn sha(spec: &SweepSpec, space: &SearchSpace) -> Self {
        Self::with(Rungs::halving(spec, space.arms.len() - 1))
    }

    /// Hyperband.
    pub fn hyperband(spec: &SweepSpec, space: &SearchSpace) -> Self {
        Self::with(Rungs::hyperband(spec, space.arms.len() - 1))
    }

    fn with(rungs: Rungs) -> Self {
        Self { rungs, is_grid: false, fields: vec![] }
    }

    /// Has a bracket's arms train to its rung, from where they stand.
    fn train(&self, facts: View<'_>, ix: usize) -> Vec<Intent> {
        let Field { rung, arms } = &self.fields[ix];
        let goal = Goal::epoch(self.rungs.epochs()[*rung]);
        let purpose = self.purpose(ix);
        let families = facts.brackets()[ix].families.iter();
        families
            .flat_map(|&family| {
                let set = Intent::SetGoal { family, arms: arms.clone(), goal };
                [set, Intent::EnqueueToGoals { family, arms: arms.clone(), purpose }]
            })
            .collect()
    }

    /// Ends a bracket: what is active has trained all its epochs.
    fn end(&self, facts: View<'_>, ix: usize) -> Vec<Intent> {
        complete_all(facts, ix, &self.fields[ix].arms)
    }

    /// Promotes the best of a rung, prunes the others, and trains on.
    fn decide_rung(&mut self, facts: View<'_>, ix: usize) -> Vec<Intent> {
        let bracket = &facts.brackets()[ix];
        let Field { rung, arms } = self.fields[ix].clone();
        let mut intents = vec![];
        let mut survivors = vec![ArmIx::PLAIN];
        for heat in self.rungs.heats() {
            let arms: Vec<_> = arms.iter().copied().filter(|arm| is_of(heat, *arm)).collect();
            if heat.first > rung {
                survivors.extend(arms);
            } else {
                survivors.extend(self.promote_or_prune(facts, bracket, rung, &arms, &mut intents));
            }
        }
        survivors.sort_unstable();
        self.fields[ix] = Field { rung: rung + 1, arms: survivors };
        intents.extend(self.train(facts, ix));
        intents
    }

    /// Promotes the best of `arms`, prunes the others; answers who goes on.
    fn promote_or_prune(
        &self,
        facts: View<'_>,
        bracket: &Bracket,
        rung: usize,
        arms: &[ArmIx],
        intents: &mut Vec<Intent>,
    ) -> Vec<ArmIx> {
        let of = self.rungs.place(rung);
        let ranked = rank(facts, bracket, arms, of.epoch);
        let keep = self.rungs.keep(ranked.len());
        let mut survivors = vec![];
        for (place, &(arm, value)) in ranked.iter().enumerate() {
            let kept = place < keep && value != Metric::Diverged;
            if kept {
                survivors.push(arm);
            }
            let tied = ranked.iter().filter(|other| other.1.order(value) == Ordering::Equal);
            let tied = tied.count() as u32;
            for &family in &bracket.families {
                let exposure = facts.trial(family, arm).exposure(facts.steps_per_epoch());
                let why = Reason::AtRung(AtRung {
                    fate: if kept { Fate::Promoted } else { Fate::Pruned },
                    rung: of,
                    comparison: comparison(facts, bracket, &ranked, place, of),
                    kept: keep as u32,
                    tied,
                    exposure,
                });
                let trial = TrialKey::new(family, arm);
                intents.push(match kept {
                    true => Intent::Promote { trial, rung: of.rung, why },
                    false => Intent::Prune { trial, rung: of.rung, why },
                });
            }
        }
        survivors
    }
}

impl Policy for Synchronous {
    fn start(&mut self, facts: View<'_>) -> Vec<Intent> {
        let all: Vec<_> = facts.space().arm_ids().collect();
        let brackets = 0..facts.brackets().len();
        self.fields = brackets.clone().map(|_| Field { rung: 0, arms: all.clone() }).collect();
        brackets.flat_map(|ix| self.train(facts, ix)).collect()
    }

    fn next(&mut self, facts: View<'_>) -> Vec<Intent> {
        let Some(ix) = facts.waiting().next() else { return vec![] };
        match self.rungs.is_last(self.fields[ix].rung) {
            true => self.end(facts, ix),
            false => self.decide_rung(facts, ix),
        }
    }

    fn purpose(&self, bracket: usize) -> Purpose {
        let rung = self.fields.get(bracket).map_or(0, |field| field.rung as u32);
        Purpose::Rung { rung, count: self.rungs.epochs().len() as u32 }
    }

    fn finalists(&self, facts: View<'_>, bracket: usize) -> Vec<ArmIx> {
        match self.is_grid {
            true => facts.space().arm_ids().collect(),
            false => super::completed(facts, bracket),
        }
    }

    fn decision_epochs(&self) -> Vec<u32> {
        self.rungs.epochs().to_vec()
    }

    fn bound(&self, spec: &SweepSpec, space: &SearchSpace) -> FamilyBound {
        let mut bound = bound::by_rungs(&self.rungs, spec, space);
        if self.is_grid {
            bound.phases[0].words = "every arm to the end".into();
        }
        bound
    }
}

/// Ends a bracket: those of its arms that are active have trained all their epochs.
pub(super) fn complete_all(facts: View<'_>, ix: usize, arms: &[ArmIx]) -> Vec<Intent> {
    let families = &facts.brackets()[ix].families;
    let keys =
        families.iter().flat_map(|&family| arms.iter().map(move |&arm| TrialKey::new(family, arm)));
    let completed = keys.map(|trial| Intent::Complete { trial, is_plain: false });
    completed.chain([Intent::Close(ix)]).collect()
}

/// Whether an arm competes in a heat; plain competes in none.
fn is_of(heat: &Heat, arm: ArmIx) -> bool {
    arm.ix().checked_sub(1).is_some_and(|place| heat.arms.contains(&place))
}
