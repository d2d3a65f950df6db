//! The answer in one sentence, its size as a share, and what speaks against it.

use super::*;
use floodgauge_protocol::work::TestMetrics;

/// Plain at 0.35, a level between two others at 0.30, with three seeds each.
fn helped() -> Standing {
    let arm = |arm, b, mean: f64| candidate(arm, b, &[mean, mean + 0.002, mean - 0.002]);
    standing(vec![
        arm(0, None, 0.35),
        arm(1, Some(0.1), 0.32),
        arm(2, Some(0.2), 0.308),
        arm(3, Some(0.3), 0.33),
    ])
}

#[test]
fn the_answer_is_one_sentence_with_the_difference_as_a_share() {
    let best = judge(&helped());
    assert!((best.size_percent.unwrap() + 12.0).abs() < 0.1, "{:?}", best.size_percent);
    let sentence = "Flooding helps: flood b=0.2 has the lowest val_loss, 0.3080 against plain's 0.3500; \
                    with new seeds 12 % below plain is to be expected.";
    assert_eq!(best.sentence, sentence);
    assert!(best.sentence.len() <= 200, "two lines of a terminal");
    assert_eq!(best.against, [""; 0]);
    let all = [&best.sentence].into_iter().chain(&best.points).cloned().collect::<Vec<_>>();
    assert_eq!(best.verdict, all.join(" "));
}

#[test]
fn a_share_has_the_digits_that_tell_something() {
    let sentence = |of_best: f64| {
        let arms = vec![candidate(0, None, &[1.0]), candidate(1, Some(0.1), &[of_best])];
        judge(&standing(arms)).sentence
    };
    assert!(sentence(0.5).contains(", 50 % below plain"), "{}", sentence(0.5));
    assert!(sentence(0.974).contains(", 2.6 % below plain"), "{}", sentence(0.974));
    assert!(sentence(0.9996).contains(", less than 0.1 % below plain"), "{}", sentence(0.9996));
}

#[test]
fn there_is_no_share_of_nothing_or_less_nor_where_plain_is_best() {
    let size = |plain: f64, of_best: f64| {
        let arms = vec![candidate(0, None, &[plain]), candidate(1, Some(0.1), &[of_best])];
        judge(&standing(arms)).size_percent
    };
    assert_eq!(size(0.0, -1.0), None);
    assert_eq!(size(-1.0, -2.0), None);
    assert_eq!(size(1.0, -2.0), None);
    assert_eq!(size(1.0, 2.0), None, "plain is best");
    assert_eq!(size(1.0, 0.0), Some(-100.0));
    assert_eq!(size(f64::MIN_POSITIVE / 4.0, 0.0), Some(-100.0));
}

#[test]
fn test_data_that_prefers_plain_speaks_against_the_answer() {
    let mut standing = helped();
    for (arm, loss, error) in [(0, 0.4, 0.05), (2, 0.45, 0.04)] {
        for trial in &mut standing.candidates[arm].trials {
            let (loss, error) = (Metric::Finite(loss), Metric::Finite(error));
            trial.test = Some(TestMetrics { loss, error });
        }
    }
    let best = judge(&standing);
    assert_eq!(best.against, ["On test data plain does better: loss 0.4000 against 0.4500."]);
    assert!(best.verdict.ends_with(&best.against[0]));
}

#[test]
fn early_stopping_that_does_as_well_speaks_against_the_answer() {
    let against = |stopped: f64| {
        let mut standing = helped();
        for trial in &mut standing.candidates[0].trials {
            trial.early_stopped = Some(Metric::Finite(stopped));
        }
        judge(&standing).against
    };
    let better = "Early stopping alone does better: at its best epoch plain has val_loss 0.3000, against 0.3080.";
    assert_eq!(against(0.3), [better]);
    let as_well = judge(&helped()).best.unwrap().objective.finite().unwrap();
    assert!(against(as_well)[0].starts_with("Early stopping alone does as well:"));
    assert_eq!(against(0.31), [""; 0]);
}

#[test]
fn another_metric_and_the_edge_of_the_grid_speak_against_the_answer() {
    let mut standing = helped();
    standing.candidates.pop();
    standing.levels.pop();
    for trial in &mut standing.candidates[0].trials {
        trial.other = Some(Metric::Finite(0.01));
    }
    let [other, edge] = &judge(&standing).against[..] else { panic!("two points") };
    assert!(
        other.starts_with("By val_error, plain is best: it has 0.0100, flood b=0.2 "),
        "{other}"
    );
    assert!(edge.starts_with("It is the highest level of the grid"), "{edge}");
}

#[test]
fn seeds_of_plain_that_diverged_speak_against_the_answer() {
    let mut standing = helped();
    let trial = &mut standing.candidates[0].trials[1];
    (trial.diverged, trial.completed, trial.objective) = (true, false, Some(Metric::Diverged));
    let best = judge(&standing);
    assert_eq!(best.against, ["1 of 3 seeds diverged with plain."]);
    assert_eq!(best.size_percent, None);
}

/// The same measured by a metric that is better when higher: what is minimised stays.
fn mirrored(standing: &Standing) -> Standing {
    let turned = |judged: Judged| Judged { direction: Direction::Max, ..judged };
    Standing {
        objective: turned(standing.objective),
        other: standing.other.map(turned),
        ..standing.clone()
    }
}

proptest! {
    #[test]
    fn a_metric_turned_around_has_the_same_finding_and_mirrored_figures(
        objectives in vec(vec(0.01f64..10.0, 3), 4),
        stopped in 0.01f64..10.0,
    ) {
        let arms = objectives.iter().zip(0..).map(|(objectives, arm)| {
            let b = (arm > 0).then(|| f64::from(arm) / 10.0);
            let candidate = candidate(arm, b, objectives);
            but(candidate, |trial| trial.early_stopped = Some(Metric::Finite(stopped)))
        });
        let standing = standing(arms.collect());
        let (best, mirror) = (judge(&standing), judge(&mirrored(&standing)));
        prop_assert_eq!(best.finding, mirror.finding);
        prop_assert_eq!(best.against.len(), mirror.against.len());
        prop_assert_eq!(best.points.len(), mirror.points.len());
        let mean = |best: &Best| best.difference.as_ref().map(|difference| difference.mean);
        prop_assert_eq!(mean(&best), mean(&mirror).map(|mean| -mean));
        prop_assert_eq!(mirror.size_percent, None, "what is measured is negative");
    }
}
