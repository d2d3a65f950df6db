//! What a sweep that can't be run is told, field by field; nothing of it is stored.

use super::server::{Server, problem, small};
use reqwest::Method;
use serde_json::{Value, json};

/// A change to a good sweep, and what is then told: status, problem type, pointer.
pub(super) type Row = (&'static str, fn(&mut Value), u16, &'static str, &'static str);

/// What is told of a value out of its range.
pub(super) const RANGE: (u16, &str) = (422, "invalid-sweep");
/// What is told of a field that can't be read.
pub(super) const READ: (u16, &str) = (400, "malformed");

pub(super) const fn row(
    name: &'static str,
    spoil: fn(&mut Value),
    (status, kind): (u16, &'static str),
    pointer: &'static str,
) -> Row {
    (name, spoil, status, kind, pointer)
}

const BAD_SWEEPS: [Row; 36] = {
    [
        row(
            "a data set that isn't there",
            |s| s["recipe"]["dataset"]["name"] = json!("moons"),
            RANGE,
            "/recipe/dataset/name",
        ),
        row(
            "a text that names no data set",
            |s| s["recipe"]["dataset"]["name"] = json!("Two Moons"),
            READ,
            "/recipe/dataset/name",
        ),
        row(
            "a model that isn't there",
            |s| s["recipe"]["model"] = json!({ "kind": "transformer", "hidden": [] }),
            READ,
            "/recipe/model/kind",
        ),
        row(
            "an optimiser that isn't there",
            |s| s["recipe"]["optimizer"] = json!({ "kind": "lion", "lr": 1 }),
            READ,
            "/recipe/optimizer/kind",
        ),
        row(
            "a scheduler that isn't there",
            |s| s["scheduler"]["kind"] = json!("luck"),
            READ,
            "/scheduler/kind",
        ),
        row(
            "an array for a recipe",
            |s| s["recipe"] = json!([{ "name": "spiral" }]),
            READ,
            "/recipe",
        ),
        row("an array for a search", |s| s["search"] = json!([[0.1, 0.2]]), READ, "/search"),
        row(
            "an array for a metric",
            |s| s["search"]["metrics"] = json!({ "score": ["max", "share"] }),
            READ,
            "/search/metrics/score",
        ),
        row("no levels", |s| s["search"]["levels"] = json!([]), RANGE, "/search/levels"),
        row(
            "a negative level",
            |s| s["search"]["levels"] = json!([0.1, -0.1]),
            RANGE,
            "/search/levels",
        ),
        row(
            "NaN as null",
            |s| s["search"]["levels"] = json!([0.1, null]),
            READ,
            "/search/levels/1",
        ),
        row(
            "NaN as a string",
            |s| s["search"]["levels"] = json!(["NaN"]),
            READ,
            "/search/levels/0",
        ),
        row(
            "a level twice",
            |s| s["search"]["levels"] = json!([0.1, 0.2, 0.1]),
            RANGE,
            "/search/levels",
        ),
        row(
            "too many levels in a list",
            |s| s["search"]["levels"] = (1..=10_001).collect(),
            RANGE,
            "/search/levels",
        ),
        row(
            "too many levels in a range",
            |s| s["search"]["levels"] = json!({ "from": 0, "to": 1, "step": 1e-5 }),
            RANGE,
            "/search/levels",
        ),
        row(
            "a step of the wrong type",
            |s| s["search"]["levels"] = json!({ "from": 0, "to": 1, "step": "x" }),
            READ,
            "/search/levels/step",
        ),
        row(
            "levels of the wrong type",
            |s| s["search"]["levels"] = json!("0.1"),
            READ,
            "/search/levels",
        ),
        row("no epochs", |s| s["recipe"]["epochs"] = json!(0), RANGE, "/recipe/epochs"),
        row(
            "an empty batch",
            |s| s["recipe"]["batch_size"] = json!(0),
            RANGE,
            "/recipe/batch_size",
        ),
        row(
            "a batch larger than the training set",
            |s| s["recipe"]["batch_size"] = json!(101),
            RANGE,
            "/recipe/batch_size",
        ),
        row(
            "a batch larger than the training set asked for",
            |s| s["recipe"]["dataset"]["n_train"] = json!(49),
            RANGE,
            "/recipe/batch_size",
        ),
        row(
            "more trials than a sweep may have",
            |s| {
                s["search"]["levels"] = (1..=300).collect();
                s["search"]["seeds"] = (0..100).collect();
            },
            RANGE,
            "/search",
        ),
        row(
            "more epochs of all trials than a sweep may have",
            |s| {
                s["search"]["seeds"] = (0..100).collect();
                s["recipe"]["epochs"] = json!(10_000);
            },
            RANGE,
            "/recipe/epochs",
        ),
        row(
            "an eta of one",
            |s| s["scheduler"] = json!({ "kind": "sha", "eta": 1 }),
            RANGE,
            "/scheduler/eta",
        ),
        row(
            "a first rung beyond the epochs",
            |s| s["scheduler"] = json!({ "kind": "sha", "first_rung": 5 }),
            RANGE,
            "/scheduler/first_rung",
        ),
        row(
            "a first rung of no epochs",
            |s| s["scheduler"] = json!({ "kind": "sha", "first_rung": 0 }),
            RANGE,
            "/scheduler/first_rung",
        ),
        row(
            "a rung in a grid",
            |s| s["scheduler"]["first_rung"] = json!(2),
            RANGE,
            "/scheduler/first_rung",
        ),
        row("an unknown field", |s| s["colour"] = json!("red"), READ, "/colour"),
        row(
            "an unknown field in the recipe",
            |s| s["recipe"]["epoch"] = json!(3),
            READ,
            "/recipe/epoch",
        ),
        row(
            "an unknown field in the model",
            |s| s["recipe"]["model"] = json!({ "kind": "mlp", "hidden": [], "layers": 3 }),
            READ,
            "/recipe/model/layers",
        ),
        row(
            "an unknown field in the levels",
            |s| s["search"]["levels"] = json!({ "from": 0, "too": 1, "step": 1 }),
            READ,
            "/search/levels/too",
        ),
        row("a number for a name", |s| s["name"] = json!(7), READ, "/name"),
        row(
            "epochs that aren't whole",
            |s| s["recipe"]["epochs"] = json!(1.5),
            READ,
            "/recipe/epochs",
        ),
        row(
            "a seed below zero",
            |s| s["search"]["seeds"] = json!([0, -1]),
            READ,
            "/search/seeds/1",
        ),
        row(
            "a width of the wrong type",
            |s| s["recipe"]["model"] = json!({ "kind": "mlp", "hidden": [8, "x"] }),
            READ,
            "/recipe/model/hidden/1",
        ),
        row(
            "a learning rate of the wrong type",
            |s| s["recipe"]["optimizer"] = json!({ "kind": "sgd", "lr": "fast" }),
            READ,
            "/recipe/optimizer/lr",
        ),
    ]
};

/// Asserts that nothing was stored.
async fn nothing_is_stored(server: &Server, why: &str) {
    assert_eq!(server.json("/v1/sweeps").await["items"], json!([]), "after {why}");
}

#[tokio::test]
async fn every_bad_sweep_is_told_which_field_is_wrong_and_leaves_nothing_behind() {
    refuses(&BAD_SWEEPS).await;
}

/// Asserts that each of these sweeps is refused, and nothing of it stored.
pub(super) async fn refuses(bad: &[Row]) {
    let server = Server::start().await;
    for &(name, spoil, status, kind, pointer) in bad {
        let mut sweep = small(name);
        spoil(&mut sweep);
        let response = server.post("/v1/sweeps", &sweep).await;
        assert_eq!(response.status().as_u16(), status, "{name}");
        let body = problem(response, status, kind).await;
        let pointers: Vec<_> = body["errors"].as_array().unwrap().iter().collect();
        assert_eq!(pointers.len(), 1, "{name}: {body}");
        assert_eq!(pointers[0]["pointer"], pointer, "{name}: {body}");
        assert!(!pointers[0]["detail"].as_str().unwrap().is_empty(), "{name}: {body}");
        nothing_is_stored(&server, name).await;
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_at_all_leave_nothing_behind() {
    let server = Server::start().await;
    let nan = small("nan").to_string().replace("[0.1,0.2]", "[NaN]");
    assert!(nan.contains("[NaN]"));
    for (name, body, status, kind) in [
        ("no body", String::new(), 400, "malformed"),
        ("a form", "name=digits&epochs=3".into(), 400, "malformed"),
        ("half a sweep", small("half").to_string()[..40].into(), 400, "malformed"),
        ("two sweeps", format!("{0}{0}", small("twice")), 400, "malformed"),
        ("NaN, which JSON doesn't have", nan, 400, "malformed"),
        ("a list", "[]".into(), 400, "malformed"),
        ("a sweep as a list", r#"["x", {"dataset": {"name": "spiral"}}]"#.into(), 400, "malformed"),
        ("a body over the limit", " ".repeat((1 << 20) + 1), 413, "too-large"),
    ] {
        let request = server.request(Method::POST, "/v1/sweeps").body(body);
        let request = request.header("content-type", "application/json");
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{name}");
        problem(response, status, kind).await;
        nothing_is_stored(&server, name).await;
    }
}
