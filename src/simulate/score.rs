//! Cost and regret of a scheduler on a recorded grid, over draws of its seeds.

use super::{RecordedGrid, trial};
use floodgauge_protocol::{MetricName, SchedulerKind};
use serde::Serialize;
use std::borrow::Cow;

/// The most draws of seeds that are tried: a bound on time. Chosen, not measured.
const MAX_DRAWS: usize = 100;

/// The scheduler that trains every level to the end: others are compared with it, and it trains what picks
/// without a search.
pub const REFERENCE: SchedulerKind = SchedulerKind::Grid;

/// Who picks a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contestant {
    /// What a sweep can be searched by.
    Scheduler(SchedulerKind),
    /// The better of plain and the lowest level, whatever the task.
    Lowest,
    /// The better of plain and the level in the middle.
    Middle,
    /// The better of plain and the highest level.
    Highest,
}

impl Contestant {
    /// All of them: the default, the schedulers to compare it with, and picks that search nothing.
    pub fn all() -> Vec<Self> {
        let default = SchedulerKind::default();
        let others = SchedulerKind::ALL.into_iter().filter(|kind| *kind != default);
        let schedulers = [default].into_iter().chain(others).map(Self::Scheduler);
        schedulers.chain([Self::Lowest, Self::Middle, Self::Highest]).collect()
    }

    /// Its name, as it stands in tables and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scheduler(kind) => kind.as_str(),
            Self::Lowest => "lowest",
            Self::Middle => "middle",
            Self::Highest => "highest",
        }
    }

    /// What it searches, and how: of one that always picks the same level, a grid of that level.
    fn searches(self, grid: &RecordedGrid) -> (Cow<'_, RecordedGrid>, SchedulerKind) {
        let last = grid.levels.len() - 1;
        let arm = match self {
            Self::Scheduler(kind) => return (Cow::Borrowed(grid), kind),
            Self::Lowest => 1,
            Self::Middle => last.div_ceil(2),
            Self::Highest => last,
        };
        (Cow::Owned(grid.part(&[arm])), REFERENCE)
    }
}

/// How a contestant does on a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// The grid's name.
    pub task: String,
    /// The contestant's [name](Contestant::name), which needn't be a scheduler's.
    pub scheduler: &'static str,
    /// The metric that is searched for.
    pub metric: MetricName,
    /// Seeds that each search is given.
    pub seeds: usize,
    /// Mean cost, in run-equivalents.
    pub cost: f64,
    /// Mean time on the given workers, in full runs.
    pub time: f64,
    /// Mean regret: 0 for the best arm by the means over all seeds of the grid, 1 for an arm drawn
    /// at random.
    pub regret: f64,
    /// The largest regret of a draw.
    pub worst_regret: f64,
    /// What each draw picked: a level, or null for plain.
    pub picks: Vec<Option<f64>>,
}

/// Scores a contestant that is given `seeds` of the grid's seeds; none if the grid has too few, or
/// a search came to no answer.
pub fn score(
    grid: &RecordedGrid,
    contestant: Contestant,
    metric: MetricName,
    seeds: usize,
    workers: usize,
) -> Option<Score> {
    let truth = grid.objectives(metric);
    let (searched, kind) = contestant.searches(grid);
    let all: Vec<u32> = grid.runs.iter().map(|run| run.seed).collect();
    let draws = draws(&all, seeds);
    let outcomes: Vec<_> = draws
        .iter()
        .map(|draw| trial::run(&searched, kind, metric, draw, workers))
        .collect::<Option<_>>()?;
    let arm = |level: Option<f64>| grid.levels.iter().position(|known| *known == level);
    let arms: Vec<usize> =
        outcomes.iter().map(|outcome| arm(outcome.level)).collect::<Option<_>>()?;
    let regrets: Vec<f64> = arms.iter().map(|&arm| regret(&truth, arm)).collect();
    let mean =
        |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / outcomes.len().max(1) as f64;
    (!outcomes.is_empty()).then(|| Score {
        task: grid.task.clone(),
        scheduler: contestant.name(),
        metric,
        seeds,
        cost: mean(&mut outcomes.iter().map(|outcome| outcome.cost)),
        time: mean(&mut outcomes.iter().map(|outcome| outcome.time)),
        regret: mean(&mut regrets.iter().copied()),
        worst_regret: regrets.iter().copied().fold(0.0, f64::max),
        picks: outcomes.iter().map(|outcome| outcome.level).collect(),
    })
}

/// `(f(arm) − min f) / (mean f − min f)`; 0 where all arms are alike. An arm that diverges with any seed
/// counts as the worst of those that don't.
fn regret(objectives: &[f64], arm: usize) -> f64 {
    let finite: Vec<f64> = objectives.iter().copied().filter(|value| value.is_finite()).collect();
    let least = finite.iter().copied().fold(f64::INFINITY, f64::min);
    let spread = finite.iter().sum::<f64>() / finite.len().max(1) as f64 - least;
    let worst = finite.iter().copied().fold(least, f64::max);
    if spread > 0.0 { (objectives[arm].min(worst) - least) / spread } else { 0.0 }
}

/// All ways to take `count` of `seeds`, in order; at most [`MAX_DRAWS`] of them.
pub(super) fn draws(seeds: &[u32], count: usize) -> Vec<Vec<u32>> {
    fn extend(seeds: &[u32], count: usize, draw: &mut Vec<u32>, draws: &mut Vec<Vec<u32>>) {
        if draws.len() >= MAX_DRAWS {
            return;
        }
        if draw.len() == count {
            draws.push(draw.clone());
            return;
        }
        for (i, &seed) in seeds.iter().enumerate() {
            draw.push(seed);
            extend(&seeds[i + 1..], count, draw, draws);
            draw.pop();
        }
    }
    let mut all = vec![];
    if count > 0 {
        extend(seeds, count, &mut vec![], &mut all);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_arm_has_no_regret_and_a_random_one_a_regret_of_one() {
        let objectives = [4.0, 2.0, 3.0];
        assert_eq!(regret(&objectives, 1), 0.0);
        assert_eq!(regret(&objectives, 2), 1.0);
        assert_eq!(regret(&[1.0, 1.0], 1), 0.0, "a tie of all");
        assert_eq!(regret(&[4.0, 2.0, f64::INFINITY], 2), 2.0, "the worst that is finite");
    }

    #[test]
    fn seeds_are_drawn_in_every_way() {
        assert_eq!(draws(&[3, 5, 8], 2), [[3, 5], [3, 8], [5, 8]]);
        assert_eq!(draws(&[3, 5], 3), [[0u32; 0]; 0]);
        assert_eq!(draws(&(0..30).collect::<Vec<_>>(), 3).len(), MAX_DRAWS);
    }
}
