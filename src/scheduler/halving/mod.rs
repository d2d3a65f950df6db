//! Halving that waits for onset.
//!
//! The levels of a method are ordered, and the objective is smooth along them. So only a few spread
//! levels, the *probes*, are trained beside the plain run, each for a share of a full run from the epoch
//! of its onset on; all others lie dormant. Where the plain run has shown which levels it reaches, and
//! where its validation loss turns, probes are added there. What a probe shows since its onset
//! is the *response*: compared at the same exposure it ranks levels as they end, where equal epochs
//! rank them upside down (those past their onset look worse than those before it). A smooth curve
//! through the probes of all seeds names the level that goes on to the end: a probe resumes from its
//! checkpoint, a level between probes is woken from the trunk.
//!
//! An error rate is coarse, and one window of it is mostly noise; so where it is the objective, the loss
//! counts as evidence beside it. Where the loss misleads, plain is the better of the two at the end.

mod choice;
mod edge;
mod end;
mod plan;

use super::{action::Decision, response, status::TrialStatus, sweep::Sweep, trial::Goal};
use floodgauge_protocol::{ArmIx, FamilyIx, TrialKey};
use plan::{PROBES, exposure, ladders, spread};

pub(super) use plan::bound;

/// The rung of a bracket whose choice is trained to the end.
pub(super) const TO_THE_END: usize = 2;

impl Sweep {
    /// Trains the probes of a bracket, and its plain runs to the end; all else lies dormant.
    pub(super) fn probe(&mut self, ix: usize) -> Vec<Decision> {
        let families = self.brackets[ix].families.clone();
        let probes: Vec<_> = ladders(&self.plan).iter().flat_map(|ladder| spread(ladder)).collect();
        let mut decisions = vec![];
        for family in families {
            let idle = |arm: &ArmIx| *arm != ArmIx::PLAIN && !probes.contains(arm);
            for arm in self.plan.arm_ids().filter(idle) {
                if let Some(trial) = self.trials.get_mut(&TrialKey::new(family, arm)) {
                    trial.status = TrialStatus::Dormant;
                    trial.reason =
                        Some("not trained: the levels beside it tell what it does".into());
                }
            }
            let arms: Vec<_> = [ArmIx::PLAIN].into_iter().chain(probes.iter().copied()).collect();
            // The plain run has no onset that could end it: with the same goal it is one branch
            // with the probes that ride on it.
            self.aim(family, &arms, self.probing());
            decisions.extend(self.advance(family, &arms));
        }
        decisions
    }

    /// The goal of a probe.
    fn probing(&self) -> Goal {
        Goal { epoch: self.spec.recipe.epochs, exposure: Some(exposure(&self.spec)) }
    }

    /// What follows once nothing of a bracket is open: more probes, its choice, its end.
    pub(super) fn after_probes(&mut self, ix: usize) -> Vec<Decision> {
        let mut decisions = vec![];
        if self.brackets[ix].rung == 0 {
            self.brackets[ix].rung = 1;
            decisions.extend(self.probe_more(ix));
            if self.is_open(ix) {
                return decisions;
            }
        }
        if self.brackets[ix].rung == 1 {
            if !self.spec.search.extend {
                decisions.extend(self.choose(ix));
                return decisions;
            }
            if !self.all_are_probed() {
                return decisions;
            }
            decisions.extend(self.go_beyond());
            if self.all_are_probed() {
                decisions.extend((0..self.brackets.len()).flat_map(|ix| self.choose(ix)));
            }
            return decisions;
        }
        decisions.extend(self.end_bracket(ix));
        decisions
    }

    /// Whether no bracket has probes open, or may get more of them.
    fn all_are_probed(&self) -> bool {
        (self.brackets.iter().enumerate())
            .all(|(ix, bracket)| bracket.rung > 0 && !self.is_open(ix))
    }

    /// Makes the choice of a bracket, and has it trained to the end.
    fn choose(&mut self, ix: usize) -> Vec<Decision> {
        self.brackets[ix].rung = TO_THE_END;
        let (mut decisions, mut finalists) = (vec![], vec![]);
        for ladder in ladders(&self.plan) {
            finalists.extend(self.settle_ladder(ix, &ladder, &mut decisions));
        }
        finalists.sort_unstable();
        decisions.extend(self.finish_with(ix, &finalists));
        if !self.is_open(ix) {
            decisions.extend(self.end_bracket(ix));
        }
        decisions
    }

    fn is_open(&self, ix: usize) -> bool {
        let families = &self.brackets[ix].families;
        self.segments.values().any(|work| work.open && families.contains(&work.segment.family))
    }

    /// Adds probes where the plain runs have shown that they are worth it: spread over the levels
    /// that were reached, if some weren't, and one at the training loss where the validation loss turned.
    fn probe_more(&mut self, ix: usize) -> Vec<Decision> {
        let mut decisions = vec![];
        for ladder in ladders(&self.plan) {
            if !self.plan.arms[ladder[0].ix()].shares_trunk() {
                continue;
            }
            let reached = self.reached(ix, &ladder);
            let coarse = spread(&ladder);
            let mut probes: Vec<_> =
                reached.iter().copied().filter(|arm| coarse.contains(arm)).collect();
            let before = probes.len();
            for arm in spread(&reached) {
                if !probes.contains(&arm) && probes.len() < PROBES {
                    probes.push(arm);
                }
            }
            let turn = self.turn(ix, &reached).map(|place| reached[place.round() as usize]);
            probes.extend(turn.filter(|arm| !probes.contains(arm)));
            let why = "probed, as the plain run reached it";
            decisions.extend(self.wake_probes(ix, &probes[before..], why));
        }
        decisions
    }

    /// Wakes arms of every family as probes, where they lie dormant and the plain run crossed them.
    fn wake_probes(&mut self, ix: usize, probes: &[ArmIx], why: &str) -> Vec<Decision> {
        let mut decisions = vec![];
        for family in self.brackets[ix].families.clone() {
            let mut woken = vec![];
            for &arm in probes {
                let wake = self.wake(TrialKey::new(family, arm), self.probing(), why);
                woken.extend(wake.is_some().then_some(arm));
                decisions.extend(wake);
            }
            decisions.extend(self.advance(family, &woken));
        }
        decisions
    }

    /// The levels of a ladder that have an effect with every seed, or, if there are none, with any.
    fn reached(&self, ix: usize, ladder: &[ArmIx]) -> Vec<ArmIx> {
        let families = &self.brackets[ix].families;
        let crossed = |family: &FamilyIx, arm: ArmIx| self.is_crossed(TrialKey::new(*family, arm));
        let by_all = |arm: &ArmIx| families.iter().all(|family| crossed(family, *arm));
        let by_any = |arm: &ArmIx| families.iter().any(|family| crossed(family, *arm));
        let everywhere: Vec<_> = ladder.iter().copied().filter(by_all).collect();
        match everywhere.is_empty() {
            true => ladder.iter().copied().filter(by_any).collect(),
            false => everywhere,
        }
    }

    /// The place among the reached levels of a riding ladder where the plain runs turn, as a mean
    /// over seeds.
    fn turn(&self, ix: usize, reached: &[ArmIx]) -> Option<f64> {
        let level = |arm: &ArmIx| self.plan.arms[arm.ix()].level().filter(|_| !reached.is_empty());
        let levels: Vec<f64> = reached.iter().filter_map(level).collect();
        let rides = |arm: &ArmIx| self.plan.arms[arm.ix()].shares_trunk();
        if levels.is_empty() || levels.len() != reached.len() || !reached.iter().all(rides) {
            return None;
        }
        let families = self.brackets[ix].families.iter();
        let plain = families.map(|&family| &self.trials[&TrialKey::new(family, ArmIx::PLAIN)]);
        let turns: Vec<f64> = plain
            .filter_map(|plain| response::turning_loss(&plain.curve))
            .map(|loss| response::place(loss, &levels))
            .collect();
        (!turns.is_empty()).then(|| turns.iter().sum::<f64>() / turns.len() as f64)
    }
}
