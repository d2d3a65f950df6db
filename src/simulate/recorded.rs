//! Full grids that were recorded: every level trained to the end, over several seeds.

use super::{Measured, Truth};
use crate::scheduler::facts::closing_epochs;
use floodgauge_net::plain_io;
use floodgauge_protocol::{
    ArmIx, Method, Metric, MetricName, MetricSpec, Metrics, Search, work::TestMetrics,
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read as _},
    path::Path,
};

/// The largest file that is read, unpacked.
const MAX_BYTES: u64 = 1 << 30;

/// Why a file isn't a grid.
#[derive(Debug, thiserror::Error)]
pub enum GridError {
    /// It can't be read.
    #[error("{}", plain_io(.0))]
    Io(#[from] io::Error),
    /// It has another shape.
    #[error("not a recorded grid: {0}")]
    Format(#[from] serde_json::Error),
    /// It isn't complete.
    #[error("{0}")]
    Content(String),
}

/// A recorded grid, as `GET /v1/sweeps/{id}/grid` writes it.
#[derive(Clone, Debug, Deserialize)]
pub struct RecordedGrid {
    /// What people call it: of an export the sweep's name.
    pub task: String,
    /// The level of each arm; null for plain, arm 0.
    pub levels: Vec<Option<f64>>,
    /// What each arm trains, where the file tells.
    #[serde(default)]
    arms: Vec<Method>,
    /// Epochs of a full run.
    pub epochs: u32,
    /// Its metrics, where the file declares them; else those of the built-in recipe.
    #[serde(default)]
    pub metrics: BTreeMap<MetricName, MetricSpec>,
    /// The metric that counts as evidence, where the file names one.
    #[serde(default)]
    pub evidence: Option<MetricName>,
    /// The sweep that it is an export of, which has both.
    #[serde(default)]
    spec: Option<Exported>,
    /// One run a seed.
    pub runs: Vec<RecordedRun>,
}

/// What matters here of the sweep in an export.
#[derive(Clone, Debug, Default, Deserialize)]
struct Exported {
    #[serde(default)]
    search: ExportedSearch,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct ExportedSearch {
    #[serde(default)]
    metrics: BTreeMap<MetricName, MetricSpec>,
    evidence: Option<MetricName>,
}

/// The curves of one seed: `[arm]`, then `[epoch]`.
#[derive(Clone, Debug, Deserialize)]
pub struct RecordedRun {
    /// The seed of split, noise, initial weights and batch order.
    pub seed: u32,
    /// The weight decay, where the file names it.
    #[serde(default)]
    pub weight_decay: f64,
    /// Mini-batches in one epoch.
    pub steps_per_epoch: u64,
    onset_step: Vec<Option<u64>>,
    train_loss: Vec<Vec<Loss>>,
    #[serde(default)]
    val_loss: Option<Vec<Vec<Loss>>>,
    #[serde(default)]
    val_error: Option<Vec<Vec<Loss>>>,
    /// Every metric by name, once the file has been read: the two above are among them.
    #[serde(default)]
    metrics: BTreeMap<MetricName, Vec<Vec<Loss>>>,
    #[serde(default)]
    test_last: Option<Test>,
}

#[derive(Clone, Debug, Deserialize)]
struct Test {
    loss: Vec<Loss>,
    error: Vec<Loss>,
}

/// A metric; null is one that diverged.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
struct Loss(Option<Metric>);

impl Loss {
    fn metric(self) -> Metric {
        self.0.unwrap_or(Metric::Diverged)
    }
}

impl RecordedRun {
    /// With its metrics in one place.
    fn by_name(mut self) -> Self {
        let columns = [
            (MetricName::val_loss(), self.val_loss.take()),
            (MetricName::val_error(), self.val_error.take()),
        ];
        self.metrics.extend(columns.into_iter().filter_map(|(name, arms)| Some((name, arms?))));
        self
    }

    /// The curves that must be whole: the training loss, and each metric that can be compared.
    fn compared<'a>(
        &'a self,
        metrics: &'a Metrics,
    ) -> impl Iterator<Item = Option<&'a Vec<Vec<Loss>>>> {
        let compared = metrics.compared();
        let curves = compared.map(|metric| self.metrics.get(&metric.name));
        std::iter::once(Some(&self.train_loss)).chain(curves)
    }
}

impl RecordedGrid {
    /// Reads a file of JSON, gzipped or not; a grid of each weight decay.
    ///
    /// # Errors
    /// If it can't be read, or isn't a grid in which every arm was trained to the end.
    pub fn read(path: &Path) -> Result<Vec<Self>, GridError> {
        let mut bytes = vec![];
        BufReader::new(File::open(path)?).take(MAX_BYTES).read_to_end(&mut bytes)?;
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut plain = vec![];
            flate2::read::MultiGzDecoder::new(&bytes[..])
                .take(MAX_BYTES)
                .read_to_end(&mut plain)?;
            bytes = plain;
        }
        let grid = serde_json::from_slice::<Self>(&bytes)?.by_name().flooded();
        grid.check().map_err(GridError::Content)?;
        Ok(grid.by_weight_decay())
    }

    fn by_name(mut self) -> Self {
        let Exported { search } = self.spec.take().unwrap_or_default();
        if self.metrics.is_empty() {
            self.metrics = search.metrics;
        }
        self.evidence = self.evidence.or(search.evidence);
        self.runs = self.runs.into_iter().map(RecordedRun::by_name).collect();
        self
    }

    /// What its runs report.
    pub fn declared(&self) -> Metrics {
        Search { metrics: self.metrics.clone(), ..Search::default() }.metrics()
    }

    fn check(&self) -> Result<(), String> {
        let levels = self.levels.get(1..).unwrap_or_default();
        if self.levels.first() != Some(&None) || levels.iter().any(Option::is_none) {
            return Err("levels must begin with null, the plain run, and have no other null".into());
        }
        if levels.is_empty() || !levels.is_sorted_by(|a, b| a < b) {
            return Err("levels must rise, and there must be one".into());
        }
        if self.runs.is_empty() || self.epochs == 0 {
            return Err("it has no runs".into());
        }
        let declared = self.declared();
        for run in &self.runs {
            let seed = run.seed;
            if run.onset_step.len() != self.levels.len() || run.steps_per_epoch == 0 {
                return Err(format!("seed {seed} must have an onset_step for each level"));
            }
            let whole = |arms: Option<&Vec<Vec<Loss>>>| {
                arms.is_some_and(|arms| {
                    arms.len() == self.levels.len()
                        && arms.iter().all(|curve| curve.len() == self.epochs as usize)
                })
            };
            if !run.compared(&declared).all(whole) {
                return Err(format!(
                    "seed {seed} must have {} curves of {} epochs: a sweep with the scheduler `grid` has",
                    self.levels.len(),
                    self.epochs
                ));
            }
        }
        Ok(())
    }

    /// Plain and the flooded arms alone, in the order of their levels, where the file tells which
    /// they are: a sweep may have had other methods beside them, and levels added later.
    fn flooded(self) -> Self {
        let declared = self.declared();
        let whole = |run: &RecordedRun| {
            let lengths = run.compared(&declared).map(|arms| arms.map_or(0, Vec::len));
            lengths.into_iter().all(|arms| arms == self.arms.len())
        };
        if self.arms.len() != self.levels.len() || !self.runs.iter().all(whole) {
            return self;
        }
        let level = |arm: &usize| match self.arms[*arm] {
            Method::Flood { b } => Some(b),
            _ => None,
        };
        let mut arms: Vec<usize> =
            (1..self.arms.len()).filter(|arm| level(arm).is_some()).collect();
        arms.sort_by(|a, b| level(a).unwrap_or(0.0).total_cmp(&level(b).unwrap_or(0.0)));
        self.part(&arms)
    }

    /// Arms compete within a weight decay.
    fn by_weight_decay(self) -> Vec<Self> {
        let mut decays: Vec<f64> = self.runs.iter().map(|run| run.weight_decay).collect();
        decays.sort_by(f64::total_cmp);
        decays.dedup();
        let several = decays.len() > 1;
        let part = |decay: f64| {
            let name = if several { format!(", weight decay {decay}") } else { String::new() };
            Self {
                task: format!("{}{name}", self.task),
                runs: self.runs.iter().filter(|run| run.weight_decay == decay).cloned().collect(),
                ..self.clone()
            }
        };
        decays.into_iter().map(part).collect()
    }

    /// The same task with plain and some of the arms alone, in rising order.
    pub fn part(&self, arms: &[usize]) -> Self {
        let kept: Vec<usize> = std::iter::once(0).chain(arms.iter().copied()).collect();
        Self {
            task: self.task.clone(),
            levels: kept.iter().map(|&arm| self.levels[arm]).collect(),
            arms: kept.iter().filter_map(|&arm| self.arms.get(arm)).copied().collect(),
            epochs: self.epochs,
            metrics: self.metrics.clone(),
            evidence: self.evidence,
            spec: None,
            runs: self.runs.iter().map(|run| run.part(&kept)).collect(),
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
        let all: Vec<u32> = self.runs.iter().map(|run| run.seed).collect();
        self.objectives_of(metric, &all)
    }

    /// The same over the runs of some seeds.
    pub fn objectives_of(&self, metric: MetricName, seeds: &[u32]) -> Vec<f64> {
        let window = closing_epochs(self.epochs);
        let direction = self.declared().direction(metric).unwrap_or_default();
        let closing = |run: &RecordedRun, arm: usize| {
            let Some(curves) = run.metrics.get(&metric) else { return Metric::Diverged };
            let values = curves[arm].iter().rev().take(window).rev();
            Metric::mean(values.map(|value| direction.minimised(value.metric())))
        };
        (0..self.levels.len())
            .map(|arm| Metric::mean(seeds.iter().map(|&seed| closing(self.run(seed), arm))))
            .map(|mean| mean.finite().unwrap_or(f64::INFINITY))
            .collect()
    }

    fn run(&self, seed: u32) -> &RecordedRun {
        self.runs.iter().find(|run| run.seed == seed).unwrap_or(&self.runs[0])
    }
}

impl RecordedRun {
    fn part(&self, arms: &[usize]) -> Self {
        fn of<T: Clone>(all: &[T], arms: &[usize]) -> Vec<T> {
            arms.iter().filter_map(|&arm| all.get(arm)).cloned().collect()
        }
        let test = self.test_last.as_ref();
        Self {
            onset_step: of(&self.onset_step, arms),
            train_loss: of(&self.train_loss, arms),
            val_loss: None,
            val_error: None,
            metrics: self.metrics.iter().map(|(name, all)| (*name, of(all, arms))).collect(),
            test_last: test
                .map(|test| Test { loss: of(&test.loss, arms), error: of(&test.error, arms) }),
            ..*self
        }
    }
}

impl Truth for RecordedGrid {
    fn epoch(&self, seed: u32, arm: ArmIx, epoch: u32) -> Measured {
        let (run, at) = (self.run(seed), epoch as usize - 1);
        let of = |curves: &[Vec<Loss>]| Some(curves.get(arm.ix())?.get(at)?.metric());
        let curves = run.metrics.iter();
        Measured {
            train_loss: of(&run.train_loss).unwrap_or(Metric::Diverged),
            metrics: curves.filter_map(|(name, curves)| Some((*name, of(curves)?))).collect(),
        }
    }

    fn onset_step(&self, seed: u32, arm: ArmIx) -> Option<u64> {
        self.run(seed).onset_step[arm.ix()]
    }

    fn test(&self, seed: u32, arm: ArmIx) -> TestMetrics {
        let of = |losses: &[Loss]| losses.get(arm.ix()).map_or(Metric::Diverged, |l| l.metric());
        let test = self.run(seed).test_last.as_ref();
        TestMetrics {
            loss: test.map_or(Metric::Diverged, |test| of(&test.loss)),
            error: test.map_or(Metric::Diverged, |test| of(&test.error)),
        }
    }
}
