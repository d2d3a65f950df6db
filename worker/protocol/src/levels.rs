//! Flood levels as a user writes them: a list, a range, or a log range.

use crate::shown::Shown;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        Error, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use std::fmt;

/// The levels of a sweep, in the unit of the loss (nats).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(default = json!({ "from": 0.01, "to": 0.20, "step": 0.01 }))
)]
#[serde(untagged)]
pub enum Levels {
    /// `[0.01, 0.05, 0.2]`
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::LevelList))]
    List(Vec<f64>),
    /// `{ from = 0.01, to = 0.20, step = 0.01 }`, both ends included.
    Range(Range),
    /// `{ from = 0.001, to = 1.0, count = 10 }`, evenly spaced in the logarithm, both ends included.
    LogRange(LogRange),
}

/// Levels evenly spaced from `from` to `to`, both included.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The lowest level.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub from: f64,
    /// The highest level; above `from`, or equal to it.
    pub to: f64,
    /// The distance between two levels.
    #[cfg_attr(feature = "openapi", schema(exclusive_minimum = 0))]
    pub step: f64,
}

/// Levels evenly spaced in the logarithm from `from` to `to`, both included.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LogRange {
    /// The lowest level, above 0.
    #[cfg_attr(feature = "openapi", schema(exclusive_minimum = 0))]
    pub from: f64,
    /// The highest level; above `from`, or equal to it.
    pub to: f64,
    /// How many levels there are, both ends included.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10_000))]
    pub count: u32,
}

/// The most levels that a sweep may have.
pub const MAX_LEVELS: usize = 10_000;

impl Default for Levels {
    /// The paper's grid: 0.01, 0.02, … 0.20.
    fn default() -> Self {
        Self::Range(Range { from: 0.01, to: 0.20, step: 0.01 })
    }
}

impl Levels {
    /// How many levels there are, without making them.
    ///
    /// # Errors
    /// Says which value is out of its range, or that there are none or too many.
    pub fn count(&self) -> Result<usize, String> {
        let count = match self {
            Self::List(levels) => levels.len(),
            Self::Range(range) => range.count()?,
            Self::LogRange(range) => range.count()?,
        };
        match count {
            0 => Err("at least one level is needed".into()),
            1..=MAX_LEVELS => Ok(count),
            _ => Err(format!("{count} levels are more than {MAX_LEVELS}")),
        }
    }

    /// The levels in rising order.
    ///
    /// # Errors
    /// As of [`count`](Self::count); and says which level is none, or is given twice.
    pub fn expand(&self) -> Result<Vec<f64>, String> {
        let count = self.count()?;
        let mut levels = match self {
            // Adding zero makes a negative zero a positive one.
            Self::List(levels) => levels.iter().map(|b| b + 0.0).collect(),
            Self::Range(range) => range.levels(count),
            Self::LogRange(range) => range.levels(count),
        };
        if let Some(bad) = levels.iter().find(|b| !(b.is_finite() && **b >= 0.0)) {
            return Err(format!("level {} must be a finite number of at least 0", Shown(*bad)));
        }
        levels.sort_by(f64::total_cmp);
        if let Some(twice) = levels.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("level {} is given twice", Shown(twice[0])));
        }
        Ok(levels)
    }
}

impl Range {
    fn count(&self) -> Result<usize, String> {
        let Self { from, to, step } = *self;
        if !(from.is_finite() && to.is_finite() && from <= to) {
            let (from, to) = (Shown(from), Shown(to));
            return Err(format!("from {from} must not be above to {to}"));
        }
        if !(step.is_finite() && step > 0.0) {
            return Err(format!("step {} must be above 0", Shown(step)));
        }
        // Half a thousandth of a step forgives the rounding of `to - from`.
        let last = ((to - from) / step + 5e-4).floor();
        if last >= MAX_LEVELS as f64 {
            return Err(format!("more than {MAX_LEVELS} levels"));
        }
        Ok(last as usize + 1)
    }

    fn levels(&self, count: usize) -> Vec<f64> {
        (0..count as u32).map(|i| tidy(self.from + f64::from(i) * self.step)).collect()
    }
}

impl LogRange {
    fn count(&self) -> Result<usize, String> {
        let Self { from, to, count } = *self;
        if !(from > 0.0 && from.is_finite() && to.is_finite() && from <= to) {
            let (from, to) = (Shown(from), Shown(to));
            return Err(format!("from {from} must be above 0 and not above to {to}"));
        }
        if count == 0 || count as usize > MAX_LEVELS {
            return Err(format!("count {count} must be between 1 and {MAX_LEVELS}"));
        }
        Ok(count as usize)
    }

    fn levels(&self, count: usize) -> Vec<f64> {
        let Self { from, to, .. } = *self;
        let count = count as u32;
        let gaps = f64::from(count.max(2) - 1);
        let ratio = (to / from).ln();
        let at = |i: u32| from * (ratio * f64::from(i) / gaps).exp();
        let levels = |digits: usize| -> Vec<f64> {
            let between = (1..count.saturating_sub(1)).map(|i| rounded(at(i), digits));
            let last = (count > 1).then_some(to);
            std::iter::once(from).chain(between).chain(last).collect()
        };
        // Four digits are enough for people, unless levels would fall together.
        let short = levels(4);
        let distinct = short.windows(2).all(|pair| pair[0] < pair[1]);
        if distinct { short } else { levels(11) }
    }
}

/// Drops the noise of binary fractions: 0.30000000000000004 becomes 0.3.
pub fn tidy(level: f64) -> f64 {
    rounded(level, 11)
}

/// The level to so many significant digits.
fn rounded(level: f64, digits: usize) -> f64 {
    format!("{level:.*e}", digits - 1).parse().unwrap_or(level)
}

/// The fields of a range of either kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RangeFields {
    from: f64,
    to: f64,
    #[serde(default, deserialize_with = "not_null")]
    step: Option<f64>,
    #[serde(default, deserialize_with = "not_null")]
    count: Option<u32>,
}

/// A field that may be left out but, as its schema says, isn't null.
fn not_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    value: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListOrRange)
    }
}

/// Reads levels by what they are, so that an error points into the list or the range.
struct ListOrRange;

impl<'de> Visitor<'de> for ListOrRange {
    type Value = Levels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of levels, or a range with from, to and either step or count")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Levels, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Levels::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, range: A) -> Result<Levels, A::Error> {
        let RangeFields { from, to, step, count } =
            RangeFields::deserialize(MapAccessDeserializer::new(range))?;
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

    #[test]
    fn the_papers_grid_has_twenty_tidy_levels() {
        let levels = Levels::default().expand().unwrap();
        assert_eq!(levels.len(), 20);
        let written: Vec<f64> = (1..=20).map(|i| format!("0.{i:02}").parse().unwrap()).collect();
        assert_eq!(levels, written);
    }

    #[test]
    fn a_log_range_holds_both_ends() {
        let levels =
            Levels::LogRange(LogRange { from: 0.001, to: 1.0, count: 4 }).expand().unwrap();
        assert_eq!(levels, [0.001, 0.01, 0.1, 1.0]);
    }

    #[test]
    fn levels_of_a_log_range_are_short_unless_they_would_fall_together() {
        let wide = Levels::LogRange(LogRange { from: 0.1, to: 1.0, count: 3 }).expand().unwrap();
        assert_eq!(wide, [0.1, 0.3162, 1.0]);
        let narrow =
            Levels::LogRange(LogRange { from: 0.1, to: 0.1001, count: 5 }).expand().unwrap();
        assert!(narrow.windows(2).all(|pair| pair[0] < pair[1]), "{narrow:?}");
    }

    #[test]
    fn a_list_is_sorted_and_holds_no_level_twice() {
        assert_eq!(Levels::List(vec![0.2, 0.1]).expand().unwrap(), [0.1, 0.2]);
        let twice = Levels::List(vec![0.2, 0.1, 0.2]).expand().unwrap_err();
        assert_eq!(twice, "level 0.2 is given twice");
        assert!(Levels::List(vec![0.0, -0.0]).expand().is_err());
    }

    #[test]
    fn bad_levels_are_named() {
        assert!(Levels::List(vec![]).expand().is_err());
        assert!(Levels::List(vec![-0.1]).expand().unwrap_err().contains("-0.1"));
        let endless = Levels::Range(Range { from: 0.0, to: 1.0, step: 1e-9 });
        assert!(endless.expand().is_err());
    }

    #[test]
    fn levels_are_counted_as_they_are_spelled_out() {
        for levels in [
            Levels::default(),
            Levels::List(vec![0.3, 0.1]),
            Levels::Range(Range { from: 0.0, to: 0.0, step: 1.0 }),
            Levels::Range(Range { from: 0.1, to: 0.95, step: 0.1 }),
            Levels::LogRange(LogRange { from: 0.1, to: 0.1, count: 1 }),
            Levels::LogRange(LogRange { from: 0.001, to: 1.0, count: 10_000 }),
        ] {
            assert_eq!(levels.count(), levels.expand().map(|spelled| spelled.len()), "{levels:?}");
        }
        let many = Levels::LogRange(LogRange { from: 0.1, to: 1.0, count: u32::MAX });
        assert_eq!(many.count(), Err("count 4294967295 must be between 1 and 10000".into()));
        assert_eq!(many.expand(), Err("count 4294967295 must be between 1 and 10000".into()));
    }

    fn levels(json: Value) -> Result<Levels, String> {
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
    fn levels_that_are_written_are_read_again() {
        let range = Levels::default();
        assert_eq!(levels(serde_json::to_value(&range).unwrap()), Ok(range));
    }
}
