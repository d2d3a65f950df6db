//! Whether a loss lies below a flood level: the one rule for training, for the onsets that a server
//! reads off a trunk's log, and for made-up curves.
//!
//! Training computes losses in 32 bits, so the two are compared in 32 bits: a level that 64 bits tell
//! from a loss may be the same number there. At the level itself a step still descends (Ishida et al.,
//! 2020, eq. 1: the sign of `L − b` at 0 counts as 1).

/// A flood level as training holds it, in nats.
pub fn in_training(level: f64) -> f32 {
    level as f32
}

/// Whether a loss, in nats, lies below a flood level. NaN never does.
pub fn is_below(loss: impl Into<f64>, level: f64) -> bool {
    (loss.into() as f32) < in_training(level)
}

/// The highest loss that lies below a flood level, in nats.
pub fn highest_below(level: f64) -> f64 {
    f64::from(in_training(level).next_down())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_at_the_level_is_not_below_it() {
        assert!(is_below(0.0999, 0.1) && !is_below(0.1, 0.1) && !is_below(0.1001, 0.1));
        assert!(!is_below(f64::NAN, 0.1) && !is_below(0.0, 0.0) && is_below(f32::MIN, 0.0));
    }

    #[test]
    fn what_is_the_same_in_32_bits_is_not_below() {
        let level = 0.1;
        assert!(0.1 - 1e-12 < level && !is_below(0.1 - 1e-12, level));
        assert!(f64::from(0.1f32) != level && !is_below(0.1f32, level));
    }

    #[test]
    fn a_loss_of_32_bits_and_the_same_in_64_are_judged_alike() {
        for level in [0.01, 0.07, 0.2, 1.0 / 3.0] {
            for loss in [(level as f32).next_down(), level as f32, (level as f32).next_up()] {
                assert_eq!(is_below(loss, level), loss < level as f32);
                assert_eq!(is_below(loss, level), is_below(f64::from(loss), level));
            }
        }
    }

    #[test]
    fn the_highest_loss_below_a_level_is_below_and_the_next_is_not() {
        for level in [0.01, 0.07, 0.2, 1.0 / 3.0] {
            let highest = highest_below(level);
            assert!(is_below(highest, level) && !is_below((highest as f32).next_up(), level));
        }
    }
}
