//! What the methods do to a smooth loss, by training: softmax regression on one full batch, whose
//! gradient and Hessian-vector products are written down here in 64 bits.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Recorder, World};
use floodgauge_protocol::{Method, Model, Recipe};
use floodgauge_worker::{
    checkpoint::State,
    data::Samples,
    models::{Architecture, Task},
};

const SAMPLES: usize = 200;
const FEATURES: usize = 64;
const CLASSES: usize = 10;
const SEED: u32 = 4;

/// Softmax regression by plain SGD at rate `lr`; an epoch is a step.
fn recipe(lr: f64) -> Recipe {
    let text = format!(
        r#"{{"dataset": {{"name": "digits", "label_noise": 0.1, "n_train": {SAMPLES}, "n_val": 50}},
            "model": {{"kind": "mlp", "hidden": []}},
            "optimizer": {{"kind": "sgd", "lr": {lr}}}, "batch_size": {SAMPLES}, "epochs": 2}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn architecture() -> Architecture {
    let model = Model::Mlp { hidden: vec![], batch_norm: false };
    let task = Task { dim: FEATURES, image: None, classes: CLASSES };
    Architecture::new(&model, task).unwrap()
}

/// Weights `[features, classes]`, then biases.
fn flat(arrays: &State) -> Vec<f64> {
    let parts = ["layers.0.weight", "layers.0.bias"].map(|name| &arrays.arrays[name].values);
    parts.into_iter().flatten().map(|&value| f64::from(value)).collect()
}

/// The weights that every run starts from.
fn start() -> Vec<f64> {
    let arrays = architecture().init(SEED);
    flat(&State { arrays, step: 0, tally: Default::default() })
}

/// What `steps` steps of the trainer make of the initial weights, and where the method set in.
fn trained(lr: f64, method: Method, steps: u64) -> (Vec<f64>, Option<u64>) {
    let mut world = World::new(&recipe(lr), SEED, &[Method::Plain, method]);
    let branches = world.fresh(&[1]);
    let ended = world.run(0..steps, branches, &mut Recorder::default());
    let branch = &ended[0].branch;
    let bytes = &world.checkpoints[&branch.checkpoint.unwrap()];
    let state = State::from_bytes(bytes, &architecture().layout()).unwrap();
    (flat(&state), branch.onset_step)
}

/// The loss of softmax regression.
struct Loss {
    samples: Samples,
}

impl Loss {
    fn of_the_recipe() -> Self {
        Self { samples: World::new(&recipe(0.1), SEED, &[Method::Plain]).data.train }
    }

    /// Adds up `each(logits of theta, logits of v, label)`, a derivative by a sample's logits, times
    /// the sample.
    fn pulled_back(
        &self,
        theta: &[f64],
        v: &[f64],
        mut each: impl FnMut(&[f64], &[f64], usize) -> Vec<f64>,
    ) -> Vec<f64> {
        let mut sum = vec![0.0; theta.len()];
        let features = self.samples.features.numbers(0..self.samples.features.len());
        let rows = features.chunks(FEATURES).zip(&self.samples.labels);
        for (x, &label) in rows {
            let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).chain([1.0]).collect();
            let logits = |theta: &[f64]| -> Vec<f64> {
                let of = |class| (0..=FEATURES).map(|i| x[i] * theta[i * CLASSES + class]).sum();
                (0..CLASSES).map(of).collect()
            };
            let derivative = each(&logits(theta), &logits(v), label.into());
            for (sum, x) in sum.chunks_mut(CLASSES).zip(&x) {
                for (sum, derivative) in sum.iter_mut().zip(&derivative) {
                    *sum += x * derivative / SAMPLES as f64;
                }
            }
        }
        sum
    }

    fn value(&self, theta: &[f64]) -> f64 {
        let mut loss = 0.0;
        self.pulled_back(theta, theta, |logits, _, label| {
            loss -= softmax(logits)[label].ln() / SAMPLES as f64;
            vec![0.0; CLASSES]
        });
        loss
    }

    fn gradient(&self, theta: &[f64]) -> Vec<f64> {
        self.pulled_back(theta, theta, |logits, _, label| {
            let mut p = softmax(logits);
            p[label] -= 1.0;
            p
        })
    }

    /// The Hessian at `theta` times `v`: `2 H g` is the gradient of `‖g‖²`.
    fn hessian_times(&self, theta: &[f64], v: &[f64]) -> Vec<f64> {
        self.pulled_back(theta, v, |logits, v, _| {
            let p = softmax(logits);
            let mean: f64 = p.iter().zip(v).map(|(p, v)| p * v).sum();
            p.iter().zip(v).map(|(p, v)| p * (v - mean)).collect()
        })
    }
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
    logits.iter().map(|logit| logit.exp() / sum).collect()
}

/// `a + factor · b`
fn moved(a: &[f64], factor: f64, b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + factor * b).collect()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// Halving the rate must divide what is left by `by`, about.
fn assert_falls(by: f64, rates: [f64; 2], left: impl Fn(f64) -> f64) {
    for rate in rates {
        let ratio = left(rate) / left(rate / 2.0);
        assert!((0.8 * by..1.2 * by).contains(&ratio), "{ratio}, not {by}, at {rate}");
    }
}

#[test]
fn a_flooded_pair_of_steps_walks_down_the_squared_norm_of_the_gradient() {
    let (loss, theta) = (Loss::of_the_recipe(), start());
    let g = loss.gradient(&theta);
    let slope = loss.hessian_times(&theta, &g);
    assert_falls(8.0, [0.1, 0.05], |rate| {
        // The level lies between the losses before and after the first step.
        let [above, below] = [&theta, &moved(&theta, -rate, &g)].map(|theta| loss.value(theta));
        let (found, onset) = trained(rate, Method::Flood { b: (above + below) / 2.0 }, 2);
        assert_eq!(onset, Some(1));
        // ε²/2 · ∇‖g‖² = ε² H g.
        let expected = moved(&theta, -rate * rate, &slope);
        assert!(distance(&found, &expected) < 0.2 * distance(&theta, &expected));
        distance(&found, &expected)
    });
}

#[test]
fn alternating_steps_are_one_step_on_the_penalised_loss() {
    let (loss, theta) = (Loss::of_the_recipe(), start());
    let g = loss.gradient(&theta);
    let slope = loss.hessian_times(&theta, &g);
    assert_falls(8.0, [0.1, 0.05], |rate| {
        let (descent, ascent) = (rate, 0.6 * rate);
        // The recipe's rate is another, and has no influence.
        let (found, _) = trained(3.0, Method::Alternating { descent, ascent }, 1);
        let size = descent - ascent;
        let penalty = descent * ascent / (2.0 * size);
        let gradient = moved(&g, 2.0 * penalty, &slope);
        distance(&found, &moved(&theta, -size, &gradient))
    });
}

#[test]
fn the_gradient_penalty_descends_by_an_exact_hessian_vector_product() {
    let (loss, theta) = (Loss::of_the_recipe(), start());
    let g = loss.gradient(&theta);
    let (lr, lambda) = (0.5, 0.2);
    let penalised = moved(&g, lambda, &loss.hessian_times(&theta, &g));
    let expected = moved(&theta, -lr, &penalised);
    // The error is of first order in the distance at which the second gradient is taken.
    assert_falls(2.0, [0.4, 0.2], |rho| {
        let (found, _) = trained(lr, Method::GradientPenalty { lambda, rho }, 1);
        distance(&found, &expected)
    });
    let (near, _) = trained(lr, Method::GradientPenalty { lambda, rho: 0.01 }, 1);
    let without = distance(&moved(&theta, -lr, &g), &expected);
    assert!(distance(&near, &expected) < 0.01 * without, "{}", distance(&near, &expected));
}
