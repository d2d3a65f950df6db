use super::*;
use floodgauge_protocol::{ArmIx, At, Direction, Method, Metric, MetricName};
use proptest::{collection::vec, option, prelude::*};

mod against;
mod calibration;
mod failed;
mod given_up;
mod guessing;
mod invariants;

/// An arm that every seed trained to the end.
fn candidate(arm: u16, b: Option<f64>, objectives: &[f64]) -> Candidate {
    let trial = |&objective: &f64| TrialSummary {
        epochs: 10,
        completed: true,
        diverged: !objective.is_finite(),
        past_onset: b.is_some(),
        objective: Some(Metric::from(objective)),
        other: Some(Metric::from(objective)),
        ..TrialSummary::default()
    };
    Candidate {
        bracket: 0,
        arm: ArmIx(arm),
        method: b.map_or(Method::Plain, |b| Method::Flood { b }),
        weight_decay: 0.0,
        trials: objectives.iter().map(trial).collect(),
    }
}

/// The same arm with each trial changed.
fn but(mut candidate: Candidate, change: impl Fn(&mut TrialSummary)) -> Candidate {
    candidate.trials.iter_mut().for_each(change);
    candidate
}

/// A metric that is better when lower.
fn judged(name: MetricName) -> Judged {
    Judged { name, direction: Direction::Min }
}

fn standing(candidates: Vec<Candidate>) -> Standing {
    Standing {
        objective: judged(MetricName::val_loss()),
        at: At::Last,
        other: Some(judged(MetricName::val_error())),
        levels: candidates.iter().filter_map(|c| c.method.level()).collect(),
        untrained: 0,
        seeds: candidates[0].trials.len() as u32,
        others: candidates[0].trials.len() as u32,
        decided: true,
        ended: true,
        given_up: false,
        epochs: 10,
        noise_floor: None,
        guessing: None,
        validation_samples: None,
        run_equivalents: RunEquivalents {
            spent: 3.0,
            full_grid: 3.0,
            saved_by_sharing: 0.0,
            saved_by_pruning: 0.0,
            redone: 0.0,
            left_behind: 0.0,
        },
        candidates,
    }
}

#[test]
fn the_lowest_mean_wins_and_is_compared_with_plain() {
    let best = judge(&standing(vec![
        candidate(0, None, &[0.30, 0.32, 0.31]),
        candidate(1, Some(0.1), &[0.20, 0.24, 0.22]),
        candidate(2, Some(0.2), &[0.25, 0.25, 0.25]),
    ]));
    let difference = best.difference.unwrap();
    assert_eq!(best.best.unwrap().arm.b, Some(0.1));
    assert!((difference.mean + 0.09).abs() < 1e-12);
    assert_eq!(difference.seeds, 3);
    let (low, high) = (difference.low.unwrap(), difference.high.unwrap());
    assert!(low < -0.09 && -0.09 < high && high < 0.0, "{low} {high}");
    assert_eq!(best.finding, Finding::Helps);
    assert!(best.verdict.starts_with("Flooding helps: flood b=0.1 has"), "{}", best.verdict);
}

#[test]
fn while_it_runs_the_difference_has_the_interval_of_student() {
    let mut standing =
        standing(vec![candidate(0, None, &[0.30, 0.32]), candidate(1, Some(0.1), &[0.20, 0.24])]);
    standing.ended = false;
    let best = judge(&standing);
    let difference = best.difference.unwrap();
    // Student's t at 95 % with one degree of freedom is 6.3138; the standard error is 0.01, and that
    // of the difference to the mean over two other seeds √2 times as much.
    let half = 0.063138 * 2f64.sqrt();
    assert!((difference.high.unwrap() + 0.09 - half).abs() < 1e-5);
    assert_eq!((best.finding, best.probabilities[1].probability), (Finding::Pending, None));
}

#[test]
fn one_seed_has_neither_interval_nor_probability() {
    let best = judge(&standing(vec![candidate(0, None, &[0.3]), candidate(1, Some(0.1), &[0.2])]));
    let difference = best.difference.unwrap();
    assert_eq!((difference.low, difference.high), (None, None));
    assert_eq!(best.best.unwrap().probability, None);
    assert_eq!(best.finding, Finding::OneSeed);
    assert!(best.verdict.contains("One seed"), "{}", best.verdict);
    assert_eq!(best.advice.unwrap().command, "floodgauge extend ID --seeds 2");
}

/// Plain at 1, levels 0.1 to 0.8 in a bowl whose lowest is at 0.4, with noise by `jitter`.
fn bowl(depth: f64, jitter: f64) -> Standing {
    let noise = |arm: u16, seed: u16| jitter * (f64::from((arm * 7 + seed * 3) % 5) - 2.0);
    let value = |arm: u16, seed: u16| match arm {
        0 => 1.0 + noise(0, seed),
        _ => 1.0 - depth + 0.02 * depth * (f64::from(arm) - 4.0).powi(2) + noise(arm, seed),
    };
    let scores = |arm| (0..3).map(|seed| value(arm, seed)).collect::<Vec<_>>();
    let arm = |arm: u16| candidate(arm, (arm > 0).then(|| f64::from(arm) / 10.0), &scores(arm));
    standing((0..9).map(arm).collect())
}

#[test]
fn probabilities_are_of_all_arms_and_add_up_to_one() {
    let best = judge(&bowl(0.5, 0.005));
    let chances: Vec<f64> = best.probabilities.iter().map(|arm| arm.probability.unwrap()).collect();
    assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(chances[4] > 0.3 && chances[0] < 0.01, "{chances:?}");
    let at = |arm: usize| best.probabilities[arm].clone();
    assert!(chances[3] + chances[5] > 10.0 * (chances[1] + chances[8]), "{chances:?}");
    for arm in 0..9 {
        let (low, fitted, high) =
            (at(arm).low.unwrap(), at(arm).fitted.unwrap(), at(arm).high.unwrap());
        assert!(low < fitted && fitted < high);
        let measured = at(arm).objective.unwrap().finite().unwrap();
        assert!((fitted - measured).abs() < 0.02, "{arm}: {fitted} {measured}");
    }
    assert_eq!(judge(&bowl(0.5, 0.005)), best, "the same standing, the same answer");
}

#[test]
fn a_level_that_was_not_trained_is_judged_by_its_neighbours() {
    let mut standing = bowl(0.5, 0.005);
    standing.candidates[4].trials = vec![TrialSummary::default(); 3];
    let best = judge(&standing);
    let between = &best.probabilities[4];
    assert_eq!((between.evidence, between.objective), (Evidence::Untrained, None));
    assert!((between.fitted.unwrap() - 0.5).abs() < 0.03, "{between:?}");
    assert!(between.probability.unwrap() > 0.2, "{between:?}");
}

#[test]
fn a_run_that_ended_early_counts_less_than_one_to_the_end() {
    let fitted = |doubt: f64| {
        let mut standing = bowl(0.5, 0.005);
        let extrapolation = Some(Extrapolation { value: 0.7, doubt });
        let ended_early = TrialSummary { epochs: 3, extrapolation, ..TrialSummary::default() };
        standing.candidates[4].trials = vec![ended_early; 3];
        let best = judge(&standing);
        assert_eq!(best.probabilities[4].evidence, Evidence::Probed);
        best.probabilities[4].fitted.unwrap()
    };
    let (sure, unsure) = (fitted(0.001), fitted(1.0));
    assert!(sure > unsure + 0.01 && (unsure - 0.5).abs() < 0.03, "{sure} {unsure}");
}

#[test]
fn where_seeds_disagree_it_is_said_how_many_more_would_tell() {
    let best = judge(&standing(vec![
        candidate(0, None, &[0.30, 0.34, 0.32]),
        candidate(1, Some(0.1), &[0.31, 0.27, 0.28]),
        candidate(2, Some(0.2), &[0.32, 0.30, 0.29]),
        candidate(3, Some(0.3), &[0.35, 0.33, 0.34]),
    ]));
    assert_eq!(best.finding, Finding::Uncertain);
    assert!(best.verdict.contains(". 3 seeds are too few to tell; "), "{}", best.verdict);
}

#[test]
fn when_all_levels_are_worse_flooding_does_not_help() {
    let best = judge(&standing(vec![
        candidate(0, None, &[0.30, 0.31, 0.32]),
        candidate(1, Some(0.1), &[0.40, 0.41, 0.42]),
        candidate(2, Some(0.2), &[0.50, 0.51, 0.52]),
    ]));
    assert_eq!(best.finding, Finding::DoesNotHelp);
    assert!(best.verdict.starts_with("Flooding does not help: no level"), "{}", best.verdict);
    assert_eq!(best.advice, None);
}

#[test]
fn the_closest_to_plain_is_one_that_was_reached() {
    let best = judge(&standing(vec![
        candidate(0, None, &[0.3]),
        never_reached(1, 0.1, &[0.3]),
        candidate(2, Some(0.2), &[0.4]),
    ]));
    assert!(best.verdict.contains(" The closest, flood b=0.2, has 0.4000."), "{}", best.verdict);
}

#[test]
fn where_all_runs_are_the_same_by_their_best_epoch_no_winner_is_named() {
    let mut standing = standing(
        (0..3).map(|arm| candidate(arm, (arm > 0).then(|| f64::from(arm)), &[1.2, 1.1])).collect(),
    );
    standing.at = At::Best;
    let best = judge(&standing);
    assert_eq!(best.finding, Finding::BestPrecedesOnset);
    assert!(best.verdict.starts_with("Every best epoch precedes every onset"), "{}", best.verdict);
    assert!(best.probabilities.iter().all(|arm| arm.probability.is_none()));
    assert_eq!((best.best.unwrap().arm.b, best.advice), (None, None));
}

#[test]
fn a_metric_that_prefers_another_arm_is_told_of() {
    let mut standing = standing(vec![
        candidate(0, None, &[0.30, 0.32]),
        candidate(1, Some(0.1), &[0.20, 0.24]),
        candidate(2, Some(0.2), &[0.25, 0.25]),
    ]);
    for (arm, other) in [(0, 0.05), (1, 0.06), (2, 0.07)] {
        for trial in &mut standing.candidates[arm].trials {
            trial.other = Some(Metric::Finite(other));
        }
    }
    let best = judge(&standing);
    assert_eq!(best.other_metric.unwrap().prefers, Preference::Plain);
    assert!(best.verdict.contains("By val_error, plain is best"), "{}", best.verdict);
}

#[test]
fn levels_are_advised_beyond_the_edge_and_above_a_loss_that_no_level_reaches() {
    let best = judge(&standing(vec![
        candidate(0, None, &[0.3]),
        candidate(1, Some(0.1), &[0.25]),
        candidate(2, Some(0.2), &[0.2]),
    ]));
    let advice = best.advice.unwrap();
    assert_eq!(advice.command, "floodgauge extend ID --levels 0.3,0.4,0.5,0.6");
    let plain = but(candidate(0, None, &[0.3]), |trial| trial.train_loss = Some(0.4));
    let best = judge(&standing(vec![plain, never_reached(1, 0.1, &[0.3])]));
    assert_eq!(best.finding, Finding::NeverReached);
    let advice = best.advice.unwrap();
    assert_eq!(advice.levels, [0.5, 0.625, 0.7812, 0.9766]);
}

#[test]
fn advice_names_the_sweep_once_that_is_known() {
    let best = judge(&standing(vec![candidate(0, None, &[0.3]), candidate(1, Some(0.1), &[0.2])]));
    let id = "019b76da-a800-7000-8000-000000000000";
    let best = best.of_sweep(id.parse().unwrap());
    assert_eq!(best.advice.unwrap().command, format!("floodgauge extend {id} --seeds 2"));
}

#[test]
fn a_tie_goes_to_plain_and_says_that_no_level_was_reached() {
    let never = never_reached(1, 0.1, &[0.3]);
    let best = judge(&standing(vec![candidate(0, None, &[0.3]), never]));
    assert_eq!(best.best.unwrap().arm.b, None);
    assert!(
        best.verdict.contains("never fell below any flood level, so every arm"),
        "{}",
        best.verdict
    );
}

#[test]
fn the_edge_of_the_grid_is_named() {
    let best = judge(&standing(vec![
        candidate(0, None, &[0.3]),
        candidate(1, Some(0.1), &[0.25]),
        candidate(2, Some(0.2), &[0.2]),
    ]));
    assert!(best.verdict.contains("highest level"), "{}", best.verdict);
}

#[test]
fn a_diverged_arm_never_leads() {
    let best =
        judge(&standing(vec![candidate(0, None, &[0.3]), candidate(1, Some(0.1), &[f64::NAN])]));
    assert_eq!(best.best.unwrap().arm.b, None);
    let best = judge(&standing(vec![candidate(0, None, &[f64::NAN])]));
    assert!(best.best.is_none() && best.verdict.contains("diverged"), "{}", best.verdict);
}

#[test]
fn arms_that_were_not_trained_to_the_end_do_not_compete_with_those_that_were() {
    let pruned = pruned_early(1, 0.1, &[0.1]);
    let best =
        judge(&standing(vec![candidate(0, None, &[0.3]), pruned, candidate(2, Some(0.2), &[0.2])]));
    assert_eq!(best.best.unwrap().arm.b, Some(0.2));
}

fn pruned_early(arm: u16, b: f64, objectives: &[f64]) -> Candidate {
    but(candidate(arm, Some(b), objectives), |trial| {
        (trial.completed, trial.pruned, trial.past_onset) = (false, true, false);
        trial.epochs = 3;
    })
}

fn never_reached(arm: u16, b: f64, objectives: &[f64]) -> Candidate {
    but(candidate(arm, Some(b), objectives), |trial| trial.past_onset = false)
}

#[test]
fn levels_pruned_before_they_were_reached_are_owned_up_to_in_place_of_a_hint_at_the_edge() {
    let best = judge(&standing(vec![
        candidate(0, None, &[0.3, 0.3]),
        candidate(1, Some(0.1), &[0.2, 0.2]),
        pruned_early(2, 0.2, &[0.9, 0.9]),
    ]));
    assert!(best.verdict.contains("1 level was pruned before"), "{}", best.verdict);
    assert!(!best.verdict.contains("of the grid"), "{}", best.verdict);
    let chance = best.best.unwrap().probability.unwrap();
    assert!(chance < 0.8, "the pruned one may do better: {chance}");
}

#[test]
fn a_plain_winner_beside_pruned_levels_does_not_claim_that_none_was_reached() {
    let never = never_reached(1, 0.1, &[0.3]);
    let plain = candidate(0, None, &[0.3]);
    let best = judge(&standing(vec![plain, never, pruned_early(2, 0.2, &[0.9])]));
    assert!(
        best.verdict.contains("below any flood level that was trained to the end"),
        "{}",
        best.verdict
    );
}

#[test]
fn the_weight_decay_is_named_where_there_are_several() {
    let mut other = candidate(1, Some(0.1), &[0.2]);
    (other.bracket, other.weight_decay) = (1, 0.01);
    let best = judge(&standing(vec![candidate(0, None, &[0.3]), other]));
    assert!(best.verdict.contains("flood b=0.1 with weight decay 0.01"), "{}", best.verdict);
}

#[test]
fn levels_that_nobody_trained_are_told_of() {
    let levels = [untrained(2, 0.05), candidate(1, Some(0.1), &[0.2]), untrained(3, 0.15)];
    let mut standing = standing([&[candidate(0, None, &[0.3])], &levels[..]].concat());
    standing.untrained = 2;
    let verdict = judge(&standing).verdict;
    assert!(verdict.contains("2 of 3 levels were estimated"), "{verdict}");
}

#[test]
fn levels_that_nobody_trained_are_counted_of_each_method() {
    let flood = [untrained(2, 0.05), candidate(1, Some(0.1), &[0.2]), untrained(3, 0.15)];
    let softad = flood.clone().map(|arm| {
        let b = arm.method.level().unwrap();
        Candidate { arm: ArmIx(arm.arm.0 + 3), method: Method::Softad { b }, ..arm }
    });
    let mut standing = standing([&[candidate(0, None, &[0.3])], &flood[..], &softad[..]].concat());
    (standing.levels, standing.untrained) = (vec![0.05, 0.1, 0.15], 4);
    let verdict = judge(&standing).verdict;
    assert!(verdict.contains("4 of 6 levels were estimated"), "{verdict}");
}

fn untrained(arm: u16, b: f64) -> Candidate {
    but(candidate(arm, Some(b), &[0.0]), |trial| *trial = TrialSummary::default())
}

#[test]
fn plain_that_no_level_was_trained_as_far_as_is_compared_with_nothing() {
    let part = but(candidate(1, Some(0.1), &[0.2, 0.3]), |trial| {
        (trial.epochs, trial.completed) = (4, false);
    });
    let whole = judge(&standing(vec![candidate(0, None, &[0.5, 0.6]), part.clone()]));
    let cut = but(candidate(0, None, &[0.5, 0.6]), |trial| {
        (trial.epochs, trial.completed) = (6, false);
    });
    let told = "No level was trained as far as plain";
    let nothing = "It ended before it had an answer.";
    for (best, told) in [(whole, told), (judge(&standing(vec![cut, part])), nothing)] {
        assert_eq!((best.finding, best.advice), (Finding::NoAnswer, None));
        assert!(best.sentence.starts_with(told), "{}", best.sentence);
    }
}

proptest! {
    /// What workers report may be any number, and what JSON can't tell would be read as nothing.
    #[test]
    fn an_answer_on_whatever_numbers_is_read_as_it_was_told(
        objectives in vec(vec(extreme(), 3), 3),
        doubts in vec(extreme(), 3),
        train_loss in option::of(extreme()),
        past_onset: bool,
        ended: bool,
        seeds in 1usize..=3,
        mut levels in vec(extreme().prop_map(f64::abs), 2),
    ) {
        levels.sort_by(f64::total_cmp);
        let arms = objectives.iter().zip(&doubts).zip(0..).map(|((objectives, doubt), arm)| {
            let b = (arm > 0).then(|| levels[usize::from(arm) - 1]);
            let whole = candidate(arm, b, &objectives[..seeds]);
            let value = doubt * 2.0;
            let extrapolation = Extrapolation { value, doubt: doubt.abs().max(f64::MIN_POSITIVE) };
            but(whole, |trial| {
                trial.past_onset &= past_onset;
                trial.train_loss = train_loss;
                if arm == 2 {
                    (trial.completed, trial.extrapolation) = (false, Some(extrapolation));
                }
            })
        });
        let judged = Standing { ended, ..standing(arms.collect()) };
        let best = judge(&judged);
        let told = serde_json::to_string(&best).unwrap();
        let read: Best = serde_json::from_str(&told).unwrap();
        prop_assert_eq!(read, best, "{}", told);
    }
}

/// A finite number, often as far out as there are.
fn extreme() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(1.7e308),
        Just(-1.7e308),
        Just(f64::MAX),
        Just(1e200),
        Just(0.0),
        0.0..1.0,
        proptest::num::f64::NORMAL,
    ]
}

#[test]
fn arms_further_apart_than_numbers_go_have_an_answer_without_a_difference() {
    let best = judge(&standing(vec![
        candidate(0, None, &[1.7e308]),
        candidate(1, Some(0.1), &[-1.7e308]),
    ]));
    assert_eq!(best.difference, None);
    let words = "flood b=0.1 has the lowest val_loss, −1.70e308, with plain at 1.70e308.";
    assert!(best.verdict.starts_with(words), "{}", best.verdict);
}
