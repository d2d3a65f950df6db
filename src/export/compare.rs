//! What two runs of one sweep have otherwise.

use super::{Export, MetricBits};
use floodgauge_api::{BestArm, SweepBest, SweepStatus};
use floodgauge_protocol::{Metric, Shown};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// A recorded sweep beside the same sweep run again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The winners; none where the recorded sweep hadn't completed, or its file tells no answer.
    pub winner: Option<Winners>,
    /// How both ended; none where the recorded sweep had neither completed nor failed by itself, or its file doesn't
    /// tell.
    pub end: Option<Ends>,
    /// How many values of metrics both have.
    #[serde(rename = "figures")]
    pub values: u64,
    /// How many of them are the same, bit for bit.
    pub same: u64,
    /// How many values there are now beyond those that a sweep had recorded which hadn't completed: nothing tells
    /// what they should be.
    pub unrecorded: u64,
    /// How many runs only one of both has, or trained to another epoch.
    #[serde(rename = "lengths")]
    pub length_mismatches: u64,
    /// Where they differ most; none where nothing differs.
    #[serde(rename = "largest")]
    pub largest_difference: Option<ValueDifference>,
    /// The same of each arm of each weight decay.
    pub arms: Vec<ArmComparison>,
}

/// Who won.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Winners {
    /// Whether it is the same arm: method, parameter and weight decay.
    pub same: bool,
    /// The recorded one; none where there was none.
    pub recorded: Option<String>,
    /// The one of now.
    pub now: Option<String>,
}

/// How the sweep ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ends {
    /// Whether it is in the same status; reasons are words, and may be others.
    pub same: bool,
    /// As it is recorded.
    pub recorded: End,
    /// As it is now.
    pub now: End,
}

/// Where a sweep stands, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct End {
    /// Its status.
    pub status: SweepStatus,
    /// Why it failed or was cancelled; none of one that completed, and where nobody said.
    pub reason: Option<String>,
}

/// An arm of a weight decay, over all seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmComparison {
    /// The arm in words.
    pub arm: String,
    /// The weight decay of its families.
    pub weight_decay: f64,
    /// As of all.
    #[serde(rename = "figures")]
    pub values: u64,
    /// As of all.
    pub same: u64,
    /// As of all.
    #[serde(rename = "lengths")]
    pub length_mismatches: u64,
    /// The largest difference of two numbers; null where one of both diverged.
    #[serde(rename = "largest")]
    pub largest_difference: Option<f64>,
}

/// Two values that differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValueDifference {
    /// The arm in words.
    pub arm: String,
    /// The weight decay of its family.
    pub weight_decay: f64,
    /// The seed of its family.
    pub seed: u32,
    /// What was measured.
    pub metric: String,
    /// After which epoch.
    pub epoch: usize,
    /// As it is recorded; none where nothing was told.
    pub recorded: Option<Metric>,
    /// As it is now.
    pub now: Option<Metric>,
    /// How far apart these are; none where one isn't a number.
    pub difference: Option<f64>,
}

impl Comparison {
    /// Compares a recorded sweep with what it came to now: its curves, its answer, and how it ended.
    pub fn of(recorded: &Export, now: &Export, answer: &SweepBest, end: End) -> Self {
        let was_whole = recorded.answer.as_ref().filter(|a| a.status == SweepStatus::Completed);
        let mut all = Self {
            winner: was_whole.map(|before| Winners::of(before, answer)),
            end: End::recorded(recorded).map(|before| Ends::of(before, end)),
            values: 0,
            same: 0,
            unrecorded: 0,
            length_mismatches: 0,
            largest_difference: None,
            arms: vec![],
        };
        // A file that doesn't tell may be of a sweep that hadn't ended.
        let may_grow = recorded.status != Some(SweepStatus::Completed);
        let (before, after) = (trials(recorded), trials(now));
        let mut order: HashMap<String, usize> = HashMap::new();
        for arm in recorded.arms.iter().chain(&now.arms) {
            let next = order.len();
            order.entry(arm.to_string()).or_insert(next);
        }
        let place = |key: &Key| order.get(&key.arm);
        let mut keys: Vec<&Key> = before.keys().chain(after.keys()).collect();
        keys.sort_by(|a, b| {
            (a.decay.total_cmp(&b.decay)).then(place(a).cmp(&place(b))).then(a.seed.cmp(&b.seed))
        });
        keys.dedup();
        let none = Trial::new();
        for key in keys {
            let was = before.get(key).unwrap_or(&none);
            all.take(key, was, after.get(key).unwrap_or(&none), may_grow);
        }
        all
    }

    /// Whether anything differs.
    pub fn differs(&self) -> bool {
        self.winner.as_ref().is_some_and(|winner| !winner.same)
            || self.end.as_ref().is_some_and(|end| !end.same)
            || self.same < self.values
            || self.length_mismatches > 0
    }

    fn take(&mut self, key: &Key, before: &Trial<'_>, after: &Trial<'_>, may_grow: bool) {
        let differs = |arm: &ArmComparison| (&arm.arm, arm.weight_decay) != (&key.arm, key.decay);
        if self.arms.last().is_none_or(differs) {
            self.arms.push(ArmComparison {
                arm: key.arm.clone(),
                weight_decay: key.decay,
                values: 0,
                same: 0,
                length_mismatches: 0,
                largest_difference: Some(0.0),
            });
        }
        let Some(arm) = self.arms.last_mut() else { return };
        let length = |trial: &Trial<'_>| trial.values().map(|curve| curve.len()).max().unwrap_or(0);
        let (was, is) = (length(before), length(after));
        let otherwise = if may_grow { is < was } else { is != was };
        arm.length_mismatches += u64::from(otherwise);
        self.length_mismatches += u64::from(otherwise);
        if may_grow {
            let recorded = |metric: &str| before.get(metric).map_or(0, |curve| curve.len());
            let beyond =
                after.iter().map(|(metric, now)| now.len().saturating_sub(recorded(metric)));
            self.unrecorded += beyond.sum::<usize>() as u64;
        }
        for (metric, curve) in before {
            let Some(other) = after.get(metric) else { continue };
            for (at, (&recorded, &now)) in curve.iter().zip(*other).enumerate() {
                arm.values += 1;
                self.values += 1;
                if recorded == now {
                    arm.same += 1;
                    self.same += 1;
                    continue;
                }
                let found = difference(recorded, now);
                if apart(arm.largest_difference) < apart(found) {
                    arm.largest_difference = found;
                }
                let so_far = self.largest_difference.as_ref();
                if so_far.is_none_or(|most| apart(most.difference) < apart(found)) {
                    let place = ValueDifference::of(key, metric, at + 1, recorded, now);
                    self.largest_difference = Some(place);
                }
            }
        }
    }
}

/// A difference, for its size: without two numbers it is larger than any.
fn apart(difference: Option<f64>) -> f64 {
    difference.unwrap_or(f64::INFINITY)
}

/// A run of an arm, by what it is in any sweep.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    decay: f64,
    arm: String,
    seed: u32,
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let decays = self.decay.total_cmp(&other.decay);
        decays.then_with(|| (&self.arm, self.seed).cmp(&(&other.arm, other.seed)))
    }
}

type Trial<'a> = BTreeMap<&'a str, &'a [MetricBits]>;
type Trials<'a> = BTreeMap<Key, Trial<'a>>;

/// The runs that have curves. Parameters are part of an arm's name.
fn trials(export: &Export) -> Trials<'_> {
    let mut trials = Trials::new();
    for run in &export.runs {
        for (ix, arm) in export.arms.iter().enumerate() {
            let curves = run.columns.iter().filter_map(|(name, column)| {
                let curve = column.get(ix)?.as_slice();
                (!curve.is_empty()).then_some((name.as_str(), curve))
            });
            let trial: Trial<'_> = curves.collect();
            if !trial.is_empty() {
                let key = Key { decay: run.weight_decay, arm: arm.to_string(), seed: run.seed };
                trials.insert(key, trial);
            }
        }
    }
    trials
}

impl End {
    /// How a recorded sweep ended by itself. What somebody cancelled, or what still went on, ended by no fault or
    /// merit of its own.
    fn recorded(export: &Export) -> Option<Self> {
        let status = export.status?;
        let reason = export.origin.as_ref().and_then(|origin| origin.end_reason.clone());
        match status {
            SweepStatus::Completed | SweepStatus::Failed => Some(Self { status, reason }),
            SweepStatus::Queued
            | SweepStatus::Running
            | SweepStatus::Paused
            | SweepStatus::Cancelled => None,
        }
    }
}

impl Ends {
    fn of(recorded: End, now: End) -> Self {
        Self { same: recorded.status == now.status, recorded, now }
    }
}

impl Winners {
    fn of(recorded: &SweepBest, now: &SweepBest) -> Self {
        let (before, after) = (recorded.best.best.as_ref(), now.best.best.as_ref());
        let what =
            |best: &BestArm| (best.arm.method.clone(), best.arm.parameter, best.weight_decay);
        let name = |best: &BestArm| match best.weight_decay {
            0.0 => best.arm.name.clone(),
            decay => format!("{}, weight decay {}", best.arm.name, Shown(decay)),
        };
        Self {
            same: before.map(what) == after.map(what),
            recorded: before.map(name),
            now: after.map(name),
        }
    }
}

/// How far apart two values are; none where one isn't a number.
fn difference(recorded: MetricBits, now: MetricBits) -> Option<f64> {
    let finite = |value: MetricBits| value.metric().and_then(Metric::finite);
    finite(recorded).zip(finite(now)).map(|(a, b)| (a - b).abs())
}

impl ValueDifference {
    fn of(key: &Key, metric: &str, epoch: usize, recorded: MetricBits, now: MetricBits) -> Self {
        Self {
            arm: key.arm.clone(),
            weight_decay: key.decay,
            seed: key.seed,
            metric: metric.into(),
            epoch,
            recorded: recorded.metric(),
            now: now.metric(),
            difference: difference(recorded, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::read::tests::file;
    use serde_json::{Value, json};

    fn read(file: &Value) -> Export {
        Export::read(file.to_string().as_bytes()).unwrap()
    }

    fn compared(recorded: &Value, now: &Value) -> Comparison {
        let now = read(now);
        let answer = now.answer.as_ref().unwrap();
        let end = End { status: answer.status, reason: now.origin.clone().unwrap().end_reason };
        Comparison::of(&read(recorded), &now, answer, end)
    }

    /// The file as that of a sweep which ended otherwise, with curves as far as an epoch.
    fn ended(status: &str, reason: &str, epochs: usize) -> Value {
        let mut ended = file();
        for run in ended["runs"].as_array_mut().unwrap() {
            for column in ["train_loss", "val_loss", "val_error"] {
                for curve in run[column].as_array_mut().unwrap() {
                    curve.as_array_mut().unwrap().truncate(epochs);
                }
            }
        }
        (ended["answer"]["status"], ended["answer"]["best"]) = (json!(status), Value::Null);
        ended["export"]["status"] = json!(status);
        ended["export"]["end_reason"] = json!(reason);
        ended
    }

    #[test]
    fn of_a_sweep_that_failed_its_end_is_compared_and_its_curves_as_far_as_they_go() {
        let failed = ended("failed", "no such file", 1);
        let again = compared(&failed, &ended("failed", "no room", 1));
        assert_eq!((again.values, again.same, again.unrecorded), (12, 12, 0));
        let end = again.end.clone().unwrap();
        assert_eq!((end.same, end.now.reason.as_deref()), (true, Some("no room")));
        assert!(again.winner.is_none() && !again.differs());
        let completed = compared(&failed, &file());
        assert_eq!((completed.values, completed.unrecorded, completed.differs()), (12, 12, true));
        assert!(compared(&file(), &failed).differs());
        // With nothing trained, its end alone tells.
        let at_once = ended("failed", "no such file", 0);
        let nothing = compared(&at_once, &at_once);
        assert_eq!((nothing.values, nothing.differs()), (0, false));
        assert!(compared(&at_once, &file()).differs());
    }

    #[test]
    fn how_a_sweep_ended_that_was_cancelled_or_went_on_is_nothing_to_compare() {
        for status in ["cancelled", "running", "paused", "queued"] {
            let rest = compared(&ended(status, "by a user", 1), &file());
            assert_eq!((rest.end.clone(), rest.winner.clone()), (None, None), "{status}");
            assert_eq!((rest.values, rest.unrecorded, rest.differs()), (12, 12, false));
        }
        let mut untold = file();
        (untold["export"], untold["answer"]) = (Value::Null, Value::Null);
        let untold = compared(&untold, &file());
        assert_eq!((untold.end.clone(), untold.values, untold.differs()), (None, 24, false));
        // A server's grid tells its status alone: of a completed one all runs are whole.
        let mut grid = ended("completed", "", 1);
        (grid["export"], grid["answer"]) = (Value::Null, Value::Null);
        assert_eq!(compared(&grid, &file()).length_mismatches, 0);
        grid["status"] = json!("completed");
        let longer = compared(&grid, &file());
        assert_eq!((longer.length_mismatches, longer.unrecorded), (4, 0));
        assert!(longer.end.unwrap().same && longer.winner.is_none());
    }

    #[test]
    fn the_same_again_agrees_to_the_last_bit() {
        let same = compared(&file(), &file());
        // Two seeds, two arms, two epochs, three columns.
        assert_eq!((same.values, same.same, same.length_mismatches), (24, 24, 0));
        assert_eq!((same.differs(), &same.largest_difference), (false, &None));
        let arms: Vec<_> = same.arms.iter().map(|arm| (arm.arm.as_str(), arm.same)).collect();
        assert_eq!(arms, [("plain", 12), ("flood b=0.2", 12)]);
        let winner = same.winner.unwrap();
        assert_eq!((winner.same, winner.now.as_deref()), (true, Some("flood b=0.2")));
    }

    #[test]
    fn the_order_of_arms_and_runs_does_not_matter() {
        let mut other = file();
        other["arms"].as_array_mut().unwrap().reverse();
        for run in other["runs"].as_array_mut().unwrap() {
            for column in ["train_loss", "val_loss", "val_error"] {
                run[column].as_array_mut().unwrap().reverse();
            }
        }
        other["runs"].as_array_mut().unwrap().reverse();
        assert!(!compared(&file(), &other).differs());
    }

    #[test]
    fn one_bit_makes_a_difference_and_the_largest_is_named() {
        let mut now = file();
        now["runs"][0]["train_loss"][1][0] = json!(2.0f64.next_up());
        let bit = compared(&file(), &now);
        assert_eq!((bit.values, bit.same, bit.differs()), (24, 23, true));
        assert_eq!(bit.largest_difference.unwrap().difference, Some(2.0f64.next_up() - 2.0));
        now["runs"][1]["val_loss"][0][1] = json!(1.5);
        let more = compared(&file(), &now);
        let largest = more.largest_difference.unwrap();
        assert_eq!((largest.arm.as_str(), largest.seed, largest.epoch), ("plain", 1, 2));
        assert_eq!(largest.metric, "val_loss");
        let told = (largest.recorded, largest.now);
        assert_eq!(told, (Some(Metric::Finite(1.9)), Some(Metric::Finite(1.5))));
        assert_eq!(more.arms[0].same, 11);
    }

    #[test]
    fn what_diverged_in_one_alone_is_further_than_any_number() {
        let mut now = file();
        now["runs"][0]["val_error"][1][1] = json!(0.5);
        now["runs"][1]["train_loss"][0][0] = json!(100.0);
        let compared = compared(&file(), &now);
        let largest = compared.largest_difference.unwrap();
        assert_eq!((largest.recorded, largest.difference), (Some(Metric::Diverged), None));
        assert_eq!(
            [compared.arms[0].largest_difference, compared.arms[1].largest_difference],
            [Some(98.0), None]
        );
    }

    #[test]
    fn a_run_that_is_longer_or_missing_differs() {
        let mut now = file();
        for column in ["train_loss", "val_loss", "val_error"] {
            now["runs"][0][column][1] = json!([]);
            now["runs"][1][column][1].as_array_mut().unwrap().truncate(1);
        }
        let shorter = compared(&file(), &now);
        assert_eq!((shorter.values, shorter.same, shorter.length_mismatches), (15, 15, 2));
        assert!(shorter.differs());
        assert_eq!(compared(&now, &file()).length_mismatches, 2);
        // Of a sweep that hadn't completed only what is there counts.
        now["answer"]["status"] = json!("cancelled");
        let rest = compared(&now, &file());
        assert_eq!((rest.length_mismatches, rest.differs(), rest.winner), (0, false, None));
    }

    #[test]
    fn another_winner_differs_though_every_figure_agrees() {
        let mut now = file();
        now["answer"]["best"]["weight_decay"] = json!(0.1);
        let other = compared(&file(), &now);
        assert_eq!((other.same, other.values, other.differs()), (24, 24, true));
        assert_eq!(other.winner.unwrap().now.as_deref(), Some("flood b=0.2, weight decay 0.1"));
        now["answer"]["best"] = Value::Null;
        assert!(compared(&file(), &now).differs());
    }

    #[test]
    fn metrics_that_one_of_both_does_not_have_are_left_out() {
        let mut now = file();
        now["runs"][0]["metrics"] = json!({ "lr": [[0.1, 0.1], [0.1, 0.1]] });
        let compared = compared(&file(), &now);
        assert_eq!((compared.values, compared.differs()), (24, false));
    }
}
