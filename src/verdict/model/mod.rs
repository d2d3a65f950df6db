//! What other seeds would show: a hierarchical model of the objectives of one weight decay.
//!
//! `y[seed, arm] = mean of its group + response(b) + seed + deviation(seed, group, b) + noise`
//!
//! The levels of a method are a group with a smooth response; plain, and each arm without a level, are
//! groups of their own. The response and each seed's deviation from it are Gaussian processes over
//! the levels' places, in the basis of cosines (a reduced-rank process: Solin & Särkkä, *Statistics
//! and Computing*, 2020), so that neighbours lend each other strength. Scales are integrated over a coarse
//! grid, weighed by the marginal likelihood; the noise's variance has Jeffreys' prior and is integrated
//! in closed form, which gives the tails of Student's t.
//!
//! Since all arms are drawn towards what their neighbours and the whole show, the lucky winner of a search is
//! too: no further correction for having been chosen on the same seeds is needed (Gelman, Hill & Yajima,
//! *Journal of Research on Educational Effectiveness*, 2012). What is stated is what can be
//! checked: the means that as many *other* seeds would show.

mod design;
mod linear;

pub use design::Place;

use super::confidence::{BELOW_UPPER_END, students_t};
use design::{Design, Scales};
use linear::{Cholesky, dot};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{ChiSquared, Distribution, StandardNormal};
use statrs::distribution::{ContinuousCDF, Normal};

/// Draws of what other seeds would show, for each arm: shares of them have a standard error of at most
/// 1.1 %.
const DRAWS: usize = 2_000;

/// Fewer draws where there are very many arms, so that those of all arms together are at most so many
/// numbers: 16 MB. Below [`MIN_DRAWS`] they would tell too little, so there it is more.
const MAX_DRAWN_NUMBERS: usize = 2_000_000;

/// The fewest draws for each arm: shares of them have a standard error of at most 3.5 %.
const MIN_DRAWS: usize = 200;

/// Points of the grid of scales that have a smaller share of the weight are left out: of 48 they weigh
/// less than 5 % together. Chosen, not measured.
const MIN_WEIGHT_SHARE: f64 = 1e-3;

/// What is divided by, or has its logarithm taken, is at least this: in the model's unit, in which numbers
/// are about 1. Chosen, not measured.
const MIN_DIVISOR: f64 = 1e-12;

/// How much a free column is drawn to 0, in units of the noise's precision: so little that no answer shows
/// it, while columns that nothing was observed of have a factor. Chosen, not measured.
const FREE_PRECISION: f64 = 1e-10;

/// Columns beyond which there is no model: a bound on cost, which grows with their cube.
const MAX_COLUMNS: usize = 400;

/// What one seed tells of an arm's objective at the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// The position of its arm in the list of places.
    pub arm: usize,
    /// The seed, from 0.
    pub seed: usize,
    /// The objective, in its own unit.
    pub value: f64,
    /// How much further than its noise it may be off, as a standard deviation in the same unit: 0 for
    /// a run that was trained to the end.
    pub doubt: f64,
}

/// What the model says.
#[derive(Clone, Debug)]
pub struct Posterior {
    /// The expected mean of each arm over many seeds, with its interval.
    pub means: Vec<Interval>,
    /// Draws, for each arm, of its mean over as many other seeds.
    pub draws: Vec<Vec<f64>>,
}

/// An expectation, and where the truth lies with the probability of all intervals (`confidence.rs`), in the
/// objective's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The expectation, minimised; of a difference, negative if the first arm is better.
    pub mean: f64,
    /// The lower end; the truth is expected below it as often as above `high`.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether all of it are numbers.
    pub fn is_finite(self) -> bool {
        [self.mean, self.low, self.high].into_iter().all(f64::is_finite)
    }
}

/// One point of the grid, fitted.
struct Fit {
    scales: Scales,
    factor: Cholesky,
    /// `L⁻¹ Xᵀ y`.
    half: Vec<f64>,
    /// The noise's variance, about.
    noise: f64,
    ln_likelihood: f64,
}

/// Fits the model to the runs of arms at `places` over `seeds` seeds, and draws what `others` other seeds
/// would show, by a fixed sequence that `stream` picks. None if there is too little to tell noise from
/// effects, or too much for this model.
pub fn fit(
    places: Vec<Place>,
    seeds: usize,
    observations: &[Observation],
    others: usize,
    stream: u64,
) -> Option<Posterior> {
    let design = Design::new(places, seeds);
    if observations.len() <= design.free() || seeds < 2 || design.columns() > MAX_COLUMNS {
        return None;
    }
    let unit = Unit::of(observations)?;
    let certain: Vec<_> = observations.iter().copied().filter(|o| o.doubt == 0.0).collect();
    // How far a doubtful observation may be off is given in the objective's unit; the noise that it
    // is compared with is first taken from the others.
    let noise = match certain.len() {
        all if all == observations.len() => 1.0,
        _ => mean_noise(&fits(&design, &certain, unit, 1.0)?),
    };
    let fits = fits(&design, observations, unit, noise)?;
    let freedom = (observations.len() - design.free()) as f64;
    Some(posterior(&design, &fits, unit, freedom, others.max(1), stream))
}

/// The scale of the objectives: the model works on numbers about 1.
#[derive(Clone, Copy)]
struct Unit {
    zero: f64,
    one: f64,
}

impl Unit {
    fn of(observations: &[Observation]) -> Option<Self> {
        let n = observations.len() as f64;
        let zero = observations.iter().map(|o| o.value).sum::<f64>() / n;
        let one = (observations.iter().map(|o| (o.value - zero).powi(2)).sum::<f64>() / n).sqrt();
        (one.is_finite() && one > 0.0).then_some(Self { zero, one })
    }
}

fn mean_noise(fits: &[(f64, Fit)]) -> f64 {
    fits.iter().map(|(weight, fit)| weight * fit.noise).sum()
}

/// The points of the grid that matter, with their weights.
fn fits(
    design: &Design,
    observations: &[Observation],
    unit: Unit,
    noise: f64,
) -> Option<Vec<(f64, Fit)>> {
    let columns = design.columns();
    let freedom = observations.len().checked_sub(design.free()).filter(|f| *f > 0)? as f64;
    let mut gram = vec![vec![0.0; columns]; columns];
    let mut moments = vec![0.0; columns];
    let mut squares = 0.0;
    for seen in observations {
        let row = design.run(seen.arm, seen.seed);
        let value = (seen.value - unit.zero) / unit.one;
        let weight = 1.0 / (1.0 + (seen.doubt / unit.one).powi(2) / noise.max(MIN_DIVISOR));
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
    let mut fits: Vec<Fit> = Scales::grid()
        .filter_map(|scales| {
            let variances = design.variances(scales);
            let mut precision = gram.clone();
            for (i, variance) in variances.iter().enumerate() {
                precision[i][i] += if *variance > 0.0 { 1.0 / variance } else { FREE_PRECISION };
            }
            let factor = Cholesky::of(&precision)?;
            let half = factor.forward(&moments);
            let residual = (squares - dot(&half, &half)).max(MIN_DIVISOR);
            let drawn: f64 = variances.iter().filter(|v| **v > 0.0).map(|v| v.ln()).sum();
            let ln_likelihood = -0.5 * (factor.ln_det() + drawn + freedom * residual.ln());
            Some(Fit { scales, factor, half, noise: residual / freedom, ln_likelihood })
        })
        .collect();
    let most = fits.iter().map(|fit| fit.ln_likelihood).fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = fits.iter().map(|fit| (fit.ln_likelihood - most).exp()).sum();
    fits.retain(|fit| (fit.ln_likelihood - most).exp() >= MIN_WEIGHT_SHARE * total);
    let kept: f64 = fits.iter().map(|fit| (fit.ln_likelihood - most).exp()).sum();
    let weigh = |fit: Fit| ((fit.ln_likelihood - most).exp() / kept, fit);
    (kept > 0.0).then(|| fits.into_iter().map(weigh).collect())
}

fn posterior(
    design: &Design,
    fits: &[(f64, Fit)],
    unit: Unit,
    freedom: f64,
    others: usize,
    stream: u64,
) -> Posterior {
    let arms = design.places().len();
    let rows: Vec<Vec<f64>> = (0..arms).map(|arm| design.mean(arm)).collect();
    let common = design.common();
    let factors: Vec<Cholesky> = fits.iter().map(|(_, fit)| fit.factor.last(common)).collect();
    let centres: Vec<Vec<f64>> = fits
        .iter()
        .map(|(_, fit)| {
            let coefficients = fit.factor.backward(fit.half.clone());
            let shared = &coefficients[design.columns() - common..];
            rows.iter().map(|row| dot(row, shared)).collect()
        })
        .collect();
    let t = students_t(freedom).unwrap_or(f64::NAN);
    let z = Normal::standard().inverse_cdf(BELOW_UPPER_END);
    let means = (0..arms)
        .map(|arm| {
            let mean: f64 = fits.iter().zip(&centres).map(|((w, _), c)| w * c[arm]).sum();
            // A mixture's variance: within its parts, and between them.
            let variance: f64 = fits
                .iter()
                .zip(&factors)
                .zip(&centres)
                .map(|(((w, fit), factor), centres)| {
                    let (half, centre) = (factor.forward(&rows[arm]), centres[arm]);
                    w * (t * t * fit.noise * dot(&half, &half) + (z * (centre - mean)).powi(2))
                })
                .sum();
            let (mean, half) = (unit.zero + unit.one * mean, unit.one * variance.sqrt());
            Interval { mean, low: mean - half, high: mean + half }
        })
        .collect();
    let count = (MAX_DRAWN_NUMBERS / arms.max(1)).clamp(MIN_DRAWS, DRAWS);
    let mut draws: Vec<Vec<f64>> = vec![Vec::with_capacity(count); arms];
    let mut rng = ChaCha8Rng::seed_from_u64(stream);
    let chi = ChiSquared::new(freedom).ok();
    let (mut passed, mut drawn) = (0.0, 0);
    for (((weight, fit), factor), centre) in fits.iter().zip(&factors).zip(&centres) {
        passed += weight;
        // So many of the draws are this point's as it weighs.
        let until = (passed * count as f64).round() as usize;
        for _ in drawn..until {
            let scale = chi.map_or(1.0, |chi| freedom / chi.sample(&mut rng).max(MIN_DIVISOR));
            let noise = (fit.noise * scale).sqrt();
            let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
            let error = factor.backward((0..common).map(|_| normal()).collect());
            let deviations = design.seed_deviations(fit.scales, &mut normal);
            for (arm, row) in rows.iter().enumerate() {
                let other = deviations[arm] / (others as f64).sqrt();
                let value = centre[arm] + noise * (dot(row, &error) + other);
                draws[arm].push(unit.zero + unit.one * value);
            }
        }
        drawn = until.max(drawn);
    }
    Posterior { means, draws }
}
