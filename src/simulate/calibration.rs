//! Stated and seen: a search is given some seeds of a recorded grid, the others tell how it was.

use super::{RecordedGrid, score::draws, trial};
use crate::verdict::{Best, CONFIDENCE};
use floodgauge_protocol::{MetricName, SchedulerKind};
use serde::Serialize;

/// Bounds of the bins of stated probabilities.
const BOUNDS: [f64; 9] = [0.0, 0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.5, 1.0];

/// Stated probabilities of some size, and how often it was so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    /// The least that was stated.
    pub from: f64,
    /// The most that was stated.
    pub to: f64,
    /// How many arms it was stated of.
    pub count: u32,
    /// The sum of what was stated.
    pub stated: f64,
    /// How many of them were the best; of those that tie, each its share.
    pub seen: f64,
}

/// What answers stated, held against seeds that took no part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Intervals of the difference between a chosen level and plain that cover it.
    pub covered: u32,
    /// Of so many. Where plain is chosen there is none.
    pub intervals: u32,
    /// The sum of their widths.
    pub width: f64,
    /// The sum of their interval scores: the width and, where it doesn't cover, twenty times how far off it
    /// is (Winkler, 1972; lower is better). In the objective's unit.
    pub score: f64,
    /// The probabilities of being the best, by size.
    pub bins: Vec<Bin>,
}

impl Default for Calibration {
    fn default() -> Self {
        let bins = BOUNDS.windows(2);
        let bins = bins.map(|at| Bin { from: at[0], to: at[1], ..Bin::default() }).collect();
        Self { covered: 0, intervals: 0, width: 0.0, score: 0.0, bins }
    }
}

impl Calibration {
    /// Takes an answer in. `means` are the arms' objectives on other seeds, minimised, by index.
    pub fn take(&mut self, best: &Best, means: &[f64]) {
        let least = means.iter().copied().fold(f64::INFINITY, f64::min);
        let winners = means.iter().filter(|mean| **mean == least).count().max(1) as f64;
        for outlook in &best.probabilities {
            let mean = means.get(outlook.arm.ix.ix());
            let Some((stated, mean)) = outlook.probability.zip(mean) else { continue };
            let bin = self.bins.iter().rposition(|bin| stated >= bin.from).unwrap_or(0);
            let bin = &mut self.bins[bin];
            bin.stated += stated;
            bin.seen += if *mean == least { 1.0 / winners } else { 0.0 };
            bin.count += 1;
        }
        let chosen = best.best.as_ref().filter(|best| !best.arm.is_plain());
        let mean = chosen.and_then(|best| means.get(best.arm.ix.ix()));
        let interval = best.difference.as_ref().and_then(|d| d.low.zip(d.high));
        // As the means are: minimised.
        let interval = interval.map(|(low, high)| best.direction.interval(low, high));
        if let (Some(mean), Some((low, high))) = (mean, interval) {
            self.intervals += 1;
            let seen = mean - means[0];
            let missed_by = (low - seen).max(seen - high).max(0.0);
            self.covered += u32::from((low..=high).contains(&seen));
            self.width += high - low;
            self.score += high - low + 2.0 / (1.0 - CONFIDENCE) * missed_by;
        }
    }

    /// Adds what another has taken in.
    pub fn add(&mut self, other: &Self) {
        self.covered += other.covered;
        self.intervals += other.intervals;
        self.width += other.width;
        self.score += other.score;
        for (bin, other) in self.bins.iter_mut().zip(&other.bins) {
            bin.count += other.count;
            bin.stated += other.stated;
            bin.seen += other.seen;
        }
    }
}

/// What a scheduler's answers state when it is given `seeds` of the grid's seeds, in all ways to
/// draw them; none if no seed is left over, or a search came to no answer.
pub fn calibrate(
    grid: &RecordedGrid,
    kind: SchedulerKind,
    metric: MetricName,
    seeds: usize,
) -> Option<Calibration> {
    let all: Vec<u32> = grid.runs.iter().map(|run| run.seed).collect();
    let mut calibration = Calibration::default();
    for draw in draws(&all, seeds) {
        let others: Vec<u32> = all.iter().copied().filter(|seed| !draw.contains(seed)).collect();
        if others.is_empty() {
            return None;
        }
        // What it states is of as many seeds as are there to hold it against.
        let best = trial::run_for(grid, kind, metric, &draw, others.len() as u32)?.best;
        calibration.take(&best, &grid.objectives_of(metric, &others));
    }
    Some(calibration)
}
