//! What a plan warns of before it is paid.

use super::server::{Server, small};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// 40 rows: a share from 0 to 0.75, an income from 0 to 90,000, a constant, one of two classes.
fn uneven() -> String {
    let row = |i: u32| format!("{},{},7,{}\n", f64::from(i % 4) / 4.0, i % 10 * 10_000, i % 2);
    (0..40).map(row).collect()
}

async fn upload(server: &Server, name: &str, table: String) -> Value {
    let path = format!("/v1/datasets?name={name}");
    let request = server.request(Method::POST, &path).header("content-type", "text/csv");
    let added = request.body(table).send().await.unwrap();
    assert_eq!(added.status(), StatusCode::CREATED);
    added.json().await.unwrap()
}

fn on(dataset: Value) -> Value {
    let mut spec = small("warned");
    spec["recipe"]["dataset"] = dataset;
    spec["recipe"]["batch_size"] = json!(10);
    spec
}

async fn warnings(server: &Server, dataset: Value) -> Vec<String> {
    let response = server.post("/v1/plans", &on(dataset)).await;
    assert_eq!(response.status(), StatusCode::OK);
    serde_json::from_value(response.json::<Value>().await.unwrap()["warnings"].take()).unwrap()
}

#[tokio::test]
async fn features_far_apart_in_scale_are_warned_of_until_they_are_standardised() {
    let server = Server::start().await;
    let set = upload(&server, "uneven", uneven()).await;
    let scales = &set["scales"];
    let [largest, narrowest] = [&scales["largest"], &scales["narrowest"]];
    assert_eq!(
        [&largest["column"], &largest["min"], &largest["max"]],
        [&json!(2), &json!(0.0), &json!(9e4)]
    );
    assert!((largest["mean"].as_f64().unwrap() - 45_000.0).abs() < 1e-6, "{largest}");
    let deviation = largest["deviation"].as_f64().unwrap();
    assert!((deviation - 8.25e8f64.sqrt()).abs() < 1e-6, "{largest}");
    assert_eq!([&narrowest["column"], &narrowest["max"]], [&json!(1), &json!(0.75)]);
    assert_eq!(scales["constant"], 1);
    let list = server.json("/v1/datasets").await;
    assert_eq!(list["items"].as_array().unwrap().last(), Some(&set));
    let told = warnings(&server, json!({ "name": "uneven" })).await;
    assert_eq!(told.len(), 1, "{told:?}");
    for words in [
        "column 2 goes from 0 to 90,000, column 1 goes from 0 to 0.75",
        "set `standardize = true` in the recipe's `dataset`",
    ] {
        assert!(told[0].contains(words), "{told:?}");
    }
    let told = warnings(&server, json!({ "name": "uneven", "standardize": true })).await;
    assert_eq!(told, [""; 0]);
    // It is said, and no more: whoever wants to trains on them as they are.
    server.submit(&on(json!({ "name": "uneven" }))).await;
}

#[tokio::test]
async fn sets_that_train_as_they_are_are_not_warned_of() {
    let server = Server::start().await;
    let row = |i: u32| format!("{},{},{}\n", i % 7, i % 3, i % 2);
    upload(&server, "even", (0..40).map(row).collect()).await;
    for name in ["even", "digits", "spiral", "two_gaussians", "sinusoid"] {
        assert_eq!(warnings(&server, json!({ "name": name })).await, [""; 0], "{name}");
        let set = server.json(&format!("/v1/datasets/{name}")).await;
        assert_eq!(set["scales"].is_null(), name != "even", "{set}");
    }
}

#[tokio::test]
async fn labels_without_signal_are_warned_of_beside_features() {
    let server = Server::start().await;
    upload(&server, "uneven", uneven()).await;
    let noisy = |name: &str, rate: f64| json!({ "name": name, "label_noise": rate });
    assert_eq!(warnings(&server, noisy("digits", 0.8)).await, [""; 0]);
    let told = warnings(&server, noisy("digits", 0.9)).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("a label of 10 classes is right no more often than a guess"),
        "{told:?}"
    );
    let told = warnings(&server, noisy("uneven", 0.5)).await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("Features") && told[1].starts_with("Labels"), "{told:?}");
}
