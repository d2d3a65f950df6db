//! Two servers on one Postgres.

use super::{
    entries, expected, follow, lost_with_reports, outcome,
    programs::{Server, worker},
    reported, submit, until,
};
use crate::support::postgres;
use floodgauge::{
    client::LogEntry,
    scheduler::{Action, Event},
};
use futures::StreamExt;
use std::collections::BTreeSet;

#[tokio::test]
async fn two_servers_decide_once_and_each_tells_what_the_other_commits() {
    let (folder, database) = (tempfile::tempdir().unwrap(), postgres::new_database().await);
    let first = Server::start(folder.path(), Some(&database));
    let second = Server::start(folder.path(), Some(&database));
    let _workers = [worker(&first.address, "first"), worker(&second.address, "second")];
    let sweep = submit(&first).await;
    let elsewhere: Vec<LogEntry> =
        second.client.events_as(sweep, 0).map(|entry| entry.unwrap().value).collect().await;
    let log = follow(&first, sweep).await;
    let seqs = |log: &[LogEntry]| log.iter().map(|entry| entry.seq).collect::<Vec<_>>();
    assert_eq!(seqs(&elsewhere), seqs(&log));
    assert!(seqs(&log).into_iter().eq(1..=log.len() as u64));
    let mut queued = BTreeSet::new();
    for decision in log.iter().flat_map(|entry| &entry.decisions) {
        if let Action::Enqueue { segment } = &decision.action {
            assert!(queued.insert(segment.segment), "{} was queued twice", segment.segment);
        }
    }
    let workers: BTreeSet<_> = log
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Claimed { worker, .. } => Some(worker.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(workers, BTreeSet::from(["first", "second"]));
    assert_eq!(&outcome(&second, sweep).await, expected().await);
}

#[tokio::test]
async fn a_rolling_restart_of_two_servers_loses_nothing() {
    let (folder, database) = (tempfile::tempdir().unwrap(), postgres::new_database().await);
    let mut servers = [0, 1].map(|_| Some(Server::start(folder.path(), Some(&database))));
    let addresses = servers.each_ref().map(|server| server.as_ref().unwrap().address.clone());
    let _workers = [worker(&addresses[0], "first"), worker(&addresses[1], "second")];
    let sweep = submit(servers[0].as_ref().unwrap()).await;
    for restarts in 0..2 {
        let other = servers[1 - restarts].as_ref().unwrap();
        until(entries(other, sweep), 3 * (restarts + 1), reported).await;
        let ending = servers[restarts].take().unwrap();
        servers[restarts] = Some(ending.restart(folder.path(), Some(&database)));
    }
    let server = servers[0].as_ref().unwrap();
    let log = follow(server, sweep).await;
    let is = |name: &str| log.iter().filter(|entry| entry.event.name() == name).count();
    assert_eq!((lost_with_reports(&log), is("failed"), is("nondeterminism")), (0, 0, 0));
    assert_eq!(&outcome(server, sweep).await, expected().await);
}
