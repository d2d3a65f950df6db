//! Epochs for tests.

use super::Point;
use floodgauge_protocol::{Metric, MetricValues, Metrics, work::ReportRow};
use std::sync::Arc;

/// An epoch of the built-in recipe.
pub fn point(train_loss: f64, val_loss: f64) -> Arc<Point> {
    let row = ReportRow {
        arms: vec![],
        epoch: 1,
        step: 1,
        train_loss: Metric::from(train_loss),
        metrics: MetricValues::validation(Metric::from(val_loss), Metric::Finite(0.5)),
        onset_step: None,
        diagnostics: None,
    };
    Arc::new(Point::new(&row, &Metrics::built_in()))
}
