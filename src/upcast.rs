//! What version 0.1.0 stored of arms and metrics, in the shape that they have since.
//!
//! Its answers could hold a difference beyond all numbers, which JSON has as null; now there is none then.
//! In answers its `arm` was the name, and nowhere did it tell the parameter. Its rows had `val_loss` and
//! `val_error` where now are `metrics`. What is stored stays as it is: whoever serves answers, events or
//! decisions of the store has them pass through here.

use floodgauge_protocol::{Arm, ArmIx, Method, MetricName, Shown};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::HashMap};

/// A value in which every description of an arm is of today's shape, whatever it was stored as. `methods`
/// are the sweep's, by index: they tell which arm a name is of. Arms that aren't among them stay as
/// they are.
pub fn arms<'a>(stored: &'a Value, methods: &[Method]) -> Cow<'a, Value> {
    if !has_old(stored) {
        return Cow::Borrowed(stored);
    }
    let all: Vec<Arm> =
        (0..).zip(methods).map(|(ix, method)| Arm::new(ArmIx(ix), *method)).collect();
    let by_name = all.iter().map(|arm| (arm.name.as_str(), arm)).collect();
    let mut value = stored.clone();
    bring_up(&mut value, &all, &by_name);
    Cow::Owned(value)
}

/// An event whose rows have their metrics by name, as they have since.
pub fn event(mut stored: Value) -> Value {
    for row in stored.get_mut("rows").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(fields) = row.as_object_mut() else { continue };
        if fields.contains_key("metrics") {
            continue;
        }
        let both = [MetricName::val_loss(), MetricName::val_error()];
        let metrics: Map<String, Value> =
            both.into_iter().filter_map(|name| fields.remove_entry(name.as_str())).collect();
        fields.insert("metrics".into(), metrics.into());
    }
    stored
}

/// Whether it is an answer whose difference, or a level that it advises, was beyond all numbers.
fn is_immeasurable(fields: &Map<String, Value>) -> bool {
    let of = |name: &str, part: &str| fields.get(name).and_then(|of| of.get(part));
    let levels = of("advice", "levels").and_then(Value::as_array);
    of("difference", "mean").is_some_and(Value::is_null)
        || levels.is_some_and(|levels| levels.iter().any(Value::is_null))
}

/// Whether a description of an arm is as 0.1.0 stored them. What refers to an arm by its index alone
/// tells no method.
fn is_old(fields: &Map<String, Value>) -> bool {
    fields.contains_key("arm") && fields.contains_key("method") && !fields.contains_key("parameter")
}

fn has_old(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            is_old(fields) || is_immeasurable(fields) || fields.values().any(has_old)
        }
        Value::Array(items) => items.iter().any(has_old),
        _ => false,
    }
}

fn bring_up(value: &mut Value, all: &[Arm], by_name: &HashMap<&str, &Arm>) {
    match value {
        Value::Object(fields) => {
            if is_old(fields)
                && let Some(arm) = found(&fields["arm"], all, by_name)
                && let Ok(Value::Object(described)) = serde_json::to_value(arm)
            {
                fields.extend(described);
            }
            if is_immeasurable(fields) {
                bring_within_numbers(fields);
            }
            fields.values_mut().for_each(|field| bring_up(field, all, by_name));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| bring_up(item, all, by_name)),
        _ => {}
    }
}

/// Takes from an answer what was beyond all numbers.
fn bring_within_numbers(best: &mut Map<String, Value>) {
    if let Some(difference) = best.get_mut("difference").filter(|of| of["mean"].is_null()) {
        *difference = Value::Null;
    }
    let levels = best.get_mut("advice").and_then(|advice| advice.get_mut("levels"));
    if let Some(levels) = levels.and_then(Value::as_array_mut) {
        levels.retain(|level| !level.is_null());
    }
}

/// The arm that is told by its name or by its index.
fn found<'a>(
    reference: &Value,
    all: &'a [Arm],
    by_name: &HashMap<&str, &'a Arm>,
) -> Option<&'a Arm> {
    match reference {
        Value::String(name) => by_name.get(as_now(name).as_str()).copied(),
        index => all.get(usize::try_from(index.as_u64()?).ok()?),
    }
}

/// A name with its numbers as they are told now. In 0.1.0 none had a power of ten.
fn as_now(name: &str) -> String {
    let part = |part: &str| match part.split_once('=') {
        Some((of, number)) => match number.parse() {
            Ok(number) => format!("{of}={}", Shown(number)),
            Err(_) => part.to_owned(),
        },
        None => part.to_owned(),
    };
    name.split(' ').map(part).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PLAN: [Method; 4] = [
        Method::Plain,
        Method::Flood { b: 0.1 },
        Method::Alternating { descent: 0.1, ascent: 0.05 },
        Method::Flood { b: 0.05 },
    ];

    #[test]
    fn an_answer_that_names_its_arms_gets_their_indices() {
        let stored = json!({
            "best": { "arm": "flood b=0.05", "method": "flood", "b": 0.05, "objective": 1.0 },
            "other_metric": null,
            "probabilities": [
                { "arm": "plain", "method": "plain", "b": null, "seeds": 2 },
                { "arm": "alternating ε₁=0.1 ε₂=0.05", "method": "alternating", "b": null },
            ],
        });
        let today = json!({
            "best": { "arm": 3, "name": "flood b=0.05", "method": "flood", "b": 0.05,
                      "parameter": 0.05, "objective": 1.0 },
            "other_metric": null,
            "probabilities": [
                { "arm": 0, "name": "plain", "method": "plain", "b": null, "parameter": null, "seeds": 2 },
                { "arm": 2, "name": "alternating ε₁=0.1 ε₂=0.05", "method": "alternating", "b": null,
                  "parameter": [0.1, 0.05] },
            ],
        });
        assert_eq!(*arms(&stored, &PLAN), today);
        assert!(matches!(arms(&today, &PLAN), Cow::Borrowed(_)), "it is as it should be");
    }

    #[test]
    fn a_name_of_a_tiny_level_is_known_though_its_number_is_told_otherwise_now() {
        let plan = [Method::Plain, Method::Flood { b: 1e-6 }];
        let stored = json!({ "arm": "flood b=0.000001", "method": "flood", "b": 1e-6 });
        let today = json!({ "arm": 1, "name": "flood b=1e-6", "method": "flood", "b": 1e-6,
                            "parameter": 1e-6 });
        assert_eq!(*arms(&stored, &plan), today);
    }

    #[test]
    fn a_difference_beyond_all_numbers_is_none() {
        let best = json!({ "difference": { "mean": null, "low": null, "level": 0.9 },
                           "advice": { "levels": [0.1, null] }, "verdict": "x" });
        let stored = json!([{ "action": "complete", "best": best }]);
        let best = json!({ "difference": null, "advice": { "levels": [0.1] }, "verdict": "x" });
        let today = json!([{ "action": "complete", "best": best }]);
        assert_eq!(*arms(&stored, &PLAN), today);
        let none = json!({ "difference": null });
        assert_eq!(*arms(&none, &PLAN), none);
    }

    #[test]
    fn added_arms_get_their_parameters_and_references_stay_what_they_are() {
        let stored = json!([
            { "action": "grow", "arms": [{ "arm": 3, "name": "flood b=0.05", "method": "flood", "b": 0.05 }] },
            { "action": "prune", "trial": { "family": 0, "arm": 3 }, "rung": 0 },
        ]);
        let today = arms(&stored, &PLAN).into_owned();
        assert_eq!(today[0]["arms"][0]["parameter"], 0.05);
        assert_eq!(today[1], stored[1]);
    }

    #[test]
    fn rows_get_their_metrics_by_name_and_keep_their_digits() {
        let stored = json!({ "type": "reported", "segment": 0, "rows": [
            { "arms": [0], "train_loss": 0.5, "val_loss": -0.0, "val_error": "diverged" },
            { "arms": [1], "train_loss": 0.5, "metrics": { "f1": 0.9 } },
        ] });
        let today = json!({ "type": "reported", "segment": 0, "rows": [
            { "arms": [0], "train_loss": 0.5, "metrics": { "val_loss": -0.0, "val_error": "diverged" } },
            { "arms": [1], "train_loss": 0.5, "metrics": { "f1": 0.9 } },
        ] });
        assert_eq!(event(stored).to_string(), today.to_string());
        let other = json!({ "type": "claimed", "segment": 0 });
        assert_eq!(event(other.clone()), other);
    }

    #[test]
    fn an_arm_that_no_plan_has_stays_as_it_was_stored() {
        let stored = json!({ "best": { "arm": "flood b=9", "method": "flood", "b": 9.0 } });
        assert_eq!(*arms(&stored, &PLAN), stored);
        assert_eq!(*arms(&json!({ "arm": 9, "method": "flood" }), &PLAN)["arm"].to_string(), *"9");
    }
}
