//! What all members of a segment train with, once it is sure that the data are the recipe's.

use super::{error::TrainError, job::Job};
use crate::{
    checkpoint::{Array, Layout, State, Tally},
    data::Data,
    models::{Architecture, NoImages, Task},
    optim,
    rates::Rates,
};
use floodgauge_protocol::{Augment, Optimizer, Recipe};

/// The arrays of a branch of this recipe, as its checkpoints hold them; none where nothing is known of its
/// data, and where the model doesn't fit them.
pub fn layout_of(recipe: &Recipe) -> Option<Layout> {
    let facts = recipe.dataset.facts()?;
    let (dim, classes) = (facts.features as usize, facts.classes as usize);
    let task = Task { dim, image: facts.image, classes };
    arrays(recipe, task).ok().map(|(_, layout)| layout)
}

/// The model of a recipe, and the arrays of a member: model and optimiser.
fn arrays(recipe: &Recipe, task: Task) -> Result<(Architecture, Layout), NoImages> {
    let architecture = Architecture::new(&recipe.model, task)?;
    let mut layout = architecture.layout();
    layout.extend(optim::layout(&recipe.optimizer, &architecture));
    Ok((architecture, layout))
}

/// What all members of a job have in common.
pub(super) struct TrainingSetup {
    pub architecture: Architecture,
    pub optimizer: Optimizer,
    pub rates: Rates,
    pub weight_decay: f64,
    pub seed: u32,
    pub batch_size: usize,
    pub augment: Augment,
    pub steps_per_epoch: u64,
    /// How many numbers a sample has.
    pub dim: usize,
    /// The arrays of a member: model and optimiser.
    pub layout: Layout,
}

/// What is known of a step before its members do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Its number, from 0.
    pub number: u64,
    /// The factor of the learning rate.
    pub rate: f64,
    /// Whether it ends an epoch, so that the gradients' norms are wanted.
    pub ends_epoch: bool,
    /// L2, the family's weight decay.
    pub weight_decay: f32,
}

impl TrainingSetup {
    /// Checks that `data` are the recipe's.
    pub fn of(job: Job<'_>, data: &Data) -> Result<Self, TrainError> {
        let recipe = job.recipe;
        let dataset = recipe.dataset.resolved();
        let expected = dataset.n_train.unwrap_or_default() as usize;
        if data.train.len() != expected {
            return Err(TrainError::Data { found: data.train.len(), expected });
        }
        let task = Task { dim: data.dim, image: data.image, classes: data.classes };
        let (architecture, layout) = arrays(recipe, task)?;
        Ok(Self {
            architecture,
            optimizer: recipe.optimizer.clone(),
            rates: Rates::of(recipe),
            weight_decay: job.family.weight_decay,
            seed: job.family.seed,
            batch_size: recipe.batch_size.max(1) as usize,
            augment: recipe.augment,
            steps_per_epoch: recipe.steps_per_epoch(),
            dim: data.dim,
            layout,
        })
    }

    /// Step number `number`, from 0.
    pub fn step(&self, number: u64) -> Step {
        Step {
            number,
            rate: self.rates.factor(number),
            ends_epoch: (number + 1).is_multiple_of(self.steps_per_epoch),
            weight_decay: self.weight_decay as f32,
        }
    }

    /// The family's initial state: equal for all its arms.
    pub fn init(&self) -> State {
        let mut arrays = self.architecture.init(self.seed);
        for (name, shape) in &self.layout {
            arrays.entry(name.clone()).or_insert_with(|| Array {
                values: vec![0.0; shape.iter().product()],
                shape: shape.clone(),
            });
        }
        State { arrays, step: 0, tally: Tally::default() }
    }
}
