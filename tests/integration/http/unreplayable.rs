//! Sweeps whose log this binary can't replay: they are told as such, can be ended and deleted, and
//! stop nobody else.

use super::{
    server::{Server, problem, small},
    worker::{claim, post, rows, train_all},
};
use crate::support::{TestDatabase, on_both_databases};
use eventsource_stream::Eventsource as _;
use futures::StreamExt as _;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use std::pin::pin;

on_both_databases!(
    a_sweep_of_a_later_version_waits_for_its_server,
    an_entry_that_is_no_json_stops_its_own_sweep_alone,
    an_entry_that_is_no_event_stops_its_own_sweep_alone,
    an_entry_that_was_decided_otherwise_stops_its_own_sweep_alone,
    an_entry_that_is_gone_stops_its_own_sweep_alone,
    a_sweep_with_fields_of_a_later_version_is_listed_without_them,
);

/// Has the database do what no release does.
async fn sql(database: &TestDatabase, text: &str) {
    let text = AssertSqlSafe(text.to_owned());
    if database.url.starts_with("sqlite") {
        let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
        sqlx::query(text).execute(&mut connection).await.unwrap();
    } else {
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        sqlx::query(text).execute(&mut connection).await.unwrap();
    }
}

/// A server that knows nothing yet but what the database holds.
async fn server(database: &TestDatabase) -> Server {
    Server::on_folder(tempfile::tempdir().unwrap(), database.open_again().await).await
}

/// A sweep as the list has it.
async fn listed(server: &Server, sweep: &str) -> Value {
    let list = server.json("/v1/sweeps").await;
    let found = list["items"].as_array().unwrap().iter().find(|item| item["id"] == sweep);
    found.unwrap_or_else(|| panic!("{sweep} isn't listed")).clone()
}

/// The first line of the first entry of a sweep's log.
async fn first_line(server: &Server, path: &str) -> Value {
    let events = server.get(&format!("{path}/events")).await.bytes_stream().eventsource();
    let first = pin!(events).next().await.unwrap().unwrap();
    let entry: Value = serde_json::from_str(&first.data).unwrap();
    entry["lines"][0].clone()
}

/// Cancels and deletes a sweep whose log can't be replayed; none of its work is left.
async fn end_and_delete(server: &Server, sweep: &str) {
    let path = format!("/v1/sweeps/{sweep}");
    problem(server.delete(&path).await, 409, "conflict").await;
    let cancelled = server.post(&format!("{path}/cancel"), &json!({})).await;
    assert!(cancelled.status().is_success(), "{}", cancelled.text().await.unwrap());
    assert_eq!(server.json(&path).await["status"], "cancelled");
    let trials = server.json(&format!("{path}/trials")).await;
    let trials = trials["items"].as_array().unwrap().iter();
    assert!(trials.clone().all(|trial| trial["status"] == "cancelled"), "{trials:?}");
    let open = server.driver.store().open_work(sweep.parse().unwrap()).await.unwrap();
    assert_eq!(open, []);
    problem(server.post(&format!("{path}/cancel"), &json!({})).await, 409, "conflict").await;
    // Its stream ends as that of any cancelled sweep does.
    let events = server.get(&format!("{path}/events")).await.bytes_stream().eventsource();
    let last = events.map(Result::unwrap).collect::<Vec<_>>().await.pop().unwrap();
    assert!(last.data.contains(r#""action":"cancel""#), "{}", last.data);
    assert_eq!(server.delete(&path).await.status(), StatusCode::NO_CONTENT);
}

async fn a_sweep_of_a_later_version_waits_for_its_server(database: TestDatabase) {
    let server = server(&database).await;
    let later = server.submit(&small("of a later version")).await;
    sql(&database, &format!("update sweeps set scheduler_version = 99 where sweep = '{later}'"))
        .await;
    let server = self::server(&database).await;
    // Before anybody tried: the version alone tells.
    let why = listed(&server, &later).await["replay_error"].as_str().unwrap().to_owned();
    assert!(why.contains("version 99"), "{why}");
    let other = server.submit(&small("of this one")).await;
    train_all(&server).await;
    assert_eq!(server.json(&format!("/v1/sweeps/{other}")).await["status"], "completed");
    let path = format!("/v1/sweeps/{later}");
    let detail = server.json(&path).await;
    assert_eq!((&detail["replay_error"], &detail["status"]), (&json!(why), &json!("queued")));
    // It was met once, and is as if nobody had: its own server may give it to any machine.
    let open = server.driver.store().open_work(later.parse().unwrap()).await.unwrap();
    assert!(!open.is_empty());
    assert!(open.iter().all(|work| !work.is_held && work.pinned_to.is_none()), "{open:?}");
    let entries = server.json(&path).await["seq"].clone();
    sql(
        &database,
        &format!(
            "update sweeps set scheduler_version = {} where sweep = '{later}'",
            floodgauge::scheduler::current_version(floodgauge_protocol::SchedulerKind::Halving)
        ),
    )
    .await;
    let own = self::server(&database).await;
    train_all(&own).await;
    let detail = own.json(&path).await;
    assert_eq!((&detail["status"], &detail["replay_error"]), (&json!("completed"), &json!(null)));
    assert_eq!(entries, 1, "the server that couldn't replay it wrote nothing");
}

async fn an_entry_that_is_no_json_stops_its_own_sweep_alone(database: TestDatabase) {
    damaged(&database, "update events set event = '{\"type\": \"clai' where", "entry 2").await;
}

async fn an_entry_that_is_no_event_stops_its_own_sweep_alone(database: TestDatabase) {
    damaged(&database, "update events set event = '{\"type\": \"sung\"}' where", "entry 2").await;
}

async fn an_entry_that_was_decided_otherwise_stops_its_own_sweep_alone(database: TestDatabase) {
    let other = r#"[{"action": "retry", "segment": 7, "reason": "another"}]"#;
    let set = format!("update events set decisions = '{other}' where");
    damaged(&database, &set, "replaying entry 2").await;
}

async fn an_entry_that_is_gone_stops_its_own_sweep_alone(database: TestDatabase) {
    damaged(&database, "delete from events where", "entry 2").await;
}

/// Does something to the second of three entries of a sweep that a worker holds.
async fn damaged(database: &TestDatabase, what: &str, why: &str) {
    let before = server(database).await;
    let mut spec = small("damaged");
    spec["scheduler"]["priority"] = json!(100);
    let sweep = before.submit(&spec).await;
    let work = claim(&before, "worker", 0).await.unwrap();
    let report = json!({ "rows": rows(&work, 1) });
    assert_eq!(post(&before, &work, "reports", &report).await.status(), StatusCode::OK);
    drop(before);
    sql(database, &format!("{what} sweep = '{sweep}' and seq = 2")).await;

    let server = server(database).await;
    server.driver.look_over().await.unwrap();
    let path = format!("/v1/sweeps/{sweep}");
    for answer in [listed(&server, &sweep).await, server.json(&path).await] {
        let error = answer["replay_error"].as_str().unwrap();
        assert!(error.contains(why), "{error}");
    }
    for rest in ["/best", "/trials", "/curves", "/grid"] {
        assert_eq!(server.get(&format!("{path}{rest}")).await.status(), 200, "{rest}");
    }
    for rest in ["pause", "resume"] {
        let refused = server.post(&format!("{path}/{rest}"), &json!({})).await;
        let refused = problem(refused, 409, "conflict").await;
        assert!(refused["detail"].as_str().unwrap().contains(why), "{refused}");
    }
    let first = first_line(&server, &path).await;
    assert_eq!(first["text"], "sweep `damaged`");
    // Who holds some of it drops it, instead of saying the same for ever.
    for (rest, body) in [("reports", report), ("fail", json!({ "message": "no" }))] {
        problem(post(&server, &work, rest, &body).await, 409, "lease-lost").await;
    }
    // All others are trained and told.
    let all = server.get("/v1/events").await.bytes_stream().eventsource();
    let other = server.submit(&small("sound")).await;
    train_all(&server).await;
    assert_eq!(server.json(&format!("/v1/sweeps/{other}")).await["status"], "completed");
    let mut ends = all.map(Result::unwrap).filter(|event| {
        std::future::ready(event.data.contains(&other) && event.data.contains("complete"))
    });
    assert!(ends.next().await.is_some());
    server.driver.drain();
    server.driver.drained().await;
    end_and_delete(&self::server(database).await, &sweep).await;
}

async fn a_sweep_with_fields_of_a_later_version_is_listed_without_them(database: TestDatabase) {
    let before = server(&database).await;
    let sweep = before.submit(&small("gained fields")).await;
    let mut spec = before.json(&format!("/v1/sweeps/{sweep}")).await["spec"].clone();
    spec["search"]["of_a_later_release"] = json!(true);
    let event = json!({ "type": "submitted", "spec": spec });
    for (table, column, value) in [("sweeps", "spec", &spec), ("events", "event", &event)] {
        sql(&database, &format!("update {table} set {column} = '{value}' where sweep = '{sweep}'"))
            .await;
    }
    let server = server(&database).await;
    let other = server.submit(&small("sound")).await;
    let row = listed(&server, &sweep).await;
    assert_eq!((&row["arms"], &row["dataset"]), (&json!(3), &json!("spiral")));
    assert!(!row["replay_error"].as_str().unwrap().is_empty());
    assert_eq!(listed(&server, &other).await["replay_error"], json!(null));
    let detail = server.json(&format!("/v1/sweeps/{sweep}")).await;
    assert_eq!(detail["arms_list"].as_array().unwrap().len(), 3);
    let first = first_line(&server, &format!("/v1/sweeps/{sweep}")).await;
    assert_eq!(first["text"], "an entry that this server can't read");
    train_all(&server).await;
    assert_eq!(server.json(&format!("/v1/sweeps/{other}")).await["status"], "completed");
    end_and_delete(&server, &sweep).await;
}
