//! One value of a curve, as it is held.

use super::budget::Budget;
use floodgauge_protocol::Metric;
use serde::de::{DeserializeSeed, Deserializer, Error, Unexpected, Visitor};
use std::fmt;

/// The value of a metric after an epoch, in eight bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MetricBits(u64);

impl MetricBits {
    /// That it was told to have diverged, by bits that no number of JSON has.
    pub const DIVERGED: Self = Self(u64::MAX);
    /// That nothing was told, likewise.
    pub const NONE: Self = Self(u64::MAX - 1);

    /// A number.
    pub fn of(value: f64) -> Self {
        Self(value.to_bits())
    }

    /// What it tells; none where nothing was told.
    pub fn metric(self) -> Option<Metric> {
        match self {
            Self::NONE => None,
            Self::DIVERGED => Some(Metric::Diverged),
            Self(bits) => Some(f64::from_bits(bits).into()),
        }
    }
}

impl fmt::Debug for MetricBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.metric().fmt(f)
    }
}

/// Reads one.
#[derive(Clone, Copy)]
pub struct OneValue<'a>(pub &'a Budget);

impl<'de> DeserializeSeed<'de> for OneValue<'_> {
    type Value = MetricBits;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<MetricBits, D::Error> {
        self.0.take(1)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneValue<'_> {
    type Value = MetricBits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"diverged\" or null")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<MetricBits, E> {
        Ok(MetricBits::of(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<MetricBits, E> {
        Ok(MetricBits::of(value as f64))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<MetricBits, E> {
        Ok(MetricBits::of(value as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<MetricBits, E> {
        match text {
            "diverged" => Ok(MetricBits::DIVERGED),
            other => Err(E::invalid_value(Unexpected::Str(other), &self)),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<MetricBits, E> {
        Ok(MetricBits::NONE)
    }
}
