//! Going on beyond an end of the levels when the best lies there, for sweeps that ask for it.
//!
//! Such a sweep gets further levels at that end, half as many as it was submitted with, and as many
//! again if the best still lies at the end. They are arms like any other, dormant at first. The plain run
//! has told already where it crosses them, so two of each half are probed, and the choice is made
//! among all. Brackets go on together, so that who is first to end its probes changes nothing.

use super::{
    Halving, Stage,
    choice::{self, Response},
    probes::{self, ladders},
};
use crate::scheduler::{
    intent::Intent,
    policy::View,
    reason::{BeyondAnEnd, Cause, Reason},
};
use floodgauge_protocol::{Arm, ArmIx, levels::tidy};
use std::collections::BTreeMap;

/// How often levels are added for a method in a bracket.
const MAX_ROUNDS: usize = 2;

/// The most of them that are probed: the one in the middle and the outermost, each time.
pub(super) const MAX_PROBES: usize = 2 * MAX_ROUNDS;

/// The most levels added below: what lies lower is plain training for all practical purposes.
const MAX_BELOW: usize = 3;

/// How often levels were added, by bracket and method.
pub(super) type Rounds = BTreeMap<(usize, &'static str), usize>;

/// Levels beyond an end of a ladder.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Beyond {
    bracket: usize,
    /// The arm at the end.
    chosen: ArmIx,
    /// The levels, rising.
    levels: Vec<f64>,
    /// Whether the sweep has them.
    added: bool,
}

impl Halving {
    /// What follows once a bracket has its probes: levels beyond the ends at which choices would
    /// lie, or the choice if all lie within, or all that may be added is there. Nothing while other
    /// brackets have probes open.
    pub(super) fn go_beyond(&mut self, facts: View<'_>) -> Vec<Intent> {
        if !self.all_are_probed(facts) {
            return vec![];
        }
        if !self.looked_beyond {
            self.looked_beyond = true;
            // All say where they would go on before any does: what one adds is no end of another's.
            let ladders = ladders(facts.space());
            let brackets = 0..self.stages.len();
            let every = brackets.flat_map(|ix| ladders.iter().map(move |ladder| (ix, ladder)));
            let beyond = every.filter_map(|(ix, ladder)| self.beyond(facts, ix, ladder));
            self.beyond = beyond.collect();
            if let Some(intents) = self.add_beyond(facts) {
                return intents;
            }
        }
        self.choosing = true;
        self.stages[0] = Stage::ToTheEnd;
        choice::choose(facts, 0)
    }

    /// Adds the next levels beyond an end, or probes those that were added last.
    pub(super) fn add_beyond(&mut self, facts: View<'_>) -> Option<Vec<Intent>> {
        while let Some(beyond) = self.beyond.front_mut() {
            if beyond.added {
                let beyond = self.beyond.pop_front()?;
                let probes = probe_beyond(facts, &beyond);
                if probes.is_empty() {
                    continue;
                }
                return Some(probes);
            }
            if !has_room(facts, &beyond.levels) {
                self.beyond.pop_front();
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
                let mut levels = above(&known, count);
                levels.retain(|level| is_below_untrained(facts, bracket, *level));
                levels
            }
            () if ladder.first() == Some(&chosen) => below(&known, count),
            () => vec![],
        };
        (!levels.is_empty()).then_some(Beyond { bracket, chosen, levels, added: false })
    }
}

/// Whether with these there are at most twice as many levels as were asked for.
fn has_room(facts: View<'_>, levels: &[f64]) -> bool {
    let known = facts.spec().search.levels.expand().unwrap_or_default();
    let added = levels.iter().filter(|level| !known.contains(level)).count();
    known.len() + added <= 2 * facts.asked_levels()
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

/// Levels that go on above others, which rise: at the same distances, or at the same ratios if these aren't
/// even.
fn above(levels: &[f64], count: usize) -> Vec<f64> {
    let [.., before, last] = *levels else { return vec![] };
    let further = |i: usize| match is_even(levels) || before <= 0.0 {
        true => last + i as f64 * (last - before),
        false => last * (last / before).powi(i as i32),
    };
    (1..=count).map(|i| tidy(further(i))).filter(|level| level.is_finite()).collect()
}

/// Levels that go on below others, which rise, above 0 and rising: at the same distances where there is
/// room, else at the same ratios.
fn below(levels: &[f64], count: usize) -> Vec<f64> {
    let [first, second, ..] = *levels else { return vec![] };
    let step = second - first;
    // Half a step above 0 forgives the rounding of differences.
    let room = if is_even(levels) { ((first / step) - 0.5).floor().max(0.0) as usize } else { 0 };
    let further = |i: usize| match room {
        0 => first * (first / second).powi(i as i32),
        _ => first - i as f64 * step,
    };
    let count = count.min(if room == 0 { MAX_BELOW } else { room });
    (1..=count).rev().map(|i| tidy(further(i))).filter(|level| *level > 0.0).collect()
}

/// Whether levels lie at equal distances.
fn is_even(levels: &[f64]) -> bool {
    let step = levels.get(1).zip(levels.first()).map_or(0.0, |(second, first)| second - first);
    levels.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() <= 1e-6 * step)
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
    fn levels_go_on_above_at_their_distances_or_their_ratios() {
        assert_eq!(above(&[0.18, 0.19, 0.2], 3), [0.21, 0.22, 0.23]);
        assert_eq!(above(&[0.01, 0.1, 1.0], 2), [10.0, 100.0]);
        assert_eq!(above(&[0.0, 0.1], 1), [0.2]);
        assert_eq!(above(&[0.1], 2), [0.0; 0], "one level has no distance");
    }

    #[test]
    fn levels_go_on_below_as_long_as_they_are_above_zero() {
        assert_eq!(below(&[0.05, 0.06, 0.07], 3), [0.02, 0.03, 0.04]);
        assert_eq!(below(&[0.03, 0.04, 0.05], 9), [0.01, 0.02]);
        assert_eq!(below(&[0.01, 0.02, 0.03], 9), [0.00125, 0.0025, 0.005]);
        assert_eq!(below(&[0.01, 0.1, 1.0], 2), [0.0001, 0.001]);
        assert_eq!(below(&[0.0, 0.1], 2), [0.0; 0]);
    }

    #[test]
    fn the_middle_and_the_outermost_are_probed() {
        let of = |n: u16| middle_and_outermost(&(0..n).map(ArmIx).collect::<Vec<_>>()).count();
        assert_eq!([0, 1, 2, 10].map(of), [0, 1, 2, 2]);
        let ten: Vec<_> = (0..10).map(ArmIx).collect();
        assert_eq!(middle_and_outermost(&ten).collect::<Vec<_>>(), [ArmIx(4), ArmIx(9)]);
    }
}
