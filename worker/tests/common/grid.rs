//! Our trainer against an independent one: same recipe, other random numbers.

use super::{Recorder, World};
use floodgauge_protocol::{ArmIx, Branch, Method, Recipe, segment::Start};
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

/// A figure of ours beside the recorded one.
pub struct Compared {
    pub what: String,
    pub ours: Mean,
    pub theirs: Mean,
}

/// A mean over seeds with its standard error.
#[derive(Clone, Copy)]
pub struct Mean {
    pub mean: f64,
    pub error: f64,
}

impl Recorded {
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap()
    }

    /// Trains as many seeds as were recorded, all levels of one in one run until each is crossed.
    /// Files of the data set lie in `folder`.
    pub fn compare(&self, folder: Option<&Path>) -> Vec<Compared> {
        let level = |arm: &RecordedArm| arm.level.map_or(Method::Plain, |b| Method::Flood { b });
        let methods: Vec<_> = self.arms.iter().map(level).collect();
        let all: Vec<_> = (0..methods.len()).map(|arm| ArmIx(arm as u16)).collect();
        let per_epoch = self.recipe.steps_per_epoch();
        let closing = self.recipe.epochs - self.recipe.epochs.div_ceil(10);
        let mut losses = vec![Vec::new(); all.len()];
        let mut onsets = vec![Vec::new(); all.len()];
        for seed in 0..self.arms[0].closing_val_loss.len() as u32 {
            let data = data::load(&self.recipe.dataset, seed, folder).unwrap();
            let mut world = World::with_data(&self.recipe, seed, &methods, data);
            let mut recorder = Recorder::default();
            let branch = Branch::new(all.clone(), Start::Init);
            let ended = world.run(0..world.steps(), vec![branch], &mut recorder);
            for &arm in &all {
                let rows = recorder.rows.iter().filter(|row| row.arms.contains(&arm));
                let rows = rows.filter(|row| row.epoch > closing);
                let values: Vec<_> = rows.map(|row| row.val_loss.finite().unwrap()).collect();
                losses[arm.ix()].push(values.iter().sum::<f64>() / values.len() as f64);
                let end = ended.iter().find(|end| end.branch.arms.contains(&arm)).unwrap();
                let onset = end.branch.onset_step;
                onsets[arm.ix()].extend(onset.map(|step| step as f64 / per_epoch as f64));
            }
        }
        let mut compared = Vec::new();
        for ((arm, method), (losses, onsets)) in
            self.arms.iter().zip(methods).zip(losses.into_iter().zip(onsets))
        {
            compared.push(Compared {
                what: format!("closing loss of {method}"),
                ours: Mean::of(&losses),
                theirs: Mean::of(&arm.closing_val_loss),
            });
            let recorded = arm.onset_step.iter().flatten();
            let recorded: Vec<_> = recorded.map(|&step| step as f64 / per_epoch as f64).collect();
            assert_eq!(onsets.len(), recorded.len(), "seeds in which {method} was reached");
            if !recorded.is_empty() {
                compared.push(Compared {
                    what: format!("onset of {method}, epochs"),
                    ours: Mean::of(&onsets),
                    theirs: Mean::of(&recorded),
                });
            }
        }
        compared
    }
}

impl Mean {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Self { mean, error: (variance / n).sqrt() }
    }
}

impl Compared {
    /// How many standard errors of their difference the means lie apart; 0 where both are the
    /// same in every seed.
    pub fn apart(&self) -> f64 {
        let difference = self.ours.mean - self.theirs.mean;
        if difference == 0.0 { 0.0 } else { difference / self.ours.error.hypot(self.theirs.error) }
    }

    pub fn agrees(&self) -> bool {
        self.apart().abs() < BOUND
    }
}
