//! Models, optimisers, schedules, methods and levels as they are read: field by field.
//!
//! Serde's tagged and untagged enums hold a value back until they know its variant, and forget
//! meanwhile which field it was that didn't read. People are to be pointed at it.

use crate::{
    levels::{Levels, LogRange, Range},
    method::{MethodKind, MethodSpec, MethodTable, default_rho},
    model::{Model, default_channels, default_hidden, default_kernel, default_width},
    recipe::{Optimizer, default_beta_1, default_beta_2, default_epsilon},
    schedule::Schedule,
};
use serde::{
    Deserialize, Deserializer,
    de::{
        Error, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer},
    },
};
use std::fmt;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelFields {
    kind: ModelKind,
    #[serde(default, deserialize_with = "there")]
    hidden: Option<Vec<u32>>,
    #[serde(default, deserialize_with = "there")]
    batch_norm: Option<bool>,
    #[serde(default, deserialize_with = "there")]
    channels: Option<Vec<u32>>,
    #[serde(default, deserialize_with = "there")]
    kernel: Option<u32>,
    #[serde(default, deserialize_with = "there")]
    depth: Option<u32>,
    #[serde(default, deserialize_with = "there")]
    width: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModelKind {
    Mlp,
    Cnn,
    Resnet,
}

impl TryFrom<ModelFields> for Model {
    type Error = String;

    fn try_from(fields: ModelFields) -> Result<Self, String> {
        let ModelFields { kind, hidden, batch_norm, channels, kernel, depth, width } = fields;
        let dense = [("hidden", hidden.is_some()), ("batch_norm", batch_norm.is_some())];
        let convolved = [("channels", channels.is_some()), ("kernel", kernel.is_some())];
        let residual = [("depth", depth.is_some()), ("width", width.is_some())];
        let batch_norm = batch_norm.unwrap_or(false);
        Ok(match kind {
            ModelKind::Mlp => {
                none_of("mlp", &[convolved, residual].concat())?;
                let hidden = hidden.ok_or("mlp needs hidden, the widths of its hidden layers")?;
                Self::Mlp { hidden, batch_norm }
            }
            ModelKind::Cnn => {
                none_of("cnn", &residual)?;
                Self::Cnn {
                    channels: channels.unwrap_or_else(default_channels),
                    kernel: kernel.unwrap_or_else(default_kernel),
                    hidden: hidden.unwrap_or_else(default_hidden),
                    batch_norm,
                }
            }
            ModelKind::Resnet => {
                none_of("resnet", &[dense, convolved].concat())?;
                let depth = depth.ok_or("resnet needs depth, its layers with weights: 6n + 2")?;
                Self::Resnet { depth, width: width.unwrap_or_else(default_width) }
            }
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OptimizerFields {
    kind: OptimizerKind,
    lr: f64,
    #[serde(default, deserialize_with = "there")]
    momentum: Option<f64>,
    #[serde(default, deserialize_with = "there")]
    nesterov: Option<bool>,
    #[serde(default, deserialize_with = "there")]
    beta_1: Option<f64>,
    #[serde(default, deserialize_with = "there")]
    beta_2: Option<f64>,
    #[serde(default, deserialize_with = "there")]
    epsilon: Option<f64>,
    #[serde(default)]
    schedule: Schedule,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OptimizerKind {
    Sgd,
    Adam,
    Adamw,
}

/// A field that may be left out but, as its schema says, isn't null.
fn there<'de, T: Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// Refuses the first of the fields that is there, though `kind` has none such.
fn none_of(kind: &str, others: &[(&str, bool)]) -> Result<(), String> {
    let stray = others.iter().find(|(_, there)| *there);
    stray.map_or(Ok(()), |(name, _)| Err(format!("{kind} has no {name}")))
}

impl TryFrom<OptimizerFields> for Optimizer {
    type Error = String;

    fn try_from(fields: OptimizerFields) -> Result<Self, String> {
        let OptimizerFields { kind, lr, schedule, .. } = fields;
        let sgds =
            [("momentum", fields.momentum.is_some()), ("nesterov", fields.nesterov.is_some())];
        let adams = [
            ("beta_1", fields.beta_1.is_some()),
            ("beta_2", fields.beta_2.is_some()),
            ("epsilon", fields.epsilon.is_some()),
        ];
        let beta_1 = fields.beta_1.unwrap_or_else(default_beta_1);
        let beta_2 = fields.beta_2.unwrap_or_else(default_beta_2);
        let epsilon = fields.epsilon.unwrap_or_else(default_epsilon);
        Ok(match kind {
            OptimizerKind::Sgd => {
                none_of("sgd", &adams)?;
                let momentum = fields.momentum.unwrap_or(0.0);
                Self::Sgd { lr, momentum, nesterov: fields.nesterov.unwrap_or(false), schedule }
            }
            OptimizerKind::Adam => {
                none_of("adam", &sgds)?;
                Self::Adam { lr, beta_1, beta_2, epsilon, schedule }
            }
            OptimizerKind::Adamw => {
                none_of("adamw", &sgds)?;
                Self::Adamw { lr, beta_1, beta_2, epsilon, schedule }
            }
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleFields {
    kind: ScheduleKind,
    #[serde(default, deserialize_with = "there")]
    every: Option<u32>,
    #[serde(default, deserialize_with = "there")]
    factor: Option<f64>,
    #[serde(default)]
    warmup: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScheduleKind {
    Constant,
    Step,
    Cosine,
}

impl TryFrom<ScheduleFields> for Schedule {
    type Error = String;

    fn try_from(fields: ScheduleFields) -> Result<Self, String> {
        let ScheduleFields { kind, every, factor, warmup } = fields;
        let steps = [("every", every.is_some()), ("factor", factor.is_some())];
        Ok(match kind {
            ScheduleKind::Constant => {
                none_of("constant", &steps)?;
                Self::Constant { warmup }
            }
            ScheduleKind::Step => {
                let every = every.ok_or("step needs every, the epochs between two changes")?;
                let factor = factor.ok_or("step needs factor, by which each change multiplies")?;
                Self::Step { every, factor, warmup }
            }
            ScheduleKind::Cosine => {
                none_of("cosine", &steps)?;
                Self::Cosine { warmup }
            }
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableFields {
    kind: TableKind,
    #[serde(default, deserialize_with = "there")]
    lr: Option<Vec<[f64; 2]>>,
    #[serde(default, deserialize_with = "there")]
    lambda: Option<Vec<f64>>,
    #[serde(default, deserialize_with = "there")]
    rho: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum TableKind {
    Alternating,
    GradientPenalty,
}

impl TryFrom<TableFields> for MethodTable {
    type Error = String;

    fn try_from(fields: TableFields) -> Result<Self, String> {
        let TableFields { kind, lr, lambda, rho } = fields;
        Ok(match kind {
            TableKind::Alternating => {
                let others = [("lambda", lambda.is_some()), ("rho", rho.is_some())];
                none_of("alternating", &others)?;
                Self::Alternating { lr: lr.ok_or("alternating needs lr, pairs of rates")? }
            }
            TableKind::GradientPenalty => {
                none_of("gradient_penalty", &[("lr", lr.is_some())])?;
                let lambda = lambda.ok_or("gradient_penalty needs lambda, a list of weights")?;
                Self::GradientPenalty { lambda, rho: rho.unwrap_or_else(default_rho) }
            }
        })
    }
}

impl<'de> Deserialize<'de> for MethodSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MethodVisitor)
    }
}

struct MethodVisitor;

impl<'de> Visitor<'de> for MethodVisitor {
    type Value = MethodSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"flood\", \"iflood\", \"softad\", or a table whose kind is alternating or gradient_penalty")
    }

    fn visit_str<E: Error>(self, kind: &str) -> Result<MethodSpec, E> {
        MethodKind::deserialize(StrDeserializer::new(kind)).map(MethodSpec::Level)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<MethodSpec, A::Error> {
        MethodTable::deserialize(MapAccessDeserializer::new(table)).map(MethodSpec::Table)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spaced {
    from: f64,
    to: f64,
    #[serde(default, deserialize_with = "there")]
    step: Option<f64>,
    #[serde(default, deserialize_with = "there")]
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
        let cnn = json!({ "kind": "cnn", "channels": [4], "kernel": 5, "hidden": [], "batch_norm": true });
        let resnet = json!({ "kind": "resnet", "depth": 8, "width": 4 });
        for json in [cnn, resnet] {
            let model: Model = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(model).unwrap(), json);
        }
        let list = Levels::default();
        assert_eq!(levels(serde_json::to_value(&list).unwrap()), Ok(list));
    }

    #[test]
    fn an_optimizer_takes_no_parameter_of_the_other() {
        let mixed = optimizer(json!({ "kind": "sgd", "lr": 0.1, "beta_1": 0.9 }));
        assert_eq!(mixed, Err("sgd has no beta_1".into()));
        let mixed = optimizer(json!({ "kind": "adam", "lr": 0.1, "momentum": 0.9 }));
        assert_eq!(mixed, Err("adam has no momentum".into()));
        let mixed = optimizer(json!({ "kind": "adamw", "lr": 0.1, "nesterov": true }));
        assert_eq!(mixed, Err("adamw has no nesterov".into()));
        let empty = optimizer(json!({ "kind": "sgd", "lr": 0.1, "nesterov": null }));
        assert!(empty.unwrap_err().contains("null"));
    }

    #[test]
    fn a_model_takes_what_its_kind_has_and_needs_it() {
        let model = |json| serde_json::from_value::<Model>(json).map_err(|error| error.to_string());
        for (json, problem) in [
            (json!({ "kind": "mlp" }), "mlp needs hidden"),
            (json!({ "kind": "mlp", "hidden": [], "kernel": 3 }), "mlp has no kernel"),
            (json!({ "kind": "cnn", "depth": 8 }), "cnn has no depth"),
            (json!({ "kind": "resnet" }), "resnet needs depth"),
            (
                json!({ "kind": "resnet", "depth": 8, "batch_norm": true }),
                "resnet has no batch_norm",
            ),
        ] {
            let told = model(json).unwrap_err();
            assert!(told.contains(problem), "{told}");
        }
    }

    #[test]
    fn a_schedule_takes_what_its_kind_has_and_needs_it() {
        let schedule =
            |schedule| optimizer(json!({ "kind": "sgd", "lr": 1, "schedule": schedule }));
        let step = schedule(json!({ "kind": "step", "every": 30, "factor": 0.1 })).unwrap();
        assert_eq!(*step.schedule(), Schedule::Step { every: 30, factor: 0.1, warmup: 0 });
        assert_eq!(optimizer(serde_json::to_value(&step).unwrap()), Ok(step));
        let short = schedule(json!({ "kind": "step", "every": 30 })).unwrap_err();
        assert!(short.contains("needs factor"), "{short}");
        let mixed = schedule(json!({ "kind": "cosine", "every": 30 }));
        assert_eq!(mixed, Err("cosine has no every".into()));
    }
}
