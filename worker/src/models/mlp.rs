//! The multi-layer perceptron.

use super::{
    layout::{Arrays, Then},
    pass::Pass,
};
use burn::tensor::{Tensor, activation::relu};

/// Dense layers with ReLUs between them.
#[derive(Clone, Debug)]
pub(super) struct Mlp {
    hidden: usize,
    /// Whether a batch norm stands before each ReLU.
    batch_norm: bool,
}

impl Mlp {
    pub fn declare(
        arrays: &mut Arrays,
        name: &str,
        features: usize,
        hidden: &[u32],
        classes: usize,
        batch_norm: bool,
    ) -> Self {
        let mut before = features;
        for (i, &width) in hidden.iter().enumerate() {
            let (layer, width) = (format!("{name}.{i}"), width as usize);
            arrays.weight(&layer, before, width, Then::Relu);
            arrays.norm_or_bias(&layer, width, batch_norm);
            before = width;
        }
        let last = format!("{name}.{}", hidden.len());
        arrays.weight(&last, before, classes, Then::Logits);
        arrays.bias(&last, classes);
        Self { hidden: hidden.len(), batch_norm }
    }

    pub fn forward(&self, pass: &mut Pass<'_>, mut x: Tensor<3>) -> Tensor<3> {
        for _ in 0..self.hidden {
            x = pass.linear(x, !self.batch_norm);
            if self.batch_norm {
                x = pass.norm(x);
            }
            x = relu(x);
        }
        pass.linear(x, true)
    }
}

#[cfg(test)]
mod tests {
    use crate::models::{Architecture, Task};
    use floodgauge_protocol::Model;

    #[test]
    fn initial_weights_fill_their_bounds_and_depend_on_the_seed_alone() {
        let model = Model::Mlp { hidden: vec![128], batch_norm: true };
        let task = Task { dim: 64, image: None, classes: 10 };
        let architecture = Architecture::new(&model, task).unwrap();
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
