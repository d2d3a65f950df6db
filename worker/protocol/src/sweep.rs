//! A sweep as a user submits it.

use crate::{
    levels::Levels,
    method::{MethodKind, MethodSpec},
    metric::{MetricName, MetricSpec, Metrics},
    recipe::Recipe,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One search: the body of `POST /v1/sweeps`, and the shape of a sweep file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SweepSpec {
    /// What people call it; 1 to 100 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: String,
    /// What to train.
    pub recipe: Recipe,
    /// What to search, and for what.
    #[serde(default)]
    pub search: Search,
    /// How to search.
    #[serde(default)]
    pub scheduler: SchedulerSpec,
}

/// What to search, and for what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// The flood levels, for the methods that have one.
    #[serde(default)]
    pub levels: Levels,
    /// Weight decays; each makes families of its own.
    #[serde(default = "default_weight_decay")]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Vec<crate::openapi::NotNegative>, min_items = 1, max_items = 16, default = json!([0.0]))
    )]
    pub weight_decay: Vec<f64>,
    /// Seeds of split, noise, initial weights and batch order; each makes families of its own.
    #[serde(default = "default_seeds")]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Vec<crate::openapi::Seed>, min_items = 1, max_items = 100, default = json!([0]))
    )]
    pub seeds: Vec<u32>,
    /// The methods that compete; plain is always there.
    #[serde(default = "default_methods")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, default = json!(["flood"])))]
    pub methods: Vec<MethodSpec>,
    /// What makes an arm the best.
    #[serde(default)]
    pub objective: Objective,
    /// What each run reports beside its training loss, by name, with the direction in which it is better:
    /// `{ f1 = "max", val_loss = "min" }`. The built-in recipe's metrics are known, and can't be declared; so far
    /// there is no other recipe.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<MetricName, MetricSpec>,
    /// The metric whose turn says that a plain run only memorises from there on, and which counts beside
    /// the objective where runs are compared early. By default `val_loss` of the built-in recipe; of
    /// declared metrics the objective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<MetricName>,
    /// For `halving`: whether to go on beyond an end of the levels if the best lies there, by at most
    /// as many levels as are there.
    #[serde(default, skip_serializing_if = "is_false")]
    #[cfg_attr(feature = "openapi", schema(default = false))]
    pub extend: bool,
}

impl Search {
    /// Every metric that a run reports: those that are declared, or else the built-in recipe's.
    pub fn metrics(&self) -> Metrics {
        match self.metrics.is_empty() {
            true => Metrics::built_in(),
            false => Metrics::declared(&self.metrics),
        }
    }

    /// The metric that counts as evidence: the one that is named, or else the default of its field.
    pub fn evidence(&self) -> MetricName {
        let default = match self.metrics.is_empty() {
            true => MetricName::val_loss(),
            false => self.objective.metric,
        };
        self.evidence.unwrap_or(default)
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Default for Search {
    fn default() -> Self {
        Self {
            levels: Levels::default(),
            weight_decay: default_weight_decay(),
            seeds: default_seeds(),
            methods: default_methods(),
            objective: Objective::default(),
            metrics: BTreeMap::new(),
            evidence: None,
            extend: false,
        }
    }
}

fn default_weight_decay() -> Vec<f64> {
    vec![0.0]
}

fn default_seeds() -> Vec<u32> {
    vec![0]
}

fn default_methods() -> Vec<MethodSpec> {
    vec![MethodSpec::Level(MethodKind::Flood)]
}

/// What makes an arm the best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// The metric that is compared, in the direction in which it is better.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(default = "val_loss"))]
    pub metric: MetricName,
    /// Where on the curve it is read.
    #[serde(default)]
    pub at: At,
}

/// The epoch at which the objective is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(default = "last"))]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// The mean over the closing tenth of the epochs.
    #[default]
    Last,
    /// The best epoch: early stopping.
    Best,
}

impl At {
    /// The name as it stands in a recipe.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Best => "best",
        }
    }
}

/// Which scheduler decides, and what it is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SchedulerSpec {
    /// Who decides what is trained next, and what no further.
    #[serde(default)]
    pub kind: SchedulerKind,
    /// For `sha`, `asha` and `hyperband`: one arm of `eta` goes on at each rung; 3 when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 2, maximum = 100))]
    pub eta: Option<u32>,
    /// For `halving`: the epochs for which a level is probed, from that of its onset on; 15 % of
    /// a full run when unset. For `sha` and `asha`: epochs at the first rung; when unset, as many
    /// as let the last rung end a full run. For `hyperband`: epochs at the first rung of its most
    /// eager bracket; 1 when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub first_rung: Option<u32>,
    /// Sweeps of a higher priority get workers first.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = -100, maximum = 100, default = 0))]
    pub priority: i32,
}

/// Ways to decide what is trained next, and what no further.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(default = "halving"))]
#[serde(rename_all = "snake_case")]
pub enum SchedulerKind {
    /// Every arm trains to the end.
    Grid,
    /// A few spread levels are probed for a while after their onset; the level at which the
    /// response is best goes on to the end.
    #[default]
    Halving,
    /// Synchronous successive halving (Jamieson & Talwalkar, AISTATS 2016).
    Sha,
    /// Asynchronous successive halving by promotion (Li et al., MLSys 2020). Its decisions depend
    /// on the order in which results arrive.
    Asha,
    /// Brackets of successive halving that begin with ever fewer arms at ever later rungs (Li et
    /// al., JMLR 2018).
    Hyperband,
}

impl SchedulerKind {
    /// Every scheduler, in the order in which they are offered.
    pub const ALL: [Self; 5] = [Self::Grid, Self::Halving, Self::Sha, Self::Asha, Self::Hyperband];

    /// The name as it stands in a recipe.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Halving => "halving",
            Self::Sha => "sha",
            Self::Asha => "asha",
            Self::Hyperband => "hyperband",
        }
    }

    /// What people call it, in a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Grid => "full grid",
            Self::Halving => "halving after onset",
            Self::Sha => "textbook successive halving",
            Self::Asha => "asynchronous halving, which depends on the order of arrival",
            Self::Hyperband => "Hyperband",
        }
    }

    /// Whether one arm in `eta` goes on at each of its rungs.
    pub fn has_eta(self) -> bool {
        matches!(self, Self::Sha | Self::Asha | Self::Hyperband)
    }

    /// Whether it compares arms before the end, first after `first_rung` epochs.
    pub fn has_first_rung(self) -> bool {
        self != Self::Grid
    }

    /// Whether it can go on beyond an end of the levels by itself.
    pub fn can_extend(self) -> bool {
        self == Self::Halving
    }

    /// Whether the order in which results arrive may change its decisions.
    pub fn depends_on_arrival(self) -> bool {
        self == Self::Asha
    }
}
