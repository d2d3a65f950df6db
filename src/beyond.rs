//! Levels beyond an end of those that there are, by two rules side by side.
//!
//! - [`for_search`]: those that a search which goes on adds by itself, and partly trains. As many as it
//!   asks for, set out as the known ones are, in either direction.
//! - [`for_advice`], [`for_advice_above_loss`]: those that an answer advises people to try. A few, short
//!   to read, at most halving below the lowest.

use floodgauge_protocol::levels::tidy;

/// An end of the levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The lowest level, above 0.
    Lowest,
    /// The highest level.
    Highest,
}

/// The most levels added below where they go on at ratios: what lies lower is plain training for all
/// practical purposes. Chosen, not measured.
const MAX_ADDED_BELOW: usize = 3;

/// How far distances between levels may differ for them to count as even, as a share of the first: far
/// more than the rounding of what users write. Chosen, not measured.
const STEP_TOLERANCE_SHARE: f64 = 1e-6;

/// How far above 0, as a share of a step, the lowest level added must lie: forgives the rounding of
/// differences. Chosen, not measured.
const MIN_ROOM_STEPS: f64 = 0.5;

/// How many levels are advised above the highest. Chosen, not measured.
const ADVISED_ABOVE: usize = 4;

/// How many levels are advised below the lowest, each half of the next: fewer than above, since what lies
/// much lower is plain training for all practical purposes. Chosen, not measured.
const ADVISED_BELOW: usize = 2;

/// The ratio of levels that are advised below the lowest. Chosen, not measured.
const ADVISED_RATIO_BELOW: f64 = 0.5;

/// How far the ratios of levels at the two ends of a grid may differ for it to count as even in the
/// logarithm, as a share of what the last ratio is above 1. Chosen, not measured.
const RATIO_TOLERANCE_SHARE: f64 = 0.1;

/// The ratio of levels that are advised above a training loss which no level reached, and of the first
/// of them to that loss. Chosen, not measured.
const ADVISED_RATIO_ABOVE_LOSS: f64 = 1.25;

/// At most `count` levels with which a search goes on beyond an end of `levels`, which rise: rising, above
/// 0 and finite, to eleven digits. None where there are too few to tell a distance.
pub fn for_search(levels: &[f64], edge: Edge, count: usize) -> Vec<f64> {
    match edge {
        Edge::Highest => search_above(levels, count),
        Edge::Lowest => search_below(levels, count),
    }
}

/// Levels to advise beyond an end of `levels`, which rise: rising, to four digits. None where there are too
/// few to tell a distance.
pub fn for_advice(levels: &[f64], edge: Edge) -> Vec<f64> {
    match edge {
        Edge::Highest => advice_above(levels),
        Edge::Lowest => advice_below(levels),
    }
}

/// Levels to advise above a training loss, in nats, and not below the highest of `levels`, which rise. Fewer
/// where they would be beyond all numbers.
pub fn for_advice_above_loss(levels: &[f64], loss: f64) -> Vec<f64> {
    let highest = levels.last().copied().unwrap_or(0.0);
    let from = (ADVISED_RATIO_ABOVE_LOSS * loss).max(highest);
    let ratio = Stride::Ratio(ADVISED_RATIO_ABOVE_LOSS);
    let levels = (0..ADVISED_ABOVE).map(|i| short(ratio.beyond(from, i)));
    levels.filter(|level| level.is_finite()).collect()
}

/// How levels go on from one to the next.
#[derive(Clone, Copy)]
enum Stride {
    /// At a distance, below 0 downwards.
    Step(f64),
    /// At a ratio, below 1 downwards.
    Ratio(f64),
}

impl Stride {
    /// The level `count` strides away from an end.
    fn beyond(self, end: f64, count: usize) -> f64 {
        match self {
            Self::Step(step) => end + count as f64 * step,
            Self::Ratio(ratio) => end * ratio.powi(count as i32),
        }
    }
}

/// At the same distances, or at the same ratios where the levels aren't even.
fn search_above(levels: &[f64], count: usize) -> Vec<f64> {
    let [.., before, last] = *levels else { return vec![] };
    let stride = match is_even(levels) || before <= 0.0 {
        true => Stride::Step(last - before),
        false => Stride::Ratio(last / before),
    };
    let levels = (1..=count).map(|i| tidy(stride.beyond(last, i)));
    levels.filter(|level| level.is_finite()).collect()
}

/// At the same distances where the levels are even and there is room above 0, else at the same ratios.
fn search_below(levels: &[f64], count: usize) -> Vec<f64> {
    let [first, second, ..] = *levels else { return vec![] };
    let step = second - first;
    let room = match is_even(levels) {
        true => ((first / step) - MIN_ROOM_STEPS).floor().max(0.0) as usize,
        false => 0,
    };
    let (stride, most) = match room {
        0 => (Stride::Ratio(first / second), MAX_ADDED_BELOW),
        _ => (Stride::Step(-step), room),
    };
    let levels = (1..=count.min(most)).rev().map(|i| tidy(stride.beyond(first, i)));
    levels.filter(|level| *level > 0.0).collect()
}

/// As the levels are spaced at their highest: at the ratio of the last two where they are rather even in
/// the logarithm, else at their distance.
fn advice_above(levels: &[f64]) -> Vec<f64> {
    let [.., before, last] = *levels else { return vec![] };
    let stride = match is_geometric(levels) {
        true => Stride::Ratio(last / before),
        false => Stride::Step(last - before),
    };
    let levels = (1..=ADVISED_ABOVE).map(|i| short(stride.beyond(last, i)));
    levels.filter(|level| level.is_finite()).collect()
}

/// Halved each, however the levels are spaced.
fn advice_below(levels: &[f64]) -> Vec<f64> {
    let Some(&first) = levels.first() else { return vec![] };
    let half = Stride::Ratio(ADVISED_RATIO_BELOW);
    (1..=ADVISED_BELOW).rev().map(|i| short(half.beyond(first, i))).collect()
}

/// Whether all levels lie at equal distances.
fn is_even(levels: &[f64]) -> bool {
    let step = levels.get(1).zip(levels.first()).map_or(0.0, |(second, first)| second - first);
    let differs = |pair: &[f64]| (pair[1] - pair[0] - step).abs();
    levels.windows(2).all(|pair| differs(pair) <= STEP_TOLERANCE_SHARE * step)
}

/// Whether the levels at both ends are rather evenly spaced in the logarithm than evenly.
fn is_geometric(levels: &[f64]) -> bool {
    let [first, second, .., before, last] = levels else { return false };
    let tolerance = RATIO_TOLERANCE_SHARE * (last / before - 1.0);
    *first > 0.0 && (second / first - last / before).abs() < tolerance
}

/// To four significant digits, as people write levels.
fn short(level: f64) -> f64 {
    format!("{level:.3e}").parse().unwrap_or(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_goes_on_above_at_the_levels_distances_or_ratios() {
        let above = |levels: &[f64], count| for_search(levels, Edge::Highest, count);
        assert_eq!(above(&[0.18, 0.19, 0.2], 3), [0.21, 0.22, 0.23]);
        assert_eq!(above(&[0.01, 0.1, 1.0], 2), [10.0, 100.0]);
        assert_eq!(above(&[0.0, 0.1], 1), [0.2]);
        assert_eq!(above(&[0.1], 2), [0.0; 0], "one level has no distance");
    }

    #[test]
    fn a_search_goes_on_below_as_long_as_levels_are_above_zero() {
        let below = |levels: &[f64], count| for_search(levels, Edge::Lowest, count);
        assert_eq!(below(&[0.05, 0.06, 0.07], 3), [0.02, 0.03, 0.04]);
        assert_eq!(below(&[0.03, 0.04, 0.05], 9), [0.01, 0.02]);
        assert_eq!(below(&[0.01, 0.02, 0.03], 9), [0.00125, 0.0025, 0.005]);
        assert_eq!(below(&[0.01, 0.1, 1.0], 2), [0.0001, 0.001]);
        assert_eq!(below(&[0.0, 0.1], 2), [0.0; 0]);
    }

    #[test]
    fn advice_goes_on_above_at_the_distance_or_the_ratio_of_the_last_two() {
        let above = |levels: &[f64]| for_advice(levels, Edge::Highest);
        assert_eq!(above(&[0.18, 0.19, 0.2]), [0.21, 0.22, 0.23, 0.24]);
        assert_eq!(above(&[0.01, 0.1, 1.0, 10.0]), [1e2, 1e3, 1e4, 1e5]);
        assert_eq!(above(&[0.1]), [0.0; 0]);
    }

    #[test]
    fn advice_goes_on_below_by_halves() {
        assert_eq!(for_advice(&[0.01, 0.02], Edge::Lowest), [0.0025, 0.005]);
        assert_eq!(for_advice(&[], Edge::Lowest), [0.0; 0]);
    }

    #[test]
    fn advice_above_a_loss_begins_a_quarter_above_it_or_at_the_highest_level() {
        assert_eq!(for_advice_above_loss(&[0.1], 0.4), [0.5, 0.625, 0.7812, 0.9766]);
        assert_eq!(for_advice_above_loss(&[0.1, 1.0], 0.4), [1.0, 1.25, 1.562, 1.953]);
    }
}
