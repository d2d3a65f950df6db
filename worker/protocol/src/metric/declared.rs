//! What a sweep's runs report: which metrics, and which way each is better.

use super::{Metric, MetricName};
use crate::word_or_table::WordOrTable;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The lower, the better: losses, error rates.
    #[default]
    Min,
    /// The higher, the better: accuracy, F1.
    Max,
}

impl Direction {
    /// A value as what is minimised: itself, or its negative where higher is better. Its own inverse,
    /// without rounding.
    pub fn minimised(self, value: Metric) -> Metric {
        match (self, value) {
            (Self::Max, Metric::Finite(value)) => Metric::Finite(-value),
            _ => value,
        }
    }

    /// The same of a number.
    pub fn minimised_f64(self, value: f64) -> f64 {
        match self {
            Self::Min => value,
            Self::Max => -value,
        }
    }

    /// An interval of minimised numbers as it was measured, or the other way round: from its lower end to
    /// its upper.
    pub fn interval(self, low: f64, high: f64) -> (f64, f64) {
        match self {
            Self::Min => (low, high),
            Self::Max => (-high, -low),
        }
    }

    /// Whether it is [`Min`](Self::Min), as that of every metric before there was a choice.
    pub fn is_min(&self) -> bool {
        *self == Self::Min
    }
}

/// What a user says of a metric: `"max"`, or `{ direction = "max", unit = "share" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum MetricSpec {
    /// Which way it is better.
    Direction(Direction),
    /// Which way it is better, and what it is measured in.
    Full(MetricTable),
}

impl<'de> Deserialize<'de> for MetricSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrTable {
            expecting: "\"min\", \"max\", or a table with a direction",
            of_word: Self::Direction,
            of_table: Self::Full,
        })
    }
}

/// A metric with its unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MetricTable {
    /// Which way it is better.
    pub direction: Direction,
    /// What it is measured in, for people: `nats`, `share`; 1 to 20 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 20))]
    pub unit: Option<String>,
}

/// A metric that a sweep's runs report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MetricInfo {
    /// What rows, objectives and columns call it.
    pub name: MetricName,
    /// Which way it is better; null for one that says how the training goes, and that nothing compares.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub direction: Option<Direction>,
    /// What it is measured in, for people; null where nobody said, and where it has none.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub unit: Option<String>,
}

/// Every metric that a sweep's runs report, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics(Vec<MetricInfo>);

/// The names of the built-in recipe's metrics.
impl MetricName {
    /// The built-in recipe's mean cross-entropy on the validation set, in nats.
    pub fn val_loss() -> Self {
        Self::known("val_loss")
    }

    /// The built-in recipe's share of the validation set that is classified wrongly.
    pub fn val_error() -> Self {
        Self::known("val_error")
    }

    /// The built-in recipe's learning rate in force.
    pub fn lr() -> Self {
        Self::known("lr")
    }
}

impl Metrics {
    /// The most that a sweep can have.
    pub const MAX: usize = 16;

    /// Those of the built-in recipe. What has a direction is reported by every release; a worker of
    /// another release may leave out the others.
    pub fn built_in() -> Self {
        let metric = |name, direction, unit: Option<&str>| MetricInfo {
            name,
            direction,
            unit: unit.map(Into::into),
        };
        Self(vec![
            metric(MetricName::val_loss(), Some(Direction::Min), Some("nats")),
            metric(MetricName::val_error(), Some(Direction::Min), Some("share")),
            metric(MetricName::lr(), None, None),
        ])
    }

    /// Those that a user declares, in the order of their names.
    pub fn declared(specs: &BTreeMap<MetricName, MetricSpec>) -> Self {
        let metrics = specs.iter().map(|(&name, spec)| {
            let (direction, unit) = match spec {
                MetricSpec::Direction(direction) => (*direction, None),
                MetricSpec::Full(table) => (table.direction, table.unit.clone()),
            };
            MetricInfo { name, direction: Some(direction), unit }
        });
        Self(metrics.collect())
    }

    /// Each metric: built-in ones in the order of `built_in`, declared ones in that of their names.
    pub fn iter(&self) -> impl Iterator<Item = &MetricInfo> {
        self.0.iter()
    }

    /// Those that an objective may name: all that are better one way.
    pub fn compared(&self) -> impl Iterator<Item = &MetricInfo> {
        self.iter().filter(|metric| metric.direction.is_some())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a metric stands among them; none if it isn't.
    pub fn position(&self, name: MetricName) -> Option<usize> {
        self.0.iter().position(|metric| metric.name == name)
    }

    /// A metric; none if it isn't among them.
    pub fn get(&self, name: MetricName) -> Option<&MetricInfo> {
        self.0.iter().find(|metric| metric.name == name)
    }

    /// Which way a metric is better; none if it has no direction, or isn't among them.
    pub fn direction(&self, name: MetricName) -> Option<Direction> {
        self.get(name)?.direction
    }

    /// Their names, for people: `val_loss, val_error`.
    pub fn names(&self) -> String {
        let names: Vec<_> = self.iter().map(|metric| metric.name.as_str()).collect();
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_metric_is_declared_by_its_direction_alone_or_with_a_unit() {
        let text = r#"{"f1":"max","loss":{"direction":"min","unit":"nats"}}"#;
        let specs: BTreeMap<MetricName, MetricSpec> = serde_json::from_str(text).unwrap();
        let array = serde_json::from_str::<MetricSpec>(r#"["max", "share"]"#).unwrap_err();
        assert!(array.to_string().contains("a table with a direction"), "{array}");
        let metrics = Metrics::declared(&specs);
        assert_eq!(metrics.direction("f1".parse().unwrap()), Some(Direction::Max));
        let loss = metrics.get("loss".parse().unwrap()).unwrap();
        assert_eq!((loss.direction, loss.unit.as_deref()), (Some(Direction::Min), Some("nats")));
        assert_eq!(serde_json::to_string(&specs).unwrap(), text);
    }

    #[test]
    fn the_built_in_names_are_spelled_right() {
        for metric in Metrics::built_in().iter() {
            assert_eq!(metric.name.as_str().parse(), Ok(metric.name));
        }
    }

    proptest! {
        #[test]
        fn what_is_minimised_is_turned_back_to_the_last_bit(value in proptest::num::f64::ANY) {
            let value = Metric::from(value);
            for direction in [Direction::Min, Direction::Max] {
                let back = direction.minimised(direction.minimised(value));
                prop_assert_eq!(back.finite().map(f64::to_bits), value.finite().map(f64::to_bits));
            }
        }
    }
}
