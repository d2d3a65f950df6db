//! Servers and workers that end in order, and what a worker saved before it was killed.

use super::{
    entries, expected, follow, lost_with_reports, outcome,
    programs::{Server, worker, worker_with},
    reported, submit, until,
};
use crate::support::postgres;
use floodgauge::{
    client::LogEntry,
    scheduler::{Action, Event},
};
use floodgauge_protocol::SweepId;
use futures::StreamExt as _;
use serde_json::Value;
use std::pin::pin;

fn count(log: &[LogEntry], name: &str) -> usize {
    log.iter().filter(|entry| entry.event.name() == name).count()
}

/// Waits until a worker has reported of what it took.
async fn reports(server: &Server, sweep: SweepId, worker: &str) {
    let mut taken = None;
    let its_own = entries(server, sweep).filter(move |entry| {
        let own = match &entry.event {
            Event::Claimed { segment, attempt, worker: by, .. } if by == worker => {
                taken = Some((*segment, *attempt));
                false
            }
            Event::Reported { segment, attempt, .. } => taken == Some((*segment, *attempt)),
            _ => false,
        };
        std::future::ready(own)
    });
    pin!(its_own).next().await.expect("it has reported before the sweep's end");
}

/// What was trained again, in full runs.
async fn redone(server: &Server, sweep: SweepId) -> f64 {
    let best: Value = serde_json::from_str(&server.client.best(sweep).await.unwrap().body).unwrap();
    best["run_equivalents"]["redone"].as_f64().unwrap()
}

/// Restarts the only server twice while its worker trains.
async fn with_a_restarted_server(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), database);
    let _worker = worker(&server.address, "steadfast");
    let sweep = submit(&server).await;
    for restarts in 1..=2 {
        until(entries(&server, sweep), 2 * restarts, reported).await;
        server = server.restart(folder.path(), database);
    }
    let log = follow(&server, sweep).await;
    assert_eq!((lost_with_reports(&log), count(&log, "failed")), (0, 0));
    assert_eq!(redone(&server, sweep).await, 0.0);
    assert_eq!(&outcome(&server, sweep).await, expected().await);
}

#[tokio::test]
async fn a_restart_of_the_server_loses_nothing_on_sqlite() {
    with_a_restarted_server(None).await;
}

#[tokio::test]
async fn a_restart_of_the_server_loses_nothing_on_postgres() {
    with_a_restarted_server(Some(&postgres::new_database().await)).await;
}

#[tokio::test]
async fn workers_that_are_ended_in_order_hand_in_and_others_go_on_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let sweep = submit(&server).await;
    for name in ["first", "second"] {
        let mut leaving = worker(&server.address, name);
        reports(&server, sweep, name).await;
        assert!(leaving.terminate(), "it ended badly");
    }
    let _heir = worker(&server.address, "heir");
    let log = follow(&server, sweep).await;
    assert_eq!((lost_with_reports(&log), count(&log, "failed")), (0, 0));
    assert_eq!(redone(&server, sweep).await, 0.0);
    assert_eq!(&outcome(&server, sweep).await, expected().await);
}

#[tokio::test]
async fn a_draining_worker_ends_once_there_is_nothing_to_claim() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let sweep = submit(&server).await;
    assert!(worker_with(&server.address, "passing", &["--drain"]).wait(), "it ended badly");
    assert_eq!(&outcome(&server, sweep).await, expected().await);
}

/// Its victim saves after every epoch, and dies after it did so in the middle of a segment.
async fn with_a_killed_worker_that_saved(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), database);
    let mut victim = worker_with(&server.address, "victim", &["--save-every", "0"]);
    let sweep = submit(&server).await;
    until(entries(&server, sweep), 3, |entry| matches!(entry.event, Event::Saved { .. })).await;
    victim.kill();
    let _heir = worker(&server.address, "heir");
    let log = follow(&server, sweep).await;
    let lost = log.iter().find(|entry| matches!(entry.event, Event::Lost { .. }));
    let lost = lost.expect("no lease was lost");
    let Event::Lost { segment, .. } = lost.event else { unreachable!() };
    let last_saved = log.iter().rev().find_map(|entry| match &entry.event {
        Event::Saved { segment: of, branches, .. } if *of == segment => {
            branches.iter().map(|branch| branch.step).max()
        }
        _ => None,
    });
    if let Some(saved) = last_saved {
        let goes_on = lost.decisions.iter().filter_map(|decision| match &decision.action {
            Action::Enqueue { segment } => Some(segment.from_step),
            _ => None,
        });
        assert_eq!(goes_on.max(), Some(saved));
    }
    assert_eq!(count(&log, "nondeterminism"), 0);
    assert_eq!(&outcome(&server, sweep).await, expected().await);
}

#[tokio::test]
async fn what_a_killed_worker_saved_is_gone_on_from_on_sqlite() {
    with_a_killed_worker_that_saved(None).await;
}

#[tokio::test]
async fn what_a_killed_worker_saved_is_gone_on_from_on_postgres() {
    with_a_killed_worker_that_saved(Some(&postgres::new_database().await)).await;
}
