//! Sweeps that were cancelled or failed, and extensions that were.

use super::*;
use floodgauge_api::SweepStatus;

fn given_up(candidates: Vec<Candidate>) -> Standing {
    Standing { ended: false, given_up: true, ..standing(candidates) }
}

#[test]
fn a_sweep_that_was_given_up_has_no_answer_however_far_its_arms_were_trained() {
    let cut = |arm, epochs: u32| {
        but(arm, |trial| (trial.completed, trial.epochs) = (epochs == 10, epochs))
    };
    for epochs in [[1, 1], [4, 7], [7, 4], [10, 4], [10, 10]] {
        let plain = cut(candidate(0, None, &[0.3, 0.32]), epochs[0]);
        let best =
            judge(&given_up(vec![plain, cut(candidate(1, Some(0.1), &[0.2, 0.22]), epochs[1])]));
        assert_eq!(best.finding, Finding::NoAnswer, "{epochs:?}");
        assert_eq!((&best.best, &best.baseline, &best.difference), (&None, &None, &None));
        assert_eq!((&best.advice, &best.other_metric), (&None, &None));
        assert_eq!(best.verdict, "It ended before it had an answer.");
        assert!(best.probabilities.iter().all(|outlook| outlook.probability.is_none()));
    }
}

#[test]
fn a_sweep_that_was_given_up_tells_of_divergence_only_where_nothing_else_was_seen() {
    let diverged = |arm, b| candidate(arm, b, &[f64::NAN, f64::NAN]);
    let verdict = |arms| judge(&given_up(arms)).verdict;
    let all = verdict(vec![diverged(0, None), untrained(1, 0.1), diverged(2, Some(0.2))]);
    assert_eq!(all, "All that was trained has diverged: try a lower learning rate.");
    let one = but(diverged(1, Some(0.1)), |trial| trial.epochs = 3);
    let some = verdict(vec![candidate(0, None, &[0.3, f64::NAN]), one]);
    assert_eq!(some, "It ended before it had an answer.");
    assert_eq!(verdict(vec![untrained(1, 0.1)]), "It ended before it had an answer.");
}

#[test]
fn the_answer_before_an_extension_keeps_its_figures_and_advises_a_new_sweep() {
    let answer = judge(&standing(vec![
        candidate(0, None, &[0.30, 0.32, 0.31]),
        candidate(1, Some(0.1), &[0.20, 0.24, 0.22]),
    ]));
    let cost = RunEquivalents { spent: 7.0, ..answer.run_equivalents };
    for (status, how) in
        [(SweepStatus::Cancelled, "was cancelled"), (SweepStatus::Failed, "failed")]
    {
        let answer = Best { advice: Some(Advice::seeds(2, "Two more.".into())), ..answer.clone() };
        let best = before_extension(answer.clone(), status, cost);
        assert_eq!((&best.best, &best.difference), (&answer.best, &answer.difference));
        assert_eq!((best.finding, &best.probabilities), (answer.finding, &answer.probabilities));
        assert_eq!((best.before_extension, best.run_equivalents.spent), (true, 7.0));
        let said = format!("the extension {how}.");
        assert!(best.points[0].ends_with(&said) && best.verdict.contains(&said), "{best:?}");
        assert!(best.verdict.starts_with(&answer.sentence), "{}", best.verdict);
        let advice = best.advice.unwrap();
        assert!(advice.needs_new_sweep && advice.command == "floodgauge submit FILE", "{advice:?}");
    }
}
