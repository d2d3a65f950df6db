//! The tensors of several members: weights, running statistics, what the optimiser keeps.

use super::setup::TrainingSetup;
use crate::{
    checkpoint::{Array, State},
    models::Network,
    optim::Optim,
    stacked::{member, unstack},
};
use burn::tensor::{Device, Tensor};
use std::collections::BTreeMap;

/// The tensors of several members at one step. A clone shares them until one of both takes a step.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    pub model: Network,
    pub optim: Optim,
}

impl Stack {
    /// Stacks the members' states.
    pub fn new(setup: &TrainingSetup, states: &[State], device: &Device) -> Self {
        let (architecture, decay) = (&setup.architecture, setup.weight_decay);
        Self {
            model: Network::stack(architecture, states, device),
            optim: Optim::stack(&setup.optimizer, decay, architecture, states, device),
        }
    }

    fn named(
        &self,
        setup: &TrainingSetup,
    ) -> impl Iterator<Item = (String, Vec<usize>, &Tensor<3>)> {
        let named = self.model.named(&setup.architecture).into_iter();
        named.chain(self.optim.named(&setup.architecture))
    }

    /// The arrays of each member, in their order.
    pub fn all_arrays(
        &self,
        setup: &TrainingSetup,
        members: usize,
    ) -> Vec<BTreeMap<String, Array>> {
        let mut arrays = vec![BTreeMap::new(); members];
        for (name, shape, tensor) in self.named(setup) {
            for (arrays, values) in arrays.iter_mut().zip(unstack(tensor)) {
                arrays.insert(name.clone(), Array { shape: shape.clone(), values });
            }
        }
        arrays
    }

    /// The arrays of the member at `index`.
    pub fn arrays(&self, setup: &TrainingSetup, index: usize) -> BTreeMap<String, Array> {
        let array = |(name, shape, tensor)| (name, Array { shape, values: member(tensor, index) });
        self.named(setup).map(array).collect()
    }
}
