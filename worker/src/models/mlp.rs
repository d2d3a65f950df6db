//! The multi-layer perceptron.

use crate::{
    checkpoint::{Array, Layout, State},
    seeds::{self, Purpose},
    stacked::{Linear, Norm, Statistics, stack},
};
use burn::tensor::{Device, Tensor, activation::relu};
use rand::RngExt;
use std::collections::BTreeMap;

/// The widths of an MLP, which fix the names and shapes of its arrays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// Features, hidden widths, classes.
    widths: Vec<usize>,
    /// Whether a batch norm stands before each ReLU.
    batch_norm: bool,
}

/// The array names of layer `i`.
struct Names {
    weight: String,
    bias: String,
    scale: String,
    shift: String,
    mean: String,
    variance: String,
}

impl Names {
    fn of(layer: usize) -> Self {
        let name = |part| format!("layers.{layer}.{part}");
        Self {
            weight: name("weight"),
            bias: name("bias"),
            scale: name("norm.scale"),
            shift: name("norm.shift"),
            mean: name("norm.running_mean"),
            variance: name("norm.running_var"),
        }
    }
}

impl Architecture {
    /// An MLP from `dim` features over `hidden` widths to `classes` logits.
    pub fn new(dim: usize, hidden: &[u32], classes: usize, batch_norm: bool) -> Self {
        let hidden = hidden.iter().map(|&width| width as usize);
        let widths = std::iter::once(dim).chain(hidden).chain([classes]).collect();
        Self { widths, batch_norm }
    }

    fn layers(&self) -> usize {
        self.widths.len() - 1
    }

    fn has_norm(&self, layer: usize) -> bool {
        self.batch_norm && layer + 1 < self.layers()
    }

    /// The trained arrays, layer by layer: the order of [`Mlp::parameters`].
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let mut parameters = Vec::new();
        for layer in 0..self.layers() {
            let (names, out) = (Names::of(layer), self.widths[layer + 1]);
            parameters.push((names.weight, vec![self.widths[layer], out]));
            if self.has_norm(layer) {
                parameters.extend([(names.scale, vec![out]), (names.shift, vec![out])]);
            } else {
                parameters.push((names.bias, vec![out]));
            }
        }
        parameters
    }

    /// The running statistics of the batch norms.
    fn statistics(&self) -> Vec<(String, Vec<usize>)> {
        (0..self.layers())
            .filter(|&layer| self.has_norm(layer))
            .flat_map(|layer| {
                let (names, shape) = (Names::of(layer), vec![self.widths[layer + 1]]);
                [(names.mean, shape.clone()), (names.variance, shape)]
            })
            .collect()
    }

    /// All arrays of a member.
    pub fn layout(&self) -> Layout {
        self.parameters().into_iter().chain(self.statistics()).collect()
    }

    /// Initial arrays, a function of `seed` alone: weights uniform in ±√(6 / fan-in) (He et al.,
    /// ICCV 2015), the last layer's bound divided by √2; biases and shifts 0, scales 1; running
    /// mean 0 and variance 1.
    pub fn init(&self, seed: u32) -> BTreeMap<String, Array> {
        let filled =
            |shape: Vec<usize>, value| Array { values: vec![value; shape.iter().product()], shape };
        let mut arrays: BTreeMap<_, _> = self
            .layout()
            .into_iter()
            .map(|(name, shape)| {
                let one = name.ends_with("norm.scale") || name.ends_with("norm.running_var");
                (name, filled(shape, if one { 1.0 } else { 0.0 }))
            })
            .collect();
        for layer in 0..self.layers() {
            let gain = if layer + 1 == self.layers() { 3.0 } else { 6.0 };
            let bound = (gain / self.widths[layer] as f64).sqrt();
            let mut rng = seeds::stream(seed, Purpose::Weights, layer as u64);
            if let Some(weight) = arrays.get_mut(&Names::of(layer).weight) {
                weight.values.fill_with(|| (bound * (2.0 * rng.random::<f64>() - 1.0)) as f32);
            }
        }
        arrays
    }
}

/// Several MLPs of one architecture.
#[derive(Clone, Debug)]
pub struct Mlp {
    layers: Vec<Layer>,
}

#[derive(Clone, Debug)]
struct Layer {
    linear: Linear,
    norm: Option<Norm>,
}

impl Mlp {
    /// Stacks the members of `states`, which hold the arrays of `architecture`.
    pub fn stack(architecture: &Architecture, states: &[State], device: &Device) -> Self {
        let get = |name: &str| stack(states, name, device);
        let layers = (0..architecture.layers())
            .map(|layer| {
                let names = Names::of(layer);
                let norm = architecture.has_norm(layer).then(|| Norm {
                    scale: get(&names.scale),
                    shift: get(&names.shift),
                    running: Statistics { mean: get(&names.mean), variance: get(&names.variance) },
                });
                let bias = norm.is_none().then(|| get(&names.bias));
                Layer { linear: Linear { weight: get(&names.weight), bias }, norm }
            })
            .collect();
        Self { layers }
    }

    /// The logits of `x` (`[1, batch, dim]`) in training, `[K, batch, classes]`, and the
    /// mini-batch's statistics at each batch norm.
    pub fn forward_train(&self, mut x: Tensor<3>) -> (Tensor<3>, Vec<Statistics>) {
        let mut seen = Vec::new();
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.linear.forward(x);
            if let Some(norm) = &layer.norm {
                let (normed, statistics) = norm.forward_train(x);
                seen.push(statistics);
                x = normed;
            }
            if i + 1 < self.layers.len() {
                x = relu(x);
            }
        }
        (x, seen)
    }

    /// The logits of `x` (`[1, batch, dim]`) in evaluation, `[K, batch, classes]`.
    pub fn forward(&self, mut x: Tensor<3>) -> Tensor<3> {
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.linear.forward(x);
            if let Some(norm) = &layer.norm {
                x = norm.forward(x);
            }
            if i + 1 < self.layers.len() {
                x = relu(x);
            }
        }
        x
    }

    /// Moves the running statistics by those that [`Mlp::forward_train`] gave.
    pub fn absorb(&mut self, seen: Vec<Statistics>) {
        let norms = self.layers.iter_mut().filter_map(|layer| layer.norm.as_mut());
        norms.zip(seen).for_each(|(norm, statistics)| norm.absorb(statistics));
    }

    /// The same members as leaves of a new autodiff graph.
    pub fn tracked(&self) -> Self {
        let mut model = self.clone();
        for parameter in model.parameters_mut() {
            parameter.inplace(|tensor| tensor.autodiff().require_grad());
        }
        model
    }

    /// The same layers with other `parameters`, in the order of [`Architecture::parameters`], and
    /// perhaps of another number of members: for [`Mlp::forward_train`] alone, since the running
    /// statistics stay those of this model.
    pub fn at(&self, parameters: Vec<Tensor<3>>) -> Self {
        let mut model = self.clone();
        for (parameter, other) in model.parameters_mut().into_iter().zip(parameters) {
            *parameter = other;
        }
        model
    }

    /// The trained tensors, in the order of [`Architecture::parameters`].
    pub fn parameters(&self) -> Vec<&Tensor<3>> {
        self.layers.iter().flat_map(Layer::parameters).collect()
    }

    /// The same, to be changed.
    pub fn parameters_mut(&mut self) -> Vec<&mut Tensor<3>> {
        self.layers.iter_mut().flat_map(Layer::parameters_mut).collect()
    }

    /// The running statistics, in the order of [`Architecture::statistics`].
    fn statistics(&self) -> Vec<&Tensor<3>> {
        let norms = self.layers.iter().filter_map(|layer| layer.norm.as_ref());
        norms.flat_map(|norm| [&norm.running.mean, &norm.running.variance]).collect()
    }

    /// Every tensor of the model with its name and one member's shape.
    pub fn named(&self, architecture: &Architecture) -> Vec<(String, Vec<usize>, &Tensor<3>)> {
        let names = architecture.parameters().into_iter().chain(architecture.statistics());
        let tensors = self.parameters().into_iter().chain(self.statistics());
        names.zip(tensors).map(|((name, shape), tensor)| (name, shape, tensor)).collect()
    }
}

impl Layer {
    fn parameters(&self) -> Vec<&Tensor<3>> {
        let norm = self.norm.iter().flat_map(|norm| [&norm.scale, &norm.shift]);
        std::iter::once(&self.linear.weight).chain(&self.linear.bias).chain(norm).collect()
    }

    fn parameters_mut(&mut self) -> Vec<&mut Tensor<3>> {
        let norm = self.norm.iter_mut().flat_map(|norm| [&mut norm.scale, &mut norm.shift]);
        std::iter::once(&mut self.linear.weight).chain(&mut self.linear.bias).chain(norm).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initial_weights_fill_their_bounds_and_depend_on_the_seed_alone() {
        let architecture = Architecture::new(64, &[128], 10, true);
        let arrays = architecture.init(3);
        assert_eq!(arrays, architecture.init(3));
        assert_ne!(arrays, architecture.init(4));
        for (name, bound) in [
            ("layers.0.weight", (6.0f32 / 64.0).sqrt()),
            ("layers.1.weight", (3.0f32 / 128.0).sqrt()),
        ] {
            let most = arrays[name].values.iter().fold(0.0f32, |most, w| most.max(w.abs()));
            assert!(most <= bound && most > 0.98 * bound, "{name}: {most} of {bound}");
        }
        assert!(arrays["layers.0.norm.scale"].values.iter().all(|&v| v == 1.0));
        assert!(arrays["layers.1.bias"].values.iter().all(|&v| v == 0.0));
    }
}
