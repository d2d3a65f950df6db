//! What a sweep whose model or augmentation can't be trained is told.

use super::bad_sweeps::{RANGE, READ, Row, refuses, row};
use serde_json::{Value, json};

const BAD_MODELS: [Row; 18] = [
    row(
        "convolutions of what is no image",
        |s| s["recipe"]["model"] = json!({ "kind": "cnn" }),
        RANGE,
        "/recipe/model/kind",
    ),
    row(
        "a residual network of what is no image",
        |s| s["recipe"]["model"] = json!({ "kind": "resnet", "depth": 8 }),
        RANGE,
        "/recipe/model/kind",
    ),
    row(
        "an mlp without its layers",
        |s| s["recipe"]["model"] = json!({ "kind": "mlp" }),
        READ,
        "/recipe/model",
    ),
    row(
        "a field of another model",
        |s| s["recipe"]["model"] = json!({ "kind": "mlp", "hidden": [], "depth": 8 }),
        READ,
        "/recipe/model",
    ),
    row("no convolution", |s| cnn(s, json!({ "channels": [] })), RANGE, "/recipe/model/channels"),
    row(
        "a convolution of no channels",
        |s| cnn(s, json!({ "channels": [4, 0] })),
        RANGE,
        "/recipe/model/channels/1",
    ),
    row(
        "more convolutions than an image can be halved",
        |s| cnn(s, json!({ "channels": [4, 4, 4, 4] })),
        RANGE,
        "/recipe/model/channels",
    ),
    row(
        "channels of the wrong type",
        |s| cnn(s, json!({ "channels": [4, -1] })),
        READ,
        "/recipe/model/channels/1",
    ),
    row("an even kernel", |s| cnn(s, json!({ "kernel": 4 })), RANGE, "/recipe/model/kernel"),
    row(
        "a dense layer of no width",
        |s| cnn(s, json!({ "hidden": [0] })),
        RANGE,
        "/recipe/model/hidden/0",
    ),
    row("a residual network without a depth", |s| resnet(s, json!({})), READ, "/recipe/model"),
    row(
        "a depth that no residual network has",
        |s| resnet(s, json!({ "depth": 18 })),
        RANGE,
        "/recipe/model/depth",
    ),
    row(
        "a residual network of no width",
        |s| resnet(s, json!({ "depth": 8, "width": 0 })),
        RANGE,
        "/recipe/model/width",
    ),
    row(
        "weights beyond what a checkpoint may hold",
        |s| resnet(s, json!({ "depth": 110, "width": 1024 })),
        RANGE,
        "/recipe/model/width",
    ),
    row(
        "an augmentation of what is no image",
        |s| s["recipe"]["augment"] = json!({ "flip": true }),
        RANGE,
        "/recipe/augment",
    ),
    row(
        "an augmentation that isn't there",
        |s| s["recipe"]["augment"] = json!({ "rotate": 5 }),
        READ,
        "/recipe/augment/rotate",
    ),
    row(
        "a crop of the wrong type",
        |s| s["recipe"]["augment"] = json!({ "crop": -1 }),
        READ,
        "/recipe/augment/crop",
    ),
    row(
        "a crop of more than half of an image",
        |s| {
            cnn(s, json!({}));
            s["recipe"]["augment"] = json!({ "crop": 5 });
        },
        RANGE,
        "/recipe/augment/crop",
    ),
];

/// A sweep over images whose model has these fields beside its kind.
fn of_kind(sweep: &mut Value, kind: &str, fields: Value) {
    sweep["recipe"]["dataset"] = json!({ "name": "digits" });
    sweep["recipe"]["model"] = fields;
    sweep["recipe"]["model"]["kind"] = json!(kind);
}

fn cnn(sweep: &mut Value, fields: Value) {
    of_kind(sweep, "cnn", fields);
}

fn resnet(sweep: &mut Value, fields: Value) {
    of_kind(sweep, "resnet", fields);
}

#[tokio::test]
async fn every_bad_model_is_told_which_field_is_wrong_and_leaves_nothing_behind() {
    refuses(&BAD_MODELS).await;
}
