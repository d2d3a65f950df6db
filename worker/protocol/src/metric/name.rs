//! Names of metrics.

use arrayvec::ArrayString;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// The most characters of a name.
const MAX_CHARS: usize = 40;

/// What stands beside the metrics of an epoch in tables and exports, so that no metric can have the name.
const RESERVED: [&str; 15] = [
    "arm",
    "ascending",
    "b",
    "branch",
    "epoch",
    "family",
    "flooded_steps",
    "grad_norm",
    "method",
    "onset_step",
    "seed",
    "step",
    "steps_per_epoch",
    "train_loss",
    "weight_decay",
];

/// The name of a metric: `val_loss`, `eval/f1`.
///
/// 1 to 40 ASCII letters, digits and any of `_ - . /`, beginning with a letter. The columns that stand
/// beside metrics in tables can't be one: `train_loss`, `step`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricName(ArrayString<MAX_CHARS>);

/// A text that can't name a metric.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// It has other characters, or too many.
    #[error(
        "expected 1 to {MAX_CHARS} letters, digits and any of `_ - . /`, beginning with a letter, not `{0}`"
    )]
    Spelling(String),
    /// Something else has it.
    #[error("`{0}` is a column of its own: give the metric another name")]
    Reserved(String),
}

impl MetricName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name of this crate's own, which is spelled right; what doesn't fit is cut off.
    pub(super) fn known(name: &str) -> Self {
        let mut text = ArrayString::new();
        for char in name.chars() {
            // A name of our own is short enough.
            let _ = text.try_push(char);
        }
        Self(text)
    }
}

impl FromStr for MetricName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
        let begins = text.starts_with(|first: char| first.is_ascii_alphabetic());
        match ArrayString::from(text) {
            Ok(_) if RESERVED.contains(&text) => Err(InvalidName::Reserved(text.into())),
            Ok(name) if begins && text.bytes().all(fits) => Ok(Self(name)),
            _ => {
                let begin: String = text.chars().take(MAX_CHARS).collect();
                Err(InvalidName::Spelling(begin))
            }
        }
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// That of the built-in recipe's objective, where none is named.
impl Default for MetricName {
    fn default() -> Self {
        Self::val_loss()
    }
}

impl Serialize for MetricName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MetricName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = MetricName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a metric")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<MetricName, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text).map_err(D::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for MetricName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[A-Za-z][A-Za-z0-9_./-]*$"))
            .min_length(Some(1))
            .max_length(Some(MAX_CHARS))
            .description(Some("The name of a metric, such as `val_loss`"))
            .examples(
                super::Metrics::built_in().compared().map(|metric| metric.name.as_str().to_owned()),
            )
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for MetricName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for name in ["val_loss", "f1", "eval/top-5.acc", &"x".repeat(40)] {
            assert_eq!(name.parse::<MetricName>().unwrap().to_string(), name);
        }
        for name in ["", "1st", "_f1", "f 1", "µ", "a\n", &"x".repeat(41), "\u{1b}[31m"] {
            assert!(matches!(name.parse::<MetricName>(), Err(InvalidName::Spelling(_))), "{name}");
        }
    }

    #[test]
    fn columns_of_tables_are_no_metrics() {
        let words = "train_loss".parse::<MetricName>().unwrap_err().to_string();
        assert_eq!(words, "`train_loss` is a column of its own: give the metric another name");
    }
}
