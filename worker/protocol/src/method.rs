//! The training methods that compete in a sweep.

use crate::{by_kind::by_kind, shown::Shown, word_or_table::WordOrTable};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// A method as a sweep names it: `"flood"`, or a table with the parameters to try.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum MethodSpec {
    /// A method whose parameter is the flood level; it's tried at every level of the sweep.
    Level(MethodKind),
    /// A method with parameters of its own.
    Table(MethodTable),
}

/// The kind of a method whose parameter is the flood level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MethodKind {
    /// Flooding (Ishida et al., ICML 2020): train on `|L − b| + b`.
    Flood,
    /// Flooding of single samples (iFlood, ICLR 2022).
    Iflood,
    /// Flooding of single samples with soft weights (SoftAD, NeurIPS 2024).
    Softad,
}

by_kind! {
/// A method with the parameters to try; it has no flood level.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum MethodTable {
    /// A descent step, then an ascent step, on each mini-batch.
    Alternating {
        /// Pairs `[ε₁, ε₂]` of learning rates, `ε₁ > ε₂ > 0`.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::openapi::Rates>, min_items = 1))]
        lr: Vec<[f64; 2]> => "pairs of rates",
    },
    /// A penalty on the squared norm of the gradient.
    GradientPenalty {
        /// The weights λ of the penalty, above 0.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::openapi::Positive>, min_items = 1))]
        lambda: Vec<f64> => "a list of weights",
        /// How far away, as a distance between weights, the second gradient is taken; above 0.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(exclusive_minimum = 0, default = 0.05))]
        rho: f64 = DEFAULT_RHO,
    },
}
}

/// The ρ of a gradient penalty that names none: a distance between weights.
const DEFAULT_RHO: f64 = 0.05;

impl<'de> Deserialize<'de> for MethodSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrTable {
            expecting: "\"flood\", \"iflood\", \"softad\", or a table whose kind is alternating or gradient_penalty",
            of_word: Self::Level,
            of_table: Self::Table,
        })
    }
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
    /// Train on the mean of `|ℓ − b| + b` over the samples' losses `ℓ` (iFlood, ICLR 2022).
    Iflood {
        /// The flood level of each sample, in nats.
        b: f64,
    },
    /// Weigh each sample's gradient by `x / √(1 + x²)`, `x = ℓ − b` (SoftAD, NeurIPS 2024).
    Softad {
        /// The flood level of each sample, in nats.
        b: f64,
    },
    /// `θ ← θ − ε₁ g(θ)`, then `θ ← θ + ε₂ g(θ)` on the same mini-batch, by plain SGD.
    Alternating {
        /// The learning rate ε₁ of the descent step.
        descent: f64,
        /// The learning rate ε₂ of the ascent step; below `descent`.
        ascent: f64,
    },
    /// Minimise `L + (λ/2)·‖∇L‖²` by the gradient `g + λ (g(θ + r g) − g) / r`, `r = ρ / ‖g‖`.
    GradientPenalty {
        /// The weight λ of the penalty.
        lambda: f64,
        /// The distance ρ between the two places where the gradient is taken.
        rho: f64,
    },
}

/// The parameter of a method.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Parameter {
    /// A flood level in nats, or the weight λ of a gradient penalty.
    Number(f64),
    /// The rates of alternating steps: that of the descent, then that of the ascent. Or the weight λ of a
    /// gradient penalty and its distance ρ, where that isn't the usual one.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Rates))]
    Pair([f64; 2]),
}

impl MethodKind {
    /// The method at flood level `b`.
    pub fn at(self, b: f64) -> Method {
        match self {
            Self::Flood => Method::Flood { b },
            Self::Iflood => Method::Iflood { b },
            Self::Softad => Method::Softad { b },
        }
    }
}

impl MethodTable {
    /// The method with each of its parameters.
    pub fn arms(&self) -> Vec<Method> {
        match self {
            Self::Alternating { lr } => {
                let arm = |&[descent, ascent]: &[f64; 2]| Method::Alternating { descent, ascent };
                lr.iter().map(arm).collect()
            }
            Self::GradientPenalty { lambda, rho } => {
                let arm = |&lambda| Method::GradientPenalty { lambda, rho: *rho };
                lambda.iter().map(arm).collect()
            }
        }
    }
}

impl MethodSpec {
    /// The arms that the method makes, given the sweep's flood levels.
    pub fn arms(&self, levels: &[f64]) -> Vec<Method> {
        match self {
            Self::Level(kind) => levels.iter().map(|&b| kind.at(b)).collect(),
            Self::Table(table) => table.arms(),
        }
    }
}

impl Method {
    /// The method's name as it stands in recipes and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Flood { .. } => "flood",
            Self::Iflood { .. } => "iflood",
            Self::Softad { .. } => "softad",
            Self::Alternating { .. } => "alternating",
            Self::GradientPenalty { .. } => "gradient_penalty",
        }
    }

    /// Whether its run is the plain run, bit for bit, until a mini-batch loss is below its level.
    pub fn shares_trunk(self) -> bool {
        matches!(self, Self::Plain | Self::Flood { .. })
    }

    /// The flood level, where the method has one.
    pub fn level(self) -> Option<f64> {
        match self {
            Self::Flood { b } | Self::Iflood { b } | Self::Softad { b } => Some(b),
            Self::Plain | Self::Alternating { .. } | Self::GradientPenalty { .. } => None,
        }
    }

    /// What tells it from others of its method; none for plain. A gradient penalty is told by its
    /// weight, and by its distance too where that isn't the usual one.
    pub fn parameter(self) -> Option<Parameter> {
        match self {
            Self::Plain => None,
            Self::Flood { b } | Self::Iflood { b } | Self::Softad { b } => {
                Some(Parameter::Number(b))
            }
            Self::Alternating { descent, ascent } => Some(Parameter::Pair([descent, ascent])),
            Self::GradientPenalty { lambda, rho } if rho != DEFAULT_RHO => {
                Some(Parameter::Pair([lambda, rho]))
            }
            Self::GradientPenalty { lambda, .. } => Some(Parameter::Number(lambda)),
        }
    }

    /// Gradients taken of each mini-batch: what a step costs.
    pub fn gradients_per_step(self) -> u32 {
        match self {
            Self::Alternating { .. } | Self::GradientPenalty { .. } => 2,
            Self::Plain | Self::Flood { .. } | Self::Iflood { .. } | Self::Softad { .. } => 1,
        }
    }
}

/// `plain`, `flood b=0.07`, `alternating ε₁=0.1 ε₂=0.05`.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match *self {
            Self::Plain => Ok(()),
            Self::Flood { b } | Self::Iflood { b } | Self::Softad { b } => {
                write!(f, " b={}", Shown(b))
            }
            Self::Alternating { descent, ascent } => {
                write!(f, " ε₁={} ε₂={}", Shown(descent), Shown(ascent))
            }
            Self::GradientPenalty { lambda, rho } => {
                write!(f, " λ={}", Shown(lambda))?;
                if rho == DEFAULT_RHO { Ok(()) } else { write!(f, " ρ={}", Shown(rho)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_names_methods_by_word_or_by_table() {
        let text = r#"["flood", "iflood", "softad",
            {"kind": "alternating", "lr": [[0.1, 0.05]]},
            {"kind": "gradient_penalty", "lambda": [0.01, 0.1]},
            {"kind": "gradient_penalty", "lambda": [0.1], "rho": 0.5}]"#;
        let specs: Vec<MethodSpec> = serde_json::from_str(text).unwrap();
        let arms: Vec<_> = specs.iter().flat_map(|spec| spec.arms(&[0.07])).collect();
        let names: Vec<_> = arms.iter().map(ToString::to_string).collect();
        let expected = [
            "flood b=0.07",
            "iflood b=0.07",
            "softad b=0.07",
            "alternating ε₁=0.1 ε₂=0.05",
            "gradient_penalty λ=0.01",
            "gradient_penalty λ=0.1",
            "gradient_penalty λ=0.1 ρ=0.5",
        ];
        assert_eq!(names, expected);
        let back = serde_json::to_string(&specs).unwrap();
        assert_eq!(serde_json::from_str::<Vec<MethodSpec>>(&back).unwrap(), specs);
        for arm in arms {
            let text = serde_json::to_string(&arm).unwrap();
            assert_eq!(serde_json::from_str::<Method>(&text).unwrap(), arm);
        }
    }

    #[test]
    fn a_name_is_short_whatever_its_numbers_are() {
        assert_eq!(Method::Flood { b: 1e300 }.to_string(), "flood b=1e300");
        let tiny = Method::Alternating { descent: 1e-9, ascent: 5e-324 };
        assert_eq!(tiny.to_string(), "alternating ε₁=1e-9 ε₂=5e-324");
        let penalty = Method::GradientPenalty { lambda: 1e20, rho: 1e-7 };
        assert_eq!(penalty.to_string(), "gradient_penalty λ=1e20 ρ=1e-7");
    }

    #[test]
    fn a_misspelt_method_is_answered_with_what_there_is() {
        for (text, expected) in [
            (r#""flod""#, "`softad`"),
            (r#""alternating""#, "`softad`"),
            ("7", "gradient_penalty"),
            (r#"{"kind": "sam"}"#, "`gradient_penalty`"),
            (r#"{"kind": "alternating", "rates": []}"#, "`lr`"),
            (r#"{"kind": "alternating"}"#, "needs lr"),
            (r#"{"kind": "gradient_penalty", "rho": 1}"#, "needs lambda"),
            (r#"{"kind": "alternating", "lr": [], "rho": 1}"#, "alternating has no rho"),
        ] {
            let error = serde_json::from_str::<MethodSpec>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
