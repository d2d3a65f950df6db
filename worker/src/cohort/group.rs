//! Members that one thread trains as one stacked model.

use crate::{
    checkpoint::{Array, State},
    cohort::{
        fork::Arm,
        keep::{Best, Watch},
        start::Plan,
    },
    data::Samples,
    evaluate::{self, Scores},
    flood,
    models::Network,
    optim::Optim,
    stacked::{Statistics, member, unstack},
};
use burn::tensor::{Device, Tensor, TensorData};
use floodgauge_protocol::{Method, work::Minimum};
use std::{collections::BTreeMap, sync::Arc};

/// What is known of a member beside its tensors.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Its branch's position in the segment.
    pub branch: usize,
    /// The arms that it stands for: one once it is past its onset, several while they ride.
    pub arms: Vec<Arm>,
    /// What it trains with.
    pub method: Method,
    /// The sum of the mini-batch losses of the epoch so far, in nats.
    pub loss_sum: f64,
    /// The first step whose mini-batch loss was below its level.
    pub onset_step: Option<u64>,
    /// See [`floodgauge_protocol::Branch::exposure`].
    pub exposure: Option<u32>,
    /// The first step whose loss was NaN or infinite; from there on its numbers mean nothing.
    pub diverged_at: Option<u64>,
    /// The steps of this segment whose loss was the least so far; of plain steps only.
    pub minima: Vec<Minimum>,
    /// The best epoch of its run.
    pub best: Best,
    /// What it keeps for arms that nobody trains.
    pub watch: Watch,
}

/// The tensors of several members at one step.
#[derive(Debug)]
pub(super) struct Frozen {
    model: Network,
    optim: Optim,
}

impl Frozen {
    /// The arrays of a member.
    pub fn arrays(&self, plan: &Plan, index: usize) -> BTreeMap<String, Array> {
        let named = self.model.named(&plan.architecture).into_iter();
        let all = named.chain(self.optim.named(&plan.architecture));
        all.map(|(name, shape, tensor)| (name, Array { shape, values: member(tensor, index) }))
            .collect()
    }
}

/// Several members stacked.
pub(super) struct Group {
    pub members: Vec<Member>,
    model: Network,
    optim: Optim,
    pub device: Device,
}

/// A mini-batch on its way through the members.
struct Pass {
    model: Network,
    logits: Tensor<3>,
    seen: Vec<Statistics>,
    /// The gradient of each sample's loss with respect to its logits, member by member.
    gradients: Vec<f32>,
    /// The mean loss of each member.
    losses: Vec<f64>,
}

impl Group {
    /// Stacks members with their states.
    pub fn stack(plan: &Plan, members: Vec<Member>, states: &[State], device: &Device) -> Self {
        Self {
            model: Network::stack(&plan.architecture, states, device),
            optim: Optim::stack(
                &plan.optimizer,
                plan.weight_decay,
                &plan.architecture,
                states,
                device,
            ),
            members,
            device: device.clone(),
        }
    }

    /// Its tensors, as long as somebody wants them.
    pub fn freeze(&self) -> Arc<Frozen> {
        Arc::new(Frozen { model: self.model.clone(), optim: self.optim.clone() })
    }

    /// The members and their states after `step` steps.
    pub fn unstack(&self, plan: &Plan, step: u64) -> Vec<(Member, State)> {
        let mut arrays = vec![BTreeMap::new(); self.members.len()];
        let named = self.model.named(&plan.architecture).into_iter();
        for (name, shape, tensor) in named.chain(self.optim.named(&plan.architecture)) {
            for (arrays, values) in arrays.iter_mut().zip(unstack(tensor)) {
                arrays.insert(name.clone(), Array { shape: shape.clone(), values });
            }
        }
        let states = self.members.iter().zip(arrays).map(|(member, arrays)| {
            (member.clone(), State { arrays, step, loss_sum: member.loss_sum })
        });
        states.collect()
    }

    /// Takes step number `step`, from 0, on a mini-batch: `features` `[batch, dim]` and `labels`.
    /// Forks the arms that part at it first.
    pub fn step(&mut self, plan: &Plan, step: u64, features: Vec<f32>, dim: usize, labels: &[u8]) {
        let batch = evaluate::batch(features, dim, &self.device);
        let mut pass = self.forward(batch.clone(), labels);
        if self.fork(plan, step, &pass.losses) {
            pass = self.forward(batch, labels);
        }
        let Pass { model, logits, seen, gradients: mut weighted, losses } = pass;
        let shape = logits.dims();
        let per_member = weighted.len() / self.members.len();
        let gradients = weighted.chunks_mut(per_member).zip(losses);
        for (member, (gradients, loss)) in self.members.iter_mut().zip(gradients) {
            let factor = member.meet(step, loss) / labels.len() as f32;
            gradients.iter_mut().for_each(|gradient| *gradient *= factor);
        }
        // The derivative of this sum with respect to the logits is `weighted`, so that going back
        // from it gives the gradient `mean_i w_i ∇ℓ_i` of each member.
        let weighted = Tensor::<3>::from_data(TensorData::new(weighted, shape), &self.device);
        let mut gradients = (logits * weighted.autodiff()).sum().backward();
        let gradients = model
            .parameters()
            .into_iter()
            .map(|parameter| {
                // Were one without influence left out, the others' gradients would shift.
                let none = || parameter.clone().without_autodiff().zeros_like();
                parameter.grad_remove(&mut gradients).unwrap_or_else(none)
            })
            .collect();
        drop(model);
        self.optim.step(self.model.parameters_mut(), gradients, step);
        self.model.absorb(seen);
    }

    fn forward(&self, batch: Tensor<3>, labels: &[u8]) -> Pass {
        let model = self.model.tracked();
        let (logits, seen) = model.forward_train(batch.autodiff());
        let mut gradients = crate::stacked::to_host(logits.clone().without_autodiff());
        let per_member = gradients.len() / self.members.len();
        let losses = gradients
            .chunks_mut(per_member)
            .map(|logits| evaluate::losses_and_gradients(logits, labels))
            .collect();
        Pass { model, logits, seen, gradients, losses }
    }

    /// The scores of each member on `samples`.
    pub fn scores(&self, samples: &Samples, dim: usize) -> Vec<Scores> {
        evaluate::scores(&self.model, self.members.len(), samples, dim, &self.device)
    }
}

impl Member {
    /// Notes the mean loss of a mini-batch, in nats, and gives the weight of its samples.
    fn meet(&mut self, step: u64, loss: f64) -> f32 {
        if !loss.is_finite() {
            self.diverged_at.get_or_insert(step);
        }
        if self.diverged_at.is_some() {
            return 0.0;
        }
        self.loss_sum += loss;
        if flood::below(self.method, loss as f32) {
            self.onset_step.get_or_insert(step);
        }
        if self.onset_step.is_none() {
            self.log(step, loss);
        }
        flood::weight(self.method, loss as f32)
    }
}
