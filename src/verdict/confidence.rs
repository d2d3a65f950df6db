//! How wide intervals are.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The probability with which an interval is to hold what it is of, two-sided; docs/results.md, *How sure*,
/// tells how often it did.
pub const CONFIDENCE: f64 = 0.9;

/// The share of a distribution that lies below the upper end of its interval.
pub const BELOW_UPPER_END: f64 = 0.5 + CONFIDENCE / 2.0;

/// How many standard errors an interval reaches to either side where the noise was estimated with
/// `freedom` degrees of freedom, by Student's t. None without freedom.
pub fn students_t(freedom: f64) -> Option<f64> {
    let t = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(t.inverse_cdf(BELOW_UPPER_END))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_degrees_of_freedom_make_wide_intervals_and_none_makes_none() {
        let near = |freedom, t: f64| (students_t(freedom).unwrap() - t).abs() < 1e-4;
        assert!(near(1.0, 6.3138) && near(10.0, 1.8125));
        assert_eq!(students_t(0.0), None);
    }
}
