//! Whether the plain run learned anything: one that didn't is no baseline, and nothing tells of flooding.

use crate::verdict::input::{Candidate, Standing};
use floodgauge_protocol::{Metric, MetricName};

/// The share of guessing's loss that a training loss must fall below to count as learned. Classes that
/// aren't even let guessing by their shares have less than `ln K`, though not often less than this.
/// Chosen, not measured.
const LEARNED_SHARE: f64 = 0.95;

/// How many standard errors an error may lie below guessing's, and still be told from it by nothing: the
/// binomial error of a guess on as many samples.
const STANDARD_ERRORS: f64 = 2.0;

/// Whether the plain run of a weight decay does no better than guessing, in training and in validation.
///
/// Both are asked for. A run that memorised its training labels may well have a validation loss beyond
/// guessing's, since it is sure of its mistakes: that is what flooding is for, and no failure.
pub fn training_failed(standing: &Standing, bracket: usize) -> bool {
    let Some(guessing) = standing.guessing else { return false };
    let Some(plain) = standing.competing_in(bracket).find(|c| c.is_plain()) else { return false };
    let learned = match plain.train_loss() {
        Some(loss) => loss < LEARNED_SHARE * guessing,
        None => !plain.diverged(),
    };
    !learned && guesses(standing, plain, guessing)
}

/// Whether an arm is no better than guessing in validation: by its error, which doesn't depend on how sure a
/// model is of itself, or by its loss.
fn guesses(standing: &Standing, arm: &Candidate, guessing: f64) -> bool {
    let at_least = |value: Option<Metric>, bound: f64| match value {
        Some(Metric::Finite(value)) => value >= bound,
        Some(Metric::Diverged) => true,
        None => false,
    };
    at_least(measured(standing, arm, MetricName::val_error()), error_of(standing, guessing))
        || at_least(measured(standing, arm, MetricName::val_loss()), guessing)
}

/// The validation error from which on a model can't be told from one that guesses.
fn error_of(standing: &Standing, guessing: f64) -> f64 {
    let error = 1.0 - (-guessing).exp();
    match standing.validation_samples.filter(|samples| *samples > 0) {
        Some(samples) => {
            error - STANDARD_ERRORS * (error * (1.0 - error) / f64::from(samples)).sqrt()
        }
        None => LEARNED_SHARE * error,
    }
}

/// A metric of an arm that every seed trained, a mean over seeds; none of one that isn't read.
fn measured(standing: &Standing, arm: &Candidate, name: MetricName) -> Option<Metric> {
    if standing.objective.name == name {
        return Some(arm.objective());
    }
    standing.other.filter(|other| other.name == name).and(arm.other())
}
