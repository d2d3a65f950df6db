//! Differences as measured, paired by seed.

use crate::verdict::{
    Difference,
    confidence::{CONFIDENCE, students_t},
    input::Candidate,
};

/// The mean of `a − b` over seeds, with Student's t interval for the mean over as many other seeds: the
/// variance of that is twice the mean's. It doesn't allow for `a` having been chosen on these seeds. None
/// if a seed diverged, and where the mean is beyond all numbers; no end of an interval is.
pub fn difference(a: &Candidate, b: &Candidate) -> Option<Difference> {
    let pairs = a.trials.iter().zip(&b.trials);
    let differences: Option<Vec<f64>> =
        pairs.map(|(a, b)| Some(a.objective?.finite()? - b.objective?.finite()?)).collect();
    let differences = differences.filter(|differences| !differences.is_empty())?;
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    if !mean.is_finite() {
        return None;
    }
    let half = (differences.len() > 1).then(|| {
        let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
        students_t(n - 1.0).unwrap_or(f64::NAN) * (2.0 * variance / n).sqrt()
    });
    let ends = half.map(|half| (mean - half, mean + half));
    let ends = ends.filter(|(low, high)| low.is_finite() && high.is_finite());
    Some(Difference {
        mean,
        expected: None,
        low: ends.map(|(low, _)| low),
        high: ends.map(|(_, high)| high),
        level: CONFIDENCE,
        seeds: differences.len() as u32,
    })
}
