//! The training methods that compete in a sweep.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The kind of a method whose parameter is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MethodKind {
    /// Flooding (Ishida et al., ICML 2020): train on `|L − b| + b`.
    Flood,
}

/// One candidate of a sweep: a method with its parameter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Method {
    /// Minimise the mini-batch loss: the baseline, and the trunk of its family.
    Plain,
    /// Train on `|L − b| + b`, where `L` is the mini-batch mean loss (Ishida et al., 2020, eq. 1).
    Flood {
        /// The flood level, in the loss's unit (nats).
        b: f64,
    },
}

impl Method {
    /// The method's name as it stands in recipes and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Flood { .. } => "flood",
        }
    }

    /// Whether its run is the plain run, bit for bit, until a mini-batch loss is below its level.
    pub fn rides(self) -> bool {
        matches!(self, Self::Plain | Self::Flood { .. })
    }

    /// The flood level, where the method has one.
    pub fn level(self) -> Option<f64> {
        match self {
            Self::Plain => None,
            Self::Flood { b } => Some(b),
        }
    }
}

/// `plain`, `flood b=0.07`.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("plain"),
            Self::Flood { b } => write!(f, "flood b={b}"),
        }
    }
}
