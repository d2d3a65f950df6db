//! The model's coefficients, fitted at each point of the grid of scales.

use super::{
    MIN_DIVISOR, Observation,
    design::{Design, Scales},
    linear::{Cholesky, dot},
};

/// Points of the grid of scales that have a smaller share of the weight are left out: of 48 they weigh
/// less than 5 % together. Chosen, not measured.
const MIN_WEIGHT_SHARE: f64 = 1e-3;

/// How much a free column is drawn to 0, in units of the noise's precision: so little that no answer shows
/// it, while columns that nothing was observed of have a factor. Chosen, not measured.
const FREE_PRECISION: f64 = 1e-10;

/// One point of the grid, fitted.
pub struct Fit {
    /// Its share of the weight of all.
    pub weight: f64,
    /// How much the parts of the model vary there.
    pub scales: Scales,
    /// Of the precision of all columns.
    pub factor: Cholesky,
    /// `L⁻¹ Xᵀ y`.
    pub half: Vec<f64>,
    /// The noise's variance, about.
    pub noise: f64,
}

/// The scale of the objectives: the model works on numbers about 1.
#[derive(Clone, Copy)]
pub struct Unit {
    /// What 0 is in the objective's unit.
    pub zero: f64,
    /// How much 1 is there.
    pub one: f64,
}

impl Unit {
    /// That of some runs; none where they are all alike.
    pub fn of(observations: &[Observation]) -> Option<Self> {
        let n = observations.len() as f64;
        let zero = observations.iter().map(|o| o.value).sum::<f64>() / n;
        let one = (observations.iter().map(|o| squared(o.value - zero)).sum::<f64>() / n).sqrt();
        (one.is_finite() && one > 0.0).then_some(Self { zero, one })
    }

    /// A number of the model in the objective's unit.
    pub fn value(self, number: f64) -> f64 {
        self.zero + self.one * number
    }
}

/// The noise's variance over the points of the grid.
pub fn mean_noise(fits: &[Fit]) -> f64 {
    fits.iter().map(|fit| fit.weight * fit.noise).sum()
}

/// How much an observation weighs beside one without doubt: the ratio of their variances. `noise` is the variance that
/// doubts are held against.
fn weight(seen: &Observation, unit: Unit, noise: f64) -> f64 {
    1.0 / (1.0 + squared(seen.doubt / unit.one) / noise.max(MIN_DIVISOR))
}

/// The degrees of freedom with which the noise is known: each observation counts by the square root of its weight, and
/// at least one is left. Held to recorded grids: docs/results.md, *Of `halving`*.
pub fn freedom(design: &Design, observations: &[Observation], unit: Unit, noise: f64) -> f64 {
    let sharp = observations.iter().map(|seen| weight(seen, unit, noise).sqrt());
    (sharp.sum::<f64>() - design.free() as f64).max(1.0)
}

/// The points of the grid that matter. `noise` is the variance that doubts are held against.
pub fn fits(
    design: &Design,
    observations: &[Observation],
    unit: Unit,
    noise: f64,
) -> Option<Vec<Fit>> {
    let freedom = observations.len().checked_sub(design.free()).filter(|f| *f > 0)? as f64;
    let Moments { gram, moments, squares } = Moments::of(design, observations, unit, noise);
    let mut fits: Vec<(f64, Fit)> = Scales::grid()
        .filter_map(|scales| {
            let variances = design.variances(scales);
            let mut precision = gram.clone();
            for (i, variance) in variances.iter().enumerate() {
                precision[i][i] += if *variance > 0.0 { 1.0 / variance } else { FREE_PRECISION };
            }
            let factor = Cholesky::of(&precision)?;
            let half = factor.forward(&moments);
            let residual = (squares - dot(&half, &half)).max(MIN_DIVISOR);
            let drawn: f64 = variances.iter().filter(|v| **v > 0.0).map(|v| libm::log(*v)).sum();
            let ln_likelihood = -0.5 * (factor.ln_det() + drawn + freedom * libm::log(residual));
            let noise = residual / freedom;
            let ln_weight = ln_likelihood + scales.ln_prior();
            Some((ln_weight, Fit { weight: 1.0, scales, factor, half, noise }))
        })
        .collect();
    let most = fits.iter().map(|(ln, _)| *ln).fold(f64::NEG_INFINITY, f64::max);
    for (ln_weight, fit) in &mut fits {
        fit.weight = libm::exp(*ln_weight - most);
    }
    let total: f64 = fits.iter().map(|(_, fit)| fit.weight).sum();
    let mut fits: Vec<Fit> = fits.into_iter().map(|(_, fit)| fit).collect();
    fits.retain(|fit| fit.weight >= MIN_WEIGHT_SHARE * total);
    let kept: f64 = fits.iter().map(|fit| fit.weight).sum();
    fits.iter_mut().for_each(|fit| fit.weight /= kept);
    (kept > 0.0).then_some(fits)
}

/// A square, which is rounded alike everywhere.
fn squared(value: f64) -> f64 {
    value * value
}

/// What of the runs enters every fit.
struct Moments {
    /// `Xᵀ X`, its lower triangle.
    gram: Vec<Vec<f64>>,
    /// `Xᵀ y`.
    moments: Vec<f64>,
    /// `yᵀ y`.
    squares: f64,
}

impl Moments {
    fn of(design: &Design, observations: &[Observation], unit: Unit, noise: f64) -> Self {
        let columns = design.columns();
        let mut gram = vec![vec![0.0; columns]; columns];
        let mut moments = vec![0.0; columns];
        let mut squares = 0.0;
        for seen in observations {
            let row = design.run(seen.arm, seen.seed);
            let value = (seen.value - unit.zero) / unit.one;
            let weight = weight(seen, unit, noise);
            let entries: Vec<(usize, f64)> =
                row.iter().copied().enumerate().filter(|(_, entry)| *entry != 0.0).collect();
            for &(i, a) in &entries {
                moments[i] += weight * a * value;
                for &(j, b) in entries.iter().take_while(|(j, _)| *j <= i) {
                    gram[i][j] += weight * a * b;
                }
            }
            squares += weight * value * value;
        }
        Self { gram, moments, squares }
    }
}
