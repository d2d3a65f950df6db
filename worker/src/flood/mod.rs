//! The weight of each sample: all that tells one method of a single gradient from another.
//!
//! Every such method has a gradient `mean_i w_i ∇ℓ_i`, with weights computed from the detached
//! losses of the mini-batch. Methods of two gradients take both at weight 1; see
//! [`pair`](crate::pair).

mod tensors;

pub use tensors::Weights;

use floodgauge_protocol::{
    Method,
    below::{in_training, is_below},
};

/// The width σ of SoftAD's transition, in nats: 1, as in all experiments of its authors (Holland and
/// Nakatani, NeurIPS 2024, section 5; `sigma` in their code).
const SOFTAD_SIGMA: f32 = 1.0;

/// Whether a mini-batch of mean loss `loss` (nats) lies below the level of flooding, so that its
/// step ascends.
pub fn below(method: Method, loss: impl Into<f64>) -> bool {
    matches!(method, Method::Flood { b } if is_below(loss, b))
}

/// The weight under `method` of a sample of loss `sample` in a mini-batch of mean loss `mean`,
/// both in nats.
///
/// - Flooding (Ishida et al., 2020, eq. 1): sign(L − b) with sign(0) = 1, the derivative of
///   |L − b| + b, so the same for the whole mini-batch.
/// - iFlood: sign(ℓ − b), with sign(0) = 1 too.
/// - SoftAD: x / √(1 + x²), x = (ℓ − b) / σ.
/// - Any other: 1.
pub fn weight(method: Method, mean: f32, sample: f32) -> f32 {
    match method {
        Method::Flood { .. } if below(method, mean) => -1.0,
        Method::Iflood { b } if is_below(sample, b) => -1.0,
        Method::Softad { b } => {
            let x = (sample - in_training(b)) / SOFTAD_SIGMA;
            x / (1.0 + x * x).sqrt()
        }
        _ => 1.0,
    }
}

/// Whether a step whose samples have `weights` differs from a plain one. The first such step is
/// the arm's onset: for SoftAD and the methods of two gradients the first of all, for iFlood the
/// first with a sample below its level.
pub fn differs_from_plain(method: Method, weights: &[f32]) -> bool {
    method.gradients_per_step() > 1 || weights.iter().any(|&weight| weight != 1.0)
}

/// Whether a step whose samples have `weights` ascends, or one of its two does.
pub fn ascends(method: Method, weights: &[f32]) -> bool {
    matches!(method, Method::Alternating { .. }) || weights.iter().sum::<f32>() < 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_ascends_below_its_level_only() {
        let flood = Method::Flood { b: 0.1 };
        for (mean, expected) in [(0.09, -1.0), (0.1, 1.0), (0.11, 1.0)] {
            assert_eq!(weight(flood, mean, 0.05), expected);
        }
    }

    #[test]
    fn single_samples_are_flooded_whatever_their_mean() {
        let iflood = Method::Iflood { b: 0.1 };
        for (sample, expected) in [(0.09, -1.0), (0.1, 1.0), (0.11, 1.0)] {
            assert_eq!(weight(iflood, 0.05, sample), expected);
        }
    }

    #[test]
    fn soft_weights_cross_zero_at_the_level_and_tend_to_one() {
        let softad = Method::Softad { b: 0.5 };
        assert_eq!(weight(softad, 9.0, 0.5), 0.0);
        assert!((weight(softad, 9.0, 1.5) - 0.5f32.sqrt()).abs() < 1e-6);
        assert!((weight(softad, 9.0, 0.0) + 0.2f32.sqrt()).abs() < 1e-6);
        assert!(weight(softad, 9.0, 100.0) > 0.999);
    }

    #[test]
    fn plain_and_level_zero_always_descend() {
        for method in [Method::Plain, Method::Flood { b: 0.0 }, Method::Iflood { b: 0.0 }] {
            for loss in [0.0, 2.3] {
                let weights = [weight(method, loss, loss)];
                assert_eq!(weights, [1.0]);
                assert!(!differs_from_plain(method, &weights) && !ascends(method, &weights));
            }
        }
    }
}
