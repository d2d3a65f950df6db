//! Full grids that were recorded: every level trained to the end, over several seeds.

mod ends;
mod reading;

use super::{Divergence, Measured, Truth};
use crate::{
    export::{MetricBits, curves::Column},
    scheduler::facts::closing_epochs,
};
use floodgauge_net::plain_io;
use floodgauge_protocol::{
    ArmIx, Dataset, Method, Metric, MetricName, MetricSpec, Metrics, work::TestMetrics,
};
use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
};

/// The most values of curves that are read: 256 MiB of them.
const MAX_VALUES: u64 = 1 << 25;

/// Why a file isn't a grid.
#[derive(Debug, thiserror::Error)]
pub enum GridError {
    /// It can't be read.
    #[error("{}", plain_io(.0))]
    Io(io::Error),
    /// It has another shape.
    #[error("not a recorded grid: {0}")]
    Format(String),
    /// It isn't complete, or more than is read.
    #[error("{0}")]
    Content(String),
}

/// A recorded grid, as `GET /v1/sweeps/{id}/grid` writes it.
#[derive(Clone, Debug)]
pub struct RecordedGrid {
    /// What people call it: of an export the sweep's name.
    pub task: String,
    /// The level of each arm; null for plain, arm 0.
    pub levels: Vec<Option<f64>>,
    /// What each arm trains, where the file tells.
    arms: Vec<Method>,
    /// What its runs trained on, where the file tells of a data set.
    pub dataset: Option<Dataset>,
    /// Epochs of a full run.
    pub epochs: u32,
    /// Its metrics, where the file declares them; else those of the built-in recipe.
    pub metrics: BTreeMap<MetricName, MetricSpec>,
    /// What its runs report.
    declared: Metrics,
    /// The metric that counts as evidence, where the file names one.
    pub evidence: Option<MetricName>,
    /// One run a seed.
    pub runs: Vec<RecordedRun>,
    /// Where the run of each seed is among them.
    by_seed: HashMap<u32, usize>,
}

/// The curves of one seed.
#[derive(Clone, Debug)]
pub struct RecordedRun {
    /// The seed of split, noise, initial weights and batch order.
    pub seed: u32,
    /// The weight decay, where the file names it.
    pub weight_decay: f64,
    /// Mini-batches in one epoch.
    pub steps_per_epoch: u64,
    onset_step: Vec<Option<u64>>,
    train_loss: Column,
    /// Every metric that can be compared, by name.
    metrics: BTreeMap<MetricName, Column>,
    /// On the test set, of each arm; empty where the file doesn't tell.
    test_loss: Vec<MetricBits>,
    test_error: Vec<MetricBits>,
    /// Where each arm diverged, if it did.
    ends: Vec<Option<Divergence>>,
}

/// What a value tells; that it diverged where nothing was told.
fn metric(value: MetricBits) -> Metric {
    value.metric().unwrap_or(Metric::Diverged)
}

impl RecordedGrid {
    /// Reads a file: JSON, the same gzipped, or an export with its data set; a grid of each weight decay.
    ///
    /// # Errors
    /// If it can't be read, isn't a grid in which every arm was trained to the end or diverged, or is more than is
    /// read.
    pub fn read(path: &Path) -> Result<Vec<Self>, GridError> {
        Self::read_at_most(path, MAX_VALUES)
    }

    pub(super) fn read_at_most(path: &Path, values: u64) -> Result<Vec<Self>, GridError> {
        reading::read(path, values)
    }

    /// What its runs report.
    pub fn declared(&self) -> &Metrics {
        &self.declared
    }

    /// The same task with plain and some of the arms alone, in rising order.
    pub fn part(&self, arms: &[usize]) -> Self {
        let kept: Vec<usize> = std::iter::once(0).chain(arms.iter().copied()).collect();
        Self {
            task: self.task.clone(),
            levels: kept.iter().map(|&arm| self.levels[arm]).collect(),
            arms: kept.iter().filter_map(|&arm| self.arms.get(arm)).copied().collect(),
            dataset: self.dataset.clone(),
            epochs: self.epochs,
            metrics: self.metrics.clone(),
            declared: self.declared.clone(),
            evidence: self.evidence,
            runs: self.runs.iter().map(|run| run.part(&kept)).collect(),
            by_seed: self.by_seed.clone(),
        }
    }

    /// The same task under other grids: without the lowest or the highest quarter of the levels,
    /// with every second level, and with the middle half alone. Those with fewer than three levels are left out.
    pub fn windows(&self) -> Vec<Self> {
        let count = self.levels.len() - 1;
        let quarter = count / 4;
        let windows: [(&str, Vec<usize>); 4] = [
            ("without the lowest", (1 + quarter..=count).collect()),
            ("without the highest", (1..=count - quarter).collect()),
            ("every second", (1..=count).step_by(2).collect()),
            ("the middle", (1 + quarter..=count - quarter).collect()),
        ];
        let wide = windows.into_iter().filter(|(_, arms)| arms.len() >= 3);
        wide.map(|(name, arms)| Self { task: format!("{}, {name}", self.task), ..self.part(&arms) })
            .collect()
    }

    /// The objective of each arm at the end, minimised: the mean over the closing tenth of the epochs and
    /// over all runs; infinite where one diverged.
    pub fn objectives(&self, metric: MetricName) -> Vec<f64> {
        self.means(metric, &self.runs.iter().collect::<Vec<_>>())
    }

    /// The same over the runs of some seeds.
    pub fn objectives_of(&self, metric: MetricName, seeds: &[u32]) -> Vec<f64> {
        let runs: Vec<_> = seeds.iter().map(|&seed| self.run(seed)).collect();
        self.means(metric, &runs)
    }

    fn means(&self, name: MetricName, runs: &[&RecordedRun]) -> Vec<f64> {
        let (epochs, window) = (self.epochs as usize, closing_epochs(self.epochs));
        let direction = self.declared.direction(name).unwrap_or_default();
        let closing = |run: &RecordedRun, arm: usize| {
            let curve = run.metrics.get(&name).map(|curves| &curves[arm]);
            let whole = curve.filter(|curve| curve.len() == epochs && run.ends[arm].is_none());
            let Some(curve) = whole else { return Metric::Diverged };
            let values = &curve[epochs.saturating_sub(window)..];
            Metric::mean(values.iter().map(|value| direction.minimised(metric(*value))))
        };
        (0..self.levels.len())
            .map(|arm| Metric::mean(runs.iter().map(|run| closing(run, arm))))
            .map(|mean| mean.finite().unwrap_or(f64::INFINITY))
            .collect()
    }

    /// The run of a seed; the first, if it has none.
    fn run(&self, seed: u32) -> &RecordedRun {
        &self.runs[self.by_seed.get(&seed).copied().unwrap_or(0)]
    }
}

impl RecordedRun {
    /// Whether each of its curves that can be compared is told of so many arms.
    fn has_arms(&self, declared: &Metrics, count: usize) -> bool {
        let mut metrics = declared.compared().map(|metric| self.metrics.get(&metric.name));
        self.train_loss.len() == count
            && metrics.all(|curves| curves.is_some_and(|curves| curves.len() == count))
    }

    fn part(&self, arms: &[usize]) -> Self {
        fn of<T: Clone>(all: &[T], arms: &[usize]) -> Vec<T> {
            arms.iter().filter_map(|&arm| all.get(arm)).cloned().collect()
        }
        Self {
            onset_step: of(&self.onset_step, arms),
            train_loss: of(&self.train_loss, arms),
            metrics: self.metrics.iter().map(|(name, all)| (*name, of(all, arms))).collect(),
            test_loss: of(&self.test_loss, arms),
            test_error: of(&self.test_error, arms),
            ends: of(&self.ends, arms),
            ..*self
        }
    }
}

impl Truth for RecordedGrid {
    fn epoch(&self, seed: u32, arm: ArmIx, epoch: u32) -> Measured {
        let (run, at) = (self.run(seed), epoch as usize - 1);
        let of = |curves: &Column| Some(metric(*curves.get(arm.ix())?.get(at)?));
        let curves = run.metrics.iter();
        Measured {
            train_loss: of(&run.train_loss).unwrap_or(Metric::Diverged),
            metrics: curves.filter_map(|(name, curves)| Some((*name, of(curves)?))).collect(),
        }
    }

    fn onset_step(&self, seed: u32, arm: ArmIx) -> Option<u64> {
        self.run(seed).onset_step[arm.ix()]
    }

    fn divergence(&self, seed: u32, arm: ArmIx) -> Option<Divergence> {
        self.run(seed).ends[arm.ix()]
    }

    fn test(&self, seed: u32, arm: ArmIx) -> TestMetrics {
        let run = self.run(seed);
        let of = |values: &[MetricBits]| {
            values.get(arm.ix()).map_or(Metric::Diverged, |value| metric(*value))
        };
        TestMetrics { loss: of(&run.test_loss), error: of(&run.test_error) }
    }
}
