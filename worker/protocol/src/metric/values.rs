//! The metrics of one epoch.

use super::{Metric, MetricName, Metrics};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
};
use std::fmt;

/// The metrics of one epoch, by name: `{"val_loss": 0.5, "f1": 0.9}`.
///
/// At most [`Metrics::MAX`], sorted by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricValues(Vec<(MetricName, Metric)>);

impl MetricValues {
    /// None of any.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of the built-in recipe's validation set: the mean cross-entropy in nats, and the share
    /// that is classified wrongly.
    pub fn validation(loss: Metric, error: Metric) -> Self {
        [(MetricName::val_error(), error), (MetricName::val_loss(), loss)].into_iter().collect()
    }

    /// The value of a metric; none if it isn't among them.
    pub fn get(&self, name: MetricName) -> Option<Metric> {
        let at = self.0.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        Some(self.0[at].1)
    }

    /// Sets a metric; answers whether it wasn't there before.
    pub fn insert(&mut self, name: MetricName, value: Metric) -> bool {
        match self.0.binary_search_by_key(&name, |(name, _)| *name) {
            Ok(at) => {
                self.0[at].1 = value;
                false
            }
            Err(at) => {
                self.0.insert(at, (name, value));
                true
            }
        }
    }

    /// Every metric with its value, by name.
    pub fn iter(&self) -> impl Iterator<Item = (MetricName, Metric)> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<(MetricName, Metric)> for MetricValues {
    fn from_iter<I: IntoIterator<Item = (MetricName, Metric)>>(all: I) -> Self {
        let mut values = Self::new();
        for (name, value) in all {
            values.insert(name, value);
        }
        values
    }
}

impl Serialize for MetricValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for MetricValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByName;
        impl<'de> Visitor<'de> for ByName {
            type Value = MetricValues;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("metrics by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MetricValues, A::Error> {
                let mut values = MetricValues::new();
                while let Some((name, value)) = map.next_entry()? {
                    if values.0.len() == Metrics::MAX {
                        return Err(A::Error::custom(format!(
                            "an epoch has at most {} metrics",
                            Metrics::MAX
                        )));
                    }
                    if !values.insert(name, value) {
                        return Err(A::Error::custom(format!("`{name}` is there twice")));
                    }
                }
                Ok(values)
            }
        }
        deserializer.deserialize_map(ByName)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for MetricValues {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::{Ref, schema::ObjectBuilder};
        ObjectBuilder::new()
            .additional_properties(Some(Ref::from_schema_name("Metric")))
            .max_properties(Some(Metrics::MAX))
            .description(Some("Metrics of one epoch, by name"))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for MetricValues {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_and_read_by_name() {
        let text = r#"{"val_error":0.25,"val_loss":-0.0,"f1":"diverged"}"#;
        let values: MetricValues = serde_json::from_str(text).unwrap();
        assert_eq!(values.get(MetricName::val_error()), Some(Metric::Finite(0.25)));
        assert_eq!(values.get("f1".parse().unwrap()), Some(Metric::Diverged));
        assert_eq!(values.get("auc".parse().unwrap()), None);
        let sorted = r#"{"f1":"diverged","val_error":0.25,"val_loss":-0.0}"#;
        assert_eq!(serde_json::to_string(&values).unwrap(), sorted);
    }

    #[test]
    fn no_metric_is_there_twice_and_there_are_not_too_many() {
        let read = |text: &str| serde_json::from_str::<MetricValues>(text).unwrap_err().to_string();
        assert!(read(r#"{"f1":1,"f1":2}"#).starts_with("`f1` is there twice"));
        let many: Vec<_> = (0..17).map(|i| format!(r#""m{i}":1"#)).collect();
        let many = format!("{{{}}}", many.join(","));
        assert!(read(&many).starts_with("an epoch has at most 16 metrics"));
    }
}
