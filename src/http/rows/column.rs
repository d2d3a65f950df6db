//! What stands below one another in the rows of a trial, each value in a word.

use crate::store::CurveRow;
use floodgauge_protocol::{Metric, MetricName};
use std::io::Write as _;

/// A column of curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Column {
    /// Epochs done, from 1.
    Epoch,
    /// Optimiser steps done by then.
    Step,
    /// The mean training loss over the epoch.
    TrainLoss,
    /// A metric after the epoch; null where the worker told none.
    Metric(MetricName),
    /// A metric of the grid's format (`grid.rs`, its only user), which knows no null: `diverged` where the
    /// row lacks it.
    MetricOrDiverged(MetricName),
    /// The first arm of the branch that trained the epoch.
    Branch,
    /// The norm of the last mini-batch's gradient; null where the worker told none.
    GradNorm,
    /// The share of steps that ascended; null likewise.
    Ascending,
    /// Ascending steps since the start of the run; null likewise.
    FloodedSteps,
    /// The first step at which the arm departed from plain; null in the epochs before it.
    OnsetStep,
}

/// A value: a whole number, or the bits of a finite one, or one of the two below, whose bits no finite
/// number has and which no whole one comes near to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Word(u64);

impl Word {
    /// That there is none.
    pub const NONE: Self = Self(u64::MAX);
    /// NaN or infinite.
    const DIVERGED: Self = Self(u64::MAX - 1);

    fn metric(metric: Metric) -> Self {
        match metric {
            Metric::Finite(value) if value.is_finite() => Self(value.to_bits()),
            _ => Self::DIVERGED,
        }
    }
}

impl Column {
    /// The value in a row of a trial with this onset.
    pub fn word(self, row: &CurveRow, onset: Option<u64>) -> Word {
        let told = row.diagnostics;
        match self {
            Self::Epoch => Word(row.epoch.into()),
            Self::Step => Word(row.step),
            Self::TrainLoss => Word::metric(row.train_loss),
            Self::Metric(name) => row.metrics.get(name).map_or(Word::NONE, Word::metric),
            Self::MetricOrDiverged(name) => {
                row.metrics.get(name).map_or(Word::DIVERGED, Word::metric)
            }
            Self::Branch => Word(row.branch.0.into()),
            Self::GradNorm => told.map_or(Word::NONE, |told| Word::metric(told.grad_norm)),
            Self::Ascending => told.map_or(Word::NONE, |told| Word(told.ascending.to_bits())),
            Self::FloodedSteps => told.map_or(Word::NONE, |told| Word(told.flooded_steps)),
            Self::OnsetStep => onset.filter(|&onset| onset < row.step).map_or(Word::NONE, Word),
        }
    }

    /// Writes a value of the column as JSON.
    ///
    /// # Errors
    /// None that a vector could have.
    pub fn write(self, word: Word, json: &mut Vec<u8>) -> serde_json::Result<()> {
        match (self, word) {
            (_, Word::NONE) => json.extend(b"null"),
            (_, Word::DIVERGED) => json.extend(b"\"diverged\""),
            (
                Self::TrainLoss
                | Self::Metric(_)
                | Self::MetricOrDiverged(_)
                | Self::GradNorm
                | Self::Ascending,
                Word(bits),
            ) => return serde_json::to_writer(json, &f64::from_bits(bits)),
            (_, Word(whole)) => {
                write!(json, "{whole}").map_err(serde_json::Error::io)?;
            }
        }
        Ok(())
    }
}
