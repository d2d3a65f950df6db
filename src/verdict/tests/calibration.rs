//! Stated and seen, on recorded full grids: three seeds are judged, the other two tell how it was.
//!
//! `cargo test -p floodgauge --lib calibration -- --nocapture` prints the tables of docs/results.md;
//! `testdata/make.py` makes the objectives from the grids.

use super::*;
use floodgauge_protocol::ObjectiveMetric;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The objectives of one recorded grid: `[seed][arm]` for each metric and read-out.
#[derive(Deserialize)]
struct Task {
    task: String,
    levels: Vec<Option<f64>>,
    crossed: Vec<Vec<bool>>,
    objectives: BTreeMap<String, Vec<Vec<f64>>>,
}

/// Bounds of the bins of stated probabilities.
const BINS: [f64; 9] = [0.0, 0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.5, 1.01];

/// What was stated in a bin, and how often it was so.
#[derive(Clone, Copy, Default)]
struct Bin {
    stated: f64,
    seen: f64,
    count: u32,
}

#[derive(Default)]
struct Tally {
    bins: [Bin; BINS.len() - 1],
    covered: u32,
    intervals: u32,
}

fn tasks() -> Vec<Task> {
    serde_json::from_str(include_str!("../testdata/objectives.json")).unwrap()
}

/// A finished grid of some seeds.
fn grid(task: &Task, name: &str, seeds: &[usize]) -> Standing {
    let scores = |arm: usize| -> Vec<f64> {
        seeds.iter().map(|&seed| task.objectives[name][seed][arm]).collect()
    };
    let arms = (0..task.levels.len()).map(|arm| {
        let crossed = seeds.iter().any(|&seed| task.crossed[seed][arm]);
        Contender { crossed, ..contender(arm as u16, task.levels[arm], &scores(arm)) }
    });
    let mut standing = standing(arms.collect());
    for (arm, candidate) in standing.candidates.iter_mut().enumerate() {
        for (run, &seed) in candidate.runs.iter_mut().zip(seeds) {
            run.crossed = task.crossed[seed][arm];
        }
    }
    standing.objective = Objective {
        metric: if name.starts_with("val_loss") {
            ObjectiveMetric::ValLoss
        } else {
            ObjectiveMetric::ValError
        },
        at: if name.ends_with("last") { At::Last } else { At::Best },
    };
    standing
}

/// All ways to take three of five.
fn draws() -> impl Iterator<Item = (Vec<usize>, Vec<usize>)> {
    (0u32..32)
        .filter(|mask| mask.count_ones() == 3)
        .map(|mask| (0..5).partition(|seed| mask >> seed & 1 == 1))
}

impl Tally {
    fn take(&mut self, task: &Task, name: &str) -> (u32, u32, f64) {
        let (mut covered, mut intervals, mut width) = (0, 0, 0.0);
        for (judged, others) in draws() {
            let best = judge(&grid(task, name, &judged));
            let means: Vec<f64> = (0..task.levels.len())
                .map(|arm| {
                    let of = others.iter().map(|&seed| task.objectives[name][seed][arm]);
                    of.sum::<f64>() / others.len() as f64
                })
                .collect();
            let least = means.iter().copied().fold(f64::INFINITY, f64::min);
            let winners = means.iter().filter(|mean| **mean == least).count() as f64;
            for (outlook, mean) in best.probabilities.iter().zip(&means) {
                let Some(stated) = outlook.probability else { continue };
                let bin = BINS.iter().rposition(|bound| stated >= *bound).unwrap();
                let bin = &mut self.bins[bin];
                bin.stated += stated;
                bin.seen += if *mean == least { 1.0 / winners } else { 0.0 };
                bin.count += 1;
            }
            let chosen = best.best.unwrap().b;
            let arm = task.levels.iter().position(|level| *level == chosen).unwrap();
            if arm > 0 {
                let difference = best.difference.unwrap();
                let (low, high) = (difference.low.unwrap(), difference.high.unwrap());
                intervals += 1;
                covered += u32::from((low..=high).contains(&(means[arm] - means[0])));
                width += high - low;
            }
        }
        (self.covered, self.intervals) = (self.covered + covered, self.intervals + intervals);
        (covered, intervals, width / f64::from(intervals.max(1)))
    }
}

#[test]
fn intervals_cover_what_other_seeds_show_and_probabilities_are_what_they_say() {
    let mut tally = Tally::default();
    println!("| task | objective | covered | of | mean width |\n|---|---|---|---|---|");
    for task in tasks() {
        for name in task.objectives.keys() {
            let (covered, of, width) = tally.take(&task, name);
            println!("| {} | {name} | {covered} | {of} | {width:.3} |", task.task);
        }
    }
    let Tally { bins, covered, intervals } = tally;
    println!(
        "\n{covered} of {intervals} intervals cover.\n\n| stated | mean | was best | of |\n|---|---|---|---|"
    );
    for (bounds, bin) in BINS.windows(2).zip(&bins) {
        let n = f64::from(bin.count.max(1));
        println!(
            "| {} to {} | {:.3} | {:.3} | {} |",
            bounds[0],
            bounds[1].min(1.0),
            bin.stated / n,
            bin.seen / n,
            bin.count
        );
    }
    assert!(f64::from(covered) >= 0.85 * f64::from(intervals), "{covered} of {intervals}");
    for bin in bins.iter().filter(|bin| bin.count >= 50) {
        let n = f64::from(bin.count);
        let (stated, seen) = (bin.stated / n, bin.seen / n);
        assert!((stated - seen).abs() < 0.1, "stated {stated:.3}, was {seen:.3} of {n}");
    }
    let stated: f64 = bins.iter().map(|bin| bin.stated).sum();
    let seen: f64 = bins.iter().map(|bin| bin.seen).sum();
    assert!((stated - seen).abs() < 1e-6, "one is best each time: {stated} {seen}");
}
