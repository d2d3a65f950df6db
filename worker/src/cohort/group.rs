//! Members that one thread trains as one stacked model.

use crate::{
    checkpoint::{Array, State, Tally},
    cohort::{
        fork::Arm,
        keep::{Best, Watch},
        pass::Batch,
        start::Plan,
    },
    data::Samples,
    evaluate::{self, Scores},
    flood,
    models::Network,
    optim::{self, Optim},
    pair::{self, Pair},
    rates::Rates,
    stacked::{member, to_host, unstack},
};
use burn::tensor::{Device, Tensor, TensorData};
use floodgauge_protocol::{
    Method, Metric,
    work::{Diagnostics, Minimum},
};
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
    /// What it has met so far.
    pub tally: Tally,
    /// The norm of the gradient of the last mini-batch of an epoch.
    pub grad_norm: f64,
    /// The first step at which its method departed from plain.
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
    rates: Rates,
    weight_decay: f32,
    steps_per_epoch: u64,
    pub device: Device,
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
            rates: plan.rates.clone(),
            weight_decay: plan.weight_decay as f32,
            steps_per_epoch: plan.steps_per_epoch,
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
        let states =
            self.members.iter().zip(arrays).map(|(member, arrays)| {
                (member.clone(), State { arrays, step, tally: member.tally })
            });
        states.collect()
    }

    /// Takes step number `step`, from 0, on a mini-batch: `features` `[batch, dim]` and `labels`.
    /// Forks the arms that part at it first.
    pub fn step(&mut self, plan: &Plan, step: u64, features: Vec<f32>, dim: usize, labels: &[u8]) {
        let batch = Batch { input: evaluate::batch(features, dim, &self.device), labels };
        let mut pass = batch.forward(&self.model);
        if self.fork(plan, step, &pass.means) {
            pass = batch.forward(&self.model);
        }
        let members = &mut self.members;
        let (mut gradients, seen) =
            pass.backward(|k, mean, losses| members[k].meet(step, mean, losses));
        if (step + 1).is_multiple_of(self.steps_per_epoch) {
            for k in 0..self.members.len() {
                self.members[k].grad_norm = self.norm(&gradients, k);
            }
        }
        let rate = self.rates.factor(step);
        self.pairs(step, rate, &batch, &mut gradients);
        let moved = |member: &Member| matches!(member.method, Method::Alternating { .. });
        let moved: Vec<_> = self.members.iter().map(moved).collect();
        self.optim.step(self.model.parameters_mut(), &gradients, step, rate, &moved);
        // Once for each mini-batch, by the first pass: a second one leaves no trace.
        self.model.absorb(seen);
    }

    /// Takes the second gradient of those members whose method has one, as a smaller stack.
    fn pairs(&mut self, step: u64, rate: f64, batch: &Batch<'_>, gradients: &mut [Vec<f32>]) {
        let all = self.members.len();
        let (mut takers, mut pairs) = (vec![], vec![]);
        for (k, member) in self.members.iter().enumerate() {
            if member.method.gradients_per_step() > 1 && member.diverged_at.is_none() {
                let norm = self.norm(gradients, k);
                pairs.extend(Pair::of(member.method, norm, rate, self.weight_decay));
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
        let parameters = self.model.parameters();
        let shapes: Vec<_> = parameters.iter().map(|parameter| parameter.dims()).collect();
        let mut theta: Vec<Vec<f32>> =
            parameters.into_iter().map(|parameter| taken(&to_host(parameter.clone()))).collect();
        let mut first: Vec<Vec<f32>> = gradients.iter().map(|values| taken(values)).collect();
        let (model, members) = (&self.model, &mut self.members);
        pair::take_second(&pairs, &mut theta, &mut first, |probes| {
            let tensor = |(values, [_, rows, columns]): (&Vec<f32>, &[usize; 3])| {
                let shape = [takers.len(), *rows, *columns];
                Tensor::from_data(TensorData::new(values.clone(), shape), &self.device)
            };
            let model = model.at(probes.iter().zip(&shapes).map(tensor).collect());
            let weigh = |i: usize, mean: f64, losses: &mut [f32]| {
                if !mean.is_finite() {
                    members[takers[i]].diverged_at.get_or_insert(step);
                }
                losses.fill(1.0);
            };
            batch.forward(&model).backward(weigh).0
        });
        let put = |values: &mut [f32], taken: &[f32]| {
            let part = values.len() / all;
            for (&k, taken) in takers.iter().zip(taken.chunks(part)) {
                values[k * part..(k + 1) * part].copy_from_slice(taken);
            }
        };
        gradients.iter_mut().zip(&first).for_each(|(values, taken)| put(values, taken));
        for (parameter, taken) in self.model.parameters_mut().into_iter().zip(&theta) {
            optim::in_place(parameter, |values| put(values, taken));
        }
    }

    /// The norm of member `k`'s part of `gradients`.
    fn norm(&self, gradients: &[Vec<f32>], k: usize) -> f64 {
        pair::norm(gradients.iter().map(|values| {
            let part = values.len() / self.members.len();
            &values[k * part..(k + 1) * part]
        }))
    }

    /// The scores of each member on `samples`.
    pub fn scores(&self, samples: &Samples, dim: usize) -> Vec<Scores> {
        evaluate::scores(&self.model, self.members.len(), samples, dim, &self.device)
    }
}

impl Member {
    /// Notes the mean loss of a mini-batch, in nats, and turns its losses into weights.
    fn meet(&mut self, step: u64, mean: f64, losses: &mut [f32]) {
        if !mean.is_finite() {
            self.diverged_at.get_or_insert(step);
        }
        if self.diverged_at.is_some() {
            losses.fill(0.0);
            return;
        }
        self.tally.loss_sum += mean;
        for loss in losses.iter_mut() {
            *loss = flood::weight(self.method, mean as f32, *loss);
        }
        let weights = losses;
        if flood::departs(self.method, weights) {
            self.onset_step.get_or_insert(step);
        }
        if self.onset_step.is_none() {
            self.log(step, mean);
        }
        if flood::ascends(self.method, weights) {
            self.tally.flooded_steps += 1;
            self.tally.flooded_in_epoch += 1;
        }
    }

    /// How the epoch of `batches` mini-batches that ends here went: its mean loss, and more.
    pub fn close(&mut self, batches: u64) -> (Metric, Diagnostics) {
        let Tally { loss_sum, flooded_steps, flooded_in_epoch } = self.tally;
        self.tally = self.tally.after_epoch();
        let steps = match self.method {
            Method::Alternating { .. } => 2 * batches,
            _ => batches,
        };
        let diagnostics = Diagnostics {
            grad_norm: Metric::from(self.grad_norm),
            ascending: flooded_in_epoch as f64 / steps as f64,
            flooded_steps,
        };
        (Metric::from(loss_sum / batches as f64), diagnostics)
    }
}
