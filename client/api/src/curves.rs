//! The curves of a sweep.

use floodgauge_protocol::{ArmIx, FamilyIx, Metric, MetricName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All curves of a sweep.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CurveList {
    /// One entry a trial that has rows, by family, then arm.
    pub items: Vec<Curve>,
}

/// The curves of one trial; its arrays are aligned.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Curve {
    /// The family's index.
    pub family: FamilyIx,
    /// The arm's index.
    pub arm: ArmIx,
    /// Epochs done, from 1; every other array has one value for each.
    pub epoch: Vec<u32>,
    /// Optimiser steps done by then.
    pub step: Vec<u64>,
    /// Mean training loss over the epoch, never flooded.
    pub train_loss: Vec<Metric>,
    /// The sweep's metrics after the epoch, by name; null where the worker told none.
    pub metrics: BTreeMap<MetricName, Vec<Option<Metric>>>,
    /// The metric `val_loss` once more, as before metrics had names; missing where the sweep has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_loss: Option<Vec<Metric>>,
    /// The metric `val_error`, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_error: Option<Vec<Metric>>,
    /// The first arm of the branch that trained the epoch: arms with the same one shared it.
    pub branch: Vec<ArmIx>,
    /// The norm of the gradient of the epoch's last mini-batch; null where the worker told none.
    pub grad_norm: Vec<Option<Metric>>,
    /// The share of the epoch's steps that ascended; null likewise.
    pub ascending: Vec<Option<f64>>,
    /// Ascending steps since the start of the run; null likewise.
    pub flooded_steps: Vec<Option<u64>>,
    /// The first step at which the arm departed from plain; null before it, and where it never did.
    pub onset_step: Vec<Option<u64>>,
}

/// One curve, thinned to at most 60 epochs; its arrays are aligned.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sparkline {
    /// The arm: the best so far, or plain before there is one.
    pub arm: ArmIx,
    /// The first family with the arm's weight decay.
    pub family: FamilyIx,
    /// The metric that the sweep compares.
    pub metric: MetricName,
    /// Epochs done, from 1, evenly spread; the first and the last are always there.
    pub epoch: Vec<u32>,
    /// The metric after each of these epochs.
    pub value: Vec<Metric>,
}
