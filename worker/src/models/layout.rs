//! The arrays of a model, and how they begin.

use super::Body;
use crate::{
    checkpoint::{Array, Layout},
    seeds::{self, Purpose},
};
use rand::RngExt;
use std::collections::BTreeMap;

/// What fixes the names, shapes and initial values of a model's arrays.
#[derive(Clone, Debug)]
pub struct Architecture {
    pub(super) body: Body,
    pub(super) arrays: Arrays,
}

/// A list of arrays, each declared by the layer that has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrays {
    parameters: Vec<Parameter>,
    norms: Vec<(String, usize)>,
    weights: u64,
}

#[derive(Clone, Debug)]
struct Parameter {
    name: String,
    shape: Vec<usize>,
    start: Start,
}

/// What an array holds at first.
#[derive(Clone, Copy, Debug)]
enum Start {
    All(f32),
    /// Uniform in ± `bound`, drawn from the stream of this number.
    Uniform {
        bound: f64,
        stream: u64,
    },
}

/// What becomes of a layer's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// A ReLU, perhaps behind a norm.
    Relu,
    /// It is the logits.
    Logits,
}

impl Arrays {
    /// A weight `[rows, columns]` that sums `rows` numbers: uniform in ±√(6 / rows) (He et al.,
    /// ICCV 2015), that of the logits in ±√(3 / rows).
    pub fn weight(&mut self, layer: &str, rows: usize, columns: usize, then: Then) {
        let gain = if then == Then::Logits { 3.0 } else { 6.0 };
        let start = Start::Uniform { bound: (gain / rows as f64).sqrt(), stream: self.weights };
        self.weights += 1;
        self.parameter(format!("{layer}.weight"), vec![rows, columns], start);
    }

    /// A bias, 0 at first.
    pub fn bias(&mut self, layer: &str, width: usize) {
        self.parameter(format!("{layer}.bias"), vec![width], Start::All(0.0));
    }

    /// A batch norm: scales 1, shifts 0; running mean 0 and variance 1.
    pub fn norm(&mut self, layer: &str, width: usize) {
        self.parameter(format!("{layer}.norm.scale"), vec![width], Start::All(1.0));
        self.parameter(format!("{layer}.norm.shift"), vec![width], Start::All(0.0));
        self.norms.push((layer.to_owned(), width));
    }

    /// A norm or a bias.
    pub fn norm_or_bias(&mut self, layer: &str, width: usize, norm: bool) {
        if norm { self.norm(layer, width) } else { self.bias(layer, width) }
    }

    fn parameter(&mut self, name: String, shape: Vec<usize>, start: Start) {
        self.parameters.push(Parameter { name, shape, start });
    }
}

impl Architecture {
    /// The trained arrays, in the order in which an input meets them.
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let parameters = self.arrays.parameters.iter();
        parameters.map(|parameter| (parameter.name.clone(), parameter.shape.clone())).collect()
    }

    /// The running means and variances of the batch norms, in that order.
    pub(super) fn statistics(&self) -> Vec<[(String, Vec<usize>); 2]> {
        let part = |layer: &str, part: &str, width| (format!("{layer}.norm.{part}"), vec![width]);
        let norms = self.arrays.norms.iter();
        norms
            .map(|(layer, width)| {
                [part(layer, "running_mean", *width), part(layer, "running_var", *width)]
            })
            .collect()
    }

    /// All arrays of a member.
    pub fn layout(&self) -> Layout {
        self.parameters().into_iter().chain(self.statistics().into_iter().flatten()).collect()
    }

    /// Initial arrays, a function of `seed` alone.
    pub fn init(&self, seed: u32) -> BTreeMap<String, Array> {
        let filled = |shape: &[usize], value| Array {
            values: vec![value; shape.iter().product()],
            shape: shape.to_vec(),
        };
        let mut arrays = BTreeMap::new();
        for Parameter { name, shape, start } in &self.arrays.parameters {
            let array = match *start {
                Start::All(value) => filled(shape, value),
                Start::Uniform { bound, stream } => {
                    let mut array = filled(shape, 0.0);
                    let mut rng = seeds::stream(seed, Purpose::Weights, stream);
                    let mut draw = || (bound * (2.0 * rng.random::<f64>() - 1.0)) as f32;
                    array.values.fill_with(&mut draw);
                    array
                }
            };
            arrays.insert(name.clone(), array);
        }
        for [mean, variance] in self.statistics() {
            arrays.insert(mean.0, filled(&mean.1, 0.0));
            arrays.insert(variance.0, filled(&variance.1, 1.0));
        }
        arrays
    }
}
