//! Levels at or above the loss of guessing, with which nothing is learned, beside those below.

use super::{but, candidate, standing};
use crate::verdict::{Best, Standing, judge};

/// Plain, levels that no run reached, one that does well, and one at 0.8 with which nothing was learned.
fn with_one_beyond(guessing: Option<f64>) -> Standing {
    let plain = [0.458, 0.435, 0.393];
    let never = |arm, b| but(candidate(arm, Some(b), &plain), |trial| trial.past_onset = false);
    let mut standing = standing(vec![
        candidate(0, None, &plain),
        never(1, 0.1),
        never(2, 0.2),
        never(3, 0.4),
        candidate(4, Some(0.6), &[0.435, 0.383, 0.374]),
        candidate(5, Some(0.8), &[0.546, 0.550, 0.576]),
    ]);
    standing.guessing = guessing;
    standing
}

fn width(best: &Best) -> f64 {
    let difference = best.difference.as_ref().unwrap();
    difference.high.unwrap() - difference.low.unwrap()
}

#[test]
fn a_level_beyond_guessing_says_nothing_of_the_ones_below() {
    let known = judge(&with_one_beyond(Some(2f64.ln())));
    let unknown = judge(&with_one_beyond(None));
    assert_eq!(known.best.as_ref().unwrap().arm.b, Some(0.6));
    // How far the level beyond lies off is not how far the others may.
    assert!(width(&known) < 0.75 * width(&unknown), "{} {}", width(&known), width(&unknown));
    let sum: f64 = known.probabilities.iter().filter_map(|arm| arm.probability).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    assert!(known.probabilities.iter().all(|arm| arm.probability.is_some()));
}

#[test]
fn an_answer_is_found_where_every_level_that_was_reached_lies_beyond_guessing() {
    let best = judge(&with_one_beyond(Some(0.5)));
    assert_eq!(best.best.as_ref().unwrap().arm.b, Some(0.6));
    assert!(width(&best).is_finite() && width(&best) > 0.0);
    let sum: f64 = best.probabilities.iter().filter_map(|arm| arm.probability).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    assert!(best.probabilities.iter().all(|arm| arm.probability.is_some()));
}
