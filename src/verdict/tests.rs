use super::*;
use floodgauge_protocol::{Method, Objective};

fn contender(arm: u16, b: Option<f64>, scores: &[f64]) -> Contender {
    Contender {
        bracket: 0,
        arm: ArmIx(arm),
        method: b.map_or(Method::Plain, |b| Method::Flood { b }),
        weight_decay: 0.0,
        epochs: 10,
        finished: true,
        crossed: b.is_some(),
        pruned: false,
        scores: scores.iter().map(|&score| Metric::from(score)).collect(),
        tests: vec![],
    }
}

fn standing(contenders: Vec<Contender>) -> Standing {
    Standing {
        objective: Objective::default(),
        levels: contenders.iter().filter_map(|c| c.method.level()).collect(),
        arms: contenders.len(),
        untrained: 0,
        seeds: contenders[0].scores.len() as u32,
        ended: true,
        run_equivalents: RunEquivalents {
            spent: 3.0,
            full_grid: 3.0,
            saved_by_sharing: 0.0,
            saved_by_pruning: 0.0,
            redone: 0.0,
        },
        contenders,
    }
}

#[test]
fn the_lowest_mean_wins_and_is_compared_with_plain() {
    let best = judge(&standing(vec![
        contender(0, None, &[0.30, 0.32]),
        contender(1, Some(0.1), &[0.20, 0.24]),
        contender(2, Some(0.2), &[0.25, 0.25]),
    ]));
    let difference = best.difference.unwrap();
    assert_eq!(best.best.unwrap().b, Some(0.1));
    assert!((difference.mean + 0.09).abs() < 1e-12);
    // Student's t at 95 % with one degree of freedom is 6.3138; the standard error is 0.01.
    assert!((difference.high.unwrap() + 0.09 - 0.063138).abs() < 1e-5);
    assert_eq!(difference.seeds, 2);
}

#[test]
fn one_seed_has_neither_interval_nor_probability() {
    let best = judge(&standing(vec![contender(0, None, &[0.3]), contender(1, Some(0.1), &[0.2])]));
    let difference = best.difference.unwrap();
    assert_eq!((difference.low, difference.high), (None, None));
    assert_eq!(best.best.unwrap().probability, None);
    assert!(best.verdict.contains("One seed"), "{}", best.verdict);
}

#[test]
fn the_probability_counts_all_resamplings_of_few_seeds() {
    // Level 0.1 wins on seed 0 by 1, loses on seed 1 by 0.5: it wins in (0,0), (0,1), (1,0).
    let best = judge(&standing(vec![
        contender(0, None, &[9.0, 9.0]),
        contender(1, Some(0.1), &[1.0, 2.5]),
        contender(2, Some(0.2), &[2.0, 2.0]),
    ]));
    assert_eq!(best.best.unwrap().probability, Some(0.75));
}

#[test]
fn many_seeds_are_resampled_by_a_fixed_sequence() {
    let scores = |shift: f64| (0..7).map(|i| f64::from(i) / 10.0 + shift).collect::<Vec<_>>();
    let judged = || {
        judge(&standing(vec![
            contender(0, None, &scores(0.5)),
            contender(1, Some(0.1), &scores(0.0)),
        ]))
    };
    assert_eq!(judged().best.unwrap().probability, Some(1.0));
    assert_eq!(judged(), judged());
}

#[test]
fn a_tie_goes_to_plain_and_says_that_no_level_was_reached() {
    let mut never = contender(1, Some(0.1), &[0.3]);
    never.crossed = false;
    let best = judge(&standing(vec![contender(0, None, &[0.3]), never]));
    assert_eq!(best.best.unwrap().b, None);
    assert!(best.verdict.contains("No level was ever reached"), "{}", best.verdict);
}

#[test]
fn the_edge_of_the_grid_is_named() {
    let best = judge(&standing(vec![
        contender(0, None, &[0.3]),
        contender(1, Some(0.1), &[0.25]),
        contender(2, Some(0.2), &[0.2]),
    ]));
    assert!(best.verdict.contains("highest level"), "{}", best.verdict);
}

#[test]
fn a_diverged_arm_never_leads() {
    let best =
        judge(&standing(vec![contender(0, None, &[0.3]), contender(1, Some(0.1), &[f64::NAN])]));
    assert_eq!(best.best.unwrap().b, None);
    let best = judge(&standing(vec![contender(0, None, &[f64::NAN])]));
    assert!(best.best.is_none() && best.verdict.contains("diverged"), "{}", best.verdict);
}

#[test]
fn arms_that_were_not_trained_to_the_end_do_not_compete_with_those_that_were() {
    let pruned = pruned_early(1, 0.1, &[0.1]);
    let best =
        judge(&standing(vec![contender(0, None, &[0.3]), pruned, contender(2, Some(0.2), &[0.2])]));
    assert_eq!(best.best.unwrap().b, Some(0.2));
}

fn pruned_early(arm: u16, b: f64, scores: &[f64]) -> Contender {
    Contender {
        finished: false,
        pruned: true,
        crossed: false,
        epochs: 3,
        ..contender(arm, Some(b), scores)
    }
}

#[test]
fn levels_pruned_before_they_were_reached_are_owned_up_to_in_place_of_a_hint_at_the_edge() {
    let best = judge(&standing(vec![
        contender(0, None, &[0.3, 0.3]),
        contender(1, Some(0.1), &[0.2, 0.2]),
        pruned_early(2, 0.2, &[0.9, 0.9]),
    ]));
    assert!(best.verdict.contains("1 level was pruned before"), "{}", best.verdict);
    assert!(!best.verdict.contains("of the grid"), "{}", best.verdict);
    assert_eq!(best.best.unwrap().probability, None, "the pruned one can't be compared");
}

#[test]
fn a_plain_winner_beside_pruned_levels_does_not_claim_that_none_was_reached() {
    let mut rode = contender(1, Some(0.1), &[0.3]);
    rode.crossed = false;
    let plain = contender(0, None, &[0.3]);
    let best = judge(&standing(vec![plain, rode, pruned_early(2, 0.2, &[0.9])]));
    assert!(best.verdict.contains("No level that was trained to the end"), "{}", best.verdict);
}

#[test]
fn a_sweep_that_ended_early_keeps_its_baseline_and_says_how_far_it_got() {
    let mut contenders = vec![contender(0, None, &[0.3]), contender(1, Some(0.1), &[0.2])];
    contenders.iter_mut().for_each(|contender| contender.finished = false);
    let best = judge(&standing(contenders));
    assert!(best.baseline.is_some());
    assert!(best.verdict.starts_with("It ended early. After 10 epochs, "), "{}", best.verdict);
}

#[test]
fn the_weight_decay_is_named_where_there_are_several() {
    let mut other = contender(1, Some(0.1), &[0.2]);
    (other.bracket, other.weight_decay) = (1, 0.01);
    let best = judge(&standing(vec![contender(0, None, &[0.3]), other]));
    assert!(best.verdict.contains("flood b=0.1 with weight decay 0.01"), "{}", best.verdict);
}

#[test]
fn levels_that_nobody_trained_are_told_of() {
    let mut standing = standing(vec![contender(0, None, &[0.3]), contender(1, Some(0.1), &[0.2])]);
    (standing.levels, standing.untrained) = (vec![0.05, 0.1, 0.15], 2);
    let verdict = judge(&standing).verdict;
    assert!(verdict.contains("2 of 3 levels were not trained"), "{verdict}");
}
