//! No body takes an array for an object, at whatever depth.

use super::*;
use floodgauge_api::access::{SignIn, TokenSpec};
use floodgauge_protocol::{
    Extension, SweepSpec,
    work::{ClaimRequest, Fail, Finish, Report, Trouble},
};
use serde_json::{Value, json};

/// What a body reads as, without its value.
type Read = fn(&[u8]) -> Result<(), Problem>;

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<(), Problem> {
    parse::<T>(bytes).map(drop)
}

fn sweep() -> Value {
    let image = json!({ "channels": 1, "height": 2, "width": 2 });
    let upload = json!({ "format": "npz", "features": 4, "image": image, "classes": 2, "samples": 10,
                         "test_samples": 2 });
    let pin = json!({ "sha256": "00".repeat(32), "upload": upload });
    json!({
        "name": "whole",
        "recipe": {
            "dataset": { "name": "mine", "label_noise": 0.1, "pin": pin },
            "model": { "kind": "mlp", "hidden": [4] },
            "optimizer": { "kind": "sgd", "lr": 0.1, "schedule": { "kind": "step", "every": 2, "factor": 0.5 } },
            "augment": { "flip": true, "crop": 1 },
            "epochs": 4
        },
        "search": {
            "levels": [0.1],
            "methods": ["flood", { "kind": "alternating", "lr": [[0.1, 0.05]] }],
            "objective": { "metric": "score", "at": "last" },
            "metrics": { "score": { "direction": "max", "unit": "share" } }
        },
        "scheduler": { "kind": "sha", "eta": 2 }
    })
}

fn branch() -> Value {
    let digest = "00".repeat(32);
    let best = json!({ "epoch": 1, "checkpoint": digest });
    json!({
        "arms": [0], "end": "reached", "step": 20, "checkpoint": digest,
        "test": { "loss": 0.5, "error": 0.1 },
        "minima": [{ "step": 3, "loss": 0.5 }],
        "best": best,
        "waypoints": [{ "step": 10, "checkpoint": digest, "best": best }]
    })
}

/// Every JSON body that the API takes, with all that it may hold.
fn bodies() -> [(&'static str, Read, Value); 9] {
    let row = json!({
        "arms": [0], "epoch": 1, "step": 20, "train_loss": 0.5,
        "metrics": { "val_loss": 0.5, "val_error": 0.1 },
        "diagnostics": { "grad_norm": 1.0, "ascending": 0.0, "flooded_steps": 0 }
    });
    let limits = json!({ "rate": 10, "arms": 100 });
    [
        ("a sweep", read::<SweepSpec>, sweep()),
        ("an extension", read::<Extension>, json!({ "seeds": 1, "levels": [0.1] })),
        (
            "a token",
            read::<TokenSpec>,
            json!({ "name": "ci", "scopes": ["read"], "limits": limits }),
        ),
        ("a session", read::<SignIn>, json!({ "token": "fg_" })),
        (
            "a claim",
            read::<ClaimRequest>,
            json!({ "worker": "w", "fingerprint": "f", "wait_s": 1 }),
        ),
        ("a report", read::<Report>, json!({ "rows": [row], "saved": [branch()] })),
        ("an end", read::<Finish>, json!({ "branches": [branch()] })),
        ("a failure", read::<Fail>, json!({ "message": "no", "kind": "trial" })),
        ("trouble", read::<Trouble>, json!({ "worker": "w", "message": "no", "retry_in_s": 5 })),
    ]
}

/// Pointers to all objects in a value, itself included.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(at.to_owned());
            fields.iter().for_each(|(name, of)| objects(of, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, of)| objects(of, &format!("{at}/{i}"), found));
        }
        _ => {}
    }
}

#[test]
fn no_body_takes_an_array_for_an_object() {
    let mut tried = 0;
    for (what, read, body) in bodies() {
        read(body.to_string().as_bytes()).unwrap_or_else(|problem| panic!("{what}: {problem:?}"));
        let mut places = vec![];
        objects(&body, "", &mut places);
        for place in places {
            tried += 1;
            let mut wrong = body.clone();
            let object = wrong.pointer_mut(&place).unwrap();
            let values = object.as_object().unwrap().values().cloned().collect();
            *object = Value::Array(values);
            match read(wrong.to_string().as_bytes()) {
                Err(Problem::Malformed(detail, errors)) => {
                    assert_eq!(errors[0].pointer, place, "{what}: {detail}");
                }
                other => panic!("{what} with an array at `{place}`: {other:?}"),
            }
        }
    }
    assert!(tried >= 35, "{tried}");
}

#[test]
fn an_array_is_refused_in_plain_words_with_its_place() {
    let told = |body: Value| match parse::<SweepSpec>(body.to_string().as_bytes()) {
        Err(Problem::Malformed(detail, _)) => detail,
        other => panic!("{other:?}"),
    };
    assert_eq!(told(json!(["x"])), "/: an object is needed here, not an array");
    let mut body = sweep();
    body["recipe"] = json!([{ "name": "spiral" }]);
    assert_eq!(told(body), "/recipe: an object is needed here, not an array");
}
