//! Our trainer against an independent one: same recipe, other random numbers.

use super::{Recorder, World};
use floodgauge_protocol::{ArmIx, Branch, DatasetName, Method, Recipe, segment::Start};
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
struct Run {
    /// The mean validation loss over the closing tenth of the epochs.
    closing: f64,
    /// In epochs, where its level was reached.
    onset: Option<f64>,
}

/// A figure of ours beside the recorded one.
pub struct Compared {
    pub what: String,
    pub ours: Mean,
    pub theirs: Mean,
    /// The standard deviations over seeds, ours and theirs: on one draw, where samples are drawn.
    pub spreads: [f64; 2],
}

/// A mean with its standard error.
#[derive(Clone, Copy)]
pub struct Mean {
    pub mean: f64,
    pub error: f64,
}

impl Recorded {
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap()
    }

    /// Trains as many seeds as were recorded, all levels of one in one run until each is crossed, each
    /// seed on samples of its own. Files of the data set lie in `folder`.
    pub fn compare(&self, folder: Option<&Path>) -> Vec<Compared> {
        let seeds = 0..self.seeds();
        let runs: Vec<_> = seeds.map(|seed| vec![self.train(seed, seed, folder)]).collect();
        self.figures(&runs, false)
    }

    /// Trains all the seeds on each of `draws` draws of samples; none of a set that comes from files.
    ///
    /// Compares onsets as if the recorded seeds had one draw of training samples: their mean is
    /// then a single look at how such means of ours differ from draw to draw.
    pub fn compare_with_draws(&self, draws: u32) -> Vec<Compared> {
        if !self.is_drawn() {
            return vec![];
        }
        let draw = |draw| (0..self.seeds()).map(|seed| self.train(draw, seed, None)).collect();
        let runs: Vec<_> = (0..draws).map(draw).collect();
        self.figures(&runs, true)
    }

    fn seeds(&self) -> u32 {
        self.arms[0].closing_val_loss.len() as u32
    }

    /// The figures of all arms, of trainings by draw and seed.
    fn figures(&self, draws: &[Vec<Vec<Run>>], on_one_draw: bool) -> Vec<Compared> {
        let per_epoch = self.recipe.steps_per_epoch() as f64;
        let of = |figure: &dyn Fn(&Vec<Run>) -> Option<f64>| -> Vec<Vec<f64>> {
            draws.iter().map(|draw| draw.iter().filter_map(figure).collect()).collect()
        };
        let mut compared = Vec::new();
        for (arm, recorded) in self.arms.iter().enumerate() {
            let method = recorded.method();
            let ours = of(&|run| Some(run[arm].closing));
            let what = format!("closing loss of {method}");
            compared.push(compared_by_draw(what, &ours, &recorded.closing_val_loss, false));

            let (ours, steps) = (of(&|run| run[arm].onset), recorded.onset_step.iter().flatten());
            let theirs: Vec<_> = steps.map(|&step| step as f64 / per_epoch).collect();
            let reached = ours.iter().map(Vec::len).sum::<usize>() * recorded.onset_step.len();
            let trained = draws.iter().map(Vec::len).sum::<usize>();
            assert_eq!(reached, theirs.len() * trained, "seeds in which {method} was reached");
            if !theirs.is_empty() {
                let what = format!("onset of {method}, epochs");
                compared.push(compared_by_draw(what, &ours, &theirs, on_one_draw));
            }
        }
        compared
    }

    /// Whether samples are drawn from a distribution, rather than from files.
    fn is_drawn(&self) -> bool {
        use DatasetName::{Sinusoid, Spiral, TwoGaussians};
        matches!(self.recipe.dataset.name, TwoGaussians | Sinusoid | Spiral)
    }

    /// Trains a seed on the data of a draw; what comes of each arm.
    fn train(&self, draw: u32, seed: u32, folder: Option<&Path>) -> Vec<Run> {
        let methods: Vec<_> = self.arms.iter().map(RecordedArm::method).collect();
        let all: Vec<_> = (0..methods.len()).map(|arm| ArmIx(arm as u16)).collect();
        let per_epoch = self.recipe.steps_per_epoch() as f64;
        let closing = self.recipe.epochs - self.recipe.epochs.div_ceil(10);
        let data = data::load(&self.recipe.dataset, draw, folder).unwrap();
        let mut world = World::with_data(&self.recipe, seed, &methods, data);
        let mut recorder = Recorder::default();
        let branch = Branch::new(all.clone(), Start::Init);
        let ended = world.run(0..world.steps(), vec![branch], &mut recorder);
        let run = |arm| {
            let rows = recorder.rows.iter().filter(|row| row.arms.contains(arm));
            let rows = rows.filter(|row| row.epoch > closing);
            let end = ended.iter().find(|end| end.branch.arms.contains(arm)).unwrap();
            let onset = end.branch.onset_step.map(|step| step as f64 / per_epoch);
            let losses: Vec<_> = rows.map(|row| row.val_loss.finite().unwrap()).collect();
            Run { closing: mean(&losses), onset }
        };
        all.iter().map(run).collect()
    }
}

/// `ours` by draw and seed, `theirs` by seed, which may have trained on one draw.
fn compared_by_draw(
    what: String,
    ours: &[Vec<f64>],
    theirs: &[f64],
    on_one_draw: bool,
) -> Compared {
    let means: Vec<_> = ours.iter().map(|seeds| mean(seeds)).collect();
    let (of_draws, of_theirs) = (variance(&means), variance(theirs));
    let within: Vec<_> = ours.iter().map(|seeds| variance(seeds)).collect();
    let over_seeds =
        if ours.iter().all(|seeds| seeds.len() > 1) { mean(&within) } else { of_draws };
    let of_their_mean = if on_one_draw { of_draws } else { of_theirs / theirs.len() as f64 };
    Compared {
        what,
        ours: Mean { mean: mean(&means), error: (of_draws / means.len() as f64).sqrt() },
        theirs: Mean { mean: mean(theirs), error: of_their_mean.sqrt() },
        spreads: [over_seeds, of_theirs].map(f64::sqrt),
    }
}

impl RecordedArm {
    fn method(&self) -> Method {
        self.level.map_or(Method::Plain, |b| Method::Flood { b })
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
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
