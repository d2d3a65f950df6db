//! The bounds and defaults that the OpenAPI file tells of a sweep are those that hold.

use floodgauge_protocol::{Invalid, SweepSpec};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::to_value(floodgauge::http::openapi()).unwrap()["components"]["schemas"].take()
});

/// Sweeps that together name every field, each with few trials.
fn sweeps() -> [Value; 3] {
    [
        json!({
            "name": "dense",
            "recipe": {
                "dataset": { "name": "digits", "label_noise": 0.2, "n_train": 900, "n_val": 300,
                             "standardize": true },
                "model": { "kind": "mlp", "hidden": [8, 4], "batch_norm": true },
                "optimizer": { "kind": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": true,
                               "schedule": { "kind": "step", "every": 2, "factor": 0.5, "warmup": 1 } },
                "augment": { "flip": true, "crop": 2 },
                "batch_size": 50,
                "epochs": 10
            },
            "search": {
                "levels": { "from": 0.1, "to": 0.2, "step": 0.1 },
                "weight_decay": [0.0, 0.1],
                "seeds": [0, 1],
                "methods": ["flood", { "kind": "alternating", "lr": [[0.1, 0.05]] },
                            { "kind": "gradient_penalty", "lambda": [0.1], "rho": 0.1 }],
                "objective": { "metric": "val_error", "at": "best" }
            },
            "scheduler": { "kind": "sha", "eta": 3, "first_rung": 2, "priority": 1 }
        }),
        json!({
            "name": "convolved",
            "recipe": {
                "dataset": { "name": "digits" },
                "model": { "kind": "cnn", "channels": [4, 4], "kernel": 5, "hidden": [4],
                           "batch_norm": true },
                "optimizer": { "kind": "adam", "lr": 0.1, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-7,
                               "schedule": { "kind": "cosine", "warmup": 2 } }
            },
            "search": { "levels": { "from": 0.1, "to": 0.2, "count": 2 } }
        }),
        json!({
            "name": "residual",
            "recipe": {
                "dataset": { "name": "digits" },
                "model": { "kind": "resnet", "depth": 8, "width": 4 },
                "optimizer": { "kind": "adamw", "lr": 0.1, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-7,
                               "schedule": { "kind": "constant", "warmup": 2 } }
            },
            "search": { "levels": [0.1, 0.2] }
        }),
    ]
}

/// A schema without its references.
fn resolved(schema: &'static Value) -> &'static Value {
    match schema["$ref"].as_str() {
        Some(to) => resolved(&SCHEMAS[to.rsplit('/').next().unwrap()]),
        None => schema,
    }
}

/// The variant that a value is of: by its kind, or else by its type and its fields.
fn variant(schema: &'static Value, value: &Value) -> &'static Value {
    let schema = resolved(schema);
    let Some(variants) = schema["oneOf"].as_array() else { return schema };
    let fits = |variant: &Value| match value {
        Value::Object(fields) => {
            let kinds = &variant["properties"]["kind"]["enum"];
            let required = variant["required"].as_array().into_iter().flatten();
            (kinds.is_null() || kinds.as_array().unwrap().contains(&fields["kind"]))
                && variant["properties"].is_object()
                && { required }.all(|name| fields.contains_key(name.as_str().unwrap()))
        }
        Value::Array(_) => variant["type"] == "array",
        Value::String(_) => variant["type"] == "string",
        _ => false,
    };
    let nested = |v: &'static Value| variant_of_one(v, value);
    variants.iter().map(nested).find(|variant| fits(variant)).unwrap()
}

/// A variant may be a choice itself.
fn variant_of_one(schema: &'static Value, value: &Value) -> &'static Value {
    let schema = resolved(schema);
    let tagged = schema["oneOf"].is_array() && value.is_object();
    if tagged { variant(schema, value) } else { schema }
}

/// Visits every value with its schema and its JSON pointer.
fn visit(
    value: &Value,
    schema: &'static Value,
    at: &str,
    see: &mut dyn FnMut(&str, &Value, &'static Value),
) {
    let schema = variant(schema, value);
    see(at, value, schema);
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, field)| {
            let property = &schema["properties"][name];
            assert!(!property.is_null(), "the file doesn't tell of {at}/{name}");
            visit(field, property, &format!("{at}/{name}"), see);
        }),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| {
            visit(item, &schema["items"], &format!("{at}/{i}"), see);
        }),
        _ => {}
    }
}

/// What validation has against a sweep at a pointer; levels and pairs of rates it takes as one.
fn refusals(sweep: &Value, pointer: &str) -> Vec<String> {
    let pair = pointer.rsplit_once('/').map(|(pair, _)| pair).filter(|at| at.contains("/lr/"));
    let levels = pointer.strip_prefix("/search/levels/").map(|_| "/search/levels");
    let about = |at: &str| at == pointer || Some(at) == pair || Some(at) == levels;
    match serde_json::from_value::<SweepSpec>(sweep.clone()) {
        Err(error) => vec![format!("{error} must be otherwise")],
        Ok(spec) => {
            let problems = spec.problems().into_iter();
            let here = problems.filter(|Invalid { pointer, .. }| about(pointer));
            here.map(|problem| problem.message).collect()
        }
    }
}

fn with(sweep: &Value, pointer: &str, value: Value) -> Value {
    let mut changed = sweep.clone();
    *changed.pointer_mut(pointer).unwrap() = value;
    changed
}

#[test]
fn numbers_are_taken_within_their_bounds_and_refused_beyond() {
    let mut bounds = 0;
    for sweep in sweeps() {
        let mut see = |at: &str, value: &Value, schema: &'static Value| {
            if !value.is_number() {
                return;
            }
            // What may be left out has two types.
            let whole = schema["type"].to_string().contains("integer");
            let step = if whole { 1.0 } else { 1e-9 };
            let number = |x: f64| if whole { json!(x as i64) } else { json!(x) };
            let taken = |x: f64| {
                // Other bounds than the number's own, such as the size of checkpoints, aren't meant.
                let said = refusals(&with(&sweep, at, number(x)), at);
                assert!(!said.iter().any(|text| text.contains(" must be ")), "{at} {x}: {said:?}");
            };
            let refused = |x: f64| {
                let said = refusals(&with(&sweep, at, number(x)), at);
                assert!(!said.is_empty(), "{at} takes {x}");
            };
            for (name, inwards) in [("inimum", 1.0), ("aximum", -1.0)] {
                if let Some(bound) = schema[format!("m{name}")].as_f64() {
                    taken(bound);
                    refused(bound - inwards * step);
                    bounds += 1;
                }
                if let Some(bound) = schema[format!("exclusiveM{name}")].as_f64() {
                    refused(bound);
                    taken(bound + inwards * step);
                    bounds += 1;
                }
            }
        };
        visit(&sweep, &SCHEMAS["SweepSpec"], "", &mut see);
    }
    assert!(bounds > 40, "only {bounds} bounds are told");
}

#[test]
fn lists_are_refused_that_are_shorter_or_longer_than_told() {
    let mut bounds = 0;
    for sweep in sweeps() {
        let mut see = |at: &str, value: &Value, schema: &'static Value| {
            let Value::Array(items) = value else { return };
            let first = items[0].as_f64().unwrap_or_default();
            let of = |count: u64| -> Value {
                if items[0].is_number() {
                    (0..count).map(|i| json!(first as u64 + i)).collect()
                } else {
                    items.iter().cycle().take(count as usize).cloned().collect()
                }
            };
            for (name, beyond) in [("minItems", -1_i64), ("maxItems", 1)] {
                let Some(bound) = schema[name].as_u64() else { continue };
                let outside = of(bound.saturating_add_signed(beyond));
                assert!(
                    !refusals(&with(&sweep, at, outside), at).is_empty(),
                    "{at} {name} {bound}"
                );
                bounds += 1;
            }
        };
        visit(&sweep, &SCHEMAS["SweepSpec"], "", &mut see);
    }
    assert!(bounds > 12, "only {bounds} bounds are told");
}

#[test]
fn a_field_that_is_left_out_is_its_default() {
    let read = |sweep: &Value| serde_json::from_value::<SweepSpec>(sweep.clone()).unwrap();
    let mut defaults = 0;
    for sweep in sweeps() {
        let mut see = |at: &str, value: &Value, schema: &'static Value| {
            let Value::Object(fields) = value else { return };
            for name in fields.keys() {
                let property = &schema["properties"][name];
                // A choice between objects has its default under a name of our own.
                let default = [property, resolved(property)]
                    .map(|schema| [&schema["default"], &schema["x-default"]]);
                let mut default = default.into_iter().flatten();
                let Some(default) = default.find(|default| !default.is_null()) else {
                    assert!(may_lack_a_default(schema, name), "{at}/{name} tells no default");
                    continue;
                };
                // Of levels and methods each has a default, but not each is a part of others.
                let mut without: Map<_, _> = fields.clone();
                without.remove(name);
                let mut spelled = without.clone();
                spelled.insert(name.clone(), default.clone());
                if required(schema, name) {
                    continue;
                }
                let [without, spelled] = [without, spelled].map(|fields| match at {
                    "" => Value::Object(fields),
                    at => with(&sweep, at, Value::Object(fields)),
                });
                assert_eq!(read(&without), read(&spelled), "{at}/{name}");
                defaults += 1;
            }
        };
        visit(&sweep, &SCHEMAS["SweepSpec"], "", &mut see);
    }
    assert!(defaults > 40, "only {defaults} defaults are told");
}

fn required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|names| names.contains(&json!(name)))
}

/// Whether a field needn't tell a default: it has to be there, may be null, or is an object whose
/// own fields tell theirs.
fn may_lack_a_default(schema: &'static Value, name: &str) -> bool {
    let property = &schema["properties"][name];
    let nullable = property["type"].as_array().is_some_and(|types| types.contains(&json!("null")));
    required(schema, name) || nullable || resolved(property)["properties"].is_object()
}
