//! The weight of each sample: all that tells one method from another.
//!
//! Every method has a gradient `mean_i w_i ∇ℓ_i`, with weights computed from the detached losses
//! of the mini-batch.

use floodgauge_protocol::Method;

/// Whether a mini-batch of mean loss `loss` (nats) lies below the method's level, so that its step
/// ascends. Compared in 32 bits; at the level itself the step descends.
pub fn below(method: Method, loss: f32) -> bool {
    method.level().is_some_and(|b| loss < b as f32)
}

/// The weight that every sample of a mini-batch has under `method`: 1 to descend, −1 to ascend.
/// Plain: 1. Flooding (Ishida et al., 2020, eq. 1): sign(L − b) with sign(0) = 1, the derivative
/// of |L − b| + b.
pub fn weight(method: Method, loss: f32) -> f32 {
    if below(method, loss) { -1.0 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_ascends_below_its_level_only() {
        let flood = Method::Flood { b: 0.1 };
        assert_eq!(weight(flood, 0.09), -1.0);
        assert_eq!(weight(flood, 0.1), 1.0);
        assert_eq!(weight(flood, 0.11), 1.0);
    }

    #[test]
    fn plain_and_level_zero_always_descend() {
        for method in [Method::Plain, Method::Flood { b: 0.0 }] {
            assert_eq!(weight(method, 0.0), 1.0);
            assert_eq!(weight(method, 2.3), 1.0);
        }
    }
}
