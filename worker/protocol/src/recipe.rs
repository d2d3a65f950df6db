//! A training recipe: data, model, optimiser, length.

use crate::{
    model::{Augment, Image, Model},
    schedule::Schedule,
};
use serde::{Deserialize, Serialize};

/// Everything that all trials of a sweep train with, but for seed, weight decay and method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The data and its split.
    pub dataset: Dataset,
    /// The model.
    #[serde(default)]
    pub model: Model,
    /// The optimiser.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// Random changes to training images; none unless asked for.
    #[serde(default, skip_serializing_if = "Augment::is_none")]
    pub augment: Augment,
    /// Samples in a mini-batch; the last, smaller one of an epoch is kept.
    #[serde(default = "default_batch_size")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, default = 50))]
    pub batch_size: u32,
    /// Passes over the training set in a full run.
    #[serde(default = "default_epochs")]
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
        let n_train = self.dataset.n_train.unwrap_or(self.dataset.name.default_split().0);
        u64::from(n_train.div_ceil(self.batch_size.max(1)))
    }
}

/// A data set with its split and its label noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Which set.
    pub name: DatasetName,
    /// The rate at which each label is flipped to another class, independently;
    /// validation labels too, as in practice. Test labels stay clean.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1, default = 0.0))]
    pub label_noise: f64,
    /// Training samples; the set's own number when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub n_train: Option<u32>,
    /// Validation samples; the set's own number when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub n_val: Option<u32>,
}

impl Dataset {
    /// The same with the split's sizes filled in.
    pub fn resolved(&self) -> Self {
        let (n_train, n_val) = self.name.default_split();
        Self {
            n_train: self.n_train.or(Some(n_train)),
            n_val: self.n_val.or(Some(n_val)),
            ..self.clone()
        }
    }
}

/// The data sets that a recipe can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DatasetName {
    /// 1,797 8×8 optical digits of the UCI repository; built in.
    Digits,
    /// Two Gaussians in ten dimensions (Ishida et al., 2020, §4.1); generated.
    TwoGaussians,
    /// A sinusoid through a disc (the same); generated.
    Sinusoid,
    /// Two noisy spirals (the same); generated.
    Spiral,
    /// Handwritten digits, 28×28; IDX files in the data folder.
    Mnist,
    /// Articles of clothing, 28×28; IDX files in the data folder.
    FashionMnist,
    /// Cursive Japanese characters, 28×28; IDX files in the data folder.
    Kmnist,
}

impl DatasetName {
    /// Every data set.
    pub const ALL: [Self; 7] = [
        Self::Digits,
        Self::TwoGaussians,
        Self::Sinusoid,
        Self::Spiral,
        Self::Mnist,
        Self::FashionMnist,
        Self::Kmnist,
    ];

    /// The name as it stands in a recipe.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::TwoGaussians => "two_gaussians",
            Self::Sinusoid => "sinusoid",
            Self::Spiral => "spiral",
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion_mnist",
            Self::Kmnist => "kmnist",
        }
    }

    /// The sizes (training, validation) of a split that names none: the paper's
    /// 100/100 for the synthetic sets, 80:20 for the MNIST-like ones.
    pub fn default_split(self) -> (u32, u32) {
        match self {
            Self::Digits => (1_000, 397),
            Self::TwoGaussians | Self::Sinusoid | Self::Spiral => (100, 100),
            Self::Mnist | Self::FashionMnist | Self::Kmnist => (48_000, 12_000),
        }
    }

    /// The most samples that training and validation can have together.
    /// Digits keep 100 back for the test set; synthetic sets are bounded by memory alone.
    pub fn most_samples(self) -> u32 {
        match self {
            Self::Digits => 1_697,
            Self::TwoGaussians | Self::Sinusoid | Self::Spiral => 1_000_000,
            Self::Mnist | Self::FashionMnist | Self::Kmnist => 60_000,
        }
    }

    /// How many features a sample has.
    pub fn features(self) -> u32 {
        match self {
            Self::Digits => 64,
            Self::TwoGaussians => 10,
            Self::Sinusoid | Self::Spiral => 2,
            Self::Mnist | Self::FashionMnist | Self::Kmnist => 784,
        }
    }

    /// The images that the samples are, where they are images.
    pub fn image(self) -> Option<Image> {
        let gray = |side| Some(Image { channels: 1, height: side, width: side });
        match self {
            Self::Digits => gray(8),
            Self::Mnist | Self::FashionMnist | Self::Kmnist => gray(28),
            Self::TwoGaussians | Self::Sinusoid | Self::Spiral => None,
        }
    }

    /// How many classes the labels name.
    pub fn classes(self) -> u32 {
        match self {
            Self::TwoGaussians | Self::Sinusoid | Self::Spiral => 2,
            Self::Digits | Self::Mnist | Self::FashionMnist | Self::Kmnist => 10,
        }
    }
}

/// An optimiser; its weight decay is the family's: L2, added to the gradient, unless it says
/// otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    deny_unknown_fields,
    try_from = "crate::spelled::OptimizerFields"
)]
pub enum Optimizer {
    /// Stochastic gradient descent, `v ← μv + g`, `θ ← θ − lr·v`; with Nesterov's momentum
    /// `θ ← θ − lr·(g + μv)` (Sutskever et al., ICML 2013, as a step on the looked-ahead weights).
    Sgd {
        /// The learning rate.
        lr: f64,
        /// The momentum μ, at least 0 and below 1.
        #[serde(default)]
        momentum: f64,
        /// Whether the momentum is Nesterov's.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        nesterov: bool,
        /// How the learning rate changes.
        #[serde(default, skip_serializing_if = "Schedule::is_constant")]
        schedule: Schedule,
    },
    /// Adam (Kingma & Ba, ICLR 2015), with bias correction.
    Adam {
        /// The learning rate.
        lr: f64,
        /// Decay of the first moment.
        #[serde(default = "default_beta_1")]
        beta_1: f64,
        /// Decay of the second moment.
        #[serde(default = "default_beta_2")]
        beta_2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "default_epsilon")]
        epsilon: f64,
        /// How the learning rate changes.
        #[serde(default, skip_serializing_if = "Schedule::is_constant")]
        schedule: Schedule,
    },
    /// Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019): each step also takes
    /// `lr · weight decay · θ` off the weights.
    Adamw {
        /// The learning rate.
        lr: f64,
        /// Decay of the first moment.
        #[serde(default = "default_beta_1")]
        beta_1: f64,
        /// Decay of the second moment.
        #[serde(default = "default_beta_2")]
        beta_2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "default_epsilon")]
        epsilon: f64,
        /// How the learning rate changes.
        #[serde(default, skip_serializing_if = "Schedule::is_constant")]
        schedule: Schedule,
    },
}

pub(crate) fn default_beta_1() -> f64 {
    0.9
}

pub(crate) fn default_beta_2() -> f64 {
    0.999
}

pub(crate) fn default_epsilon() -> f64 {
    1e-8
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
