//! A step of several members by operations of the device, which nobody waits for.
//!
//! The same as [`loops`](super::loops), but that nothing is read before [`Unread::read`].

use super::{
    batches::Batch,
    member::{Member, StepOutcome},
    setup::Step,
    stack::Stack,
};
use crate::{
    flood::Weights,
    models::Network,
    pair::Pairs,
    stacked::{Statistics, to_host},
};
use burn::tensor::{Bool, Int, Tensor, TensorData, activation::log_softmax};
use floodgauge_protocol::Method;

/// A mini-batch that has gone forward through the members and not yet back.
pub(super) struct Pass {
    model: Network,
    /// The loss of each sample, `[K, batch]`.
    losses: Tensor<2>,
    seen: Vec<Statistics>,
}

/// The members' outcomes of a step, still on the device.
pub(super) struct Unread {
    /// `[K, 1]`.
    means: Tensor<2>,
    /// `[K, batch]`.
    losses: Tensor<2>,
    /// `[K, 1]`, where they were asked for.
    norms: Option<Tensor<2>>,
    /// The mean losses where second gradients were taken, one for each member that took one.
    second: Option<Tensor<2>>,
}

impl Pass {
    /// Goes forward through the members of `model`.
    pub fn forward(model: &Network, batch: &Batch) -> Self {
        let model = model.tracked();
        let (logits, seen) = model.forward_train(batch.input.clone().autodiff());
        let [members, samples, classes] = logits.dims();
        let hot = Tensor::<3>::from_data(one_hot(&batch.labels, classes), &batch.input.device());
        let losses = (log_softmax(logits, 2) * hot.autodiff()).sum_dim(2).neg();
        Self { model, losses: losses.reshape([members, samples]), seen }
    }

    /// The mean loss of each member; waits for it.
    pub fn means(&self) -> Vec<f64> {
        let means = self.losses.clone().without_autodiff().mean_dim(1);
        to_host(means).into_iter().map(f64::from).collect()
    }

    /// Goes back: the gradient `mean_i w_i ∇ℓ_i` of each member, a tensor `[K, …]` for each
    /// parameter. `weigh` is given mean losses and losses, and gives weights.
    fn backward(
        &self,
        weigh: impl FnOnce(Tensor<2>, Tensor<2>) -> Tensor<2>,
    ) -> (Vec<Tensor<3>>, Tensor<2>, Tensor<2>) {
        let losses = self.losses.clone().without_autodiff();
        let means = losses.clone().mean_dim(1);
        let samples = losses.dims()[1];
        let weights = weigh(means.clone(), losses.clone()) / samples as f32;
        let mut gradients = (self.losses.clone() * weights.autodiff()).sum().backward();
        let gradients = self.model.parameters().into_iter().map(|parameter| {
            let none = || parameter.clone().without_autodiff().zeros_like();
            parameter.grad_remove(&mut gradients).unwrap_or_else(none)
        });
        (gradients.collect(), means, losses)
    }
}

/// Labels as `[1, batch, classes]`: 1 at each sample's class, else 0.
fn one_hot(labels: &[u8], classes: usize) -> TensorData {
    let mut hot = vec![0.0f32; labels.len() * classes];
    for (row, &label) in hot.chunks_mut(classes).zip(labels) {
        row[usize::from(label)] = 1.0;
    }
    TensorData::new(hot, [1, labels.len(), classes])
}

/// Ends a step that has gone forward: goes back and moves the weights.
pub(super) fn take(
    stack: &mut Stack,
    members: &[Member],
    weights: &Weights,
    pass: Pass,
    batch: &Batch,
    step: Step,
) -> Unread {
    let (mut gradients, means, losses) =
        pass.backward(|means, losses| weights.weigh(means, losses));
    let norms = step.ends_epoch.then(|| norms(&gradients));
    let second = take_second(stack, members, batch, step, &mut gradients);
    let moved = |member: &Member| matches!(member.method, Method::Alternating { .. });
    let moved: Vec<_> = members.iter().map(moved).collect();
    let keep = moved.contains(&true).then(|| {
        let shape = [moved.len(), 1, 1];
        Tensor::<3, Bool>::from_data(TensorData::new(moved, shape), &batch.input.device())
    });
    let parameters = stack.model.parameters_mut();
    stack.optim.step_tensors(parameters, gradients, step.number, step.rate, keep.as_ref());
    stack.model.absorb(pass.seen);
    Unread { means, losses, norms, second }
}

/// Takes the second gradient of those members whose method has one, as a smaller stack, and gives
/// their mean losses there.
fn take_second(
    stack: &mut Stack,
    members: &[Member],
    batch: &Batch,
    step: Step,
    gradients: &mut [Tensor<3>],
) -> Option<Tensor<2>> {
    let takers: Vec<_> = (0..members.len()).filter(|&k| members[k].takes_second()).collect();
    if takers.is_empty() {
        return None;
    }
    let device = batch.input.device();
    let methods: Vec<_> = takers.iter().map(|&k| members[k].method).collect();
    let indices = |of: Vec<usize>| {
        let of: Vec<i32> = of.into_iter().map(|k| k as i32).collect();
        Tensor::<1, Int>::from_data(TensorData::new(of.clone(), [of.len()]), &device)
    };
    // Where each member's part lies once those of the takers are put behind all others.
    let places = (0..members.len()).map(|k| {
        let taken = takers.iter().position(|&taker| taker == k);
        taken.map_or(k, |place| members.len() + place)
    });
    let (places, takers) = (indices(places.collect()), indices(takers.clone()));
    let taken = |tensor: &Tensor<3>| tensor.clone().select(0, takers.clone());
    let put = |all: Tensor<3>, taken: Tensor<3>| {
        Tensor::cat(vec![all, taken], 0).select(0, places.clone())
    };

    let mut first: Vec<_> = gradients.iter().map(taken).collect();
    let mut theta: Vec<_> = stack.model.parameters().into_iter().map(taken).collect();
    let norms = norms(&first).reshape([-1, 1, 1]);
    let pairs = Pairs::of(&methods, norms, step.rate, step.weight_decay);
    let points: Vec<_> =
        theta.iter().zip(&first).map(|(theta, first)| pairs.point(theta, first)).collect();
    let pass = Pass::forward(&stack.model.at(points.clone()), batch);
    let (second, means, _) = pass.backward(|_, losses| losses.ones_like());
    for (i, (point, second)) in points.into_iter().zip(second).enumerate() {
        pairs.close(&mut theta[i], &mut first[i], point, second);
    }
    for (gradient, first) in gradients.iter_mut().zip(first) {
        *gradient = put(gradient.clone(), first);
    }
    for (parameter, theta) in stack.model.parameters_mut().into_iter().zip(theta) {
        parameter.inplace(|all| put(all, theta));
    }
    Some(means)
}

/// The norm of each member's gradient, `[K, 1]`.
fn norms(gradients: &[Tensor<3>]) -> Tensor<2> {
    let squares = gradients.iter().map(|gradient| {
        let members = gradient.dims()[0];
        (gradient.clone() * gradient.clone()).reshape([members as i64, -1]).sum_dim(1)
    });
    let sum = squares.reduce(|a: Tensor<2>, b| a + b);
    sum.expect("a model has parameters").sqrt()
}

impl Unread {
    /// Waits for the device, and gives the members' outcomes of each step.
    pub fn read(steps: Vec<Self>, members: &[Member]) -> Vec<Vec<StepOutcome>> {
        if steps.is_empty() {
            return vec![];
        }
        // One transfer for all of it.
        let parts = steps.iter().flat_map(|step| {
            let Self { means, losses, norms, second } = step;
            let parts = [Some(means), Some(losses), norms.as_ref(), second.as_ref()];
            parts.into_iter().flatten().map(|part| part.clone().reshape([-1]))
        });
        let values = to_host(Tensor::<1>::cat(parts.collect(), 0));
        let mut rest = values.as_slice();
        let mut next = |count: usize| {
            let (part, others) = rest.split_at(count);
            rest = others;
            part
        };
        let count = members.len();
        let outcomes = steps.iter().map(|step| {
            let samples = step.losses.dims()[1];
            let means = next(count);
            let mut losses = next(count * samples).to_vec();
            let norms = step.norms.is_some().then(|| next(count));
            let seconds = step.second.as_ref().map(|second| next(second.dims()[0]));
            let mut seconds = seconds.unwrap_or_default().iter();
            let outcomes = members.iter().enumerate().map(|(k, member)| {
                let losses = &mut losses[k * samples..(k + 1) * samples];
                let outcome = StepOutcome::weigh(member.method, f64::from(means[k]), losses);
                let second = member.takes_second().then(|| seconds.next()).flatten();
                let second_diverged = second.is_some_and(|mean| !mean.is_finite());
                let grad_norm = norms.map(|norms| f64::from(norms[k]));
                StepOutcome { grad_norm, second_diverged, ..outcome }
            });
            outcomes.collect()
        });
        outcomes.collect()
    }
}
