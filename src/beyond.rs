//! Levels beyond an end of those that there are: those that a search adds by itself and partly trains, and
//! those that an answer advises people to try.
//!
//! One rule for both: they go on as the known ones are set out, in either direction, and those that are
//! advised are rounded to be read.

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

/// How many levels are advised beyond an end, and above a training loss. Chosen, not measured.
const ADVISED: usize = 4;

/// The ratio of levels that are advised above a training loss which no level reached, and of the first
/// of them to that loss. Chosen, not measured.
const ADVISED_RATIO_ABOVE_LOSS: f64 = 1.25;

/// At most `count` levels that go on beyond an end of `levels`, which rise: rising, above 0 and finite, to
/// eleven digits. None where there are too few to tell a distance.
pub fn beyond(levels: &[f64], edge: Edge, count: usize) -> Vec<f64> {
    match edge {
        Edge::Highest => above(levels, count),
        Edge::Lowest => below(levels, count),
    }
}

/// A few of them, to four digits, and none twice.
pub fn advised(levels: &[f64], edge: Edge) -> Vec<f64> {
    let known = |level: &f64| levels.contains(level);
    let mut advised: Vec<f64> = beyond(levels, edge, ADVISED).into_iter().map(short).collect();
    advised.dedup();
    advised.retain(|level| !known(level));
    advised
}

/// Levels to advise above a training loss, in nats, and above the highest of `levels`, which rise. Fewer
/// where they would be beyond all numbers.
pub fn advised_above_loss(levels: &[f64], loss: f64) -> Vec<f64> {
    let highest = levels.last().copied().unwrap_or(0.0);
    let from = ADVISED_RATIO_ABOVE_LOSS * loss.max(highest);
    let ratio = Stride::Ratio(ADVISED_RATIO_ABOVE_LOSS);
    let levels = (0..ADVISED).map(|i| short(ratio.beyond(from, i)));
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
fn above(levels: &[f64], count: usize) -> Vec<f64> {
    let [.., before, last] = *levels else { return vec![] };
    let stride = match is_even(levels) || before <= 0.0 {
        true => Stride::Step(last - before),
        false => Stride::Ratio(last / before),
    };
    let levels = (1..=count).map(|i| tidy(stride.beyond(last, i)));
    levels.filter(|level| level.is_finite()).collect()
}

/// At the same distances where the levels are even and there is room above 0, else at the same ratios.
fn below(levels: &[f64], count: usize) -> Vec<f64> {
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

/// Whether all levels lie at equal distances.
fn is_even(levels: &[f64]) -> bool {
    let step = levels.get(1).zip(levels.first()).map_or(0.0, |(second, first)| second - first);
    let differs = |pair: &[f64]| (pair[1] - pair[0] - step).abs();
    levels.windows(2).all(|pair| differs(pair) <= STEP_TOLERANCE_SHARE * step)
}

/// To four significant digits, as people write levels.
fn short(level: f64) -> f64 {
    format!("{level:.3e}").parse().unwrap_or(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_go_on_above_at_their_distances_or_ratios() {
        let above = |levels: &[f64], count| beyond(levels, Edge::Highest, count);
        assert_eq!(above(&[0.18, 0.19, 0.2], 3), [0.21, 0.22, 0.23]);
        assert_eq!(above(&[0.01, 0.1, 1.0], 2), [10.0, 100.0]);
        assert_eq!(above(&[0.0, 0.1], 1), [0.2]);
        assert_eq!(above(&[0.1], 2), [0.0; 0], "one level has no distance");
    }

    #[test]
    fn levels_go_on_below_as_long_as_they_are_above_zero() {
        let below = |levels: &[f64], count| beyond(levels, Edge::Lowest, count);
        assert_eq!(below(&[0.05, 0.06, 0.07], 3), [0.02, 0.03, 0.04]);
        assert_eq!(below(&[0.03, 0.04, 0.05], 9), [0.01, 0.02]);
        assert_eq!(below(&[0.01, 0.02, 0.03], 9), [0.00125, 0.0025, 0.005]);
        assert_eq!(below(&[0.01, 0.1, 1.0], 2), [0.0001, 0.001]);
        assert_eq!(below(&[0.0, 0.1], 2), [0.0; 0]);
    }

    #[test]
    fn advised_are_the_levels_that_a_search_would_add_rounded_to_be_read() {
        assert_eq!(advised(&[0.18, 0.19, 0.2], Edge::Highest), [0.21, 0.22, 0.23, 0.24]);
        assert_eq!(advised(&[0.1, 0.3, 0.7], Edge::Highest), [1.633, 3.811, 8.893, 20.75]);
        assert_eq!(advised(&[0.01, 0.02], Edge::Lowest), [0.00125, 0.0025, 0.005]);
        assert_eq!(advised(&[], Edge::Lowest), [0.0; 0]);
    }

    #[test]
    fn advice_above_a_loss_begins_a_quarter_above_it_or_above_the_highest_level() {
        assert_eq!(advised_above_loss(&[0.1], 0.4), [0.5, 0.625, 0.7812, 0.9766]);
        assert_eq!(advised_above_loss(&[0.1, 1.0], 0.4), [1.25, 1.562, 1.953, 2.441]);
    }
}
