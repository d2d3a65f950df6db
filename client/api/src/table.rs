//! The paper's table: early stopping and weight decay down, without and with flooding across.

use crate::status::SweepStatus;
use floodgauge_protocol::{Arm, Metric, MetricInfo, MetricName, SweepId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A sweep's table, and whether the sweep has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SweepTable {
    /// The id of the sweep that it is the table of.
    pub sweep: SweepId,
    /// Where the sweep stands; until it has completed, test figures are missing.
    pub status: SweepStatus,
    /// The table as far as it can be filled.
    #[serde(flatten)]
    pub table: Table,
}

/// The table of Ishida et al. (ICML 2020, table 2) for one sweep, with validation figures beside
/// the test figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Table {
    /// The metric by which best epochs and best levels were chosen, on validation data.
    pub metric: MetricName,
    /// The metrics of which the cells have figures, in order.
    pub metrics: Vec<MetricInfo>,
    /// One row without and one with early stopping for each weight decay.
    pub rows: Vec<TableRow>,
}

/// One weight decay, read at its end or at its best epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TableRow {
    /// Whether runs are read at their best epoch, by validation, or at their end.
    pub early_stopping: bool,
    /// The weight decay of the row's families.
    pub weight_decay: f64,
    /// Without flooding: the plain run; null unless every seed trained it to the end.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub without: Option<TableCell>,
    /// With flooding, at the level that is best for this row; null if none was trained to the end.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub with: Option<TableCell>,
    /// The best arm of each other method that competed.
    pub others: Vec<TableCell>,
}

/// The figures of one arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TableCell {
    /// The arm that the figures are of.
    #[serde(flatten)]
    pub arm: Arm,
    /// How many seeds the figures are means of.
    pub seeds: u32,
    /// The sweep's metrics by name: at the end their means over the closing tenth of the epochs.
    pub metrics: BTreeMap<MetricName, Figure>,
    /// The metric `val_loss` once more, as before metrics had names; missing where the sweep has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_loss: Option<Figure>,
    /// The metric `val_error`, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_error: Option<Figure>,
    /// Test loss in nats, on clean labels; null until the sweep has completed.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub test_loss: Option<Figure>,
    /// Test error, a share from 0 to 1, likewise.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub test_error: Option<Figure>,
}

/// A mean over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Figure {
    /// The mean; `diverged` where a seed is.
    pub mean: Metric,
    /// Its standard error; null with one seed, where a seed diverged, and beyond all numbers.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub standard_error: Option<f64>,
}

impl Figure {
    /// The mean of one value a seed, and its standard error.
    pub fn of(values: &[Metric]) -> Self {
        let mean = Metric::mean(values.iter().copied());
        let n = values.len() as f64;
        let finite = mean.finite().filter(|_| values.len() > 1);
        let standard_error = finite.map(|mean| {
            let squares = values.iter().filter_map(|v| v.finite()).map(|v| (v - mean).powi(2));
            (squares.sum::<f64>() / (n - 1.0) / n).sqrt()
        });
        Self { mean, standard_error: standard_error.filter(|error| error.is_finite()) }
    }
}

impl TableRow {
    /// Its cells from left to right.
    pub fn cells(&self) -> impl Iterator<Item = &TableCell> {
        self.without.iter().chain(&self.with).chain(&self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_error_is_that_of_the_mean_over_seeds() {
        let figure = Figure::of(&[1.0, 2.0, 3.0].map(Metric::from));
        assert_eq!(figure.mean, Metric::Finite(2.0));
        assert!((figure.standard_error.unwrap() - (1.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(Figure::of(&[Metric::Finite(1.0)]).standard_error, None);
        let apart = Figure::of(&[-1.7e308, 1.7e308].map(Metric::from));
        assert_eq!(apart, Figure { mean: Metric::Finite(0.0), standard_error: None });
        let diverged = Figure::of(&[Metric::Finite(1.0), Metric::Diverged]);
        assert_eq!(diverged, Figure { mean: Metric::Diverged, standard_error: None });
    }
}
