//! The same bits whatever happens: sweeps over real processes, on both databases, with one
//! worker and with two, with workers and servers killed on the way.

mod alerts;
mod backup;
mod blob_folder;
mod damaged_database;
mod delete;
mod doctor;
mod ends;
mod example;
mod finish;
mod full_disk;
mod lifecycle;
mod memory;
mod messages;
mod network;
mod one_server;
mod programs;
mod rerun;
mod retention;
mod servers;
mod slow_readers;
mod start_over;
mod temporary;
mod terminal;
mod tokens;
mod traces;
mod troubles;

use crate::support::{DISTURBED as SWEEP, nameless, postgres};
use floodgauge::{
    client::LogEntry,
    scheduler::SweepStatus,
    scheduler::{Action, Event},
};
use floodgauge_protocol::{SegmentId, SweepId, SweepSpec};
use futures::{Stream, StreamExt};
use programs::{Process, Server, refused, run, worker, worker_in};
use serde_json::Value;
use std::pin::pin;
use tokio::sync::OnceCell;

/// What must be the same to the last bit, whoever trained and whatever happened meanwhile.
#[derive(Debug, PartialEq)]
struct Outcome {
    grid: String,
    best: Value,
}

fn spec() -> SweepSpec {
    serde_json::from_str(SWEEP).unwrap()
}

async fn submit(server: &Server) -> SweepId {
    server.client.submit(&spec(), None).await.unwrap().value.summary.id
}

/// The outcome of a sweep that has completed.
async fn outcome(server: &Server, sweep: SweepId) -> Outcome {
    let url = format!("{}/v1/sweeps/{sweep}/grid", server.address);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).send().await.unwrap().error_for_status().unwrap();
    let grid: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let best: Value = serde_json::from_str(&server.client.best(sweep).await.unwrap().body).unwrap();
    assert_eq!(best["status"], "completed");
    let mut best = nameless(&best);
    // What was trained again is told apart, and may differ.
    best["run_equivalents"].as_object_mut().unwrap().remove("redone");
    Outcome { grid: grid.to_string(), best }
}

/// Follows a sweep to its end; answers its log.
async fn follow(server: &Server, sweep: SweepId) -> Vec<LogEntry> {
    let log: Vec<LogEntry> = entries(server, sweep).collect().await;
    assert_eq!(log.last().unwrap().ending(), Some(SweepStatus::Completed));
    log
}

/// Waits until `seen` has held of so many entries.
async fn until(
    entries: impl Stream<Item = LogEntry>,
    times: usize,
    seen: impl Fn(&LogEntry) -> bool,
) {
    let mut entries = pin!(entries.filter(|entry| std::future::ready(seen(entry))));
    for _ in 0..times {
        entries.next().await.expect("the sweep ended undisturbed");
    }
}

fn entries(server: &Server, sweep: SweepId) -> impl Stream<Item = LogEntry> + use<> {
    server.client.events_as(sweep, 0).map(|entry| entry.unwrap().value)
}

/// How many claims were lost after they had reported something. One whose answer went down with its
/// server or its worker has nothing to lose: it is lost as well, and that is no harm.
fn lost_with_reports(log: &[LogEntry]) -> usize {
    let reported = |of: SegmentId, by: u32| {
        log.iter().any(|entry| match entry.event {
            Event::Reported { segment, attempt, .. } => (segment, attempt) == (of, by),
            _ => false,
        })
    };
    let lost = log.iter().filter(|entry| match entry.event {
        Event::Lost { segment, attempt } => reported(segment, attempt),
        _ => false,
    });
    lost.count()
}

fn reported(entry: &LogEntry) -> bool {
    matches!(entry.event, Event::Reported { .. })
}

/// Trains the sweep in peace.
async fn undisturbed(database: Option<&str>, workers: usize) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), database);
    let names = ["first", "second"];
    let _workers: Vec<Process> =
        names[..workers].iter().map(|name| worker(&server.address, name)).collect();
    let sweep = submit(&server).await;
    follow(&server, sweep).await;
    outcome(&server, sweep).await
}

/// SQLite, one worker: what all others are compared with. Trained once for all tests.
async fn expected() -> &'static Outcome {
    static EXPECTED: OnceCell<Outcome> = OnceCell::const_new();
    EXPECTED.get_or_init(|| undisturbed(None, 1)).await
}

#[tokio::test]
async fn two_workers_give_the_bits_of_one() {
    assert_eq!(&undisturbed(None, 2).await, expected().await);
}

#[tokio::test]
async fn postgres_gives_the_bits_of_sqlite() {
    let database = postgres::new_database().await;
    assert_eq!(&undisturbed(Some(&database), 1).await, expected().await);
}

#[tokio::test]
async fn postgres_with_two_workers_gives_the_bits_of_sqlite_with_one() {
    let database = postgres::new_database().await;
    assert_eq!(&undisturbed(Some(&database), 2).await, expected().await);
}

/// Kills workers in the middle of their segments; others take over.
async fn with_killed_workers(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), database);
    let mut victim = worker(&server.address, "victim");
    let sweep = submit(&server).await;
    for kills in 1..=2 {
        // The newest of the reports is the victim's own, and its segment isn't finished.
        until(entries(&server, sweep), 2 * kills, reported).await;
        victim.kill();
        victim = worker(&server.address, "heir");
    }
    let log = follow(&server, sweep).await;
    let lost = log.iter().filter(|entry| matches!(entry.event, Event::Lost { .. })).count();
    assert!(lost >= 1, "no lease was lost");
    let contradictions = log.iter().filter(|e| matches!(e.event, Event::Nondeterminism { .. }));
    assert_eq!(contradictions.count(), 0);
    assert_eq!(&outcome(&server, sweep).await, expected().await);
}

#[tokio::test]
async fn killed_workers_change_no_bit_on_sqlite() {
    with_killed_workers(None).await;
}

#[tokio::test]
async fn killed_workers_change_no_bit_on_postgres() {
    with_killed_workers(Some(&postgres::new_database().await)).await;
}

/// Kills the server while its worker trains; another takes its place.
async fn with_a_killed_server(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), database);
    let _worker = worker(&server.address, "steadfast");
    let sweep = submit(&server).await;
    for reports in [1, 4] {
        until(entries(&server, sweep), reports, reported).await;
        server = server.replace(folder.path(), database);
    }
    let log = follow(&server, sweep).await;
    let seqs: Vec<u64> = log.iter().map(|entry| entry.seq).collect();
    assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "no entry is lost or doubled");
    assert_eq!(&outcome(&server, sweep).await, expected().await);
}

#[tokio::test]
async fn a_killed_server_changes_no_bit_on_sqlite() {
    with_a_killed_server(None).await;
}

#[tokio::test]
async fn a_killed_server_changes_no_bit_on_postgres() {
    with_a_killed_server(Some(&postgres::new_database().await)).await;
}

#[tokio::test]
async fn a_cancelled_sweep_ends_its_workers_segment_and_frees_the_worker() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let _worker = worker(&server.address, "obedient");
    // So long that its first segment is still under way when it is cancelled.
    let mut long = spec();
    long.recipe.epochs = 10_000;
    let cancelled = server.client.submit(&long, None).await.unwrap().value.summary.id;
    until(entries(&server, cancelled), 1, reported).await;
    server.client.cancel(cancelled).await.unwrap();
    let next = submit(&server).await;
    until(entries(&server, next), 1, reported).await;
    let log: Vec<LogEntry> = entries(&server, cancelled).collect().await;
    let stops = |entry: &LogEntry| {
        entry.decisions.iter().any(|decision| matches!(decision.action, Action::Stop { .. }))
    };
    assert!(log.iter().any(stops), "the leased segment was told to stop");
    let trials = server.client.trials(cancelled).await.unwrap().value.items;
    assert!(trials.iter().any(|trial| trial.checkpoint.is_some()), "what it had was handed in");
}

/// A sweep on a data set that only the server has: 60 rows of two features, the class their sign.
#[tokio::test]
async fn a_worker_without_any_data_trains_on_what_was_uploaded_to_the_server() {
    let folders: [_; 3] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let [data, cache, elsewhere] = &folders;
    let table: String = (0..60)
        .map(|i| {
            let (x, y) = (f64::from(i * 7 % 60) / 30.0 - 1.0, f64::from(i * 11 % 60) / 30.0 - 1.0);
            format!("{x},{y},{}\n", u8::from(x + y > 0.0))
        })
        .collect();
    let file = elsewhere.path().join("signs.csv");
    std::fs::write(&file, &table).unwrap();
    let server = Server::start(data.path(), None);
    let added = run(&["dataset", "add", file.to_str().unwrap(), "--server", &server.address]);
    assert!(
        added.contains("signs: 54 for training and validation, 2 features, 2 classes"),
        "{added}"
    );
    let mut spec = spec();
    spec.recipe.dataset =
        serde_json::from_str(r#"{ "name": "signs", "standardize": true }"#).unwrap();
    spec.recipe.epochs = 6;
    spec.search.levels = floodgauge_protocol::Levels::List(vec![0.3, 0.6]);
    let sweep = server.client.submit(&spec, None).await.unwrap().value.summary.id;
    let pin = server.client.dataset(&"signs".parse().unwrap()).await.unwrap().value.kept.unwrap();
    // The worker's own folder is empty, and it is no folder of the server's.
    let _worker = worker_in(elsewhere.path(), &server.address, "remote", cache.path());
    follow(&server, sweep).await;
    let best = server.client.best(sweep).await.unwrap().value;
    assert!(best.best.best.is_some());
    let kept = std::fs::read_to_string(cache.path().join(pin.sha256.to_string())).unwrap();
    assert_eq!(kept, table);
    let refused = refused(&["dataset", "remove", "signs", "--server", &server.address]);
    assert!(refused.contains("1 sweep is pinned to the data set `signs`"), "{refused}");
}
