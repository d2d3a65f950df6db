//! Going on beyond an end of the levels when the best lies there, for sweeps that ask for it.
//!
//! Such a sweep gets further levels at that end, half as many as it was submitted with, and as many
//! again if the best still lies at the end. They are arms like any other, dormant at first. The plain run
//! has told already where it crosses them, so two of each half are probed, and the choice is made
//! among all. Brackets go on together, so that who is first to end its probes changes nothing.

use super::plan::ladders;
use crate::scheduler::{
    action::{Action, AddedArm, Decision},
    sweep::Sweep,
};
use floodgauge_protocol::{ArmIx, levels::tidy};

/// How often levels are added for a method in a bracket.
const ROUNDS: usize = 2;

/// The most of them that are probed: the one in the middle and the outermost, each time.
pub(super) const MOST: usize = 2 * ROUNDS;

/// The most levels added below: what lies lower is plain training for all practical purposes.
const BELOW: usize = 3;

impl Sweep {
    /// Adds levels beyond the ends at which choices would lie, and probes some of them; nothing if
    /// all lie within, or all that may be added is there.
    pub(super) fn go_beyond(&mut self) -> Vec<Decision> {
        // All say where they would go on before any does: what one adds is no end of another's.
        let ladders = ladders(&self.plan);
        let every = (0..self.brackets.len()).flat_map(|ix| ladders.iter().map(move |l| (ix, l)));
        let wanted: Vec<_> =
            every.filter_map(|(ix, ladder)| Some((ix, self.beyond(ix, ladder)?))).collect();
        let mut decisions = vec![];
        for (ix, (chosen, levels)) in wanted {
            if !self.has_room(&levels) {
                continue;
            }
            let method = self.plan.arms[chosen.ix()].name();
            *self.brackets[ix].rounds.entry(method).or_default() += 1;
            decisions.extend(self.add_beyond(ix, chosen, &levels));
        }
        decisions
    }

    /// The arm at an end of a ladder that would be chosen, and the levels to add beyond it.
    fn beyond(&self, ix: usize, ladder: &[ArmIx]) -> Option<(ArmIx, Vec<f64>)> {
        let method = self.plan.arms[ladder[0].ix()];
        let rounds = self.brackets[ix].rounds.get(method.name()).copied().unwrap_or(0);
        if !method.shares_trunk() || rounds >= ROUNDS {
            return None;
        }
        let (chosen, probes) = self.choice(ix, ladder)?;
        // Where nothing tells probes apart, more of them would tell no more.
        let told = probes.iter().any(|probe| probe.score != probes[0].score);
        let known: Vec<f64> =
            ladder.iter().filter_map(|arm| self.plan.arms[arm.ix()].level()).collect();
        let count = self.asked_levels / ROUNDS;
        let levels = match () {
            () if !told => vec![],
            () if ladder.last() == Some(&chosen) => {
                let mut levels = above(&known, count);
                levels.retain(|level| self.is_below_untrained(ix, *level));
                levels
            }
            () if ladder.first() == Some(&chosen) => below(&known, count),
            () => vec![],
        };
        (!levels.is_empty()).then_some((chosen, levels))
    }

    /// Whether with these there are at most twice as many levels as were asked for.
    fn has_room(&self, levels: &[f64]) -> bool {
        let known = self.spec.search.levels.expand().unwrap_or_default();
        let added = levels.iter().filter(|level| !known.contains(level)).count();
        known.len() + added <= 2 * self.asked_levels
    }

    /// Whether a level lies below the loss of the untrained models: at others training would
    /// ascend from the start.
    fn is_below_untrained(&self, ix: usize, level: f64) -> bool {
        let families = &self.brackets[ix].families;
        let first = families.iter().filter_map(|family| self.trunks.get(family)?.first_loss());
        first.fold(f64::INFINITY, f64::min) > level
    }

    fn add_beyond(&mut self, ix: usize, chosen: ArmIx, levels: &[f64]) -> Vec<Decision> {
        let best = self.plan.arms[chosen.ix()];
        let mut decisions = vec![];
        let arms: Vec<_> = (self.add_levels(levels).into_iter())
            .filter_map(|arm| AddedArm::new(arm, self.plan.arms[arm.ix()]))
            .collect();
        if let (false, [first, .., last] | [first @ last]) = (arms.is_empty(), levels) {
            let reason = format!(
                "the response of the probes is lowest at {best}, an end of the levels: {} more are there now, from {first} to {last}",
                levels.len(),
            );
            decisions.push(Decision { action: Action::Grow { arms }, reason });
        }
        let at = |b: &f64| {
            let is_it = |arm: &ArmIx| {
                let arm = self.plan.arms[arm.ix()];
                arm.name() == best.name() && arm.level() == Some(*b)
            };
            self.plan.arm_ids().find(is_it)
        };
        let outwards: Vec<_> = match best.level() < levels.first().copied() {
            true => levels.iter().filter_map(at).collect(),
            false => levels.iter().rev().filter_map(at).collect(),
        };
        let probes: Vec<_> = middle_and_outermost(&outwards).collect();
        decisions.extend(self.wake_probes(ix, &probes, "probed, beyond an end of the levels"));
        decisions
    }
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
    let count = count.min(if room == 0 { BELOW } else { room });
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
