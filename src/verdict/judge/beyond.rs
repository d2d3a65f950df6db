//! The levels that are advised beyond an end of a grid.
//!
//! Halving has a rule of its own for those that it adds by itself: as many as half of the levels asked
//! for, at even distances in either direction where the levels are even.

use crate::verdict::input::Edge;

/// How many levels are advised above the highest. Chosen, not measured.
const LEVELS_ABOVE: u32 = 4;

/// How many levels are advised below the lowest, each half of the next: fewer than above, since what lies
/// much lower is plain training for all practical purposes. Chosen, not measured.
const LEVELS_BELOW: u32 = 2;

/// How far the ratios of levels at the two ends of a grid may differ for it to count as even in the
/// logarithm, as a share of what the last ratio is above 1.
const RATIO_TOLERANCE: f64 = 0.1;

/// The ratio of levels that are advised above a training loss which no level reached, and of the first
/// of them to that loss.
const RATIO_ABOVE_LOSS: f64 = 1.25;

/// Levels beyond an end of `levels`, which rise, to four digits and rising; none where there are too
/// few to tell a distance.
pub fn levels_beyond(levels: &[f64], edge: Edge) -> Vec<f64> {
    match edge {
        Edge::Highest => above(levels),
        Edge::Lowest => below(levels),
    }
}

/// Levels above a training loss, in nats, and not below the highest of `levels`, which rise.
pub fn levels_above_loss(levels: &[f64], loss: f64) -> Vec<f64> {
    let highest = levels.last().copied().unwrap_or(0.0);
    let from = (RATIO_ABOVE_LOSS * loss).max(highest);
    (0..LEVELS_ABOVE).map(|i| short(from * RATIO_ABOVE_LOSS.powi(i as i32))).collect()
}

/// Levels above the highest, spaced as the grid is there.
fn above(levels: &[f64]) -> Vec<f64> {
    let [.., before, last] = levels else { return vec![] };
    let step = if is_geometric(levels) { None } else { Some(last - before) };
    let ratio = last / before;
    let beyond = |i: u32| match step {
        Some(step) => last + f64::from(i) * step,
        None => last * ratio.powi(i as i32),
    };
    (1..=LEVELS_ABOVE).map(|i| short(beyond(i))).collect()
}

/// Levels below the lowest, halved each.
fn below(levels: &[f64]) -> Vec<f64> {
    let Some(first) = levels.first() else { return vec![] };
    (1..=LEVELS_BELOW).rev().map(|i| short(first / 2f64.powi(i as i32))).collect()
}

/// Whether the levels are rather evenly spaced in the logarithm than evenly.
fn is_geometric(levels: &[f64]) -> bool {
    let [first, second, .., before, last] = levels else { return false };
    let tolerance = RATIO_TOLERANCE * (last / before - 1.0);
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
    fn levels_go_on_above_at_the_distance_or_the_ratio_of_the_last_two() {
        let above = |levels: &[f64]| levels_beyond(levels, Edge::Highest);
        assert_eq!(above(&[0.18, 0.19, 0.2]), [0.21, 0.22, 0.23, 0.24]);
        assert_eq!(above(&[0.01, 0.1, 1.0, 10.0]), [1e2, 1e3, 1e4, 1e5]);
        assert_eq!(above(&[0.1]), [0.0; 0]);
    }

    #[test]
    fn levels_go_on_below_by_halves() {
        assert_eq!(levels_beyond(&[0.01, 0.02], Edge::Lowest), [0.0025, 0.005]);
        assert_eq!(levels_beyond(&[], Edge::Lowest), [0.0; 0]);
    }

    #[test]
    fn levels_above_a_loss_begin_a_quarter_above_it_or_at_the_highest_level() {
        assert_eq!(levels_above_loss(&[0.1], 0.4), [0.5, 0.625, 0.7812, 0.9766]);
        assert_eq!(levels_above_loss(&[0.1, 1.0], 0.4), [1.0, 1.25, 1.562, 1.953]);
    }
}
