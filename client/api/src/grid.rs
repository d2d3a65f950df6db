//! All curves of a sweep in the recorded-grid format: one file that holds every arm's run.

use crate::status::SweepStatus;
use floodgauge_protocol::{DatasetName, Method, Metric, MetricName, SweepSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A sweep with all of its curves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Grid {
    /// The sweep's name.
    pub task: String,
    /// Where the sweep stood: until it has completed, curves may end before their arms do. Grids of version
    /// 0.1.0, and those that others recorded, tell none.
    #[serde(default)]
    pub status: Option<SweepStatus>,
    /// The sweep with all that it was extended by: what it takes to run it again. Exports of version
    /// 0.1.0 have none.
    #[serde(default)]
    pub spec: Option<SweepSpec>,
    /// The recipe in the words of the recorded-grid format, which lack much of it; `spec` has all.
    pub recipe: GridRecipe,
    /// The arms in the order in which runs have their curves; plain is the first.
    pub arms: Vec<Method>,
    /// The level of each arm; null for plain, arm 0, and for methods that have none.
    pub levels: Vec<Option<f64>>,
    /// Epochs of a full run.
    pub epochs: u32,
    /// The curves of each family: for each weight decay, every seed.
    pub runs: Vec<GridRun>,
}

/// A recipe as the recorded-grid format tells it: the shape of 0.1.0's exports and of grids that others
/// recorded. It stays as it is; what is new in recipes is in the `spec` beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GridRecipe {
    /// The name of the data set, as recipes have it.
    pub data: DatasetName,
    /// How many samples train; null where neither the recipe nor the data set tells.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub n_train: Option<u32>,
    /// How many samples validate; null likewise.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub n_val: Option<u32>,
    /// The rate at which labels were flipped to another class, from 0 to 1.
    pub label_noise: f64,
    /// The kind of model, as recipes name it.
    #[cfg_attr(feature = "openapi", schema(example = "mlp"))]
    pub model: String,
    /// The width of each hidden dense layer.
    pub hidden: Vec<u32>,
    /// Whether there is batch normalisation.
    pub batch_norm: bool,
    /// The optimiser, as recipes name it.
    #[cfg_attr(feature = "openapi", schema(example = "sgd"))]
    pub optimizer: String,
    /// Its learning rate, before any schedule.
    pub lr: f64,
    /// The weight decay; null when the sweep has several, each run then names its own.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub weight_decay: Option<f64>,
    /// Samples in a mini-batch.
    pub batch_size: u32,
    /// Epochs of a full run.
    pub epochs: u32,
}

/// The curves of one family: `[arm]`, then `[epoch]`, as long as the arm was trained.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GridRun {
    /// The family's seed of split, noise, initial weights and batch order.
    pub seed: u32,
    /// The family's L2, applied in the optimiser.
    pub weight_decay: f64,
    /// Mini-batches in one epoch.
    pub steps_per_epoch: u64,
    /// The first step at which each arm departed from plain; null where it never did.
    pub onset_step: Vec<Option<u64>>,
    /// Mean training loss over each epoch.
    pub train_loss: Vec<Vec<Metric>>,
    /// The metric `val_loss` after each epoch; missing where the sweep has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_loss: Option<Vec<Vec<Metric>>>,
    /// The metric `val_error` after each epoch, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_error: Option<Vec<Vec<Metric>>>,
    /// The sweep's other metrics after each epoch, by name; null where the worker told none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<MetricName, Vec<Vec<Option<Metric>>>>,
}
