//! Extensions that are cancelled: the answer before them stands, wherever answers are told.

use super::{
    server::{Server, small},
    worker::train_all,
};
use crate::support::{TestDatabase, on_both_databases};
use reqwest::StatusCode;
use serde_json::{Value, json};

on_both_databases!(
    a_cancelled_extension_leaves_the_answer_before_it,
    what_an_earlier_version_lost_of_a_cancelled_extension_is_told_from_the_log,
    an_extension_that_is_cancelled_unreplayed_leaves_the_answer_before_it,
    what_was_cancelled_before_it_had_an_answer_shows_none,
);

async fn server(database: &TestDatabase) -> Server {
    Server::on_folder(tempfile::tempdir().unwrap(), database.open_again().await).await
}

async fn ask(server: &Server, sweep: &str, what: &str, body: &Value) {
    let answer = server.post(&format!("/v1/sweeps/{sweep}/{what}"), body).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{what}");
}

async fn best(server: &Server, sweep: &str) -> Value {
    server.json(&format!("/v1/sweeps/{sweep}/best")).await
}

async fn listed(server: &Server, sweep: &str) -> Value {
    let list = server.json("/v1/sweeps").await;
    let mut items = list["items"].as_array().unwrap().iter();
    items.find(|item| item["id"] == sweep).unwrap().clone()
}

/// A sweep that has completed and is being extended, and what it answered, with the cost of both.
async fn extended(server: &Server) -> (String, Value) {
    let sweep = server.submit(&small("extended")).await;
    train_all(server).await;
    let mut answer = best(server, &sweep).await;
    assert_eq!(
        (&answer["status"], &answer["before_extension"]),
        (&json!("completed"), &json!(false))
    );
    ask(server, &sweep, "extend", &json!({ "seeds": 2, "epochs": 6 })).await;
    answer["run_equivalents"] = best(server, &sweep).await["run_equivalents"].take();
    (sweep, answer)
}

/// Asserts that an answer is the one before the extension.
fn is_before(told: &Value, answer: &Value) {
    assert_eq!(told["before_extension"], true, "{told}");
    for field in ["best", "baseline", "difference", "finding", "sentence", "probabilities"] {
        assert_eq!(told[field], answer[field], "{field}");
    }
    for cost in ["spent", "full_grid"] {
        assert_eq!(told["run_equivalents"][cost], answer["run_equivalents"][cost], "{cost}");
    }
    assert!(told["points"][0].as_str().unwrap().contains("the extension was cancelled"), "{told}");
    assert_eq!(told["advice"]["needs_new_sweep"], true, "{told}");
}

async fn is_told_everywhere(server: &Server, sweep: &str, answer: &Value) {
    let listed = listed(server, sweep).await;
    let detail = server.json(&format!("/v1/sweeps/{sweep}")).await;
    for summary in [&listed, &detail] {
        assert_eq!(
            (&summary["status"], &summary["finding"]),
            (&json!("cancelled"), &answer["finding"])
        );
        is_before(&summary["best"], answer);
    }
    is_before(&best(server, sweep).await, answer);
    let line = server.json(&format!("/v1/sweeps/{sweep}/sparkline")).await;
    assert_eq!(line["arm"], answer["best"]["arm"]);
}

async fn a_cancelled_extension_leaves_the_answer_before_it(database: TestDatabase) {
    let server = server(&database).await;
    let (sweep, answer) = extended(&server).await;
    assert_eq!(best(&server, &sweep).await["before_extension"], false, "it may still have another");
    ask(&server, &sweep, "cancel", &json!({})).await;
    is_told_everywhere(&server, &sweep, &answer).await;
    let now = best(&server, &sweep).await;
    assert_eq!(now["paste"], answer["paste"], "for as many epochs as it was trained");
    // A server that begins with what is stored tells the same.
    is_told_everywhere(&self::server(&database).await, &sweep, &answer).await;
}

async fn what_an_earlier_version_lost_of_a_cancelled_extension_is_told_from_the_log(
    database: TestDatabase,
) {
    let before = server(&database).await;
    let (sweep, answer) = extended(&before).await;
    ask(&before, &sweep, "cancel", &json!({})).await;
    let mut lost = listed(&before, &sweep).await["best"].take();
    lost.as_object_mut().unwrap().remove("before_extension");
    (lost["best"], lost["finding"]) = (Value::Null, json!("no_answer"));
    let lost = lost.to_string().replace('\'', "''");
    database.execute(&format!("update sweeps set best = '{lost}' where sweep = '{sweep}'")).await;
    is_told_everywhere(&server(&database).await, &sweep, &answer).await;
}

async fn an_extension_that_is_cancelled_unreplayed_leaves_the_answer_before_it(
    database: TestDatabase,
) {
    let before = server(&database).await;
    let (sweep, answer) = extended(&before).await;
    let later = format!("update sweeps set scheduler_version = 99 where sweep = '{sweep}'");
    database.execute(&later).await;
    let server = server(&database).await;
    ask(&server, &sweep, "cancel", &json!({})).await;
    is_told_everywhere(&server, &sweep, &answer).await;
}

async fn what_was_cancelled_before_it_had_an_answer_shows_none(database: TestDatabase) {
    let server = server(&database).await;
    let sweep = server.submit(&small("given up")).await;
    ask(&server, &sweep, "cancel", &json!({})).await;
    // As an earlier version stored what it compared by then.
    let stored = listed(&server, &sweep).await["best"].take();
    let other = server.submit(&small("whole")).await;
    train_all(&server).await;
    let mut partial = listed(&server, &other).await["best"].take();
    partial["finding"] = json!("no_answer");
    for partial in [stored, partial] {
        let partial = partial.to_string().replace('\'', "''");
        let set = format!("update sweeps set best = '{partial}' where sweep = '{sweep}'");
        database.execute(&set).await;
        let listed = listed(&server, &sweep).await;
        assert_eq!(listed["finding"], "no_answer");
        for told in [&listed["best"], &best(&server, &sweep).await] {
            assert_eq!((&told["best"], &told["difference"]), (&Value::Null, &Value::Null));
            assert_eq!(told["verdict"], "It ended before it had an answer.");
        }
    }
}
