//! What a run shows of a metric since its onset: its objective before its end.

use super::{Criterion, Trial};
use floodgauge_protocol::{At, Metric};
use std::ops::Range;

/// Which of the epochs since an onset are read: the first of them still move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
    /// The second half, rounded up.
    Half,
    /// The last three quarters, rounded up.
    ThreeQuarters,
}

impl Later {
    /// How many of so many epochs are left out, the first.
    fn skipped(self, epochs: usize) -> usize {
        match self {
            Self::Half => epochs / 2,
            Self::ThreeQuarters => epochs / 4,
        }
    }
}

/// What a run shows of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The epochs that were read, from 0.
    pub epochs: Range<usize>,
    /// The metric over them, minimised; finite.
    pub value: f64,
}

impl Trial {
    /// What it shows of a metric in the later part of `exposure` epochs, the first of which holds its
    /// onset: their mean, or the best of them, as the metric is read. None before the onset, where it
    /// doesn't have all of these epochs, or there are none, and where the value isn't finite.
    pub fn since_onset(
        &self,
        metric: Criterion,
        exposure: usize,
        later: Later,
        steps_per_epoch: u64,
    ) -> Option<Reading> {
        let onset = self.onset_epoch(steps_per_epoch)?;
        let epochs = onset + later.skipped(exposure)..onset + exposure;
        let seen = self.curve.get(epochs.clone()).filter(|seen| !seen.is_empty())?;
        let values = seen.iter().map(|point| metric.of(point));
        let value = match metric.at {
            At::Last => Metric::mean(values),
            At::Best => values.min_by(|a, b| a.order(*b))?,
        };
        Some(Reading { epochs, value: value.finite()? })
    }
}
