//! How the objective responds to the level, judged by a few probes.

use super::smooth::{Curve, Knot};
use crate::scheduler::facts::{Criteria, Criterion, Later, Point, Reading, Trial};
use floodgauge_protocol::Metric;
use std::sync::Arc;

/// How smooth the response is along the levels, from the lowest at 0 to the highest at 1: the weight
/// of the curve's bend. Of six strengths that were compared: docs/results.md, *How `halving` came to be*.
const SMOOTHING: f64 = 0.0015;

/// How far from the plain run's turning point a level's handicap grows, as a share of all levels;
/// the handicap grows as much, in standard deviations of the probes. Chosen on recorded and fresh
/// grids: docs/results.md, *How `halving` came to be*, which says what it is for.
const MAX_HANDICAP_SD: f64 = 0.25;

/// Where a plain run turns is sought by means over one of so many parts of its epochs, so that no single
/// epoch decides. Chosen, not measured.
const TURN_WINDOWS_A_RUN: usize = 40;

/// Which epochs since its onset tell of a probe where the evidence is searched for, and where another
/// objective is. Of these two and all of them, which were compared: docs/results.md, *How `halving` came to
/// be*.
const LATER_OF_EVIDENCE: Later = Later::Half;
const LATER_OF_ANOTHER: Later = Later::ThreeQuarters;

/// Scores that differ by less, as a share of the largest, do so by rounding. Chosen, not measured.
const ROUNDING_SHARE: f64 = 1e-9;

/// What a trial shows of a metric since its onset, in place of the objective at the end: the mean
/// over the later part of these epochs, or the best of them. None before the onset, or where a value
/// isn't finite.
///
/// The evidence, a loss, jumps at the onset: a search for it reads the second half. Another objective,
/// an error, jumps less and is noisier: a search for it reads the last three quarters, of the evidence
/// beside it too.
pub(super) fn reading(
    trial: &Trial,
    criteria: &Criteria,
    metric: Criterion,
    steps_per_epoch: u64,
) -> Option<Reading> {
    let later = match criteria.objective == criteria.evidence {
        true => LATER_OF_EVIDENCE,
        false => LATER_OF_ANOTHER,
    };
    let exposure = trial.curve.len().checked_sub(trial.onset_epoch(steps_per_epoch)?)?;
    trial.since_onset(metric, exposure, later, steps_per_epoch)
}

/// The training loss at which a plain run turns, in its own unit: where the mean of the evidence over
/// a small part of the run is best. From there on plain training only memorises, so a level near it
/// is a good guess before anything is probed.
pub(super) fn turning_loss(plain: &[Arc<Point>], evidence: Criterion) -> Option<f64> {
    let width = (plain.len() / TURN_WINDOWS_A_RUN).max(1);
    let shown = |window: &[Arc<Point>]| Metric::mean(window.iter().map(|point| evidence.of(point)));
    let turn = plain.windows(width).min_by(|a, b| shown(a).order(shown(b)))?;
    shown(turn).finite()?;
    Metric::mean(turn.iter().map(|point| point.train_loss)).finite()
}

/// Where a level lies among `levels`, which rise: 0 is the first, 1.5 halfway between the second
/// and the third. Beyond the ends it is at the end.
pub(super) fn place(level: f64, levels: &[f64]) -> f64 {
    let below = levels.iter().take_while(|known| **known <= level).count();
    match below {
        0 => 0.0,
        all if all == levels.len() => (all - 1) as f64,
        i => (i - 1) as f64 + (level - levels[i - 1]) / (levels[i] - levels[i - 1]),
    }
}

/// The mean over seeds of what each of some probes shows beyond the first of them; in standard
/// deviations, around their mean. `values[seed][probe]`. All are 0 where nothing tells them apart.
pub(super) fn scores(values: &[Vec<f64>]) -> Vec<f64> {
    let probes = values.first().map_or(0, Vec::len);
    let seeds = values.len().max(1) as f64;
    let beyond =
        |probe: usize| values.iter().map(|seed| seed[probe] - seed[0]).sum::<f64>() / seeds;
    let beyond: Vec<f64> = (0..probes).map(beyond).collect();
    let most = values.iter().flatten().fold(0.0, |most: f64, value| most.max(value.abs()));
    standardised(beyond, most * ROUNDING_SHARE)
}

/// Two kinds of evidence as one, of equal weight.
pub(super) fn joined(a: Vec<f64>, b: Vec<f64>) -> Vec<f64> {
    standardised(a.into_iter().zip(b).map(|(a, b)| a + b).collect(), ROUNDING_SHARE)
}

/// In standard deviations around their mean; all 0 where they deviate by no more than `noise`.
fn standardised(values: Vec<f64>, noise: f64) -> Vec<f64> {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
    let deviation = variance.sqrt();
    if deviation <= noise {
        return vec![0.0; values.len()];
    }
    values.into_iter().map(|value| (value - mean) / deviation).collect()
}

/// The place at which the response is lowest, of `places` levels, between the outermost probes.
/// `probes` are places, rising, with their scores; `guess` is where the plain run turns.
pub(super) fn lowest(places: usize, probes: &[(usize, f64)], guess: Option<f64>) -> Option<usize> {
    let span = places.saturating_sub(1).max(1) as f64;
    let knot = |&(place, y): &(usize, f64)| Knot { x: place as f64 / span, y, weight: 1.0 };
    let curve = Curve::through(&probes.iter().map(knot).collect::<Vec<_>>(), SMOOTHING)?;
    let height = |place: usize| {
        let away = guess.map_or(0.0, |guess| (place as f64 - guess).abs() / span);
        curve.at(place as f64 / span) + away.min(MAX_HANDICAP_SD)
    };
    let (first, last) = (probes.first()?.0, probes.last()?.0);
    let heights: Vec<f64> = (first..=last).map(height).collect();
    let best = (0..heights.len()).min_by(|&a, &b| heights[a].total_cmp(&heights[b]))?;
    Some(first + best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::facts::testing::point;
    use floodgauge_protocol::{At, Objective, Search};
    use proptest::prelude::*;

    #[test]
    fn the_lowest_place_is_found_between_probes() {
        let score = |x: usize| (x as f64 - 9.0).powi(2) / 40.0;
        let at = |places: &[usize]| {
            lowest(20, &places.iter().map(|&x| (x, score(x))).collect::<Vec<_>>(), None)
        };
        assert_eq!(at(&[0, 6, 13, 19]), Some(9));
        assert_eq!(at(&[0, 9, 19]), Some(9));
        assert_eq!(at(&[12]), Some(12));
        assert_eq!(at(&[]), None);
    }

    #[test]
    fn where_nothing_else_tells_the_plain_run_does() {
        let flat = [(0, 0.0), (6, 0.0), (13, 0.0), (19, 0.0)];
        assert_eq!(lowest(20, &flat, Some(7.2)), Some(7));
        assert_eq!(lowest(20, &flat, None), Some(0), "the lowest level of those that tie");
        let steep = [(0, 2.0), (6, 1.0), (13, -1.0), (19, -2.0)];
        assert_eq!(lowest(20, &steep, Some(0.0)), Some(19), "it can't outdo the probes");
    }

    #[test]
    fn levels_are_placed_among_others() {
        let levels = [0.1, 0.2, 0.4];
        assert_eq!([0.05, 0.1, 0.4, 0.9].map(|b| place(b, &levels)), [0.0, 0.0, 2.0, 2.0]);
        assert!((place(0.3, &levels) - 1.5).abs() < 1e-12);
    }

    #[test]
    fn what_only_rounding_tells_apart_ties() {
        assert_eq!(scores(&[vec![0.3, 0.1 + 0.2, 0.3]]), [0.0; 3]);
        let scores = scores(&[vec![1.0, 2.0], vec![11.0, 13.0]]);
        assert_eq!(scores, [-1.0, 1.0], "a seed's own height doesn't count");
    }

    #[test]
    fn the_plain_run_turns_where_its_validation_loss_is_lowest() {
        let curve: Vec<_> = [(0.9, 1.0), (0.5, 0.7), (0.2, 0.8), (0.1, f64::NAN)]
            .map(|(train, val)| point(train, val))
            .to_vec();
        let loss = Criteria::of(&Search::default()).evidence;
        assert_eq!(turning_loss(&curve, loss), Some(0.5));
        assert_eq!(turning_loss(&[], loss), None);
        assert_eq!(turning_loss(&[point(0.1, f64::NAN)], loss), None);
    }

    #[test]
    fn a_probe_is_read_over_the_later_part_since_its_onset() {
        let curve = (0..24).map(|epoch| point(1.0, f64::from(epoch))).collect();
        let trial = Trial { curve, onset_step: Some(85), ..Trial::new() };
        let search = |metric: &str| Search {
            objective: Objective { metric: metric.parse().unwrap(), at: At::Last },
            ..Search::default()
        };
        let read = |trial: &Trial, metric: &str| {
            let criteria = Criteria::of(&search(metric));
            reading(trial, &criteria, criteria.objective, 10).map(|reading| reading.epochs)
        };
        assert_eq!(read(&trial, "val_loss"), Some(16..24));
        assert_eq!(read(&trial, "val_error"), Some(12..24));
        let shares_trunk = Trial { onset_step: None, ..trial };
        assert_eq!(read(&shares_trunk, "val_loss"), None);
    }

    proptest! {
        #[test]
        fn the_answer_lies_between_the_outermost_probes(
            values in proptest::collection::vec(-2.0f64..2.0, 1..7), stride in 1usize..5, guess in proptest::option::of(0.0f64..30.0)
        ) {
            let probes: Vec<_> = values.iter().enumerate().map(|(i, &v)| (1 + i * stride, v)).collect();
            let last = probes.last().unwrap().0;
            let place = lowest(last + 3, &probes, guess).unwrap();
            prop_assert!((1..=last).contains(&place));
        }
    }
}
