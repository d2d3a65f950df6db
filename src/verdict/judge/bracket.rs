//! The arms of one weight decay as the model takes them.

use crate::verdict::{
    input::{Candidate, TrialSummary},
    model::{self, Crossings, Observation, Place, Posterior},
};
use floodgauge_protocol::ladder::ladders;
use std::collections::BTreeMap;

/// Seeds that the model tells apart; of more, neighbours are averaged. A bound on cost, not measured: the
/// model's columns grow with the seeds, its cost with the cube of the columns.
const MAX_SEEDS_MODELLED: usize = 16;

/// What the model says of the arms of one weight decay.
pub struct Bracket {
    posterior: Posterior,
    /// Of each candidate, which arm of the model it is; none of which nothing is said.
    arms: Vec<Option<usize>>,
}

impl Bracket {
    /// Fits the model to the arms of one weight decay; none if it can't tell. `guessing` is the loss of a model
    /// that has learned nothing, in the levels' unit.
    pub fn of(candidates: &[Candidate], guessing: Option<f64>) -> Option<Self> {
        let observations: Vec<Observation> = candidates
            .iter()
            .enumerate()
            .filter(|(_, candidate)| !candidate.diverged())
            .flat_map(|(arm, candidate)| observed(arm, candidate))
            .collect();
        let ladders = ladders(candidates.iter().map(|candidate| candidate.method).enumerate());
        let is_seen = |group: &&[usize]| observations.iter().any(|o| group.contains(&o.arm));
        let groups = ladders.iter().flat_map(|ladder| parted(candidates, ladder, guessing));
        let seen: Vec<&[usize]> = groups.filter(is_seen).collect();
        // Plain comes first: what reached no level is it.
        let plain = candidates.iter().position(Candidate::is_plain)?;
        if seen.first().is_none_or(|first| first[..] != [plain]) {
            return None;
        }
        let modelled: Vec<usize> = seen.iter().flat_map(|group| group.iter().copied()).collect();
        let arms: Vec<Option<usize>> = (0..candidates.len())
            .map(|arm| modelled.iter().position(|&other| other == arm))
            .collect();
        let observations = observations.into_iter();
        let observations =
            observations.filter_map(|o| Some(Observation { arm: arms[o.arm]?, ..o }));
        let seeds = candidates[plain].trials.len();
        let (observations, seeds) = averaged(observations.collect(), seeds);
        let places = places(candidates, &seen);
        let crossings = crossings(candidates, &ladders, &modelled);
        let posterior = model::fit(places, seeds, &observations, crossings)?;
        let says = |(arm, candidate): (Option<usize>, &Candidate)| match candidate {
            of if of.diverged() => None,
            // What no seed reached is plain.
            of if of.equals_plain() => Some(0),
            _ => arm,
        };
        let arms = arms.into_iter().zip(candidates).map(says).collect();
        Some(Self { posterior, arms })
    }

    /// What it says, and of each candidate as which of its arms.
    pub fn posterior(&self) -> (&Posterior, &[Option<usize>]) {
        (&self.posterior, &self.arms)
    }

    /// The mean of each candidate over many seeds to expect, in the objective's unit, minimised; the same
    /// bits on every machine.
    pub fn expected(&self) -> impl Iterator<Item = Option<f64>> + '_ {
        self.arms.iter().map(|arm| arm.map(|arm| self.posterior.expected(arm)))
    }
}

/// The levels of a ladder below the loss of guessing, and those at or above it. Above, training is kept from learning
/// anything, so those levels say nothing of the ones below: the response isn't smooth there.
fn parted<'a>(
    candidates: &[Candidate],
    ladder: &'a [usize],
    guessing: Option<f64>,
) -> impl Iterator<Item = &'a [usize]> {
    let learns = |arm: &usize| match (candidates[*arm].method.level(), guessing) {
        (Some(level), Some(guessing)) => level < guessing,
        _ => true,
    };
    let (below, above) = ladder.split_at(ladder.partition_point(learns));
    [below, above].into_iter().filter(|part| !part.is_empty())
}

/// What was measured of an arm with each seed that it is an arm of its own with.
fn observed(arm: usize, candidate: &Candidate) -> impl Iterator<Item = Observation> + '_ {
    let has_level = candidate.method.level().is_some();
    candidate.trials.iter().enumerate().filter_map(move |(seed, trial)| {
        let seen = |value, doubt| Observation { arm, seed, value, doubt };
        match (trial.completed, trial.extrapolation) {
            (true, _) if has_level && !trial.past_onset => None,
            (true, _) => Some(seen(trial.objective?.finite()?, 0.0)),
            (false, Some(end)) => Some(seen(end.value, end.doubt)),
            (false, None) => None,
        }
    })
}

/// Where each arm of some groups stands, one group after the other.
fn places(candidates: &[Candidate], groups: &[&[usize]]) -> Vec<Place> {
    let place = |(group, arms): (usize, &&[usize])| {
        let last = arms.len() - 1;
        let at = |&arm: &usize| {
            let rank = rank(candidates, arms, arm);
            Place { group, position: (last > 0).then(|| rank as f64 / last as f64) }
        };
        arms.iter().map(at).collect::<Vec<_>>()
    };
    groups.iter().enumerate().flat_map(place).collect()
}

/// Which levels of some ladders each seed reached, of the arms `modelled`, in their order: all from the lowest on that
/// it is known to have reached and, below that, those that it didn't train to the end as the plain run.
fn crossings(candidates: &[Candidate], ladders: &[Vec<usize>], modelled: &[usize]) -> Crossings {
    let (mut lowest, mut ranks) = (vec![], vec![]);
    for ladder in ladders {
        let modelled = || ladder.iter().filter(|arm| modelled.contains(arm));
        let levels: Vec<usize> = ladder
            .iter()
            .copied()
            .filter(|&arm| candidates[arm].method.level().is_some())
            .collect();
        if levels.is_empty() {
            ranks.extend(modelled().map(|_| None));
            continue;
        }
        let of_seed = |seed: usize| {
            let ranks = |counts: fn(&TrialSummary) -> bool| {
                let trial = move |arm: usize| candidates[arm].trials.get(seed);
                let which = levels.iter().filter(move |&&arm| trial(arm).is_some_and(counts));
                which.map(|&arm| rank(candidates, ladder, arm))
            };
            let reached = ranks(|trial| trial.past_onset).min().unwrap_or(levels.len());
            let missed = ranks(TrialSummary::is_plain).filter(|rank| *rank < reached);
            missed.map(|rank| rank + 1).max().unwrap_or(0)
        };
        let seeds = 0..candidates[levels[0]].trials.len();
        ranks.extend(modelled().map(|&arm| Some((lowest.len(), rank(candidates, ladder, arm)))));
        lowest.push(seeds.map(of_seed).collect());
    }
    Crossings::new(lowest, ranks)
}

/// How many levels of a ladder are lower than an arm's.
fn rank(candidates: &[Candidate], ladder: &[usize], arm: usize) -> usize {
    let level = |arm: usize| candidates[arm].method.level();
    ladder.iter().filter(|&&other| level(other) < level(arm)).count()
}

/// Averages seeds that are neighbours, until there are few enough.
fn averaged(observations: Vec<Observation>, seeds: usize) -> (Vec<Observation>, usize) {
    if seeds <= MAX_SEEDS_MODELLED {
        return (observations, seeds);
    }
    let batch = |seed: usize| seed * MAX_SEEDS_MODELLED / seeds;
    let mut sums: BTreeMap<(usize, usize), (f64, f64, f64)> = BTreeMap::new();
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

    fn candidates(methods: &[Method], reached: &[&[bool]]) -> Vec<Candidate> {
        let trial = |past_onset: bool| TrialSummary {
            completed: true,
            past_onset,
            ..TrialSummary::default()
        };
        let arms = methods.iter().zip(0..).map(|(&method, arm)| Candidate {
            bracket: 0,
            arm: ArmIx(arm),
            method,
            weight_decay: 0.0,
            trials: reached.iter().map(|seed| trial(seed[usize::from(arm)])).collect(),
        });
        arms.collect()
    }

    fn places_of(methods: &[Method]) -> Vec<(usize, Option<f64>)> {
        let arms = candidates(methods, &[]);
        let ladders = ladders(methods.iter().copied().enumerate());
        let places = places(&arms, &ladders.iter().map(Vec::as_slice).collect::<Vec<_>>());
        places.iter().map(|place| (place.group, place.position)).collect()
    }

    #[test]
    fn levels_of_a_method_lie_from_0_to_1_and_other_arms_are_groups_of_one() {
        let flood = |b| Method::Flood { b };
        let penalty = |lambda| Method::GradientPenalty { lambda, rho: 0.05 };
        let methods = [Method::Plain, flood(0.1), flood(0.2), flood(0.3), penalty(1.0)];
        let expected = [(0, None), (1, Some(0.0)), (1, Some(0.5)), (1, Some(1.0)), (2, None)];
        assert_eq!(places_of(&methods), expected);
        let alone = [Method::Plain, penalty(0.1), Method::Softad { b: 0.1 }, penalty(1.0)];
        assert_eq!(places_of(&alone), [(0, None), (1, None), (2, None), (3, None)]);
    }

    #[test]
    fn a_seed_reached_all_levels_above_those_that_it_trained_as_the_plain_run() {
        let flood = |b| Method::Flood { b };
        let methods = [Method::Plain, flood(0.1), flood(0.2), flood(0.3)];
        let reached: [&[bool]; 2] = [&[false, false, false, true], &[false, true, true, true]];
        let arms = candidates(&methods, &reached);
        let ladders = ladders(methods.iter().copied().enumerate());
        let crossings = crossings(&arms, &ladders, &[0, 1, 2, 3]);
        assert_eq!(crossings.share(0), 1.0);
        // Of the seed beside these two, one in six lies where 0.3 is not reached.
        assert!((crossings.share(3) - 17.0 / 18.0).abs() < 1e-12);
        assert!(crossings.share(1) < crossings.share(2));
    }
}
