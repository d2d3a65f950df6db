//! A training recipe: data, model, optimiser, length.

use crate::{
    by_kind::by_kind,
    dataset::Dataset,
    model::{Augment, Model},
    schedule::Schedule,
    whole::whole,
};
use serde::{Deserialize, Serialize};

/// Everything that all trials of a sweep train with, but for seed, weight decay and method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The data and its split.
    pub dataset: Dataset,
    /// The model; two hidden layers of 128 when unset.
    #[serde(default)]
    pub model: Model,
    /// How the weights move; SGD with momentum when unset.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// Random changes to training images; none unless asked for.
    #[serde(default, skip_serializing_if = "Augment::is_none")]
    pub augment: Augment,
    /// Samples in a mini-batch; the last, smaller one of an epoch is kept.
    #[serde(default = "default_batch_size", deserialize_with = "whole")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, default = 50))]
    pub batch_size: u32,
    /// Passes over the training set in a full run.
    #[serde(default = "default_epochs", deserialize_with = "whole")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100_000, default = 100))]
    pub epochs: u32,
}

fn default_batch_size() -> u32 {
    50
}

fn default_epochs() -> u32 {
    100
}

impl Recipe {
    /// Mini-batches in one epoch. Call on a recipe whose split is filled in
    /// ([`Dataset::resolved`]); an unset `n_train` counts as the set's own.
    pub fn steps_per_epoch(&self) -> u64 {
        let n_train = self.dataset.resolved().n_train.unwrap_or(0);
        u64::from(n_train.div_ceil(self.batch_size.max(1)))
    }
}

by_kind! {
/// An optimiser; its weight decay is the family's: L2, added to the gradient, unless it says
/// otherwise.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(default = json!({ "kind": "sgd", "lr": 0.05, "momentum": 0.9 }))
)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Optimizer {
    /// Stochastic gradient descent, `v ← μv + g`, `θ ← θ − lr·v`; with Nesterov's momentum
    /// `θ ← θ − lr·(g + μv)` (Sutskever et al., ICML 2013, as a step on the looked-ahead weights).
    Sgd {
        /// The learning rate, above 0, before its schedule.
        #[cfg_attr(feature = "openapi", schema(exclusive_minimum = 0))]
        lr: f64,
        /// The momentum μ, at least 0 and below 1.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(minimum = 0, exclusive_maximum = 1, default = 0.0))]
        momentum: f64 = 0.0,
        /// Whether the momentum is Nesterov's.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        #[cfg_attr(feature = "openapi", schema(required = false, default = false))]
        nesterov: bool = false,
        /// How the learning rate changes.
        #[serde(default, skip_serializing_if = "Schedule::is_constant")]
        schedule: Schedule = Schedule::default(),
    },
    /// Adam (Kingma & Ba, ICLR 2015), with bias correction.
    Adam {
        /// The learning rate, above 0, before its schedule.
        #[cfg_attr(feature = "openapi", schema(exclusive_minimum = 0))]
        lr: f64,
        /// Decay of the first moment.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(minimum = 0, exclusive_maximum = 1, default = 0.9))]
        beta_1: f64 = 0.9,
        /// Decay of the second moment.
        #[serde(default)]
        #[cfg_attr(
            feature = "openapi",
            schema(minimum = 0, exclusive_maximum = 1, default = 0.999)
        )]
        beta_2: f64 = 0.999,
        /// Added to the root of the second moment.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(exclusive_minimum = 0, default = 1e-8))]
        epsilon: f64 = 1e-8,
        /// How the learning rate changes.
        #[serde(default, skip_serializing_if = "Schedule::is_constant")]
        schedule: Schedule = Schedule::default(),
    },
    /// Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019): each step also takes
    /// `lr · weight decay · θ` off the weights.
    Adamw {
        /// The learning rate, above 0, before its schedule.
        #[cfg_attr(feature = "openapi", schema(exclusive_minimum = 0))]
        lr: f64,
        /// Decay of the first moment.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(minimum = 0, exclusive_maximum = 1, default = 0.9))]
        beta_1: f64 = 0.9,
        /// Decay of the second moment.
        #[serde(default)]
        #[cfg_attr(
            feature = "openapi",
            schema(minimum = 0, exclusive_maximum = 1, default = 0.999)
        )]
        beta_2: f64 = 0.999,
        /// Added to the root of the second moment.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(exclusive_minimum = 0, default = 1e-8))]
        epsilon: f64 = 1e-8,
        /// How the learning rate changes.
        #[serde(default, skip_serializing_if = "Schedule::is_constant")]
        schedule: Schedule = Schedule::default(),
    },
}
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::Sgd { lr: 0.05, momentum: 0.9, nesterov: false, schedule: Schedule::default() }
    }
}

impl Optimizer {
    /// The name as it stands in a recipe.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sgd { .. } => "sgd",
            Self::Adam { .. } => "adam",
            Self::Adamw { .. } => "adamw",
        }
    }

    /// How many numbers it keeps for each number of the weights.
    pub fn slots(&self) -> u64 {
        match self {
            Self::Sgd { .. } => 1,
            Self::Adam { .. } | Self::Adamw { .. } => 2,
        }
    }

    /// The learning rate, before its schedule.
    pub fn lr(&self) -> f64 {
        match self {
            Self::Sgd { lr, .. } | Self::Adam { lr, .. } | Self::Adamw { lr, .. } => *lr,
        }
    }

    /// How the learning rate changes.
    pub fn schedule(&self) -> &Schedule {
        match self {
            Self::Sgd { schedule, .. }
            | Self::Adam { schedule, .. }
            | Self::Adamw { schedule, .. } => schedule,
        }
    }
}
