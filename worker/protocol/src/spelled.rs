//! Models, optimisers and levels as they are read: field by field.
//!
//! Serde's tagged and untagged enums hold a value back until they know its variant, and forget
//! meanwhile which field it was that didn't read. People are to be pointed at it.

use crate::{
    levels::{Levels, LogRange, Range},
    recipe::{Model, Optimizer, default_beta_1, default_beta_2, default_epsilon},
};
use serde::{
    Deserialize, Deserializer,
    de::{
        Error, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use std::fmt;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelFields {
    kind: ModelKind,
    hidden: Vec<u32>,
    #[serde(default)]
    batch_norm: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModelKind {
    Mlp,
}

impl From<ModelFields> for Model {
    fn from(ModelFields { kind: ModelKind::Mlp, hidden, batch_norm }: ModelFields) -> Self {
        Self::Mlp { hidden, batch_norm }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OptimizerFields {
    kind: OptimizerKind,
    lr: f64,
    momentum: Option<f64>,
    beta_1: Option<f64>,
    beta_2: Option<f64>,
    epsilon: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OptimizerKind {
    Sgd,
    Adam,
}

impl TryFrom<OptimizerFields> for Optimizer {
    type Error = String;

    fn try_from(fields: OptimizerFields) -> Result<Self, String> {
        let OptimizerFields { kind, lr, momentum, beta_1, beta_2, epsilon } = fields;
        let none_of = |kind: &str, others: &[(&str, Option<f64>)]| {
            let stray = others.iter().find(|(_, value)| value.is_some());
            stray.map_or(Ok(()), |(name, _)| Err(format!("{kind} has no {name}")))
        };
        match kind {
            OptimizerKind::Sgd => {
                let adams = [("beta_1", beta_1), ("beta_2", beta_2), ("epsilon", epsilon)];
                none_of("sgd", &adams)?;
                Ok(Self::Sgd { lr, momentum: momentum.unwrap_or(0.0) })
            }
            OptimizerKind::Adam => {
                none_of("adam", &[("momentum", momentum)])?;
                Ok(Self::Adam {
                    lr,
                    beta_1: beta_1.unwrap_or_else(default_beta_1),
                    beta_2: beta_2.unwrap_or_else(default_beta_2),
                    epsilon: epsilon.unwrap_or_else(default_epsilon),
                })
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spaced {
    from: f64,
    to: f64,
    step: Option<f64>,
    count: Option<u32>,
}

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LevelsVisitor)
    }
}

struct LevelsVisitor;

impl<'de> Visitor<'de> for LevelsVisitor {
    type Value = Levels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of levels, or a range with from, to and either step or count")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Levels, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Levels::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, range: A) -> Result<Levels, A::Error> {
        let Spaced { from, to, step, count } =
            Spaced::deserialize(MapAccessDeserializer::new(range))?;
        match (step, count) {
            (Some(step), None) => Ok(Levels::Range(Range { from, to, step })),
            (None, Some(count)) => Ok(Levels::LogRange(LogRange { from, to, count })),
            (Some(_), Some(_)) => Err(A::Error::custom("a range has a step or a count, not both")),
            (None, None) => Err(A::Error::custom("a range needs a step or a count")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn levels(json: Value) -> Result<Levels, String> {
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    fn optimizer(json: Value) -> Result<Optimizer, String> {
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    #[test]
    fn levels_are_a_list_or_a_range_of_either_kind() {
        assert_eq!(levels(json!([1, 0.5])), Ok(Levels::List(vec![1.0, 0.5])));
        let range = levels(json!({ "from": 0.1, "to": 0.2, "step": 0.1 }));
        assert_eq!(range, Ok(Levels::Range(Range { from: 0.1, to: 0.2, step: 0.1 })));
        let log = levels(json!({ "from": 0.1, "to": 1, "count": 3 }));
        assert_eq!(log, Ok(Levels::LogRange(LogRange { from: 0.1, to: 1.0, count: 3 })));
    }

    #[test]
    fn levels_that_are_neither_are_told_what_was_expected() {
        assert!(levels(json!("0.1")).unwrap_err().contains("expected a list of levels"));
        let range = json!({ "from": 0.1, "to": 0.2 });
        assert!(levels(range).unwrap_err().contains("needs a step or a count"));
        let both = json!({ "from": 0.1, "to": 0.2, "step": 0.1, "count": 2 });
        assert!(levels(both).unwrap_err().contains("not both"));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let adam = optimizer(json!({ "kind": "adam", "lr": 0.001 })).unwrap();
        assert_eq!(optimizer(serde_json::to_value(&adam).unwrap()), Ok(adam));
        let model = Model::Mlp { hidden: vec![3], batch_norm: true };
        let read: Model = serde_json::from_value(serde_json::to_value(&model).unwrap()).unwrap();
        assert_eq!(read, model);
        let list = Levels::default();
        assert_eq!(levels(serde_json::to_value(&list).unwrap()), Ok(list));
    }

    #[test]
    fn an_optimizer_takes_no_parameter_of_the_other() {
        let mixed = optimizer(json!({ "kind": "sgd", "lr": 0.1, "beta_1": 0.9 }));
        assert_eq!(mixed, Err("sgd has no beta_1".into()));
        let mixed = optimizer(json!({ "kind": "adam", "lr": 0.1, "momentum": 0.9 }));
        assert_eq!(mixed, Err("adam has no momentum".into()));
    }
}
