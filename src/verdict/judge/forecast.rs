//! What other seeds would show: what the model says of every arm of a sweep that has ended.

use super::bracket::Bracket;
use crate::verdict::{
    confidence::CONFIDENCE,
    input::{Candidate, Standing},
    model::Interval,
};

/// What the model says of each arm, in the order of the candidates.
#[derive(Clone, Debug, Default)]
pub struct Forecast {
    arms: Vec<ArmForecast>,
}

/// What it says of one; nothing where it wasn't asked, or couldn't tell.
#[derive(Clone, Debug, Default)]
struct ArmForecast {
    /// The mean objective over many seeds.
    mean: Option<Interval>,
    /// Draws of the mean over as many other seeds; empty where there is no mean. Those of all arms
    /// of a weight decay are of the same seeds, draw by draw.
    draws: Vec<f64>,
    /// The share of draws in which it is the best.
    probability: Option<f64>,
}

impl Forecast {
    /// Asks the model; it knows nothing before the end, and with one seed.
    pub fn of(standing: &Standing) -> Self {
        if !standing.ended || standing.seeds < 2 || standing.all_tie() {
            return Self::default();
        }
        let others = standing.others as usize;
        let mut arms = vec![];
        for of in standing.brackets() {
            let Some(bracket) = Bracket::of(of, standing.guessing) else {
                arms.extend(of.iter().map(|_| ArmForecast::default()));
                continue;
            };
            let (posterior, known) = bracket.posterior();
            let draws = posterior.draws(others, of[0].bracket as u64);
            arms.extend(known.iter().map(|arm| match *arm {
                None => ArmForecast::default(),
                Some(arm) => ArmForecast {
                    mean: Some(posterior.mean(arm)),
                    draws: draws[arm].clone(),
                    probability: None,
                },
            }));
        }
        let mut forecast = Self { arms };
        forecast.count_wins(&standing.candidates);
        forecast
    }

    /// Counts in how many draws each arm is the best; arms that are the plain run share its part.
    fn count_wins(&mut self, candidates: &[Candidate]) {
        // Weight decays with very many arms have fewer.
        let counts = self.arms.iter().map(|arm| arm.draws.len()).filter(|count| *count > 0);
        let Some(draws) = counts.min() else { return };
        let mut wins = vec![0.0; self.arms.len()];
        for draw in 0..draws {
            let value = |arm: &ArmForecast| arm.draws.get(draw).copied().unwrap_or(f64::INFINITY);
            let least = self.arms.iter().map(value).fold(f64::INFINITY, f64::min);
            let winners: Vec<usize> =
                (0..wins.len()).filter(|&arm| value(&self.arms[arm]) == least).collect();
            for &winner in &winners {
                wins[winner] += 1.0 / winners.len() as f64;
            }
        }
        for ((arm, wins), candidate) in self.arms.iter_mut().zip(wins).zip(candidates) {
            let known = !arm.draws.is_empty() || candidate.diverged();
            arm.probability = known.then_some(wins / draws as f64);
        }
    }

    /// How likely the arm at a position among the candidates is the best with as many other seeds.
    pub fn probability(&self, candidate: usize) -> Option<f64> {
        self.arms.get(candidate)?.probability
    }

    /// Of each candidate, the mean objective over many seeds to expect.
    pub fn expected(&self) -> Vec<Option<f64>> {
        self.arms.iter().map(|arm| Some(arm.mean?.mean)).collect()
    }

    /// Its mean objective over many seeds; none beyond all numbers.
    pub fn mean(&self, candidate: usize) -> Option<Interval> {
        self.arms.get(candidate)?.mean.filter(|mean| mean.is_finite())
    }

    /// The mean difference `a − b` that as many other seeds would show, of the arms at two positions;
    /// none beyond all numbers.
    pub fn difference(&self, a: usize, b: usize) -> Option<Interval> {
        let mean = self.mean(a)?.mean - self.mean(b)?.mean;
        let (a, b) = (&self.arms.get(a)?.draws, &self.arms.get(b)?.draws);
        let mut differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        differences.sort_by(f64::total_cmp);
        let last = differences.len().checked_sub(1)?;
        let at = |share: f64| differences[(share * last as f64).round() as usize];
        let tail = (1.0 - CONFIDENCE) / 2.0;
        let interval = Interval { mean, low: at(tail), high: at(1.0 - tail) };
        Some(interval).filter(|interval| interval.is_finite())
    }
}
