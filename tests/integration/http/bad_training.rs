//! What a sweep whose methods, optimiser or schedule can't be trained is told.

use super::bad_sweeps::{RANGE, READ, Row, refuses, row};
use serde_json::{Value, json};

const BAD_METHODS: [Row; 14] = [
    row("no method", |s| s["search"]["methods"] = json!([]), RANGE, "/search/methods"),
    row(
        "a method that isn't there",
        |s| s["search"]["methods"] = json!(["flood", "flod"]),
        READ,
        "/search/methods/1",
    ),
    row(
        "a method twice",
        |s| s["search"]["methods"] = json!(["softad", "softad"]),
        RANGE,
        "/search/methods",
    ),
    row(
        "a method of the wrong type",
        |s| s["search"]["methods"] = json!([7]),
        READ,
        "/search/methods/0",
    ),
    row(
        "a kind of method that isn't there",
        |s| s["search"]["methods"] = json!([{ "kind": "sam" }]),
        READ,
        "/search/methods/0/kind",
    ),
    row(
        "an unknown field in a method",
        |s| s["search"]["methods"] = json!([{ "kind": "alternating", "rates": [] }]),
        READ,
        "/search/methods/0/rates",
    ),
    row(
        "a rate of the wrong type",
        |s| s["search"]["methods"] = json!([{ "kind": "alternating", "lr": [[0.1, "x"]] }]),
        READ,
        "/search/methods/0/lr/0/1",
    ),
    row(
        "a rate too few",
        |s| s["search"]["methods"] = json!([{ "kind": "alternating", "lr": [[0.1]] }]),
        READ,
        "/search/methods/0/lr/0",
    ),
    row(
        "rates that don't fall",
        |s| s["search"]["methods"] = json!([{ "kind": "alternating", "lr": [[0.1, 0.1]] }]),
        RANGE,
        "/search/methods/0/lr/0",
    ),
    row(
        "no rates",
        |s| s["search"]["methods"] = json!([{ "kind": "alternating", "lr": [] }]),
        RANGE,
        "/search/methods/0/lr",
    ),
    row(
        "a penalty without its weights",
        |s| s["search"]["methods"] = json!(["flood", { "kind": "gradient_penalty" }]),
        READ,
        "/search/methods/1",
    ),
    row(
        "a penalty of no weight",
        |s| s["search"]["methods"] = json!([{ "kind": "gradient_penalty", "lambda": [0.1, 0] }]),
        RANGE,
        "/search/methods/0/lambda/1",
    ),
    row(
        "a penalty twice",
        |s| s["search"]["methods"] = json!([{ "kind": "gradient_penalty", "lambda": [0.1, 0.1] }]),
        RANGE,
        "/search/methods/0/lambda",
    ),
    row(
        "a penalty over no distance",
        |s| {
            s["search"]["methods"] =
                json!([{ "kind": "gradient_penalty", "lambda": [0.1], "rho": 0 }]);
        },
        RANGE,
        "/search/methods/0/rho",
    ),
];

const BAD_OPTIMIZERS: [Row; 13] = [
    row(
        "nesterov without a momentum",
        |s| s["recipe"]["optimizer"] = json!({ "kind": "sgd", "lr": 0.1, "nesterov": true }),
        RANGE,
        "/recipe/optimizer/nesterov",
    ),
    row(
        "nesterov in adam",
        |s| s["recipe"]["optimizer"] = json!({ "kind": "adam", "lr": 0.1, "nesterov": true }),
        READ,
        "/recipe/optimizer",
    ),
    row(
        "a momentum of one",
        |s| s["recipe"]["optimizer"] = json!({ "kind": "sgd", "lr": 0.1, "momentum": 1 }),
        RANGE,
        "/recipe/optimizer/momentum",
    ),
    row(
        "a beta of one in adamw",
        |s| s["recipe"]["optimizer"] = json!({ "kind": "adamw", "lr": 0.1, "beta_2": 1 }),
        RANGE,
        "/recipe/optimizer/beta_2",
    ),
    row(
        "no learning rate",
        |s| s["recipe"]["optimizer"] = json!({ "kind": "adamw" }),
        READ,
        "/recipe/optimizer",
    ),
    row(
        "a schedule that isn't there",
        |s| s["recipe"]["optimizer"] = scheduled(json!({ "kind": "linear" })),
        READ,
        "/recipe/optimizer/schedule/kind",
    ),
    row(
        "a schedule in a word",
        |s| s["recipe"]["optimizer"] = scheduled(json!("cosine")),
        READ,
        "/recipe/optimizer/schedule",
    ),
    row(
        "a schedule in steps without its factor",
        |s| s["recipe"]["optimizer"] = scheduled(json!({ "kind": "step", "every": 2 })),
        READ,
        "/recipe/optimizer/schedule",
    ),
    row(
        "a cosine with a factor",
        |s| s["recipe"]["optimizer"] = scheduled(json!({ "kind": "cosine", "factor": 0.5 })),
        READ,
        "/recipe/optimizer/schedule",
    ),
    row(
        "a rate that rises in steps",
        |s| {
            s["recipe"]["optimizer"] =
                scheduled(json!({ "kind": "step", "every": 2, "factor": 1.5 }))
        },
        RANGE,
        "/recipe/optimizer/schedule/factor",
    ),
    row(
        "steps of no epochs",
        |s| {
            s["recipe"]["optimizer"] =
                scheduled(json!({ "kind": "step", "every": 0, "factor": 0.5 }))
        },
        RANGE,
        "/recipe/optimizer/schedule/every",
    ),
    row(
        "a warm-up as long as the run",
        |s| s["recipe"]["optimizer"] = scheduled(json!({ "kind": "constant", "warmup": 4 })),
        RANGE,
        "/recipe/optimizer/schedule/warmup",
    ),
    row(
        "an unknown field in a schedule",
        |s| s["recipe"]["optimizer"] = scheduled(json!({ "kind": "cosine", "to": 0 })),
        READ,
        "/recipe/optimizer/schedule/to",
    ),
];

/// An optimiser that is good but for its schedule.
fn scheduled(schedule: Value) -> Value {
    json!({ "kind": "sgd", "lr": 0.1, "schedule": schedule })
}

#[tokio::test]
async fn every_bad_method_is_told_which_field_is_wrong_and_leaves_nothing_behind() {
    refuses(&BAD_METHODS).await;
}

#[tokio::test]
async fn every_bad_optimizer_is_told_which_field_is_wrong_and_leaves_nothing_behind() {
    refuses(&BAD_OPTIMIZERS).await;
}
