//! Our trainer against an independent one: same recipe, other random numbers.

use super::{Recorder, World};
use floodgauge_protocol::{ArmIx, Branch, Method, MetricName, Recipe, segment::Start};
use floodgauge_worker::data;
use serde::Deserialize;
use std::path::Path;

/// Standard errors that two means may lie apart.
pub const BOUND: f64 = 2.5;

/// What an independent trainer found, one figure for each of its seeds.
#[derive(Deserialize)]
pub struct Recorded {
    pub recipe: Recipe,
    arms: Vec<RecordedArm>,
}

#[derive(Deserialize)]
struct RecordedArm {
    /// None is plain.
    level: Option<f64>,
    closing_val_loss: Vec<f64>,
    onset_step: Vec<Option<u64>>,
}

/// What comes of an arm in one training.
struct TrainedRun {
    /// The mean validation loss over the closing tenth of the epochs.
    closing: f64,
    /// In epochs, where its level was reached.
    onset: Option<f64>,
}

/// A figure of ours beside the recorded one, seed by seed.
pub struct Compared {
    pub what: String,
    pub ours: Vec<f64>,
    pub theirs: Vec<f64>,
}

impl Recorded {
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap()
    }

    /// Trains `seeds` seeds, as many as were recorded if it doesn't say, all levels of one in one run
    /// until each is crossed. Files of the data set lie in `folder`.
    pub fn compare(&self, folder: Option<&Path>, seeds: Option<u32>) -> Vec<Compared> {
        let recorded = self.arms[0].closing_val_loss.len();
        let seeds = seeds.unwrap_or(recorded as u32);
        let runs: Vec<_> = (0..seeds).map(|seed| self.train(seed, folder)).collect();
        let per_epoch = self.recipe.steps_per_epoch() as f64;
        let mut compared = Vec::new();
        for (arm, recorded) in self.arms.iter().enumerate() {
            let method = recorded.method();
            compared.push(Compared {
                what: format!("closing loss of {method}"),
                ours: runs.iter().map(|run| run[arm].closing).collect(),
                theirs: recorded.closing_val_loss.clone(),
            });

            let ours: Vec<_> = runs.iter().filter_map(|run| run[arm].onset).collect();
            let steps = recorded.onset_step.iter().flatten();
            let theirs: Vec<_> = steps.map(|&step| step as f64 / per_epoch).collect();
            if runs.len() == recorded.onset_step.len() {
                assert_eq!(ours.len(), theirs.len(), "seeds in which {method} was reached");
            }
            if !theirs.is_empty() {
                compared.push(Compared {
                    what: format!("onset of {method}, epochs"),
                    ours,
                    theirs,
                });
            }
        }
        compared
    }

    /// Trains a seed; what comes of each arm.
    fn train(&self, seed: u32, folder: Option<&Path>) -> Vec<TrainedRun> {
        let methods: Vec<_> = self.arms.iter().map(RecordedArm::method).collect();
        let all: Vec<_> = (0..methods.len()).map(|arm| ArmIx(arm as u16)).collect();
        let per_epoch = self.recipe.steps_per_epoch() as f64;
        let closing = self.recipe.epochs - self.recipe.epochs.div_ceil(10);
        let data = data::load(&self.recipe.dataset, seed, folder).unwrap();
        let mut world = World::with_data(&self.recipe, seed, &methods, data);
        let mut recorder = Recorder::default();
        let branch = Branch::new(all.clone(), Start::Init);
        let ended = world.run(0..world.steps(), vec![branch], &mut recorder);
        let run = |arm| {
            let rows = recorder.rows.iter().filter(|row| row.arms.contains(arm));
            let rows = rows.filter(|row| row.epoch > closing);
            let end = ended.iter().find(|end| end.branch.arms.contains(arm)).unwrap();
            let onset = end.branch.onset_step.map(|step| step as f64 / per_epoch);
            let losses: Vec<_> =
                rows.map(|row| row.metric(MetricName::val_loss()).finite().unwrap()).collect();
            TrainedRun { closing: mean(&losses), onset }
        };
        all.iter().map(run).collect()
    }
}

impl RecordedArm {
    fn method(&self) -> Method {
        self.level.map_or(Method::Plain, |b| Method::Flood { b })
    }
}

impl Compared {
    /// How many standard errors of their difference the means lie apart; 0 where both are the
    /// same in every seed.
    ///
    /// Two trainers that are alike have one spread over seeds, so that it is taken from all seeds
    /// of both. (Of as many seeds each, that is the root of the sum of their squared errors.)
    pub fn apart(&self) -> f64 {
        let (ours, theirs) = (&self.ours, &self.theirs);
        let difference = mean(ours) - mean(theirs);
        if difference == 0.0 {
            return 0.0;
        }
        let [n, m] = [ours.len() as f64, theirs.len() as f64];
        let spread = (variance(ours) * (n - 1.0) + variance(theirs) * (m - 1.0)) / (n + m - 2.0);
        difference / (spread * (1.0 / n + 1.0 / m)).sqrt()
    }

    pub fn agrees(&self) -> bool {
        self.apart().abs() < BOUND
    }
}

/// A mean and its standard error, for people.
pub fn words(values: &[f64]) -> String {
    let error = (variance(values) / values.len() as f64).sqrt();
    format!("{:.4} ± {error:.4}", mean(values))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
}
