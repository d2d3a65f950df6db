//! Differences and probabilities, paired by seed.

use super::{
    best::Difference,
    leader::{Contender, comparable},
};
use floodgauge_protocol::Metric;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The confidence of the interval.
const LEVEL: f64 = 0.9;

/// Resamplings, where there are too many to go through all.
const DRAWS: usize = 10_000;

/// The mean of `a − b` over seeds with a Student-t interval; none if a seed diverged.
pub fn difference(a: &Contender, b: &Contender) -> Option<Difference> {
    let differences: Option<Vec<f64>> =
        a.scores.iter().zip(&b.scores).map(|(a, b)| Some(a.finite()? - b.finite()?)).collect();
    let differences = differences.filter(|differences| !differences.is_empty())?;
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let half = (differences.len() > 1).then(|| {
        let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let t = StudentsT::new(0.0, 1.0, n - 1.0)
            .map_or(f64::NAN, |t| t.inverse_cdf(0.5 + LEVEL / 2.0));
        t * (variance / n).sqrt()
    });
    let half = half.filter(|half| half.is_finite());
    Some(Difference {
        mean,
        low: half.map(|half| mean - half),
        high: half.map(|half| mean + half),
        level: LEVEL,
        seeds: differences.len() as u32,
    })
}

/// The share of resamplings of the seeds (with replacement; the bootstrap) in which `lead`
/// has the lowest mean, ties shared; none with fewer than two seeds. All resamplings are gone
/// through if there are few, else a fixed sequence of draws.
pub fn probability(contenders: &[Contender], lead: &Contender) -> Option<f64> {
    let seeds = lead.scores.len();
    if seeds < 2 {
        return None;
    }
    let rivals: Vec<Vec<f64>> = comparable(contenders)
        .map(|ix| &contenders[ix])
        .filter(|rival| rival.mean() != Metric::Diverged)
        .map(|rival| rival.scores.iter().filter_map(|score| score.finite()).collect())
        .collect();
    let own: Vec<f64> = lead.scores.iter().filter_map(|score| score.finite()).collect();
    let share = |sample: &[usize]| {
        let sum = |scores: &[f64]| sample.iter().map(|&seed| scores[seed]).sum::<f64>();
        let mine = sum(&own);
        let sums = rivals.iter().map(|rival| sum(rival));
        if sums.clone().any(|sum| sum < mine) {
            return 0.0;
        }
        1.0 / sums.filter(|sum| *sum == mine).count().max(1) as f64
    };
    let all = seeds.checked_pow(seeds as u32).filter(|all| *all <= DRAWS);
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut sample = vec![0; seeds];
    let draws = all.unwrap_or(DRAWS);
    let total: f64 = (0..draws)
        .map(|draw| {
            let mut digits = draw;
            for place in &mut sample {
                *place = match all {
                    Some(_) => digits % seeds,
                    None => rng.next_u32() as usize % seeds,
                };
                digits /= seeds;
            }
            share(&sample)
        })
        .sum();
    Some(total / draws as f64)
}
