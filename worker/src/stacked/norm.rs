//! Batch normalisation with running statistics for each member (Ioffe & Szegedy, ICML 2015).

use super::{backend::StackedOps, kernels::NORM_EPSILON};
use burn::{backend::Dispatch, tensor::Tensor};

/// The share by which the running statistics move towards those of a mini-batch: PyTorch's default.
const RUNNING_MOMENTUM: f64 = 0.1;

/// Mean and biased variance of each column, both `[K, 1, width]`.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// Of a mini-batch while training, running ones at evaluation.
    pub mean: Tensor<3>,
    /// The variance, divided by the number of rows.
    pub variance: Tensor<3>,
}

impl Statistics {
    /// Moves these running statistics towards those of a mini-batch.
    pub fn absorb(&mut self, seen: Self) {
        let blend = |old: &Tensor<3>, new: Tensor<3>| {
            old.clone() * (1.0 - RUNNING_MOMENTUM) + new * RUNNING_MOMENTUM
        };
        self.mean = blend(&self.mean, seen.mean);
        self.variance = blend(&self.variance, seen.variance);
    }
}

/// Normalises each column of `x` (`[K, rows, width]`) by the mini-batch's own statistics, which it
/// gives too, detached; then scales and shifts it (both `[K, 1, width]`).
pub fn norm_train(x: Tensor<3>, scale: Tensor<3>, shift: Tensor<3>) -> (Tensor<3>, Statistics) {
    let (x, scale, shift) = (x.into_dispatch(), scale.into_dispatch(), shift.into_dispatch());
    let (out, mean, variance) = Dispatch::stacked_norm(x, scale, shift);
    let detached = |tensor| Tensor::<3>::from_dispatch(tensor).without_autodiff();
    let statistics = Statistics { mean: detached(mean), variance: detached(variance) };
    (Tensor::from_dispatch(out), statistics)
}

/// Normalises `x` (`[K, rows, width]`) by running statistics.
pub fn norm(x: Tensor<3>, scale: Tensor<3>, shift: Tensor<3>, running: &Statistics) -> Tensor<3> {
    let factor = scale / (running.variance.clone() + NORM_EPSILON).sqrt();
    (x - running.mean.clone()) * factor + shift
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{device::Machine, stacked::to_host};

    #[test]
    fn a_mini_batch_is_normalised_and_its_biased_variance_moves_the_running_one() {
        let device = Machine::default().device().clone();
        let full = |value: f32| Tensor::<3>::full([1, 1, 1], value, &device);
        let mut running = Statistics { mean: full(0.0), variance: full(1.0) };
        let x = Tensor::<3>::from_floats([[[1.0], [3.0]]], &device);
        let (y, seen) = norm_train(x.clone(), full(2.0), full(5.0));
        for (got, expected) in to_host(y).into_iter().zip([3.0, 7.0]) {
            assert!((got - expected).abs() < 1e-4, "{got}");
        }
        running.absorb(seen);
        let moved = [&running.mean, &running.variance].map(|t| to_host(t.clone())[0]);
        assert!((moved[0] - 0.2).abs() < 1e-6 && (moved[1] - 1.0).abs() < 1e-6, "{moved:?}");
        let evaluated = to_host(norm(x, full(2.0), full(5.0), &running));
        assert!((evaluated[0] - (5.0 + 2.0 * 0.8)).abs() < 1e-3, "{evaluated:?}");
    }
}
