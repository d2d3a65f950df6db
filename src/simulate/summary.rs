//! A contestant over all tasks, and how much more regret it has than the full grid.

use super::score::{REFERENCE, Score};

/// How often tasks are drawn anew for an interval.
const RESAMPLES: usize = 4_000;

/// Means over tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The contestant's [name](super::score::Contestant::name), which needn't be a scheduler's.
    pub scheduler: &'static str,
    /// Mean cost, in run-equivalents.
    pub cost: f64,
    /// Mean time, in full runs.
    pub time: f64,
    /// Mean regret: 0 for the best arm of every task, 1 for arms drawn at random.
    pub regret: f64,
    /// The largest regret of a single search of any task.
    pub worst_regret: f64,
    /// The mean regret beyond that of [`REFERENCE`], the full grid, and its 90 % interval, the tasks drawn anew; no
    /// interval of one task. None for the grid, and without it.
    pub beyond_grid: Option<(f64, Option<(f64, f64)>)>,
}

/// A summary of each contestant, in the order of their first scores. The scores are of one metric.
pub fn summarise(scores: &[&Score]) -> Vec<Summary> {
    let mut names: Vec<&'static str> = vec![];
    for score in scores {
        if !names.contains(&score.scheduler) {
            names.push(score.scheduler);
        }
    }
    let reference = REFERENCE.as_str();
    let regrets = |name: &str| -> Vec<f64> {
        scores.iter().filter(|s| s.scheduler == name).map(|s| s.regret).collect()
    };
    let of_reference = regrets(reference);
    let summary = |name: &'static str| {
        let own: Vec<_> = scores.iter().filter(|score| score.scheduler == name).collect();
        let mean = |of: fn(&Score) -> f64| {
            own.iter().map(|score| of(score)).sum::<f64>() / own.len().max(1) as f64
        };
        let paired = name != reference && of_reference.len() == own.len();
        let pairs = regrets(name).into_iter().zip(&of_reference);
        let beyond: Vec<f64> = pairs.map(|(own, reference)| own - reference).collect();
        Summary {
            scheduler: name,
            cost: mean(|score| score.cost),
            time: mean(|score| score.time),
            regret: mean(|score| score.regret),
            worst_regret: own.iter().map(|score| score.worst_regret).fold(0.0, f64::max),
            beyond_grid: paired.then(|| (average(&beyond), interval(&beyond))),
        }
    };
    names.into_iter().map(summary).collect()
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The 90 % percentile interval of a mean by the bootstrap (Efron & Tibshirani, 1993, chapter 13);
/// the same draws each time. None of fewer than two values.
fn interval(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let mut state = 0u64;
    let mut draw = || {
        // SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        values[((z ^ (z >> 31)) % values.len() as u64) as usize]
    };
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..values.len()).map(|_| draw()).sum::<f64>() / values.len() as f64)
        .collect();
    means.sort_by(f64::total_cmp);
    Some((means[RESAMPLES / 20], means[RESAMPLES - 1 - RESAMPLES / 20]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_protocol::MetricName;

    fn score(task: &str, scheduler: &'static str, regret: f64) -> Score {
        let (task, metric, seeds, picks) = (task.into(), MetricName::val_loss(), 1, vec![]);
        let (cost, time, worst_regret) = (2.0, 1.0, regret + 0.1);
        Score { task, scheduler, metric, seeds, cost, time, regret, worst_regret, picks }
    }

    #[test]
    fn regret_is_compared_with_the_grids_task_by_task() {
        let scores = [
            score("a", "halving", 0.1),
            score("a", "grid", 0.2),
            score("b", "halving", 0.3),
            score("b", "grid", 0.2),
        ];
        let summaries = summarise(&scores.iter().collect::<Vec<_>>());
        assert_eq!(summaries.iter().map(|s| s.scheduler).collect::<Vec<_>>(), ["halving", "grid"]);
        let (mean, interval) = summaries[0].beyond_grid.unwrap();
        assert!(mean.abs() < 1e-12);
        let (low, high) = interval.unwrap();
        assert!((low + 0.1).abs() < 1e-12 && (high - 0.1).abs() < 1e-12, "{low} to {high}");
        assert_eq!(summaries[0].worst_regret, 0.4);
        assert_eq!(summaries[1].beyond_grid, None);
    }

    #[test]
    fn one_task_gives_no_interval() {
        let scores = [score("a", "halving", 0.1), score("a", "grid", 0.2)];
        let summaries = summarise(&scores.iter().collect::<Vec<_>>());
        assert_eq!(summaries[0].beyond_grid.map(|(_, interval)| interval), Some(None));
        assert_eq!(summarise(&[&scores[0]])[0].beyond_grid, None, "no grid to compare with");
    }
}
