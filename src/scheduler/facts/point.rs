//! What was measured after one epoch.

use floodgauge_protocol::{
    Metric, MetricValues, Metrics,
    work::{Diagnostics, ReportRow},
};

/// The metrics of a trial after one epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Mean training loss over the epoch.
    pub train_loss: Metric,
    /// The sweep's metrics after it, in the order in which they are declared; none where the worker told
    /// none.
    values: Box<[Option<Metric>]>,
    /// How the training went, if the worker told. No decision looks at it.
    pub diagnostics: Option<Diagnostics>,
}

impl Point {
    /// What a row tells of the metrics of a sweep.
    pub fn new(row: &ReportRow, metrics: &Metrics) -> Self {
        Self {
            train_loss: row.train_loss,
            values: metrics.iter().map(|metric| row.metrics.get(metric.name)).collect(),
            diagnostics: row.diagnostics,
        }
    }

    /// The value of the metric at a place among the sweep's; diverged where the worker told none.
    pub fn value(&self, metric: usize) -> Metric {
        self.values.get(metric).copied().flatten().unwrap_or(Metric::Diverged)
    }

    /// Whether the worker told the metric at a place among the sweep's.
    pub fn has(&self, metric: usize) -> bool {
        self.values.get(metric).is_some_and(Option::is_some)
    }

    /// Its metrics by name, as they were reported.
    pub fn metrics(&self, metrics: &Metrics) -> MetricValues {
        let values = metrics.iter().zip(&self.values);
        values.filter_map(|(metric, value)| Some((metric.name, (*value)?))).collect()
    }

    /// Whether every metric of it that has a direction, as far as the worker told it, is a finite number.
    pub fn is_finite(&self, metrics: &Metrics) -> bool {
        let compared = metrics.iter().zip(&self.values).filter(|(m, _)| m.direction.is_some());
        compared.into_iter().all(|(_, value)| value.is_none_or(|value| value.finite().is_some()))
    }

    /// Whether two epochs have the same losses and metrics, bit for bit.
    pub fn has_bits_of(&self, other: &Self) -> bool {
        let bits = |metric: Metric| metric.finite().map(f64::to_bits);
        let same = |a: &Option<Metric>, b: &Option<Metric>| a.map(bits) == b.map(bits);
        bits(self.train_loss) == bits(other.train_loss)
            && self.values.len() == other.values.len()
            && self.values.iter().zip(&other.values).all(|(a, b)| same(a, b))
    }
}
