//! What released versions left behind opens with this one: lists, answers, logs and exports are as
//! they were, and everything can be ended and deleted.
//!
//! A folder for each release holds a data folder on SQLite and a dump of the same on Postgres, each
//! with what the release's own server answered of it. `scripts/record-release` makes them, once for
//! each release; those that are there stay as they are.

mod left;
mod wire;

#[path = "../../golden/recorded.rs"]
mod recorded;

use crate::{
    http::{server::problem, worker},
    support::whole_log,
};
use eventsource_stream::Eventsource as _;
use floodgauge::{
    client::LogEntry,
    config::Storage,
    doctor::{Check, Patient, examine},
    scheduler::{Decision, Reason},
    upcast,
};
use futures::StreamExt as _;
use left::Left;
use recorded::{difference, says};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::Digest as _;
use std::{collections::BTreeSet, time::Duration};

/// Makes of each named `async fn(Left)` a test for each database of each release.
macro_rules! on_what_was_left {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            use super::Left;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn by_0_1_0_on_sqlite() {
                super::$name(Left::on_sqlite("0.1.0").await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn by_0_1_0_on_postgres() {
                super::$name(Left::on_postgres("0.1.0").await).await;
            }
        }
    )*};
}

on_what_was_left!(
    every_answer_has_each_field_that_it_had_with_the_same_value,
    every_table_for_download_has_each_column_that_it_had,
    every_log_is_as_it_was,
    every_decision_is_served_with_the_reason_that_its_words_are_made_of,
    every_log_is_served_with_its_lines,
    every_model_has_the_bytes_that_it_had,
    tokens_open_what_they_opened,
    every_sweep_can_be_ended_and_deleted,
    a_running_sweep_waits_for_its_kind_of_machine,
    a_running_sweep_goes_on_where_its_worker_was_lost,
    a_running_sweep_whose_machine_is_gone_starts_over_on_another_and_is_finished,
    a_paused_sweep_is_given_out_once_it_is_resumed,
    completed_sweeps_can_be_extended,
    an_uploaded_set_is_measured_once_it_is_added_again,
    the_doctor_finds_nothing_wrong,
);

async fn every_answer_has_each_field_that_it_had_with_the_same_value(left: Left) {
    let answers = left.answers["json"].as_object().unwrap();
    assert!(answers.len() > 30);
    for (path, recorded) in answers {
        let now = left.server.json(path).await;
        let today = as_today(&left, path, recorded).await;
        let (today, now) = (but_the_model(today), but_the_model(now));
        assert_eq!(difference(&today, &now), None, "{path}");
    }
}

/// What of a sweep's answer no model of other seeds has a say in.
const MEASURED: [&str; 6] =
    ["metric", "direction", "at", "run_equivalents", "noise_floor", "status"];

/// The same without what a release's model of other seeds says, which may change with the next.
fn but_the_model(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            if fields.contains_key("verdict") {
                fields.retain(|name, _| MEASURED.contains(&name.as_str()));
            }
            fields.values_mut().for_each(|field| *field = but_the_model(field.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = but_the_model(item.take())),
        _ => {}
    }
    value
}

/// An answer of the release with its arms described as they are today: its fields, with the indices
/// that the sweeps' own plans give. Of a list, each item by its own sweep.
async fn as_today(left: &Left, path: &str, recorded: &Value) -> Value {
    let mut today = recorded.clone();
    let sweeps =
        left.answers["sweeps"].as_object().unwrap().values().map(|id| id.as_str().unwrap());
    for sweep in sweeps {
        let replayed = left.server.driver.sweep(sweep.parse().unwrap()).await.unwrap();
        let arms = &replayed.facts().space().arms;
        if path.contains(sweep) {
            today = upcast::arms(&today, arms).into_owned();
        }
        for item in today.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
            if item["id"] == sweep {
                *item = upcast::arms(item, arms).into_owned();
            }
        }
    }
    today
}

/// The columns of a table: their heads and what stands below.
fn columns(csv: &str) -> Vec<Vec<&str>> {
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    (0..rows[0].len()).map(|at| rows.iter().map(|row| row[at]).collect()).collect()
}

async fn every_table_for_download_has_each_column_that_it_had(left: Left) {
    for (path, recorded) in left.answers["csv"].as_object().unwrap() {
        let request = left.server.request(Method::GET, path).header("accept", "text/csv");
        let now = request.send().await.unwrap().text().await.unwrap();
        let now = columns(&now);
        for column in columns(recorded.as_str().unwrap()) {
            assert!(now.contains(&column), "{path}: {}", column[0]);
        }
    }
}

async fn every_log_is_as_it_was(left: Left) {
    for (path, recorded) in left.answers["events"].as_object().unwrap() {
        let sweep = path.rsplit('/').next().unwrap().parse().unwrap();
        let entries = whole_log(left.server.driver.store(), sweep).await;
        let now = entries.iter().map(|entry| {
            json!({ "sweep": entry.sweep, "seq": entry.seq, "event": entry.event,
                    "decisions": entry.decisions })
        });
        let mut recorded = recorded.clone();
        for entry in recorded.as_array_mut().unwrap() {
            assert!(entry.as_object_mut().unwrap().remove("at").is_some());
        }
        assert_eq!(difference(&recorded, &now.collect()), None, "{path}");
        left.server.driver.sweep(sweep).await.unwrap();
    }
}

async fn every_decision_is_served_with_the_reason_that_its_words_are_made_of(left: Left) {
    for path in left.answers["events"].as_object().unwrap().keys() {
        let sweep = path.rsplit('/').next().unwrap().parse().unwrap();
        let entries = whole_log(left.server.driver.store(), sweep).await;
        let stored = entries.iter().flat_map(|entry| entry.decisions.as_array().unwrap());
        assert!(stored.clone().all(|decision| decision.get("why").is_none()), "{path}");
        let count = stored.count();
        let explained = left.server.driver.explained(entries).await.unwrap();
        let decisions: Vec<_> =
            explained.iter().flat_map(|entry| entry.decisions.as_array().unwrap()).collect();
        assert_eq!(decisions.len(), count);
        for decision in decisions {
            let why: Reason = serde_json::from_value(decision["why"].clone()).unwrap();
            let recorded = decision["reason"].as_str().unwrap();
            // The answer's words are the model's.
            let is_answer = decision["action"] == "complete";
            assert!(is_answer || says(recorded, &why.to_string()), "{path}: {recorded}, now {why}");
            // The whole decision is of today's shape, the answer of the last one too.
            let typed: Decision = serde_json::from_value(decision.clone()).unwrap();
            assert_eq!(difference(decision, &serde_json::to_value(typed).unwrap()), None);
        }
    }
}

async fn every_log_is_served_with_its_lines(left: Left) {
    for (path, recorded) in left.answers["events"].as_object().unwrap() {
        let recorded = recorded.as_array().unwrap();
        let mut events = vec![];
        // The stream of a sweep that hasn't ended goes on; that of a cancelled one ends before its log.
        while events.len() < recorded.len() {
            let path = format!("{path}/events?after={}", events.len());
            let rest = left.server.get(&path).await.bytes_stream().eventsource();
            let rest = rest.take(recorded.len() - events.len()).map(Result::unwrap);
            events.extend(rest.collect::<Vec<_>>().await);
        }
        for (event, recorded) in events.iter().zip(recorded) {
            let entry: LogEntry = serde_json::from_str(&event.data).unwrap();
            let name = recorded["event"]["type"].as_str().unwrap();
            assert_eq!(event.event, name);
            assert_eq!(entry.lines.is_empty(), ["reported", "saved"].contains(&name), "{path}");
            let first = entry.lines.first().map(|line| line.text.as_str()).unwrap_or_default();
            match name {
                // `… took segment 3: 2 arms, epochs 1–9`, or what it tests.
                "claimed" => assert!(first.contains(" took segment ") && first.contains(": ")),
                "submitted" => assert!(first.starts_with("sweep `"), "{first}"),
                _ => {}
            }
        }
    }
}

async fn every_model_has_the_bytes_that_it_had(left: Left) {
    let models = left.answers["sha256"].as_object().unwrap();
    assert!(models.len() >= 8);
    for (path, recorded) in models {
        let bytes = left.server.get(path).await.bytes().await.unwrap();
        let now: String = sha2::Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(&now, recorded, "{path}");
    }
}

async fn tokens_open_what_they_opened(mut left: Left) {
    let finished = left.path("finished");
    let answers = |token: &str, left: &Left| left.answers["tokens"][token].as_str().map(Into::into);
    for (token, look, claim, cancel) in [
        ("admin", 200, 204, 409),
        ("reader", 200, 403, 403),
        ("worker", 403, 204, 403),
        ("revoked", 401, 401, 401),
    ] {
        left.server.token = answers(token, &left);
        let server = &left.server;
        assert_eq!(server.get("/v1/sweeps").await.status(), look, "{token}");
        let claimed = server.post("/v1/work/claim", &another_machine()).await;
        assert_eq!(claimed.status(), claim, "{token}");
        let cancelled = server.post(&format!("{finished}/cancel"), &json!({})).await;
        assert_eq!(cancelled.status(), cancel, "{token}");
    }
    left.server.token = None;
    problem(left.server.get("/v1/sweeps").await, 401, "unauthorized").await;
}

/// Nothing is said of features that were never measured.
async fn an_uploaded_set_is_measured_once_it_is_added_again(left: Left) {
    let server = &left.server;
    let set = async || server.json("/v1/datasets/beans").await;
    let plan = async || {
        let spec =
            json!({ "name": "x", "recipe": { "dataset": { "name": "beans" }, "batch_size": 10 } });
        let planned = server.post("/v1/plans", &spec).await;
        assert_eq!(planned.status(), StatusCode::OK);
        planned.json::<Value>().await.unwrap()
    };
    assert_eq!((&set().await["scales"], &plan().await["warnings"]), (&Value::Null, &json!([])));
    let file = server.get("/v1/datasets/beans/file").await.bytes().await.unwrap();
    let request = server.request(Method::POST, "/v1/datasets?name=beans");
    let again = request.header("content-type", "text/csv").body(file).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::OK);
    let found = set().await["scales"].take();
    assert_eq!(
        (&found["largest"]["column"], &found["narrowest"]["column"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(plan().await["warnings"], json!([]), "lengths and widths from 0 to 1.2");
}

async fn every_sweep_can_be_ended_and_deleted(left: Left) {
    let server = &left.server;
    let sweeps = left.answers["sweeps"].as_object().unwrap();
    assert_eq!(sweeps.len(), 6);
    for name in sweeps.keys() {
        let path = left.path(name);
        if ["running", "paused"].contains(&name.as_str()) {
            problem(server.delete(&path).await, 409, "conflict").await;
            let cancelled = server.post(&format!("{path}/cancel"), &json!({})).await;
            assert!(cancelled.status().is_success(), "{name}: {}", cancelled.status());
            assert_eq!(server.json(&path).await["status"], "cancelled");
        }
        assert_eq!(server.delete(&path).await.status(), StatusCode::NO_CONTENT, "{name}");
        problem(server.get(&path).await, 404, "not-found").await;
    }
    assert_eq!(server.json("/v1/sweeps").await["items"], json!([]));
    let beans = server.delete("/v1/datasets/beans").await;
    assert_eq!(beans.status(), StatusCode::NO_CONTENT);
    // Nothing refers to any blob now.
    let kept = left.blobs();
    let digests = server.driver.store().unreferenced_blobs(10_000).await.unwrap();
    assert_eq!(digests.len(), kept, "blobs that no list of the database has");
}

fn another_machine() -> Value {
    json!({ "worker": "another", "fingerprint": "of another kind", "wait_s": 0 })
}

/// A claim by a machine of the kind that began the sweep.
fn same_machine(left: &Left) -> Value {
    let log = &left.answers["events"][left.path("running")];
    let fingerprint = log.as_array().unwrap().iter().find_map(|e| e["event"].get("fingerprint"));
    json!({ "worker": "heir", "fingerprint": fingerprint.unwrap(), "wait_s": 0 })
}

async fn a_running_sweep_waits_for_its_kind_of_machine(left: Left) {
    let server = &left.server;
    let running = left.path("running");
    let claimed = server.post("/v1/work/claim", &another_machine()).await;
    assert_eq!(claimed.status(), StatusCode::NO_CONTENT);
    let sweep = server.json(&running).await;
    assert_eq!(sweep["status"], "running");
    let kind = same_machine(&left)["fingerprint"].as_str().unwrap().to_owned();
    let waits = sweep["waits_for"].as_str().unwrap();
    assert!(waits.starts_with("it waits for a worker of the kind that began it"), "{waits}");
    assert!(waits.contains(&kind), "{waits}");
    let claimed = server.post("/v1/work/claim", &same_machine(&left)).await;
    assert_eq!(claimed.status(), StatusCode::OK);
    assert_eq!(server.json(&running).await["waits_for"], json!(null));
    for other in ["paused", "finished", "cancelled"] {
        assert_eq!(server.json(&left.path(other)).await["waits_for"], json!(null), "{other}");
    }
}

async fn a_running_sweep_goes_on_where_its_worker_was_lost(left: Left) {
    let server = &left.server;
    let running = left.path("running");
    let seq = server.json(&running).await["seq"].as_u64().unwrap();
    let work: Value =
        server.post("/v1/work/claim", &same_machine(&left)).await.json().await.unwrap();
    assert_eq!(work["sweep"], left.answers["sweeps"]["running"]);
    let sweep = work["sweep"].as_str().unwrap().parse().unwrap();
    let news = server.driver.store().entries(sweep, seq, 10).await.unwrap();
    assert_eq!(news[0].event["type"], "lost", "{news:?}");
    assert_eq!(news.last().unwrap().event["type"], "claimed");
    // The states that it starts from are there.
    let work = serde_json::from_value(work).unwrap();
    let mut starts = 0;
    for branch in work_branches(&work) {
        let path = format!("blobs/{branch}");
        let blob = worker::under(server, &work, Method::GET, &path).send().await.unwrap();
        assert_eq!(blob.status(), StatusCode::OK);
        assert_eq!(worker::digest(&blob.bytes().await.unwrap()).to_string(), branch);
        starts += 1;
    }
    assert!(starts > 0);
}

async fn a_running_sweep_whose_machine_is_gone_starts_over_on_another_and_is_finished(left: Left) {
    let server = &left.server;
    let running = left.path("running");
    let ask = async || server.post("/v1/work/claim", &another_machine()).await;
    assert_eq!(ask().await.status(), StatusCode::NO_CONTENT);
    // It isn't known since when its kind is gone: from now on.
    server.driver.start_over(Duration::from_secs(3600)).await.unwrap();
    assert_eq!(ask().await.status(), StatusCode::NO_CONTENT);
    server.driver.start_over(Duration::ZERO).await.unwrap();
    let mut segments = 0;
    loop {
        let mut answer = ask().await;
        if answer.status() == StatusCode::NO_CONTENT {
            // What is open now is for the kind that is gone alone.
            server.driver.start_over(Duration::ZERO).await.unwrap();
            answer = ask().await;
        }
        if answer.status() == StatusCode::NO_CONTENT {
            break;
        }
        worker::train(server, &answer.json().await.unwrap()).await;
        segments += 1;
    }
    assert!(segments > 0);
    assert_eq!(server.json(&running).await["status"], "completed");
    let best = server.json(&format!("{running}/best")).await;
    assert!(best["run_equivalents"]["left_behind"].as_f64().unwrap() > 0.0, "{best}");
}

/// The checkpoints that an assignment starts from.
fn work_branches(work: &floodgauge_protocol::work::Assignment) -> Vec<String> {
    let starts = work.segment.branches.iter().filter_map(|branch| match branch.start {
        floodgauge_protocol::Start::Checkpoint { digest } => Some(digest.to_string()),
        floodgauge_protocol::Start::Init => None,
    });
    starts.collect()
}

async fn a_paused_sweep_is_given_out_once_it_is_resumed(left: Left) {
    let server = &left.server;
    let running = left.path("running");
    assert!(server.post(&format!("{running}/cancel"), &json!({})).await.status().is_success());
    let claimed = server.post("/v1/work/claim", &same_machine(&left)).await;
    assert_eq!(claimed.status(), StatusCode::NO_CONTENT);
    let paused = left.path("paused");
    assert!(server.post(&format!("{paused}/resume"), &json!({})).await.status().is_success());
    let work: Value =
        server.post("/v1/work/claim", &same_machine(&left)).await.json().await.unwrap();
    assert_eq!(work["sweep"], left.answers["sweeps"]["paused"]);
}

async fn completed_sweeps_can_be_extended(left: Left) {
    let server = &left.server;
    for name in ["finished", "extended"] {
        let path = left.path(name);
        let answer = server.post(&format!("{path}/extend"), &json!({ "seeds": 1 })).await;
        assert!(answer.status().is_success(), "{name}: {}", answer.status());
        assert_eq!(server.json(&path).await["status"], "running");
    }
}

async fn the_doctor_finds_nothing_wrong(left: Left) {
    let folder = left.server.folder.path();
    let patient = Patient {
        storage: Storage::in_folder(folder),
        data: folder.join("data"),
        database_url: left.database.clone(),
        repair: false,
        quick: false,
        is_served: false,
    };
    let report = examine(&patient, |_| {}).await;
    let problems: Vec<_> = report.findings.iter().filter(|found| found.is_problem()).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    let checks: BTreeSet<Check> = report.findings.iter().map(|found| found.check).collect();
    assert_eq!(checks.len(), 9, "{report:#?}");
}
