//! Flood levels as a user writes them: a list, a range, or a log range.

use serde::Serialize;

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
    /// The highest level.
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
    /// The highest level.
    pub to: f64,
    /// How many levels.
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
    /// The levels in rising order.
    ///
    /// # Errors
    /// Says which value is out of its range.
    pub fn expand(&self) -> Result<Vec<f64>, String> {
        let mut levels = match self {
            // Adding zero makes a negative zero a positive one.
            Self::List(levels) => levels.iter().map(|b| b + 0.0).collect(),
            Self::Range(range) => range.expand()?,
            Self::LogRange(range) => range.expand()?,
        };
        if levels.is_empty() {
            return Err("at least one level is needed".into());
        }
        if levels.len() > MAX_LEVELS {
            return Err(format!("{} levels are more than {MAX_LEVELS}", levels.len()));
        }
        if let Some(bad) = levels.iter().find(|b| !(b.is_finite() && **b >= 0.0)) {
            return Err(format!("level {bad} must be a finite number of at least 0"));
        }
        levels.sort_by(f64::total_cmp);
        if let Some(twice) = levels.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("level {} is given twice", twice[0]));
        }
        Ok(levels)
    }
}

impl Range {
    fn expand(&self) -> Result<Vec<f64>, String> {
        let Self { from, to, step } = *self;
        if !(from.is_finite() && to.is_finite() && from <= to) {
            return Err(format!("from {from} must not be above to {to}"));
        }
        if !(step.is_finite() && step > 0.0) {
            return Err(format!("step {step} must be above 0"));
        }
        // Half a thousandth of a step forgives the rounding of `to - from`.
        let last = ((to - from) / step + 5e-4).floor();
        if last >= MAX_LEVELS as f64 {
            return Err(format!("more than {MAX_LEVELS} levels"));
        }
        Ok((0..=last as u32).map(|i| tidy(from + f64::from(i) * step)).collect())
    }
}

impl LogRange {
    fn expand(&self) -> Result<Vec<f64>, String> {
        let Self { from, to, count } = *self;
        if !(from > 0.0 && from.is_finite() && to.is_finite() && from <= to) {
            return Err(format!("from {from} must be above 0 and not above to {to}"));
        }
        if count == 0 || count as usize > MAX_LEVELS {
            return Err(format!("count {count} must be between 1 and {MAX_LEVELS}"));
        }
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
        Ok(if distinct { short } else { levels(11) })
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let wide = LogRange { from: 0.1, to: 1.0, count: 3 }.expand().unwrap();
        assert_eq!(wide, [0.1, 0.3162, 1.0]);
        let narrow = LogRange { from: 0.1, to: 0.1001, count: 5 }.expand().unwrap();
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
}
