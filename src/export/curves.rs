//! The curves of a file, read one value after another.

use super::{
    budget::Budget,
    metric_bits::{MetricBits, OneValue},
};
use serde::{
    Deserialize as _,
    de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What an array costs beside its values, in values.
const ARRAY: u64 = 8;
/// What a step costs, which may be missing.
const STEP: u64 = 2;

/// The curves of arms by what was measured: `[arm]`, then `[epoch]`.
pub type Column = Vec<Vec<MetricBits>>;

/// The curves of one family.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Its seed.
    pub seed: u32,
    /// Its weight decay.
    pub weight_decay: f64,
    /// What was measured, by name.
    pub columns: BTreeMap<String, Column>,
    /// What a simulation needs beside them; empty unless it was asked for.
    pub setting: RunSetting,
}

/// What a simulation needs of a family beside its curves.
#[derive(Clone, Debug, Default)]
pub struct RunSetting {
    /// Mini-batches in an epoch.
    pub steps_per_epoch: u64,
    /// The onset of each arm.
    pub onset_step: Vec<Option<u64>>,
    /// What was measured on the test set, of each arm, by name.
    pub test_last: BTreeMap<String, Vec<MetricBits>>,
}

/// What is read of runs.
#[derive(Clone, Copy)]
pub enum Wanted<'a> {
    /// All curves.
    Curves,
    /// The curves of these names alone, and the settings.
    Simulated(&'a BTreeSet<String>),
    /// Nothing but how many runs there are.
    Count(&'a Cell<u64>),
    /// Nothing at all: they are passed over, whatever they are.
    Nothing,
}

/// Reads all runs. Of whatever is read the budget is told, even where it isn't kept.
#[derive(Clone, Copy)]
pub struct Runs<'a> {
    /// What may be read.
    pub budget: &'a Budget,
    /// What is kept of it.
    pub wanted: Wanted<'a>,
}

impl Wanted<'_> {
    fn keeps(self) -> bool {
        !matches!(self, Self::Count(_) | Self::Nothing)
    }

    fn has_settings(self) -> bool {
        matches!(self, Self::Simulated(_))
    }

    fn has_column(self, name: &str) -> bool {
        match self {
            Self::Curves | Self::Count(_) => true,
            Self::Simulated(names) => names.contains(name),
            Self::Nothing => false,
        }
    }
}

/// Reads a list, each item by its own reader.
#[derive(Clone, Copy)]
struct List<'a, T> {
    budget: &'a Budget,
    keeps: bool,
    item: T,
}

impl<'a> Runs<'a> {
    fn list<T>(self, item: T) -> List<'a, T> {
        List { budget: self.budget, keeps: self.wanted.keeps(), item }
    }

    fn column(self) -> List<'a, List<'a, OneValue<'a>>> {
        self.list(self.list(OneValue(self.budget)))
    }
}

impl<'de> DeserializeSeed<'de> for Runs<'_> {
    type Value = Vec<Run>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Run>, D::Error> {
        self.list(OneRun(self)).deserialize(deserializer)
    }
}

impl<'de, T: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for List<'_, T> {
    type Value = Vec<T::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
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
            if self.keeps {
                all.push(item);
            }
        }
        Ok(all)
    }
}

#[derive(Clone, Copy)]
struct OneRun<'a>(Runs<'a>);

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
        let Self(runs) = self;
        runs.budget.take(ARRAY)?;
        if let Wanted::Count(count) = runs.wanted {
            count.set(count.get() + 1);
        }
        let mut run = Run::default();
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "seed" => run.seed = fields.next_value()?,
                "weight_decay" => run.weight_decay = fields.next_value()?,
                "steps_per_epoch" if runs.wanted.has_settings() => {
                    run.setting.steps_per_epoch = fields.next_value()?;
                }
                "onset_step" if runs.wanted.has_settings() => {
                    let steps = runs.list(OneStep(runs.budget));
                    run.setting.onset_step = fields.next_value_seed(steps)?;
                }
                "test_last" if runs.wanted.has_settings() => {
                    // Under names of its own, whatever the metrics are called.
                    let all = Runs { wanted: Wanted::Curves, ..runs };
                    let test = ByName { runs: all, item: runs.list(OneValue(runs.budget)) };
                    run.setting.test_last = fields.next_value_seed(test)?;
                }
                "train_loss" | "val_loss" | "val_error" if runs.wanted.has_column(&name) => {
                    let column = fields.next_value_seed(runs.column())?;
                    run.columns.insert(name, column);
                }
                "metrics" => {
                    let columns = ByName { runs, item: runs.column() };
                    run.columns.extend(fields.next_value_seed(columns)?);
                }
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(run)
    }
}

/// Reads what is named by metrics, each by the same reader.
struct ByName<'a, T> {
    runs: Runs<'a>,
    item: T,
}

impl<'de, T: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for ByName<'_, T> {
    type Value = BTreeMap<String, T::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: DeserializeSeed<'de> + Copy> Visitor<'de> for ByName<'_, T> {
    type Value = BTreeMap<String, T::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values by the names of their metrics")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let Self { runs: Runs { budget, wanted }, item } = self;
        let mut all = BTreeMap::new();
        while let Some(name) = fields.next_key::<String>()? {
            budget.take(ARRAY + name.len() as u64 / 8)?;
            if !wanted.has_column(&name) {
                fields.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = fields.next_value_seed(item)?;
            if wanted.keeps() {
                all.insert(name, value);
            }
        }
        Ok(all)
    }
}

/// Reads a step, or that there is none.
#[derive(Clone, Copy)]
struct OneStep<'a>(&'a Budget);

impl<'de> DeserializeSeed<'de> for OneStep<'_> {
    type Value = Option<u64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<u64>, D::Error> {
        self.0.take(STEP)?;
        Option::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_protocol::Metric;

    fn wanted(json: &str, most: u64, wanted: Wanted<'_>) -> Result<(Vec<Run>, u64), String> {
        let budget = Budget::new(most, "values");
        let runs = Runs { budget: &budget, wanted };
        let read = runs.deserialize(&mut serde_json::Deserializer::from_str(json));
        Ok((read.map_err(|error| error.to_string())?, budget.taken()))
    }

    fn read(json: &str, most: u64) -> Result<Vec<Run>, String> {
        wanted(json, most, Wanted::Curves).map(|(runs, _)| runs)
    }

    #[test]
    fn values_are_read_to_their_last_bit_and_what_is_no_curve_is_passed_over() {
        let json = r#"[{"seed": 7, "weight_decay": 0.1, "steps_per_epoch": 20, "onset_step": [null, 3],
            "train_loss": [[1.0986122886681098, 2], ["diverged"]], "val_loss": [[0.1], []],
            "metrics": {"lr": [[0.05, null], []]}}]"#;
        let runs = read(json, 1000).unwrap();
        let [run] = &runs[..] else { panic!("one run") };
        assert_eq!((run.seed, run.weight_decay, run.columns.len()), (7, 0.1, 3));
        let loss = [MetricBits::of(1.098_612_288_668_109_8), MetricBits::of(2.0)];
        assert_eq!(run.columns["train_loss"], [loss.to_vec(), vec![MetricBits::DIVERGED]]);
        assert_eq!(run.columns["lr"][0], [MetricBits::of(0.05), MetricBits::NONE]);
        assert_eq!(MetricBits::DIVERGED.metric(), Some(Metric::Diverged));
        assert_eq!(
            (MetricBits::NONE.metric(), loss[1].metric()),
            (None, Some(Metric::Finite(2.0)))
        );
    }

    #[test]
    fn what_is_no_value_is_said() {
        for (value, said) in [("\"x\"", "expected a number, \"diverged\" or null"), ("{}", "map")] {
            let json = format!(r#"[{{"seed": 0, "val_loss": [[{value}]]}}]"#);
            let refused = read(&json, 1000).unwrap_err();
            assert!(refused.contains(said), "{refused}");
        }
        assert!(read(r#"[{"seed": -1}]"#, 1000).is_err());
    }

    #[test]
    fn values_and_empty_arrays_are_counted() {
        let of = |curves: &str| format!(r#"[{{"seed": 0, "val_loss": [{curves}]}}]"#);
        for many in [format!("[{}0]", "0,".repeat(5000)), format!("{}[]", "[],".repeat(700))] {
            assert!(read(&of(&many), 10_000).is_ok());
            let refused = read(&of(&many), 5000).unwrap_err();
            assert!(refused.starts_with("it holds more than 5000 values"), "{refused}");
        }
    }

    const RUN: &str = r#"[{"seed": 7, "steps_per_epoch": 20, "onset_step": [null, 3],
        "test_last": {"loss": [0.5, null], "error": [0.1, "diverged"]},
        "val_loss": [[0.1], []], "metrics": {"lr": [[0.05], []], "f1": [[0.9], []]}}]"#;

    #[test]
    fn a_simulation_gets_its_settings_and_the_curves_that_it_asks_for() {
        let names = BTreeSet::from(["val_loss".to_owned(), "f1".to_owned()]);
        let (runs, _) = wanted(RUN, 1000, Wanted::Simulated(&names)).unwrap();
        assert_eq!(runs[0].columns.keys().collect::<Vec<_>>(), ["f1", "val_loss"]);
        let setting = &runs[0].setting;
        assert_eq!((setting.steps_per_epoch, &setting.onset_step[..]), (20, &[None, Some(3)][..]));
        assert_eq!(setting.test_last["loss"], [MetricBits::of(0.5), MetricBits::NONE]);
        assert_eq!(setting.test_last["error"][1], MetricBits::DIVERGED);
        assert!(read(RUN, 1000).unwrap()[0].setting.onset_step.is_empty(), "nobody asked");
    }

    #[test]
    fn what_is_counted_alone_costs_as_much_as_what_is_read_and_holds_nothing() {
        let count = Cell::new(0);
        let (counted, as_counted) = wanted(RUN, 1000, Wanted::Count(&count)).unwrap();
        let (_, as_read) = wanted(RUN, 1000, Wanted::Curves).unwrap();
        assert_eq!((counted.len(), count.get(), as_counted), (0, 1, as_read));
    }
}
