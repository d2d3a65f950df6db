//! Optimisers over stacked tensors, element by element: no member can touch another.

use crate::{
    checkpoint::{Layout, State},
    models::Architecture,
    stacked::{stack, to_host},
};
use burn::tensor::{Device, Tensor};
use floodgauge_protocol::Optimizer;

/// An optimiser with the state of each member.
///
/// Weight decay is L2: it adds `decay · θ` to the gradient, outside any flooded loss.
#[derive(Clone, Debug)]
pub struct Optim {
    optimizer: Optimizer,
    weight_decay: f32,
    /// For each slot of the optimiser, a tensor like each parameter.
    slots: Vec<Vec<Tensor<3>>>,
}

/// What an optimiser keeps for each parameter.
fn slots(optimizer: &Optimizer) -> &'static [&'static str] {
    match optimizer {
        Optimizer::Sgd { momentum, .. } if *momentum == 0.0 => &[],
        Optimizer::Sgd { .. } => &["velocity"],
        Optimizer::Adam { .. } => &["first_moment", "second_moment"],
    }
}

fn slot_name(slot: &str, parameter: &str) -> String {
    format!("optimizer.{slot}.{parameter}")
}

/// The arrays that `optimizer` adds to a member.
pub fn layout(optimizer: &Optimizer, architecture: &Architecture) -> Layout {
    let named = |slot| {
        let parameters = architecture.parameters().into_iter();
        parameters.map(move |(name, shape)| (slot_name(slot, &name), shape))
    };
    slots(optimizer).iter().flat_map(|slot| named(slot)).collect()
}

impl Optim {
    /// Stacks the optimiser's arrays in `states`.
    pub fn stack(
        optimizer: &Optimizer,
        weight_decay: f64,
        architecture: &Architecture,
        states: &[State],
        device: &Device,
    ) -> Self {
        let of_slot = |slot: &&str| {
            let parameters = architecture.parameters().into_iter();
            parameters.map(|(name, _)| stack(states, &slot_name(slot, &name), device)).collect()
        };
        Self {
            optimizer: optimizer.clone(),
            weight_decay: weight_decay as f32,
            slots: slots(optimizer).iter().map(of_slot).collect(),
        }
    }

    /// Every tensor of the optimiser with its name and one member's shape.
    pub fn named(&self, architecture: &Architecture) -> Vec<(String, Vec<usize>, &Tensor<3>)> {
        let mut named = Vec::new();
        for (slot, tensors) in slots(&self.optimizer).iter().zip(&self.slots) {
            for ((name, shape), tensor) in architecture.parameters().into_iter().zip(tensors) {
                named.push((slot_name(slot, &name), shape, tensor));
            }
        }
        named
    }

    /// Updates `parameters` by `gradients`, both `[K, …]`, in step number `step`, from 0.
    pub fn step(&mut self, parameters: Vec<&mut Tensor<3>>, gradients: Vec<Tensor<3>>, step: u64) {
        for (i, (parameter, gradient)) in parameters.into_iter().zip(gradients).enumerate() {
            let mut slots: Vec<_> = self.slots.iter_mut().map(|slot| &mut slot[i]).collect();
            update(&self.optimizer, self.weight_decay, step, parameter, gradient, &mut slots);
        }
    }
}

/// One pass over each parameter: on the CPU a tensor gives up its buffer and takes it back without
/// a copy, and a fused loop is several times faster than an operation for each term.
fn update(
    optimizer: &Optimizer,
    decay: f32,
    step: u64,
    parameter: &mut Tensor<3>,
    gradient: Tensor<3>,
    slots: &mut [&mut Tensor<3>],
) {
    let gradient = to_host(gradient);
    let gradient = &gradient[..];
    match (optimizer, slots) {
        (Optimizer::Sgd { lr, .. }, []) => {
            let lr = *lr as f32;
            in_place(parameter, |theta| {
                for (t, g) in theta.iter_mut().zip(gradient) {
                    *t -= lr * (g + decay * *t);
                }
            });
        }
        (Optimizer::Sgd { lr, momentum }, [velocity]) => {
            let (lr, momentum) = (*lr as f32, *momentum as f32);
            in_place(parameter, |theta| {
                in_place(velocity, |velocity| {
                    for ((t, v), g) in theta.iter_mut().zip(velocity).zip(gradient) {
                        *v = momentum * *v + (g + decay * *t);
                        *t -= lr * *v;
                    }
                });
            });
        }
        (Optimizer::Adam { lr, beta_1, beta_2, epsilon }, [first, second]) => {
            let count = i32::try_from(step + 1).unwrap_or(i32::MAX);
            let correct_1 = (1.0 - beta_1.powi(count)) as f32;
            let correct_2 = (1.0 - beta_2.powi(count)) as f32;
            let (lr, epsilon) = (*lr as f32, *epsilon as f32);
            let (b1, b2) = (*beta_1 as f32, *beta_2 as f32);
            let (c1, c2) = ((1.0 - beta_1) as f32, (1.0 - beta_2) as f32);
            in_place(parameter, |theta| {
                in_place(first, |first| {
                    in_place(second, |second| {
                        let moments = first.iter_mut().zip(second);
                        for ((t, (m, v)), g) in theta.iter_mut().zip(moments).zip(gradient) {
                            let g = g + decay * *t;
                            *m = b1 * *m + c1 * g;
                            *v = b2 * *v + c2 * g * g;
                            *t -= lr * (*m / correct_1) / ((*v / correct_2).sqrt() + epsilon);
                        }
                    });
                });
            });
        }
        (_, slots) => unreachable!("{optimizer:?} with {} slots", slots.len()),
    }
}

/// Lends the values of a tensor to `change`.
fn in_place(tensor: &mut Tensor<3>, change: impl FnOnce(&mut [f32])) {
    tensor.inplace(|tensor| {
        let device = tensor.device();
        let mut data = tensor.into_data();
        change(data.as_mut_slice().expect("parameters are 32-bit floats"));
        Tensor::from_data(data, &device)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Machine;

    fn run(optimizer: Optimizer, decay: f64, gradients: &[f32]) -> f32 {
        let device = Machine::default().device().clone();
        let tensor = |value: f32| Tensor::<3>::full([1, 1, 1], value, &device);
        let mut optim = Optim {
            slots: slots(&optimizer).iter().map(|_| vec![tensor(0.0)]).collect(),
            optimizer,
            weight_decay: decay as f32,
        };
        let mut theta = tensor(1.0);
        for (step, &gradient) in gradients.iter().enumerate() {
            optim.step(vec![&mut theta], vec![tensor(gradient)], step as u64);
        }
        to_host(theta)[0]
    }

    #[test]
    fn sgd_follows_its_formula_with_momentum_and_decay() {
        let plain = run(Optimizer::Sgd { lr: 0.1, momentum: 0.0 }, 0.0, &[1.0, 1.0]);
        assert!((plain - 0.8).abs() < 1e-6);
        let heavy = run(Optimizer::Sgd { lr: 0.1, momentum: 0.9 }, 0.0, &[1.0, 1.0]);
        assert!((heavy - (1.0 - 0.1 - 0.19)).abs() < 1e-6);
        let decayed = run(Optimizer::Sgd { lr: 0.1, momentum: 0.0 }, 0.5, &[1.0]);
        assert!((decayed - 0.85).abs() < 1e-6);
    }

    #[test]
    fn adam_moves_by_its_rate_whatever_the_size_of_the_gradient() {
        for gradient in [1e-3, 1.0, 1e3] {
            let adam = Optimizer::Adam { lr: 0.01, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 };
            let theta = run(adam, 0.0, &[gradient; 3]);
            assert!((theta - 0.97).abs() < 1e-4, "{theta}");
        }
    }
}
