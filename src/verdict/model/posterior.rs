//! Expectations, intervals and draws of what other seeds would show.

use super::{
    Crossings, Interval, MIN_DIVISOR,
    design::{Design, SeedRow},
    fits::{Fit, Unit},
    linear::{Cholesky, dot},
};
use crate::verdict::confidence::{BELOW_UPPER_END, students_t};
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

/// Other seeds that are drawn one by one; of more, each stands for several. A bound on cost, not measured.
const MAX_SEEDS_DRAWN: usize = 16;

/// How much more a single run of another seed varies than the noise that is left between the runs that were fitted:
/// the smooth parts of the model take some of theirs. Held to recorded grids: docs/results.md, *Of `halving`*.
const NOISE_OF_ANOTHER_RUN: f64 = 1.5;

/// The arm that all others are compared with, and are where they don't reach their level.
const PLAIN: usize = 0;

/// What the model says of arms once it is fitted.
pub struct Posterior {
    design: Design,
    fits: Vec<Fit>,
    /// Of each fit, the factor of what seeds have in common.
    factors: Vec<Cholesky>,
    /// Of each fit, what it expects of each arm where its level is reached.
    centres: Vec<Vec<f64>>,
    /// Of each arm, its row in what seeds have in common.
    rows: Vec<Vec<f64>>,
    unit: Unit,
    freedom: f64,
    crossings: Crossings,
}

impl Posterior {
    /// Of fits that were made with `freedom` degrees of freedom.
    pub(super) fn new(
        design: Design,
        fits: Vec<Fit>,
        unit: Unit,
        freedom: f64,
        crossings: Crossings,
    ) -> Self {
        let rows: Vec<Vec<f64>> = (0..design.places().len()).map(|arm| design.mean(arm)).collect();
        let common = design.common();
        let centres = fits.iter().map(|fit| {
            let coefficients = fit.factor.backward(fit.half.clone());
            let shared = &coefficients[design.columns() - common..];
            rows.iter().map(|row| dot(row, shared)).collect()
        });
        let centres = centres.collect();
        let factors = fits.iter().map(|fit| fit.factor.last(common)).collect();
        Self { design, fits, factors, centres, rows, unit, freedom, crossings }
    }

    /// The mean of an arm over many seeds to expect, in the objective's unit; the same bits on every
    /// machine.
    pub fn expected(&self, arm: usize) -> f64 {
        let share = self.crossings.share(arm);
        let plain = self.reached(PLAIN);
        // Exactly plain where nobody reaches the level, so that the two tie.
        let mean =
            if share > 0.0 { share * self.reached(arm) + (1.0 - share) * plain } else { plain };
        self.unit.value(mean)
    }

    /// The same with its interval, which is about even on both sides.
    pub fn mean(&self, arm: usize) -> Interval {
        let share = self.crossings.share(arm);
        let apart = self.reached(arm) - self.reached(PLAIN);
        let z = Normal::standard().inverse_cdf(BELOW_UPPER_END);
        let variance = share * share * self.squared_half(arm)
            + (1.0 - share) * (1.0 - share) * self.squared_half(PLAIN)
            + self.crossings.share_variance(arm) * (z * apart).powi(2);
        let (mean, half) = (self.expected(arm), self.unit.one * variance.sqrt());
        Interval { mean, low: mean - half, high: mean + half }
    }

    /// What is expected of an arm where its level is reached, in the model's unit.
    fn reached(&self, arm: usize) -> f64 {
        self.fits.iter().zip(&self.centres).map(|(fit, centres)| fit.weight * centres[arm]).sum()
    }

    /// The square of half the interval of that: a mixture's variance, within its parts and between them.
    fn squared_half(&self, arm: usize) -> f64 {
        let t = students_t(self.freedom).unwrap_or(f64::NAN);
        let z = Normal::standard().inverse_cdf(BELOW_UPPER_END);
        let mean = self.reached(arm);
        let parts = self.fits.iter().zip(&self.factors).zip(&self.centres);
        let squares = parts.map(|((fit, factor), centres)| {
            let half = factor.forward(&self.rows[arm]);
            let within = t * t * fit.noise * dot(&half, &half);
            fit.weight * (within + (z * (centres[arm] - mean)).powi(2))
        });
        squares.sum()
    }

    /// Draws, for each arm, its mean over `others` other seeds, by a fixed sequence that `stream` picks.
    /// Draw by draw they are the same seeds for all arms.
    pub fn draws(&self, others: usize, stream: u64) -> Vec<Vec<f64>> {
        let arms = self.rows.len();
        let count = (MAX_DRAWN_NUMBERS / arms.max(1)).clamp(MIN_DRAWS, DRAWS);
        let mut draws: Vec<Vec<f64>> = vec![Vec::with_capacity(count); arms];
        let mut rng = ChaCha8Rng::seed_from_u64(stream);
        let chi = ChiSquared::new(self.freedom).ok();
        let seed_rows = self.design.seed_rows();
        let (mut passed, mut drawn) = (0.0, 0);
        for (point, fit) in self.fits.iter().enumerate() {
            passed += fit.weight;
            // So many of the draws are this point's as it weighs.
            let until = (passed * count as f64).round() as usize;
            for _ in drawn..until {
                let scale =
                    chi.map_or(1.0, |chi| self.freedom / chi.sample(&mut rng).max(MIN_DIVISOR));
                let noise = (fit.noise * scale).sqrt();
                let values = self.draw(point, noise, others, &seed_rows, &mut rng);
                draws.iter_mut().zip(values).for_each(|(of, value)| of.push(value));
            }
            drawn = until.max(drawn);
        }
        draws
    }

    /// One draw: the mean of each arm over `others` other seeds, with noise of a standard deviation.
    fn draw(
        &self,
        point: usize,
        noise: f64,
        others: usize,
        rows: &[SeedRow],
        rng: &mut ChaCha8Rng,
    ) -> Vec<f64> {
        let common = self.design.common();
        let seeds = others.clamp(1, MAX_SEEDS_DRAWN);
        // Where one stands for several, it varies as their mean does.
        let narrowed = (seeds as f64 / others.max(1) as f64).sqrt();
        let alike = self.crossings.draw(seeds, rng);
        let mut normal = || -> f64 { StandardNormal.sample(rng) };
        let of_one_run = noise * narrowed * NOISE_OF_ANOTHER_RUN;
        let error = self.factors[point].backward((0..common).map(|_| normal()).collect());
        let effects: Vec<_> = (0..seeds)
            .map(|_| self.design.draw_seed(self.fits[point].scales, &mut normal))
            .collect();
        let mean = |arm: usize| self.centres[point][arm] + noise * dot(&self.rows[arm], &error);
        let of_plain: Vec<f64> = effects
            .iter()
            .map(|effect| {
                mean(PLAIN) + noise * narrowed * effect.at(&rows[PLAIN]) + of_one_run * normal()
            })
            .collect();
        let mut value = |arm: usize| {
            let reaches = |seed: &usize| arm != PLAIN && self.crossings.reaches(alike[*seed], arm);
            let (mut sum, mut reached) = (0.0, 0);
            for seed in 0..seeds {
                if reaches(&seed) {
                    sum += mean(arm) + noise * narrowed * effects[seed].at(&rows[arm]);
                    reached += 1;
                } else {
                    sum += of_plain[seed];
                }
            }
            if reached > 0 {
                sum += of_one_run * f64::from(reached).sqrt() * normal();
            }
            self.unit.value(sum / seeds as f64)
        };
        (0..self.rows.len()).map(&mut value).collect()
    }
}
