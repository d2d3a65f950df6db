//! Going on beyond an end of the levels when the best lies there, for sweeps that ask for it.
//!
//! Such a sweep gets further levels at that end, half as many as it was submitted with, and as many
//! again if the best still lies at the end. They are arms like any other, dormant at first. The plain run
//! has told already where it crosses them, so two of each half are probed, and the choice is made
//! among all. Brackets go on together, so that who is first to end its probes changes nothing.

use super::{
    choice::{self, Response},
    probes::{self, ladders},
};
use crate::{
    beyond::{self, Edge},
    scheduler::{
        intent::Intent,
        policy::View,
        reason::{BeyondAnEnd, Cause, Reason},
    },
};
use floodgauge_protocol::{Arm, ArmIx};
use std::collections::{BTreeMap, VecDeque};

/// How often levels are added for a method in a bracket. Chosen, not measured.
const MAX_ROUNDS: usize = 2;

/// How many of those that are added are probed, each time: the one in the middle and the outermost.
/// Chosen, not measured.
const PROBES_A_ROUND: usize = 2;

/// The most levels beyond an end that are probed for a method in a bracket.
pub(super) const MAX_PROBES_A_METHOD: usize = PROBES_A_ROUND * MAX_ROUNDS;

/// With those that are added a sweep has at most so many times as many levels as it was submitted with.
/// Chosen, not measured.
const MAX_TIMES_AS_MANY_LEVELS: usize = 2;

/// What is remembered of going beyond ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Edges {
    /// How often levels were added, by bracket and method.
    rounds: BTreeMap<(usize, &'static str), usize>,
    /// Levels beyond an end that are still to be added and probed.
    pending: VecDeque<Beyond>,
    /// Whether it was looked where to go beyond, since something was last trained.
    is_extended: bool,
}

/// Levels beyond an end of a ladder.
#[derive(Clone, Debug, PartialEq)]
struct Beyond {
    bracket: usize,
    /// The arm at the end.
    chosen: ArmIx,
    /// The levels, rising.
    levels: Vec<f64>,
    /// Whether the sweep has them.
    added: bool,
}

impl Edges {
    /// What follows once all brackets have their probes: levels beyond the ends at which choices would
    /// lie. None if all lie within, or all that may be added is there.
    pub fn extend_once(&mut self, facts: View<'_>) -> Option<Vec<Intent>> {
        if self.is_extended {
            return None;
        }
        self.is_extended = true;
        // All say where they would go on before any does: what one adds is no end of another's.
        let ladders = ladders(facts.space());
        let brackets = 0..facts.brackets().len();
        let every = brackets.flat_map(|ix| ladders.iter().map(move |ladder| (ix, ladder)));
        let beyond = every.filter_map(|(ix, ladder)| self.beyond(facts, ix, ladder));
        self.pending = beyond.collect();
        self.go_on(facts)
    }

    /// Has it decide again, since something is trained.
    pub fn reopen(&mut self) {
        self.is_extended = false;
    }

    /// Adds the next levels beyond an end, or probes those that were added last; none if nothing is
    /// pending.
    pub fn go_on(&mut self, facts: View<'_>) -> Option<Vec<Intent>> {
        while let Some(beyond) = self.pending.front_mut() {
            if beyond.added {
                let beyond = self.pending.pop_front()?;
                let probes = probe_beyond(facts, &beyond);
                if probes.is_empty() {
                    continue;
                }
                return Some(probes);
            }
            if !has_room(facts, &beyond.levels) {
                self.pending.pop_front();
                continue;
            }
            beyond.added = true;
            let method = facts.method(beyond.chosen);
            *self.rounds.entry((beyond.bracket, method.name())).or_default() += 1;
            let levels = beyond.levels.clone();
            let arm = Arm::new(beyond.chosen, method);
            let why = Reason::BeyondAnEnd(BeyondAnEnd { arm, levels: levels.clone() });
            return Some(vec![Intent::AddLevels { levels, why }]);
        }
        None
    }

    /// The arm at an end of a ladder that would be chosen, and the levels to add beyond it.
    fn beyond(&self, facts: View<'_>, bracket: usize, ladder: &[ArmIx]) -> Option<Beyond> {
        let method = facts.method(ladder[0]);
        let rounds = self.rounds.get(&(bracket, method.name())).copied().unwrap_or(0);
        if !method.shares_trunk() || rounds >= MAX_ROUNDS {
            return None;
        }
        let (chosen, responses) = choice::of_ladder(facts, bracket, ladder)?;
        let known: Vec<f64> = ladder.iter().filter_map(|&arm| facts.method(arm).level()).collect();
        let count = facts.asked_levels() / MAX_ROUNDS;
        let levels = match () {
            // Where nothing tells probes apart, more of them would tell no more.
            () if !Response::differ(&responses) => vec![],
            () if ladder.last() == Some(&chosen) => {
                let mut levels = beyond::beyond(&known, Edge::Highest, count);
                levels.retain(|level| is_below_untrained(facts, bracket, *level));
                levels
            }
            () if ladder.first() == Some(&chosen) => beyond::beyond(&known, Edge::Lowest, count),
            () => vec![],
        };
        (!levels.is_empty()).then_some(Beyond { bracket, chosen, levels, added: false })
    }
}

/// Whether with these there are still few enough levels.
fn has_room(facts: View<'_>, levels: &[f64]) -> bool {
    let known = facts.spec().search.levels.expand().unwrap_or_default();
    let added = levels.iter().filter(|level| !known.contains(level)).count();
    known.len() + added <= MAX_TIMES_AS_MANY_LEVELS * facts.asked_levels()
}

/// Whether a level lies below the loss of the untrained models: at others training would
/// ascend from the start.
fn is_below_untrained(facts: View<'_>, ix: usize, level: f64) -> bool {
    let families = &facts.brackets()[ix].families;
    let first = families.iter().filter_map(|&family| facts.first_loss(family));
    first.fold(f64::INFINITY, f64::min) > level
}

/// Probes some of the levels that were added.
fn probe_beyond(facts: View<'_>, Beyond { bracket, chosen, levels, .. }: &Beyond) -> Vec<Intent> {
    let best = facts.method(*chosen);
    let at = |level: &f64| {
        let is_it = |arm: &ArmIx| {
            let method = facts.method(*arm);
            method.name() == best.name() && method.level() == Some(*level)
        };
        facts.space().arm_ids().find(is_it)
    };
    let outwards: Vec<_> = match best.level() < levels.first().copied() {
        true => levels.iter().filter_map(at).collect(),
        false => levels.iter().rev().filter_map(at).collect(),
    };
    let probes: Vec<_> = middle_and_outermost(&outwards).collect();
    probes::wake(facts, *bracket, &probes, Cause::BeyondAnEnd)
}

/// Of levels that were added, rising or falling away from those that were there: the one in the middle,
/// and the outermost.
fn middle_and_outermost(outwards: &[ArmIx]) -> impl Iterator<Item = ArmIx> {
    let middle = outwards.get((outwards.len().saturating_sub(1)) / 2).copied();
    let outermost = outwards.last().copied().filter(|arm| Some(*arm) != middle);
    [middle, outermost].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_outermost_are_probed() {
        let of = |n: u16| middle_and_outermost(&(0..n).map(ArmIx).collect::<Vec<_>>()).count();
        assert_eq!([0, 1, 2, 10].map(of), [0, 1, 2, 2]);
        let ten: Vec<_> = (0..10).map(ArmIx).collect();
        assert_eq!(middle_and_outermost(&ten).collect::<Vec<_>>(), [ArmIx(4), ArmIx(9)]);
    }
}
