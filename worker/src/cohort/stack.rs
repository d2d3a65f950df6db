//! The tensors of several members: weights, running statistics, what the optimiser keeps.

use super::plan::SegmentPlan;
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
    pub fn new(plan: &SegmentPlan, states: &[State], device: &Device) -> Self {
        let (architecture, decay) = (&plan.architecture, plan.weight_decay);
        Self {
            model: Network::stack(architecture, states, device),
            optim: Optim::stack(&plan.optimizer, decay, architecture, states, device),
        }
    }

    fn named(&self, plan: &SegmentPlan) -> impl Iterator<Item = (String, Vec<usize>, &Tensor<3>)> {
        let named = self.model.named(&plan.architecture).into_iter();
        named.chain(self.optim.named(&plan.architecture))
    }

    /// The arrays of each member, in their order.
    pub fn all_arrays(&self, plan: &SegmentPlan, members: usize) -> Vec<BTreeMap<String, Array>> {
        let mut arrays = vec![BTreeMap::new(); members];
        for (name, shape, tensor) in self.named(plan) {
            for (arrays, values) in arrays.iter_mut().zip(unstack(tensor)) {
                arrays.insert(name.clone(), Array { shape: shape.clone(), values });
            }
        }
        arrays
    }

    /// The arrays of the member at `index`.
    pub fn arrays(&self, plan: &SegmentPlan, index: usize) -> BTreeMap<String, Array> {
        let array = |(name, shape, tensor)| (name, Array { shape, values: member(tensor, index) });
        self.named(plan).map(array).collect()
    }
}
