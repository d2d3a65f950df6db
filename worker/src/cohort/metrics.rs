//! What a run measures after each epoch, by name. A further metric is measured here, and declared in
//! [`Metrics::built_in`](floodgauge_protocol::Metrics::built_in).

use super::setup::TrainingSetup;
use crate::evaluate::Scores;
use floodgauge_protocol::MetricValues;

/// The metrics of a run that has taken so many steps, at the end of an epoch.
pub fn measured(scores: &Scores, _: &TrainingSetup, _: u64) -> MetricValues {
    validation(scores)
}

/// Those of the validation set alone, by which epochs are compared.
pub fn validation(scores: &Scores) -> MetricValues {
    MetricValues::validation(scores.loss(), scores.error())
}
