//! Checks of a job, and the states that its branches start from.

use super::{Job, TrainError};
use crate::{
    checkpoint::{Layout, State, Tally},
    cohort::{
        fork::Arm,
        group::{Group, Step},
        member::Member,
    },
    data::Data,
    device::Machine,
    memory::{Footprint, Holding},
    models::{Architecture, Task},
    optim,
    rates::Rates,
};
use bytes::Bytes;
use floodgauge_protocol::{ArmIx, Augment, Branch, Digest, Optimizer, Segment, segment::Start};
use std::collections::HashMap;

/// What all members of a job have in common.
pub(super) struct Plan {
    pub architecture: Architecture,
    pub optimizer: Optimizer,
    pub rates: Rates,
    pub weight_decay: f64,
    pub seed: u32,
    pub batch_size: usize,
    pub augment: Augment,
    pub steps_per_epoch: u64,
    /// Features of a sample.
    pub dim: usize,
    /// The arrays of a member: model and optimiser.
    layout: Layout,
}

impl Plan {
    /// Checks that `data` are the recipe's.
    pub fn of(job: Job<'_>, data: &Data) -> Result<Self, TrainError> {
        let recipe = job.recipe;
        let dataset = recipe.dataset.resolved();
        let expected = dataset.n_train.unwrap_or_default() as usize;
        if data.train.len() != expected {
            return Err(TrainError::Data { found: data.train.len(), expected });
        }
        let task = Task { dim: data.dim, image: data.image, classes: data.classes };
        let architecture = Architecture::new(&recipe.model, task)?;
        let mut layout = architecture.layout();
        layout.extend(optim::layout(&recipe.optimizer, &architecture));
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

    /// How many members `machine` has memory for at once, of those that train in `segment`.
    pub fn width(&self, machine: &Machine, segment: &Segment) -> usize {
        let blocks = machine.block() > 1;
        let footprint =
            Footprint::of(&self.architecture, &self.layout, self.dim, self.batch_size, blocks);
        let branches = &segment.branches;
        let holding = Holding {
            branches: branches.len(),
            arms: branches.iter().map(|branch| branch.arms.len()).sum(),
            dormant: branches.iter().map(|branch| branch.watch.len()).sum(),
        };
        let batches = machine.lanes() * Group::batches_held(self.batch_size * self.dim);
        let memory = machine.memory().saturating_sub(batches as u64);
        let width = footprint.width(memory, holding);
        if width < holding.arms {
            tracing::debug!(width, arms = holding.arms, "memory bounds the stack");
        }
        width
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

    /// The members of the job's segment with the states that they start from, in its order.
    pub fn members(
        &self,
        job: Job<'_>,
        checkpoints: &HashMap<Digest, Bytes>,
    ) -> Result<Vec<(Member, State)>, TrainError> {
        let segment = job.segment;
        let steps = |at| TrainError::Steps { at, from: segment.from_step, to: segment.to_step };
        if segment.to_step < segment.from_step {
            return Err(steps(segment.from_step));
        }
        let mut members = Vec::with_capacity(segment.branches.len());
        for (branch, spec) in segment.branches.iter().enumerate() {
            let state = match spec.start {
                Start::Init => self.init(),
                Start::Checkpoint { digest } => {
                    let bytes = checkpoints.get(&digest).ok_or(TrainError::Missing(digest))?;
                    State::from_bytes(bytes, &self.layout)
                        .map_err(|source| TrainError::Checkpoint { digest, source })?
                }
            };
            if state.step != segment.from_step {
                return Err(steps(state.step));
            }
            let watch = methods(job, &spec.watch)?.into_iter().map(|arm| arm.method).collect();
            let arms = arms(job, branch, spec)?;
            members.push((Member::new(branch, arms, watch, state.tally, spec), state));
        }
        Ok(members)
    }

    /// The family's initial state: equal for all its arms.
    fn init(&self) -> State {
        let mut arrays = self.architecture.init(self.seed);
        for (name, shape) in &self.layout {
            arrays.entry(name.clone()).or_insert_with(|| crate::checkpoint::Array {
                values: vec![0.0; shape.iter().product()],
                shape: shape.clone(),
            });
        }
        State { arrays, step: 0, tally: Tally::default() }
    }
}

/// Arms of the sweep with their methods.
fn methods(job: Job<'_>, arms: &[ArmIx]) -> Result<Vec<Arm>, TrainError> {
    let known = job.arms.len();
    let arm = |ix: &ArmIx| match job.arms.get(ix.ix()) {
        Some(&method) => Ok(Arm { ix: *ix, method }),
        None => Err(TrainError::UnknownArm { arm: ix.ix(), arms: known }),
    };
    arms.iter().map(arm).collect()
}

/// The arms of a branch, once it is sure that one run can stand for them all.
fn arms(job: Job<'_>, branch: usize, spec: &Branch) -> Result<Vec<Arm>, TrainError> {
    let arms = methods(job, &spec.arms)?;
    let ride = spec.onset_step.is_none() && arms.iter().all(|arm| arm.method.shares_trunk());
    if arms.len() == 1 || (arms.len() > 1 && ride) {
        return Ok(arms);
    }
    Err(TrainError::Arms { branch, arms: arms.len() })
}
