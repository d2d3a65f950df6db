//! How sure: what the model says of every arm of a sweep that has ended.

use super::{
    candidate::Candidate,
    leader::Standing,
    model::{self, Interval, Observation, Place, Posterior},
};
use floodgauge_protocol::{ArmIx, Metric, ladder::ladders};

/// Seeds that the model tells apart; of more, neighbours are averaged.
const MAX_SEEDS: usize = 16;

/// What the model says of each candidate, in their order.
#[derive(Clone, Debug, Default)]
pub struct Sureness {
    arms: Vec<Known>,
}

/// What it says of one.
#[derive(Clone, Debug, Default)]
struct Known {
    mean: Option<Interval>,
    draws: Vec<f64>,
    chance: Option<f64>,
}

impl Sureness {
    /// Asks the model; it knows nothing before the end, and with one seed.
    pub fn of(standing: &Standing) -> Self {
        if !standing.ended || standing.seeds < 2 || all_tie(standing) {
            return Self::default();
        }
        let candidates = &standing.candidates;
        let mut arms = vec![Known::default(); candidates.len()];
        let others = standing.seeds as usize;
        let mut first = 0;
        for of in candidates.chunk_by(|a, b| a.bracket == b.bracket) {
            let known = ask(of, others, of[0].bracket as u64);
            for (place, candidate) in of.iter().enumerate().filter(|(_, c)| !diverged(c)) {
                let Some(posterior) = &known else { break };
                // What never departed from plain is the plain run.
                let from = if rode(candidate) { 0 } else { place };
                arms[first + place] = Known {
                    mean: Some(posterior.means[from]),
                    draws: posterior.draws[from].clone(),
                    chance: None,
                };
            }
            first += of.len();
        }
        let mut sureness = Self { arms };
        sureness.count(candidates);
        sureness
    }

    /// Counts in how many draws each arm is the best; arms that are the plain run share its part.
    fn count(&mut self, candidates: &[Candidate]) {
        let draws = self.arms.iter().map(|arm| arm.draws.len()).max().unwrap_or(0);
        if draws == 0 {
            return;
        }
        let mut wins = vec![0.0; self.arms.len()];
        for draw in 0..draws {
            let value = |arm: &Known| arm.draws.get(draw).copied().unwrap_or(f64::INFINITY);
            let least = self.arms.iter().map(value).fold(f64::INFINITY, f64::min);
            let winners: Vec<usize> =
                (0..wins.len()).filter(|&arm| value(&self.arms[arm]) == least).collect();
            for &winner in &winners {
                wins[winner] += 1.0 / winners.len() as f64;
            }
        }
        for ((arm, wins), candidate) in self.arms.iter_mut().zip(wins).zip(candidates) {
            let known = !arm.draws.is_empty() || diverged(candidate);
            arm.chance = known.then_some(wins / draws as f64);
        }
    }

    /// How likely a candidate, by its position, is the best with as many other seeds.
    pub fn chance(&self, candidate: usize) -> Option<f64> {
        self.arms.get(candidate)?.chance
    }

    /// What its mean over many seeds is.
    pub fn mean(&self, candidate: usize) -> Option<Interval> {
        self.arms.get(candidate)?.mean
    }

    /// The mean difference `a − b` that as many other seeds would show.
    pub fn difference(&self, a: usize, b: usize) -> Option<Interval> {
        let (a, b) = (&self.arms.get(a)?.draws, &self.arms.get(b)?.draws);
        let mut differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        if differences.is_empty() {
            return None;
        }
        differences.sort_by(f64::total_cmp);
        let last = differences.len() - 1;
        let at = |share: f64| differences[(share * last as f64).round() as usize];
        let tail = (1.0 - model::CONFIDENCE) / 2.0;
        let mean = differences.iter().sum::<f64>() / differences.len() as f64;
        Some(Interval { mean, low: at(tail), high: at(1.0 - tail) })
    }
}

/// Whether all arms that were trained to the end are the same run by this objective, bit for bit.
pub fn all_tie(standing: &Standing) -> bool {
    standing.candidates.chunk_by(|a, b| a.bracket == b.bracket).all(|of| {
        let whole = || of.iter().filter(|c| c.seeds() as usize == c.runs.len());
        let first: Vec<_> = whole().take(1).flat_map(Candidate::scores).collect();
        whole().count() > 1 && whole().all(|c| c.scores().eq(first.iter().copied()))
    })
}

/// Whether it is the plain run with every seed, by being trained to the end without ever departing.
fn rode(candidate: &Candidate) -> bool {
    candidate.arm != ArmIx::PLAIN && candidate.runs.iter().all(|run| run.completed && !run.crossed)
}

fn diverged(candidate: &Candidate) -> bool {
    candidate.scores().flatten().any(|score| score == Metric::Diverged)
        || candidate.runs.iter().any(|run| run.diverged)
}

/// Fits the model to the arms of one weight decay.
fn ask(of: &[Candidate], others: usize, stream: u64) -> Option<Posterior> {
    let seeds = of.iter().map(|candidate| candidate.runs.len()).max()?;
    let observations: Vec<Observation> = of
        .iter()
        .enumerate()
        .filter(|(_, candidate)| !rode(candidate) && !diverged(candidate))
        .flat_map(|(arm, candidate)| observed(arm, candidate))
        .collect();
    let (observations, seeds) = averaged(observations, seeds);
    model::fit(places(of), seeds, &observations, others, stream)
}

/// What was measured of an arm with each seed.
fn observed(arm: usize, candidate: &Candidate) -> impl Iterator<Item = Observation> + '_ {
    candidate.runs.iter().enumerate().filter_map(move |(seed, run)| {
        let seen = |value, doubt| Observation { arm, seed, value, doubt };
        match (run.completed, run.probe) {
            (true, _) => Some(seen(run.score?.finite()?, 0.0)),
            (false, Some(probe)) => Some(seen(probe.value, probe.doubt)),
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
    if seeds <= MAX_SEEDS {
        return (observations, seeds);
    }
    let batch = |seed: usize| seed * MAX_SEEDS / seeds;
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
    (sums.into_iter().map(mean).collect(), MAX_SEEDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_protocol::Method;

    fn places_of(methods: &[Method]) -> Vec<(usize, Option<f64>)> {
        let arms = methods.iter().zip(0..).map(|(&method, arm)| Candidate {
            bracket: 0,
            arm: ArmIx(arm),
            method,
            weight_decay: 0.0,
            runs: vec![],
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
