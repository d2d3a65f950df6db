//! A step of several members by loops over what the device lends.

use super::{
    batches::Batch,
    member::{Member, StepOutcome},
    setup::Step,
    stack::Stack,
};
use crate::{
    evaluate,
    models::Network,
    optim,
    pair::{self, Pair},
    stacked::{Statistics, to_host},
};
use burn::tensor::{Tensor, TensorData};
use floodgauge_protocol::Method;

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

impl Pass {
    /// Goes forward through the members of `model`.
    pub fn forward(model: &Network, batch: &Batch) -> Self {
        let model = model.tracked();
        let (logits, seen) = model.forward_train(batch.input.clone().autodiff());
        let [members, samples, classes] = logits.dims();
        let mut gradients = to_host(logits.clone().without_autodiff());
        let mut losses = vec![0.0; members * samples];
        let parts = gradients.chunks_mut(samples * classes).zip(losses.chunks_mut(samples));
        let means = parts
            .map(|(logits, losses)| evaluate::losses_and_gradients(logits, &batch.labels, losses))
            .collect();
        Self { model, logits, seen, gradients, losses, means }
    }

    /// Goes back: the gradient `mean_i w_i ∇ℓ_i` of each member, an array `[K, …]` for each
    /// parameter, and the statistics at the batch norms. `weigh` is given a member, its mean loss
    /// and its losses, which it turns into weights.
    fn backward(
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

/// Ends a step that has gone forward: goes back and moves the weights.
pub(super) fn take(
    stack: &mut Stack,
    members: &[Member],
    pass: Pass,
    batch: &Batch,
    step: Step,
) -> Vec<StepOutcome> {
    let mut outcomes = vec![StepOutcome::default(); members.len()];
    let (mut gradients, seen) = pass.backward(|k, mean, losses| {
        outcomes[k] = StepOutcome::weigh(members[k].method, mean, losses)
    });
    if step.ends_epoch {
        for (k, outcome) in outcomes.iter_mut().enumerate() {
            outcome.grad_norm = Some(norm(&gradients, k, members.len()));
        }
    }
    take_second(stack, members, batch, step, &mut gradients, &mut outcomes);
    let moved = |member: &Member| matches!(member.method, Method::Alternating { .. });
    let moved: Vec<_> = members.iter().map(moved).collect();
    let parameters = stack.model.parameters_mut();
    stack.optim.step(parameters, &gradients, step.number, step.rate, &moved);
    // Once for each mini-batch, by the first pass: a second one leaves no trace.
    stack.model.absorb(seen);
    outcomes
}

/// Takes the second gradient of those members whose method has one, as a smaller stack.
fn take_second(
    stack: &mut Stack,
    members: &[Member],
    batch: &Batch,
    step: Step,
    gradients: &mut [Vec<f32>],
    outcomes: &mut [StepOutcome],
) {
    let all = members.len();
    let (mut takers, mut pairs) = (vec![], vec![]);
    for (k, member) in members.iter().enumerate() {
        if member.takes_second() {
            let norm = norm(gradients, k, all);
            pairs.extend(Pair::of(member.method, norm, step.rate, step.weight_decay));
            takers.push(k);
        }
    }
    if takers.is_empty() {
        return;
    }
    let taken = |values: &[f32]| {
        let part = values.len() / all;
        takers.iter().flat_map(|&k| &values[k * part..(k + 1) * part]).copied().collect()
    };
    let device = batch.input.device();
    let parameters = stack.model.parameters();
    let shapes: Vec<_> = parameters.iter().map(|parameter| parameter.dims()).collect();
    let mut theta: Vec<Vec<f32>> =
        parameters.into_iter().map(|parameter| taken(&to_host(parameter.clone()))).collect();
    let mut first: Vec<Vec<f32>> = gradients.iter().map(|values| taken(values)).collect();
    let model = &stack.model;
    pair::take_second(&pairs, &mut theta, &mut first, |points| {
        let tensor = |(values, [_, rows, columns]): (&Vec<f32>, &[usize; 3])| {
            let shape = [takers.len(), *rows, *columns];
            Tensor::from_data(TensorData::new(values.clone(), shape), &device)
        };
        let model = model.at(points.iter().zip(&shapes).map(tensor).collect());
        let weigh = |i: usize, mean: f64, losses: &mut [f32]| {
            outcomes[takers[i]].second_diverged = !mean.is_finite();
            losses.fill(1.0);
        };
        Pass::forward(&model, batch).backward(weigh).0
    });
    let put = |values: &mut [f32], taken: &[f32]| {
        let part = values.len() / all;
        for (&k, taken) in takers.iter().zip(taken.chunks(part)) {
            values[k * part..(k + 1) * part].copy_from_slice(taken);
        }
    };
    gradients.iter_mut().zip(&first).for_each(|(values, taken)| put(values, taken));
    for (parameter, taken) in stack.model.parameters_mut().into_iter().zip(&theta) {
        optim::in_place(parameter, |values| put(values, taken));
    }
}

/// The norm of the part of `gradients` that is member `k`'s among `members`.
fn norm(gradients: &[Vec<f32>], k: usize, members: usize) -> f64 {
    pair::norm(gradients.iter().map(|values| {
        let part = values.len() / members;
        &values[k * part..(k + 1) * part]
    }))
}
