//! What holds of every answer, over random worlds: some drawn from a model of responses, some from recorded
//! grids by drawing their seeds anew.

use super::{calibration, *};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use std::sync::LazyLock;

/// Worlds of each kind.
const WORLDS: u64 = 1_000;

/// What was trained of a level in a world.
#[derive(Clone, Copy)]
enum Trained {
    Whole,
    Probed,
    Not,
}

/// A world's random numbers.
struct Dice(ChaCha8Rng);

impl Dice {
    fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }

    fn trained(&mut self) -> Trained {
        [Trained::Whole, Trained::Whole, Trained::Probed, Trained::Not][self.below(4)]
    }
}

/// A trial of a level that was reached, or is the plain run.
fn trial(value: f64, plain: f64, reached: bool, trained: Trained, dice: &mut Dice) -> TrialSummary {
    let whole = TrialSummary {
        epochs: 10,
        completed: true,
        past_onset: reached,
        objective: Some(Metric::from(if reached { value } else { plain })),
        ..TrialSummary::default()
    };
    match trained {
        _ if !reached => whole,
        Trained::Whole => whole,
        Trained::Probed => TrialSummary {
            epochs: 4,
            completed: false,
            pruned: true,
            extrapolation: Some(Extrapolation {
                value: value + 0.02 * dice.normal(),
                doubt: 0.001 + 0.05 * dice.0.random::<f64>(),
            }),
            ..whole
        },
        Trained::Not => TrialSummary::default(),
    }
}

/// A world of the model's kind: a smooth response, seeds that deviate, levels that some seeds don't reach.
fn drawn(stream: u64) -> Standing {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(stream));
    let (levels, seeds) = (1 + dice.below(14), 2 + dice.below(5));
    let (depth, noise) = (0.3 * dice.normal(), 0.002 + 0.1 * dice.0.random::<f64>());
    let (apart, middle) = (0.2 * dice.normal(), dice.0.random::<f64>());
    let lowest: Vec<usize> = {
        let about = dice.below(levels + 1);
        (0..seeds).map(|_| (about + dice.below(3)).saturating_sub(1)).collect()
    };
    let offsets: Vec<(f64, f64)> =
        (0..seeds).map(|_| (0.1 * dice.normal(), 0.05 * dice.normal())).collect();
    let plain: Vec<f64> =
        offsets.iter().map(|(of_seed, _)| 1.0 + of_seed + noise * dice.normal()).collect();
    let mut candidates = vec![candidate(0, None, &plain)];
    for rank in 0..levels {
        let x = rank as f64 / levels as f64;
        let response = 1.0 + apart + depth * (x - middle).abs();
        let trained = dice.trained();
        let trials = (0..seeds).map(|seed| {
            let (of_seed, of_levels) = offsets[seed];
            let value = response + of_seed + of_levels + noise * dice.normal();
            trial(value, plain[seed], lowest[seed] <= rank, trained, &mut dice)
        });
        let trials = trials.collect();
        let b = (rank + 1) as f64 / 20.0;
        candidates.push(Candidate { trials, ..candidate(rank as u16 + 1, Some(b), &[]) });
    }
    if dice.chance(0.1) {
        let arm = 1 + dice.below(levels);
        let of = &mut candidates[arm].trials[dice.below(seeds)];
        (of.diverged, of.completed, of.objective) = (true, false, Some(Metric::Diverged));
    }
    if dice.chance(0.5) {
        candidates[0].trials.iter_mut().for_each(|trial| trial.train_loss = Some(0.2));
    }
    standing(candidates)
}

/// A recorded grid with seeds drawn anew, of which some levels were trained in part.
fn resampled(stream: u64) -> Standing {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(stream));
    let tasks = calibration::tasks();
    let task = &tasks[dice.below(tasks.len())];
    let names: Vec<&String> = task.objectives.keys().collect();
    let of = &task.objectives[names[dice.below(names.len())]];
    let seeds: Vec<usize> = (0..2 + dice.below(3)).map(|_| dice.below(of.len())).collect();
    let plain: Vec<f64> = seeds.iter().map(|&seed| of[seed][0]).collect();
    let mut candidates = vec![candidate(0, None, &plain)];
    for arm in 1..task.levels.len() {
        let trained = dice.trained();
        let trials = seeds.iter().map(|&seed| {
            trial(of[seed][arm], of[seed][0], task.crossed[seed][arm], trained, &mut dice)
        });
        let trials = trials.collect();
        candidates.push(Candidate { trials, ..candidate(arm as u16, task.levels[arm], &[]) });
    }
    standing(candidates)
}

/// All worlds with their answers, which all tests share.
fn worlds() -> impl Iterator<Item = (&'static Standing, &'static Best)> {
    static JUDGED: LazyLock<Vec<(Standing, Best)>> = LazyLock::new(|| {
        let worlds = (0..WORLDS).flat_map(|stream| [drawn(stream), resampled(stream)]);
        worlds.map(|standing| (standing.clone(), judge(&standing))).collect()
    });
    JUDGED.iter().map(|(standing, best)| (standing, best))
}

/// The candidates with what is said of them.
fn said<'a>(
    standing: &'a Standing,
    best: &'a Best,
) -> impl Iterator<Item = (&'a Candidate, &'a ArmOutlook)> {
    standing.candidates.iter().zip(&best.probabilities)
}

#[test]
fn no_arm_that_every_seed_trained_has_a_better_expectation_than_the_answer() {
    let mut by_expectation = 0;
    for (standing, best) in worlds() {
        let Some(answer) = &best.best else { continue };
        let finished = said(standing, best).filter(|(arm, _)| arm.finished() && !arm.diverged());
        let finished: Vec<_> = finished.collect();
        let (_, of_answer) = finished.iter().find(|(arm, _)| arm.arm == answer.arm.ix).unwrap();
        let Some(expected) = of_answer.fitted else { continue };
        by_expectation += 1;
        for (arm, outlook) in &finished {
            assert!(outlook.fitted.unwrap() >= expected, "{} and {answer:?}", arm.method);
        }
    }
    assert!(by_expectation > WORLDS, "{by_expectation} worlds had a model");
}

#[test]
fn the_interval_holds_the_difference_that_is_stated() {
    let mut stated = 0;
    for (_, best) in worlds() {
        let Some(difference) = &best.difference else { continue };
        let Some((low, high)) = difference.low.zip(difference.high) else { continue };
        stated += 1;
        assert!((low..=high).contains(&difference.stated()), "{difference:?}");
    }
    assert!(stated > WORLDS, "{stated} worlds had an interval");
}

#[test]
fn the_probabilities_of_all_arms_sum_to_one() {
    let mut told = 0;
    for (_, best) in worlds() {
        let chances: Vec<f64> =
            best.probabilities.iter().filter_map(|outlook| outlook.probability).collect();
        if !chances.is_empty() {
            told += 1;
            assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{chances:?}");
        }
    }
    assert!(told > WORLDS, "{told} worlds had probabilities");
}

#[test]
fn an_arm_that_is_much_more_probable_than_the_answer_leaves_it_open() {
    let mut open = 0;
    for (_, best) in worlds() {
        let Some(of_answer) = best.best.as_ref().and_then(|answer| answer.probability) else {
            continue;
        };
        let most = best.probabilities.iter().filter_map(|outlook| outlook.probability);
        if most.fold(0.0, f64::max) > 2.0 * of_answer && !never_reached(best) {
            open += 1;
            assert_eq!(best.finding, Finding::Uncertain, "{}", best.verdict);
        }
    }
    assert!(open > WORLDS / 50, "{open} worlds were open");
}

fn never_reached(best: &Best) -> bool {
    matches!(best.finding, Finding::NeverReached | Finding::BestPrecedesOnset)
}

#[test]
fn advised_levels_are_new_or_were_not_trained_with_every_seed() {
    let mut advised = [0, 0];
    for (standing, best) in worlds() {
        let Some(advice) = &best.advice else { continue };
        for &level in &advice.levels {
            let at = |c: &&Candidate| c.method.level() == Some(level);
            let known = standing.candidates.iter().find(at);
            advised[usize::from(known.is_some())] += 1;
            assert!(level > 0.0 && level.is_finite());
            assert!(known.is_none_or(Candidate::can_be_finished), "{level} is there already");
        }
    }
    assert!(advised.iter().all(|count| *count > 0), "{advised:?}");
}

#[test]
fn a_metric_that_is_better_when_higher_mirrors_everything() {
    for (standing, best) in worlds().step_by(5) {
        let objective = Judged { direction: Direction::Max, ..standing.objective };
        let mirrored = judge(&Standing { objective, ..standing.clone() });
        let arm = |best: &Best| best.best.as_ref().map(|best| (best.arm.clone(), best.probability));
        assert_eq!(arm(best), arm(&mirrored));
        assert_eq!(best.finding, mirrored.finding);
        assert_eq!(best.advice, mirrored.advice);
        let (Some(one), Some(other)) = (&best.difference, &mirrored.difference) else { continue };
        assert_eq!(one.mean, -other.mean);
        assert_eq!(one.low.zip(one.high), other.high.zip(other.low).map(|(a, b)| (-a, -b)));
    }
}
