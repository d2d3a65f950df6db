//! How a learning rate changes over a run.

use crate::by_kind::by_kind;
use serde::Serialize;

by_kind! {
/// What the learning rate of step number `t` is multiplied by, before any warm-up.
///
/// During `warmup` epochs the rate rises linearly to its whole: the factor of the schedule is
/// multiplied by `(t + 1) / warm-up steps` there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(default = json!({ "kind": "constant" }))
)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// 1 throughout.
    Constant {
        /// Epochs of warm-up.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(default = 0))]
        warmup: u32 = 0,
    },
    /// `factor^k` after `k·every` epochs, counted from the start of the run.
    Step {
        /// Epochs between two changes.
        #[cfg_attr(feature = "openapi", schema(minimum = 1))]
        every: u32 => "the epochs between two changes",
        /// By what each change multiplies the rate, above 0 and at most 1.
        #[cfg_attr(feature = "openapi", schema(exclusive_minimum = 0, maximum = 1))]
        factor: f64 => "by which each change multiplies",
        /// Epochs of warm-up.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(default = 0))]
        warmup: u32 = 0,
    },
    /// From 1 at the end of the warm-up down to 0 at the end of a full run, along half a cosine
    /// (Loshchilov & Hutter, ICLR 2017, without restarts).
    Cosine {
        /// Epochs of warm-up.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(default = 0))]
        warmup: u32 = 0,
    },
}
}

impl Schedule {
    /// Epochs of warm-up.
    pub fn warmup(&self) -> u32 {
        match self {
            Self::Constant { warmup } | Self::Step { warmup, .. } | Self::Cosine { warmup } => {
                *warmup
            }
        }
    }

    /// Whether it leaves every rate as it is.
    pub fn is_constant(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Constant { warmup: 0 }
    }
}
