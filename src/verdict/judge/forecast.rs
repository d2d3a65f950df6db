//! What other seeds would show: what the model says of every arm of a sweep that has ended.

use crate::verdict::{
    confidence::CONFIDENCE,
    input::{Candidate, Standing},
    model::{self, Interval, Observation, Place, Posterior},
};
use floodgauge_protocol::ladder::ladders;

/// Seeds that the model tells apart; of more, neighbours are averaged. A bound on cost, not measured: the
/// model's columns grow with the seeds, its cost with the cube of the columns.
const MAX_SEEDS_MODELLED: usize = 16;

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
    /// of a sweep are of the same seeds, draw by draw.
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
        let others = standing.seeds as usize;
        let mut arms = vec![];
        for of in standing.brackets() {
            let posterior = fit_bracket(of, others, of[0].bracket as u64);
            arms.extend(of.iter().enumerate().map(|(arm, candidate)| {
                let Some(posterior) = posterior.as_ref().filter(|_| !candidate.diverged()) else {
                    return ArmForecast::default();
                };
                // What never had its onset is the plain run, which comes first.
                let from = if candidate.equals_plain() { 0 } else { arm };
                ArmForecast {
                    mean: Some(posterior.means[from]),
                    draws: posterior.draws[from].clone(),
                    probability: None,
                }
            }));
        }
        let mut forecast = Self { arms };
        forecast.count_wins(&standing.candidates);
        forecast
    }

    /// Counts in how many draws each arm is the best; arms that are the plain run share its part.
    fn count_wins(&mut self, candidates: &[Candidate]) {
        let draws = self.arms.iter().map(|arm| arm.draws.len()).max().unwrap_or(0);
        if draws == 0 {
            return;
        }
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

    /// Its mean objective over many seeds; none beyond all numbers.
    pub fn mean(&self, candidate: usize) -> Option<Interval> {
        self.arms.get(candidate)?.mean.filter(|mean| mean.is_finite())
    }

    /// The mean difference `a − b` that as many other seeds would show, of the arms at two positions;
    /// none beyond all numbers.
    pub fn difference(&self, a: usize, b: usize) -> Option<Interval> {
        let (a, b) = (&self.arms.get(a)?.draws, &self.arms.get(b)?.draws);
        let mut differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        if differences.is_empty() {
            return None;
        }
        differences.sort_by(f64::total_cmp);
        let last = differences.len() - 1;
        let at = |share: f64| differences[(share * last as f64).round() as usize];
        let tail = (1.0 - CONFIDENCE) / 2.0;
        let mean = differences.iter().sum::<f64>() / differences.len() as f64;
        let interval = Interval { mean, low: at(tail), high: at(1.0 - tail) };
        Some(interval).filter(|interval| interval.is_finite())
    }
}

/// Fits the model to the arms of one weight decay, and draws what `others` other seeds would show.
fn fit_bracket(of: &[Candidate], others: usize, stream: u64) -> Option<Posterior> {
    let seeds = of.iter().map(|candidate| candidate.trials.len()).max()?;
    let observations: Vec<Observation> = of
        .iter()
        .enumerate()
        .filter(|(_, candidate)| !candidate.equals_plain() && !candidate.diverged())
        .flat_map(|(arm, candidate)| observed(arm, candidate))
        .collect();
    let (observations, seeds) = averaged(observations, seeds);
    model::fit(places(of), seeds, &observations, others, stream)
}

/// What was measured of an arm with each seed.
fn observed(arm: usize, candidate: &Candidate) -> impl Iterator<Item = Observation> + '_ {
    candidate.trials.iter().enumerate().filter_map(move |(seed, trial)| {
        let seen = |value, doubt| Observation { arm, seed, value, doubt };
        match (trial.completed, trial.extrapolation) {
            (true, _) => Some(seen(trial.objective?.finite()?, 0.0)),
            (false, Some(end)) => Some(seen(end.value, end.doubt)),
            (false, None) => None,
        }
    })
}

/// Where each arm stands: each ladder of levels is a group, and so is each arm without a level.
fn places(of: &[Candidate]) -> Vec<Place> {
    let level = |arm: usize| of[arm].method.level();
    let mut places = vec![Place { group: 0, position: None }; of.len()];
    let ladders = ladders(of.iter().map(|candidate| candidate.method).enumerate());
    for (group, ladder) in ladders.iter().enumerate() {
        let last = ladder.len() - 1;
        for &arm in ladder {
            let lower = ladder.iter().filter(|&&other| level(other) < level(arm)).count();
            let position = (last > 0).then(|| lower as f64 / last as f64);
            places[arm] = Place { group, position };
        }
    }
    places
}

/// Averages seeds that are neighbours, until there are few enough.
fn averaged(observations: Vec<Observation>, seeds: usize) -> (Vec<Observation>, usize) {
    if seeds <= MAX_SEEDS_MODELLED {
        return (observations, seeds);
    }
    let batch = |seed: usize| seed * MAX_SEEDS_MODELLED / seeds;
    let mut sums: std::collections::BTreeMap<(usize, usize), (f64, f64, f64)> = Default::default();
    for seen in &observations {
        let sum = sums.entry((seen.arm, batch(seen.seed))).or_default();
        (sum.0, sum.1, sum.2) = (sum.0 + seen.value, sum.1 + seen.doubt, sum.2 + 1.0);
    }
    let mean = |((arm, seed), (value, doubt, n))| Observation {
        arm,
        seed,
        value: value / n,
        doubt: doubt / n,
    };
    (sums.into_iter().map(mean).collect(), MAX_SEEDS_MODELLED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_protocol::{ArmIx, Method};

    fn places_of(methods: &[Method]) -> Vec<(usize, Option<f64>)> {
        let arms = methods.iter().zip(0..).map(|(&method, arm)| Candidate {
            bracket: 0,
            arm: ArmIx(arm),
            method,
            weight_decay: 0.0,
            trials: vec![],
        });
        let arms: Vec<_> = arms.collect();
        places(&arms).iter().map(|place| (place.group, place.position)).collect()
    }

    #[test]
    fn levels_of_a_method_lie_from_0_to_1_and_other_arms_are_groups_of_one() {
        let flood = |b| Method::Flood { b };
        let penalty = |lambda| Method::GradientPenalty { lambda, rho: 0.05 };
        let methods = [Method::Plain, flood(0.1), flood(0.3), flood(0.2), penalty(1.0)];
        let expected = [(0, None), (1, Some(0.0)), (1, Some(1.0)), (1, Some(0.5)), (2, None)];
        assert_eq!(places_of(&methods), expected);
        let alone = [Method::Plain, penalty(0.1), Method::Softad { b: 0.1 }, penalty(1.0)];
        assert_eq!(places_of(&alone), [(0, None), (1, None), (2, None), (3, None)]);
    }
}
