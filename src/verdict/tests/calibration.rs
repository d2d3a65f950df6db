//! Stated and seen, on recorded full grids: three seeds are judged, the other two tell how it was.
//!
//! `cargo test -p floodgauge --lib calibration -- --nocapture` prints the tables of docs/results.md;
//! `testdata/make.py` makes the objectives from the grids.

use super::*;
use crate::simulate::calibration::Calibration;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The objectives of one recorded grid: `[seed][arm]` for each metric and read-out.
#[derive(Deserialize)]
pub(super) struct Task {
    task: String,
    pub levels: Vec<Option<f64>>,
    pub crossed: Vec<Vec<bool>>,
    pub objectives: BTreeMap<String, Vec<Vec<f64>>>,
}

pub(super) fn tasks() -> Vec<Task> {
    serde_json::from_str(include_str!("../testdata/objectives.json")).unwrap()
}

/// A finished grid of some seeds.
fn grid(task: &Task, name: &str, seeds: &[usize]) -> Standing {
    let arm = |arm: usize| {
        let of = |&seed: &usize| task.objectives[name][seed][arm];
        let objectives: Vec<f64> = seeds.iter().map(of).collect();
        let mut candidate = candidate(arm as u16, task.levels[arm], &objectives);
        for (trial, &seed) in candidate.trials.iter_mut().zip(seeds) {
            trial.past_onset = task.crossed[seed][arm];
        }
        candidate
    };
    let mut standing = standing((0..task.levels.len()).map(arm).collect());
    let by_loss = name.starts_with("val_loss");
    let metric = if by_loss { MetricName::val_loss() } else { MetricName::val_error() };
    standing.objective = judged(metric);
    standing.at = if name.ends_with("last") { At::Last } else { At::Best };
    standing
}

/// All ways to take three of five.
fn draws() -> impl Iterator<Item = (Vec<usize>, Vec<usize>)> {
    (0u32..32)
        .filter(|mask| mask.count_ones() == 3)
        .map(|mask| (0..5).partition(|seed| mask >> seed & 1 == 1))
}

fn stated(task: &Task, name: &str) -> Calibration {
    let mut calibration = Calibration::default();
    for (judged, others) in draws() {
        let mean = |arm: usize| {
            let of = others.iter().map(|&seed| task.objectives[name][seed][arm]);
            of.sum::<f64>() / others.len() as f64
        };
        let means: Vec<f64> = (0..task.levels.len()).map(mean).collect();
        let standing = Standing { others: others.len() as u32, ..grid(task, name, &judged) };
        calibration.take(&judge(&standing), &means);
    }
    calibration
}

#[test]
fn intervals_cover_what_other_seeds_show_and_probabilities_are_what_they_say() {
    let mut all = Calibration::default();
    println!("| task | objective | covered | of | mean width |\n|---|---|---|---|---|");
    for task in tasks() {
        for name in task.objectives.keys() {
            let of_task = stated(&task, name);
            let Calibration { covered, intervals, width, .. } = of_task;
            let width = width / f64::from(intervals.max(1));
            println!("| {} | {name} | {covered} | {intervals} | {width:.3} |", task.task);
            all.add(&of_task);
        }
    }
    let Calibration { bins, covered, intervals, .. } = all;
    println!(
        "\n{covered} of {intervals} intervals cover.\n\n| stated | mean | was best | of |\n|---|---|---|---|"
    );
    for bin in &bins {
        let n = f64::from(bin.count.max(1));
        let (stated, seen) = (bin.stated / n, bin.seen / n);
        println!("| {} to {} | {stated:.3} | {seen:.3} | {} |", bin.from, bin.to, bin.count);
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
