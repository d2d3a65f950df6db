//! What a run measures after each epoch, by name. A further metric is measured here, and declared in
//! [`Metrics::built_in`](floodgauge_protocol::Metrics::built_in).

use super::setup::TrainingSetup;
use crate::evaluate::Scores;
use floodgauge_protocol::{Metric, MetricName, MetricValues};

/// The metrics of a run that has taken so many steps, at the end of an epoch.
pub fn measured(scores: &Scores, setup: &TrainingSetup, steps: u64) -> MetricValues {
    let mut metrics = MetricValues::validation(scores.loss(), scores.error());
    // The learning rate in force at the epoch's last step, whatever a method makes of it.
    let rate = setup.optimizer.lr() * setup.step(steps.saturating_sub(1)).rate;
    metrics.insert(MetricName::lr(), Metric::from(rate));
    metrics
}
