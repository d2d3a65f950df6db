//! The curves of a file, read one figure after another.

use super::budget::Budget;
use floodgauge_protocol::Metric;
use serde::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};
use std::{collections::BTreeMap, fmt};

/// What an array costs beside its figures, in figures.
const ARRAY: u64 = 8;

/// One number of a curve, in as little memory as it needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Figure(u64);

impl Figure {
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

impl fmt::Debug for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.metric().fmt(f)
    }
}

/// The curves of one family.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Its seed.
    pub seed: u32,
    /// Its weight decay.
    pub weight_decay: f64,
    /// What was measured, by name: `[arm]`, then `[epoch]`.
    pub columns: BTreeMap<String, Vec<Vec<Figure>>>,
}

/// Reads all runs.
#[derive(Clone, Copy)]
pub struct Runs<'a>(pub &'a Budget);

/// Reads a list, each item by its own reader.
struct List<'a, T> {
    budget: &'a Budget,
    item: T,
}

#[derive(Clone, Copy)]
struct OneRun<'a>(&'a Budget);

#[derive(Clone, Copy)]
struct Column<'a>(&'a Budget);

#[derive(Clone, Copy)]
struct OneCurve<'a>(&'a Budget);

/// The columns of a run that are named by metrics.
struct ByName<'a, 'r>(&'a Budget, &'r mut Run);

#[derive(Clone, Copy)]
struct OneFigure<'a>(&'a Budget);

impl<'de> DeserializeSeed<'de> for Runs<'_> {
    type Value = Vec<Run>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Run>, D::Error> {
        deserializer.deserialize_seq(List { budget: self.0, item: OneRun(self.0) })
    }
}

impl<'de> DeserializeSeed<'de> for Column<'_> {
    type Value = Vec<Vec<Figure>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(List { budget: self.0, item: OneCurve(self.0) })
    }
}

impl<'de> DeserializeSeed<'de> for OneCurve<'_> {
    type Value = Vec<Figure>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Figure>, D::Error> {
        deserializer.deserialize_seq(List { budget: self.0, item: OneFigure(self.0) })
    }
}

impl<'de, T: DeserializeSeed<'de> + Copy> Visitor<'de> for List<'_, T> {
    type Value = Vec<T::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        self.budget.take(ARRAY)?;
        let mut all = vec![];
        while let Some(item) = items.next_element_seed(self.item)? {
            all.push(item);
        }
        Ok(all)
    }
}

impl<'de> DeserializeSeed<'de> for OneRun<'_> {
    type Value = Run;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Run, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneRun<'_> {
    type Value = Run;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the curves of a seed")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Run, A::Error> {
        let Self(budget) = self;
        budget.take(ARRAY)?;
        let mut run = Run::default();
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "seed" => run.seed = fields.next_value()?,
                "weight_decay" => run.weight_decay = fields.next_value()?,
                "train_loss" | "val_loss" | "val_error" => {
                    let column = fields.next_value_seed(Column(budget))?;
                    run.columns.insert(name, column);
                }
                "metrics" => fields.next_value_seed(ByName(budget, &mut run))?,
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(run)
    }
}

impl<'de> DeserializeSeed<'de> for ByName<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ByName<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("curves by the names of their metrics")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Self(budget, run) = self;
        while let Some(name) = fields.next_key::<String>()? {
            budget.take(ARRAY + name.len() as u64 / 8)?;
            let column = fields.next_value_seed(Column(budget))?;
            run.columns.insert(name, column);
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for OneFigure<'_> {
    type Value = Figure;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Figure, D::Error> {
        self.0.take(1)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneFigure<'_> {
    type Value = Figure;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"diverged\" or null")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Figure, E> {
        Ok(Figure::of(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Figure, E> {
        Ok(Figure::of(value as f64))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Figure, E> {
        Ok(Figure::of(value as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Figure, E> {
        match text {
            "diverged" => Ok(Figure::DIVERGED),
            other => Err(E::invalid_value(Unexpected::Str(other), &self)),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Figure, E> {
        Ok(Figure::NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, most: u64) -> Result<Vec<Run>, String> {
        let budget = Budget::new(most, "figures");
        let read = Runs(&budget).deserialize(&mut serde_json::Deserializer::from_str(json));
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn figures_are_read_to_their_last_bit_and_what_is_no_curve_is_passed_over() {
        let json = r#"[{"seed": 7, "weight_decay": 0.1, "steps_per_epoch": 20, "onset_step": [null, 3],
            "train_loss": [[1.0986122886681098, 2], ["diverged"]], "val_loss": [[0.1], []],
            "metrics": {"lr": [[0.05, null], []]}}]"#;
        let runs = read(json, 1000).unwrap();
        let [run] = &runs[..] else { panic!("one run") };
        assert_eq!((run.seed, run.weight_decay, run.columns.len()), (7, 0.1, 3));
        let loss = [Figure::of(1.098_612_288_668_109_8), Figure::of(2.0)];
        assert_eq!(run.columns["train_loss"], [loss.to_vec(), vec![Figure::DIVERGED]]);
        assert_eq!(run.columns["lr"][0], [Figure::of(0.05), Figure::NONE]);
        assert_eq!(Figure::DIVERGED.metric(), Some(Metric::Diverged));
        assert_eq!((Figure::NONE.metric(), loss[1].metric()), (None, Some(Metric::Finite(2.0))));
    }

    #[test]
    fn what_is_no_figure_is_said() {
        for (value, said) in [("\"x\"", "expected a number, \"diverged\" or null"), ("{}", "map")] {
            let json = format!(r#"[{{"seed": 0, "val_loss": [[{value}]]}}]"#);
            let refused = read(&json, 1000).unwrap_err();
            assert!(refused.contains(said), "{refused}");
        }
        assert!(read(r#"[{"seed": -1}]"#, 1000).is_err());
    }

    #[test]
    fn figures_and_empty_arrays_are_counted() {
        let of = |curves: &str| format!(r#"[{{"seed": 0, "val_loss": [{curves}]}}]"#);
        for many in [format!("[{}0]", "0,".repeat(5000)), format!("{}[]", "[],".repeat(700))] {
            assert!(read(&of(&many), 10_000).is_ok());
            let refused = read(&of(&many), 5000).unwrap_err();
            assert!(refused.starts_with("it holds more than 5000 figures"), "{refused}");
        }
    }
}
