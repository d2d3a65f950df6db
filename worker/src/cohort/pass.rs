//! A mini-batch on its way through several members.

use crate::{
    evaluate,
    models::Network,
    stacked::{Statistics, to_host},
};
use burn::tensor::{Tensor, TensorData};

/// A mini-batch.
pub(super) struct Batch<'a> {
    /// `[1, batch, dim]`.
    pub input: Tensor<3>,
    pub labels: &'a [u8],
}

/// A mini-batch that has gone forward through the members and not yet back.
pub(super) struct Pass {
    model: Network,
    logits: Tensor<3>,
    seen: Vec<Statistics>,
    /// The gradient of each sample's loss with respect to its logits, member by member.
    gradients: Vec<f32>,
    /// The loss of each sample, member by member.
    losses: Vec<f32>,
    /// The mean loss of each member.
    pub means: Vec<f64>,
}

impl Batch<'_> {
    /// Goes forward through the members of `model`.
    pub fn forward(&self, model: &Network) -> Pass {
        let model = model.tracked();
        let (logits, seen) = model.forward_train(self.input.clone().autodiff());
        let [members, samples, classes] = logits.dims();
        let mut gradients = to_host(logits.clone().without_autodiff());
        let mut losses = vec![0.0; members * samples];
        let parts = gradients.chunks_mut(samples * classes).zip(losses.chunks_mut(samples));
        let means = parts
            .map(|(logits, losses)| evaluate::losses_and_gradients(logits, self.labels, losses))
            .collect();
        Pass { model, logits, seen, gradients, losses, means }
    }
}

impl Pass {
    /// Goes back: the gradient `mean_i w_i ∇ℓ_i` of each member, an array `[K, …]` for each
    /// parameter, and the statistics at the batch norms. `weigh` is given a member, its mean loss
    /// and its losses, which it turns into weights.
    pub fn backward(
        self,
        mut weigh: impl FnMut(usize, f64, &mut [f32]),
    ) -> (Vec<Vec<f32>>, Vec<Statistics>) {
        let Self { model, logits, seen, gradients: mut weighted, mut losses, means } = self;
        let shape @ [_, samples, classes] = logits.dims();
        let members = weighted.chunks_mut(samples * classes).zip(losses.chunks_mut(samples));
        for (k, (gradients, losses)) in members.enumerate() {
            weigh(k, means[k], losses);
            for (row, weight) in gradients.chunks_mut(classes).zip(losses) {
                let factor = *weight / samples as f32;
                row.iter_mut().for_each(|gradient| *gradient *= factor);
            }
        }
        // The derivative of this sum with respect to the logits is `weighted`, so that going back
        // from it gives the weighted gradient of each member.
        let device = logits.device();
        let weighted = Tensor::<3>::from_data(TensorData::new(weighted, shape), &device);
        let mut gradients = (logits * weighted.autodiff()).sum().backward();
        let gradients = model.parameters().into_iter().map(|parameter| {
            // Were one without influence left out, the others' gradients would shift.
            let none = || parameter.clone().without_autodiff().zeros_like();
            to_host(parameter.grad_remove(&mut gradients).unwrap_or_else(none))
        });
        (gradients.collect(), seen)
    }
}
