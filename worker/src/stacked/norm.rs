//! Batch normalisation with running statistics for each member (Ioffe & Szegedy, ICML 2015).

use burn::tensor::Tensor;

/// Added to the variance before its root.
const EPSILON: f64 = 1e-5;
/// How far the running statistics move towards those of a mini-batch.
const MOMENTUM: f64 = 0.1;

/// Normalises each column over the mini-batch, then scales and shifts it.
#[derive(Clone, Debug)]
pub struct Norm {
    /// `[K, 1, width]`.
    pub scale: Tensor<3>,
    /// `[K, 1, width]`.
    pub shift: Tensor<3>,
    /// The statistics that evaluation uses.
    pub running: Statistics,
}

/// Mean and biased variance of each column, both `[K, 1, width]`.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// The mean.
    pub mean: Tensor<3>,
    /// The variance, divided by the number of samples.
    pub variance: Tensor<3>,
}

impl Norm {
    /// `x`: `[K, batch, width]`. Normalises by the mini-batch's own statistics and gives them too,
    /// detached; the running ones stay as they are until [`Norm::absorb`].
    pub fn forward_train(&self, x: Tensor<3>) -> (Tensor<3>, Statistics) {
        let mean = x.clone().mean_dim(1);
        let centred = x - mean.clone();
        let variance = (centred.clone() * centred.clone()).mean_dim(1);
        let statistics = Statistics {
            mean: mean.without_autodiff(),
            variance: variance.clone().without_autodiff(),
        };
        let factor = self.scale.clone() / (variance + EPSILON).sqrt();
        (centred * factor + self.shift.clone(), statistics)
    }

    /// `x`: `[K, batch, width]`. Normalises by the running statistics.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let factor = self.scale.clone() / (self.running.variance.clone() + EPSILON).sqrt();
        (x - self.running.mean.clone()) * factor + self.shift.clone()
    }

    /// Moves the running statistics towards those of a mini-batch.
    pub fn absorb(&mut self, seen: Statistics) {
        let blend =
            |old: &Tensor<3>, new: Tensor<3>| old.clone() * (1.0 - MOMENTUM) + new * MOMENTUM;
        self.running = Statistics {
            mean: blend(&self.running.mean, seen.mean),
            variance: blend(&self.running.variance, seen.variance),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{device::Machine, stacked::to_host};

    #[test]
    fn a_mini_batch_is_normalised_and_its_biased_variance_moves_the_running_one() {
        let device = Machine::default().device().clone();
        let full = |value: f32| Tensor::<3>::full([1, 1, 1], value, &device);
        let mut norm = Norm {
            scale: full(2.0),
            shift: full(5.0),
            running: Statistics { mean: full(0.0), variance: full(1.0) },
        };
        let x = Tensor::<3>::from_floats([[[1.0], [3.0]]], &device);
        let (y, seen) = norm.forward_train(x.clone());
        for (got, expected) in to_host(y).into_iter().zip([3.0, 7.0]) {
            assert!((got - expected).abs() < 1e-4, "{got}");
        }
        norm.absorb(seen);
        let running = [&norm.running.mean, &norm.running.variance].map(|t| to_host(t.clone())[0]);
        assert!((running[0] - 0.2).abs() < 1e-6 && (running[1] - 1.0).abs() < 1e-6, "{running:?}");
        let evaluated = to_host(norm.forward(x));
        assert!((evaluated[0] - (5.0 + 2.0 * 0.8)).abs() < 1e-3, "{evaluated:?}");
    }
}
