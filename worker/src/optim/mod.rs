//! Optimisers over stacked tensors, element by element: no member can touch another.

mod tensors;

use crate::{
    checkpoint::{Layout, State},
    models::Architecture,
    stacked::stack,
};
use burn::tensor::{Device, Tensor};
use floodgauge_protocol::Optimizer;

/// An optimiser with the state of each member.
///
/// Weight decay is L2, but for AdamW: it adds `decay · θ` to the gradient, outside any flooded
/// loss.
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
        Optimizer::Adam { .. } | Optimizer::Adamw { .. } => &["first_moment", "second_moment"],
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

    /// Updates `parameters` `[K, …]` by `gradients`, an array like each, in step number `step`,
    /// from 0. `rate` multiplies the learning rate. Members that `keep` names stay as they are.
    pub fn step(
        &mut self,
        parameters: Vec<&mut Tensor<3>>,
        gradients: &[Vec<f32>],
        step: u64,
        rate: f64,
        keep: &[bool],
    ) {
        let rule = Rule::of(&self.optimizer, self.weight_decay, step, rate);
        for (i, (parameter, gradient)) in parameters.into_iter().zip(gradients).enumerate() {
            let mut slots: Vec<_> = self.slots.iter_mut().map(|slot| &mut slot[i]).collect();
            update(rule, parameter, gradient, &mut slots, keep);
        }
    }
}

/// An optimiser in one step, its numbers in 32 bits.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Sgd { lr: f32, decay: f32 },
    Momentum { lr: f32, decay: f32, momentum: f32, nesterov: bool },
    Adam(Adam),
}

#[derive(Clone, Copy, Debug)]
struct Adam {
    lr: f32,
    /// Added to the gradient, times θ.
    decay: f32,
    /// What θ is multiplied by before the step.
    shrink: f32,
    beta: [f32; 2],
    rest: [f32; 2],
    /// Corrects the moments for starting at 0.
    correct: [f32; 2],
    epsilon: f32,
}

impl Rule {
    fn of(optimizer: &Optimizer, decay: f32, step: u64, rate: f64) -> Self {
        let rate = rate * optimizer.lr();
        let lr = rate as f32;
        let count = i32::try_from(step + 1).unwrap_or(i32::MAX);
        let adam = |beta_1: f64, beta_2: f64, epsilon: f64| {
            let betas = [beta_1, beta_2];
            Adam {
                lr,
                decay: 0.0,
                shrink: 1.0,
                beta: betas.map(|beta| beta as f32),
                rest: betas.map(|beta| (1.0 - beta) as f32),
                correct: betas.map(|beta| (1.0 - beta.powi(count)) as f32),
                epsilon: epsilon as f32,
            }
        };
        match *optimizer {
            Optimizer::Sgd { momentum: 0.0, .. } => Self::Sgd { lr, decay },
            Optimizer::Sgd { momentum, nesterov, .. } => {
                Self::Momentum { lr, decay, momentum: momentum as f32, nesterov }
            }
            Optimizer::Adam { beta_1, beta_2, epsilon, .. } => {
                Self::Adam(Adam { decay, ..adam(beta_1, beta_2, epsilon) })
            }
            Optimizer::Adamw { beta_1, beta_2, epsilon, .. } => {
                let shrink = (1.0 - rate * f64::from(decay)) as f32;
                Self::Adam(Adam { shrink, ..adam(beta_1, beta_2, epsilon) })
            }
        }
    }
}

/// One pass over each parameter: on the CPU a tensor gives up its buffer and takes it back without
/// a copy, and a fused loop is several times faster than an operation for each term.
fn update(
    rule: Rule,
    parameter: &mut Tensor<3>,
    gradient: &[f32],
    slots: &mut [&mut Tensor<3>],
    keep: &[bool],
) {
    let part = (gradient.len() / keep.len()).max(1);
    let members = keep.iter().enumerate().filter(|(_, keep)| !**keep);
    let ranges = members.map(|(k, _)| k * part..(k + 1) * part);
    match (rule, slots) {
        (Rule::Sgd { lr, decay }, []) => in_place(parameter, |theta| {
            for range in ranges {
                for (t, g) in theta[range.clone()].iter_mut().zip(&gradient[range]) {
                    *t -= lr * (g + decay * *t);
                }
            }
        }),
        (Rule::Momentum { lr, decay, momentum, nesterov }, [velocity]) => {
            in_place(parameter, |theta| {
                in_place(velocity, |velocity| {
                    for range in ranges {
                        let theta = theta[range.clone()].iter_mut();
                        let values = theta.zip(&mut velocity[range.clone()]).zip(&gradient[range]);
                        if nesterov {
                            values.for_each(|((t, v), g)| {
                                let g = g + decay * *t;
                                *v = momentum * *v + g;
                                *t -= lr * (g + momentum * *v);
                            });
                        } else {
                            values.for_each(|((t, v), g)| {
                                *v = momentum * *v + (g + decay * *t);
                                *t -= lr * *v;
                            });
                        }
                    }
                });
            });
        }
        (Rule::Adam(adam), [first, second]) => in_place(parameter, |theta| {
            in_place(first, |first| {
                in_place(second, |second| {
                    for range in ranges {
                        let moments = first[range.clone()].iter_mut();
                        let moments = moments.zip(&mut second[range.clone()]);
                        let theta = theta[range.clone()].iter_mut();
                        for ((t, (m, v)), g) in theta.zip(moments).zip(&gradient[range]) {
                            adam.step(t, m, v, *g);
                        }
                    }
                });
            });
        }),
        (rule, slots) => unreachable!("{rule:?} with {} slots", slots.len()),
    }
}

impl Adam {
    #[inline]
    fn step(self, theta: &mut f32, m: &mut f32, v: &mut f32, gradient: f32) {
        let g = gradient + self.decay * *theta;
        *m = self.beta[0] * *m + self.rest[0] * g;
        *v = self.beta[1] * *v + self.rest[1] * g * g;
        let size = (*v / self.correct[1]).sqrt() + self.epsilon;
        *theta = self.shrink * *theta - self.lr * (*m / self.correct[0]) / size;
    }
}

/// Lends the values of a tensor to `change`.
pub(crate) fn in_place(tensor: &mut Tensor<3>, change: impl FnOnce(&mut [f32])) {
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
    use crate::{device::Machine, stacked::to_host};

    fn run(optimizer: &str, decay: f64, rate: f64, gradients: &[f32]) -> f32 {
        run_at(optimizer, decay, &vec![rate; gradients.len()], gradients)
    }

    fn run_at(optimizer: &str, decay: f64, rates: &[f64], gradients: &[f32]) -> f32 {
        let device = Machine::default().device().clone();
        let tensor = |value: f32| Tensor::<3>::full([2, 1, 1], value, &device);
        let optimizer: Optimizer = serde_json::from_str(optimizer).unwrap();
        let mut optim = Optim {
            slots: slots(&optimizer).iter().map(|_| vec![tensor(0.0)]).collect(),
            optimizer,
            weight_decay: decay as f32,
        };
        let mut theta = tensor(1.0);
        for (step, (&gradient, &rate)) in gradients.iter().zip(rates).enumerate() {
            let gradients = [vec![9.9, gradient]];
            optim.step(vec![&mut theta], &gradients, step as u64, rate, &[true, false]);
        }
        let theta = to_host(theta);
        assert_eq!(theta[0], 1.0, "a member that is kept has moved");
        theta[1]
    }

    fn assert_near(value: f32, expected: f32) {
        assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");
    }

    #[test]
    fn sgd_follows_its_formula_with_momentum_and_decay() {
        let plain = r#"{"kind": "sgd", "lr": 0.1}"#;
        assert_near(run(plain, 0.0, 1.0, &[1.0, 1.0]), 0.8);
        assert_near(run(plain, 0.5, 1.0, &[1.0]), 0.85);
        assert_near(run(plain, 0.0, 0.5, &[1.0, 1.0]), 0.9);
        let heavy = r#"{"kind": "sgd", "lr": 0.1, "momentum": 0.9}"#;
        assert_near(run(heavy, 0.0, 1.0, &[1.0, 1.0]), 1.0 - 0.1 - 0.19);
    }

    #[test]
    fn nesterov_looks_ahead_by_one_step_of_momentum() {
        let nesterov = r#"{"kind": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": true}"#;
        // v: 1, then 1.9; moves: 1 + 0.9 · 1, then 1 + 0.9 · 1.9.
        assert_near(run(nesterov, 0.0, 1.0, &[1.0, 1.0]), 1.0 - 0.19 - 0.271);
    }

    #[test]
    fn adam_moves_by_its_rate_whatever_the_size_of_the_gradient() {
        for gradient in [1e-3, 1.0, 1e3] {
            let theta = run(r#"{"kind": "adam", "lr": 0.01}"#, 0.0, 1.0, &[gradient; 3]);
            assert!((theta - 0.97).abs() < 1e-4, "{theta}");
        }
    }

    #[test]
    fn adamw_decays_apart_from_the_gradient() {
        let decayed = run(r#"{"kind": "adamw", "lr": 0.01}"#, 0.1, 1.0, &[1.0]);
        assert_near(decayed, 1.0 - 0.01 * 0.1 - 0.01);
        let coupled = run(r#"{"kind": "adam", "lr": 0.01}"#, 0.1, 1.0, &[1.0]);
        assert_near(coupled, 1.0 - 0.01);
        let (adam, adamw) = (r#"{"kind": "adam", "lr": 0.01}"#, r#"{"kind": "adamw", "lr": 0.01}"#);
        assert_eq!(run(adam, 0.0, 1.0, &[0.3, -0.2]), run(adamw, 0.0, 1.0, &[0.3, -0.2]));
    }

    #[test]
    fn every_optimiser_steps_as_pytorch_does_under_changing_rates() {
        let rates = [1.0, 0.5, 0.25, 1.0, 0.1];
        let gradients = [0.5, -1.25, 0.75, 2.0, -0.03125];
        let sgd = r#""kind": "sgd", "lr": 0.05"#;
        let adam = r#""lr": 0.05, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-6"#;
        // Weights after each step by torch.optim 2.15 in 32 bits, from 1 with weight_decay = 0.02.
        for (optimizer, expected) in [
            (sgd.into(), [0.973_999_98, 1.004_763, 0.995_136_8, 0.894_141_67, 0.894_208_5]),
            (
                format!(r#"{sgd}, "momentum": 0.9"#),
                [0.973_999_98, 0.993_062_97, 0.992_018_04, 0.887_264_3, 0.877_904],
            ),
            (
                format!(r#"{sgd}, "momentum": 0.9, "nesterov": true"#),
                [0.950_600_03, 0.998_541_95, 0.987_980_4, 0.792_730_4, 0.784_393_07],
            ),
            (
                format!(r#""kind": "adam", {adam}"#),
                [0.950_000_1, 0.961_873_65, 0.961_201_2, 0.933_602_87, 0.931_422_47],
            ),
            (
                format!(r#""kind": "adamw", {adam}"#),
                [0.949_000_1, 0.960_813_2, 0.960_171_2, 0.932_183_56, 0.929_980_1],
            ),
        ] {
            let optimizer = format!("{{{optimizer}}}");
            for (steps, expected) in (1..).zip(expected) {
                let theta = run_at(&optimizer, 0.02, &rates[..steps], &gradients[..steps]);
                let error: f64 = f64::from(theta) - expected;
                assert!(error.abs() < 5e-7, "{optimizer}: {theta}, not {expected}");
            }
        }
    }
}
