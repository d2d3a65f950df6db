//! Asynchronous successive halving by promotion (ASHA; Li et al., MLSys 2020, algorithm 2).
//!
//! An arm goes on from a rung as soon as it is among the best one in `eta` of those that got there so
//! far; none waits for the others. So who goes on depends on who comes first, and with it on the
//! number and the speed of the workers. All arms are queued at once, as there is no endless supply of
//! them; once nothing is open and none was trained to the end, the best of the highest rung goes on.

use super::{
    FamilyBound, Policy, View, bound,
    rank::{comparison, rank},
    rungs::Rungs,
    synchronous::complete_all,
};
use crate::scheduler::{
    facts::Bracket,
    goal::Goal,
    intent::Intent,
    reason::{Arrived, Purpose, Reason},
};
use floodgauge_protocol::{ArmIx, FamilyIx, Metric, SearchSpace, Segment, SweepSpec, TrialKey};
use std::collections::BTreeMap;

/// Arms that are compared with those that came before them.
#[derive(Clone, Debug, PartialEq)]
pub struct Asha {
    rungs: Rungs,
    /// Of each bracket, the rung that each arm was let on to last; none before the start.
    reaching: Vec<BTreeMap<ArmIx, usize>>,
}

/// An arm that goes on, of those that are ranked at a rung.
struct Promotion<'a> {
    rung: usize,
    ranked: &'a [(ArmIx, Metric)],
    place: usize,
    as_the_last: bool,
}

impl Asha {
    /// For a sweep with this space.
    pub fn new(spec: &SweepSpec, space: &SearchSpace) -> Self {
        Self { rungs: Rungs::halving(spec, space.arms.len() - 1), reaching: vec![] }
    }

    /// The arms beside plain.
    fn competing(&self, ix: usize) -> Vec<ArmIx> {
        self.reaching[ix].keys().copied().collect()
    }

    /// Promotes those at a rung that are among the best one in `eta` of all that got there.
    fn promote_from(
        &mut self,
        facts: View<'_>,
        ix: usize,
        rung: usize,
        intents: &mut Vec<Intent>,
    ) -> Vec<ArmIx> {
        let bracket = &facts.brackets()[ix];
        let mut reached = self.competing(ix);
        reached.retain(|&arm| self.got_to(facts, bracket, arm, rung));
        let ranked = rank(facts, bracket, &reached, self.rungs.epochs()[rung]);
        let mut promoted = vec![];
        for place in 0..self.rungs.promotable(ranked.len()) {
            let (arm, value) = ranked[place];
            let waits = self.reaching[ix].get(&arm) == Some(&rung);
            if waits && value != Metric::Diverged {
                let promotion = Promotion { rung, ranked: &ranked, place, as_the_last: false };
                intents.extend(self.promote(facts, ix, &promotion));
                promoted.push(arm);
            }
        }
        promoted
    }

    /// Lets an arm go on from a rung in every family.
    fn promote(&mut self, facts: View<'_>, ix: usize, promotion: &Promotion<'_>) -> Vec<Intent> {
        let Promotion { rung, ranked, place, as_the_last } = *promotion;
        let bracket = &facts.brackets()[ix];
        let arm = ranked[place].0;
        self.reaching[ix].insert(arm, rung + 1);
        let goal = Goal::epoch(self.rungs.epochs()[rung + 1]);
        let of = self.rungs.place(rung);
        let why = Reason::Arrived(Arrived {
            rung: of,
            comparison: comparison(facts, bracket, ranked, place, of),
            as_the_last,
        });
        let promoted = |&family: &FamilyIx| {
            let (trial, why) = (TrialKey::new(family, arm), why.clone());
            let set = Intent::SetGoal { family, arms: vec![arm], goal };
            [set, Intent::Promote { trial, rung: of.rung, why }]
        };
        bracket.families.iter().flat_map(promoted).collect()
    }

    /// Lets the best of the highest rung go on, if none was trained to the end. Nothing if one was,
    /// or no arm that waits has a finite value.
    fn promote_the_last(&mut self, facts: View<'_>, ix: usize) -> Vec<Intent> {
        let bracket = &facts.brackets()[ix];
        let last = self.rungs.epochs().len() - 1;
        let competing = self.competing(ix);
        if competing.iter().any(|&arm| self.got_to(facts, bracket, arm, last)) {
            return vec![];
        }
        for rung in (0..last).rev() {
            let waits = |arm: &ArmIx| self.reaching[ix].get(arm) == Some(&rung);
            let waiting: Vec<_> = competing.iter().copied().filter(waits).collect();
            let ranked = rank(facts, bracket, &waiting, self.rungs.epochs()[rung]);
            if let Some(&(arm, Metric::Finite(_))) = ranked.first() {
                let promotion = Promotion { rung, ranked: &ranked, place: 0, as_the_last: true };
                let mut intents = self.promote(facts, ix, &promotion);
                intents
                    .extend(bracket.families.iter().map(|&family| self.train(family, vec![arm])));
                return intents;
            }
        }
        vec![]
    }

    /// Prunes those that others overtook, and ends the bracket.
    fn end(&self, facts: View<'_>, ix: usize) -> Vec<Intent> {
        let last = self.rungs.epochs().len() - 1;
        let mut intents = vec![];
        for arm in self.competing(ix) {
            let rung = self.rungs.place(self.reaching[ix].get(&arm).copied().unwrap_or(last));
            for &family in &facts.brackets()[ix].families {
                if facts.trial(family, arm).epochs() < facts.full() {
                    let (trial, why) = (TrialKey::new(family, arm), Reason::Overtaken { rung });
                    intents.push(Intent::Prune { trial, rung: rung.rung, why });
                }
            }
        }
        let all: Vec<_> = facts.space().arm_ids().collect();
        intents.extend(complete_all(facts, ix, &all));
        intents
    }

    /// Whether an arm was trained to a rung in every family, or ended before.
    fn got_to(&self, facts: View<'_>, bracket: &Bracket, arm: ArmIx, rung: usize) -> bool {
        let step = u64::from(self.rungs.epochs()[rung]) * facts.steps_per_epoch();
        bracket.families.iter().all(|&family| {
            let trial = facts.trial(family, arm);
            trial.saved_step >= step || !trial.is_active()
        })
    }

    fn train(&self, family: FamilyIx, arms: Vec<ArmIx>) -> Intent {
        Intent::EnqueueToGoals { family, arms, purpose: Purpose::Asynchronous }
    }
}

impl Policy for Asha {
    /// Has every arm train to the first rung, and the plain run to the end.
    fn start(&mut self, facts: View<'_>) -> Vec<Intent> {
        let all: Vec<_> = facts.space().arm_ids().collect();
        let competing: Vec<_> = all.iter().copied().filter(|&arm| arm != ArmIx::PLAIN).collect();
        let at_first = || competing.iter().map(|&arm| (arm, 0)).collect();
        self.reaching = facts.brackets().iter().map(|_| at_first()).collect();
        let (first, full) = (Goal::epoch(self.rungs.epochs()[0]), Goal::epoch(facts.full()));
        let families = facts.brackets().iter().flat_map(|bracket| &bracket.families);
        families
            .flat_map(|&family| {
                let others = Intent::SetGoal { family, arms: competing.clone(), goal: first };
                let plain = Intent::SetGoal { family, arms: vec![ArmIx::PLAIN], goal: full };
                [others, plain, self.train(family, all.clone())]
            })
            .collect()
    }

    /// Lets go on who may since a segment was handed in, and queues what they need. A plain run that
    /// others share goes on with them, as one run.
    fn closed(&mut self, facts: View<'_>, segment: &Segment) -> Vec<Intent> {
        let family = segment.family;
        let arms: Vec<_> = segment.arms().collect();
        let Some(ix) = facts.bracket_of(family) else { return vec![] };
        let (mut intents, mut promoted) = (vec![], vec![]);
        for rung in (0..self.rungs.epochs().len() - 1).rev() {
            promoted.extend(self.promote_from(facts, ix, rung, &mut intents));
        }
        for &other in &facts.brackets()[ix].families {
            let mut next = if other == family { arms.clone() } else { vec![] };
            next.extend(promoted.iter().filter(|arm| other != family || !arms.contains(arm)));
            next.sort_unstable();
            intents.push(self.train(other, next));
        }
        intents
    }

    fn next(&mut self, facts: View<'_>) -> Vec<Intent> {
        let Some(ix) = facts.waiting().next() else { return vec![] };
        match self.promote_the_last(facts, ix) {
            none if none.is_empty() => self.end(facts, ix),
            intents => intents,
        }
    }

    fn purpose(&self, _: usize) -> Purpose {
        Purpose::Asynchronous
    }

    fn decision_epochs(&self) -> Vec<u32> {
        self.rungs.epochs().to_vec()
    }

    fn bound(&self, spec: &SweepSpec, space: &SearchSpace) -> FamilyBound {
        bound::as_they_come(&self.rungs, spec, space)
    }
}
