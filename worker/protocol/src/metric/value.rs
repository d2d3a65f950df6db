//! Numbers that may have diverged.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{
    cmp::Ordering,
    fmt::{self, Display, Formatter},
};

/// A loss or an error rate: a finite number, or `"diverged"`.
///
/// NaN and infinity never cross the wire as numbers; [`Metric::from`] makes them `Diverged`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// A finite number.
    Finite(f64),
    /// NaN or infinite.
    Diverged,
}

const DIVERGED: &str = "diverged";

impl Metric {
    /// The number, unless it diverged.
    pub fn finite(self) -> Option<f64> {
        match self {
            Self::Finite(value) => Some(value),
            Self::Diverged => None,
        }
    }

    /// Orders by value, diverged last; a total order, since no NaN gets in.
    pub fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Finite(a), Self::Finite(b)) => a.total_cmp(&b),
            (Self::Finite(_), Self::Diverged) => Ordering::Less,
            (Self::Diverged, Self::Finite(_)) => Ordering::Greater,
            (Self::Diverged, Self::Diverged) => Ordering::Equal,
        }
    }

    /// The mean of `values`; diverged if any is, or if there are none.
    pub fn mean(values: impl IntoIterator<Item = Self>) -> Self {
        let (mut sum, mut count) = (0.0, 0u32);
        for value in values {
            match value {
                Self::Finite(value) => sum += value,
                Self::Diverged => return Self::Diverged,
            }
            count += 1;
        }
        Self::from(sum / f64::from(count))
    }
}

/// For people: with four decimals or as many as are asked for, and in powers of ten where these
/// would say nothing. `+` gives positive ones a sign.
impl Display for Metric {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(4);
        let Self::Finite(value) = self else { return f.write_str(DIVERGED) };
        if f.sign_plus() && *value >= 0.0 {
            f.write_str("+")?;
        }
        if *value != 0.0 && !(5e-4..1e4).contains(&value.abs()) {
            return write!(f, "{value:.2e}");
        }
        write!(f, "{value:.decimals$}")
    }
}

impl From<f64> for Metric {
    fn from(value: f64) -> Self {
        if value.is_finite() { Self::Finite(value) } else { Self::Diverged }
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Finite(value) if value.is_finite() => serializer.serialize_f64(*value),
            _ => serializer.serialize_str(DIVERGED),
        }
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Number(f64),
            Word(String),
        }
        match Wire::deserialize(deserializer)? {
            Wire::Number(value) if value.is_finite() => Ok(Self::Finite(value)),
            Wire::Word(word) if word == DIVERGED => Ok(Self::Diverged),
            _ => Err(D::Error::custom("expected a finite number or \"diverged\"")),
        }
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Metric {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
        OneOfBuilder::new()
            .item(ObjectBuilder::new().schema_type(Type::Number))
            .item(ObjectBuilder::new().schema_type(Type::String).enum_values(Some([DIVERGED])))
            .description(Some("A finite number, or the word \"diverged\""))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Metric {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_read_as_many_digits_as_say_something() {
        let words = |value: f64| Metric::from(value).to_string();
        assert_eq!(words(2.13106), "2.1311");
        assert_eq!(words(-0.5), "-0.5000");
        assert_eq!(words(2.5e34), "2.50e34");
        assert_eq!(words(0.0000123), "1.23e-5");
        assert_eq!(words(0.0), "0.0000");
        assert_eq!(
            format!("{:+} {:+.3}", Metric::Finite(0.5), Metric::Finite(-3e34)),
            "+0.5000 -3.00e34"
        );
        assert_eq!(words(f64::NAN), "diverged");
        assert_eq!(format!("{:.3}", Metric::Finite(0.23126)), "0.231");
    }

    proptest! {
        #[test]
        fn every_bit_of_a_finite_metric_survives_json(value in proptest::num::f64::NORMAL) {
            let text = serde_json::to_string(&Metric::from(value)).unwrap();
            let back: Metric = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back.finite().unwrap().to_bits(), value.to_bits());
        }
    }

    #[test]
    fn nan_crosses_the_wire_as_a_word() {
        assert_eq!(serde_json::to_string(&Metric::from(f64::NAN)).unwrap(), "\"diverged\"");
        assert_eq!(serde_json::from_str::<Metric>("\"diverged\"").unwrap(), Metric::Diverged);
        assert!(serde_json::from_str::<Metric>("\"nan\"").is_err());
    }

    #[test]
    fn diverged_ranks_behind_every_number() {
        assert_eq!(Metric::Finite(1e300).order(Metric::Diverged), Ordering::Less);
    }
}
