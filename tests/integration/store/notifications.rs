//! How servers of one database learn of each other's commits.

use super::fixture::{append, create, new_sweep};
use crate::support::TestDatabase;
use floodgauge::store::{Effects, Notification};
use futures::StreamExt;

#[tokio::test]
async fn servers_of_one_postgres_notify_each_other_how_far_logs_have_grown() {
    let db = TestDatabase::postgres().await;
    let other = db.open_again().await;
    let mut notifications = other.subscribe().await.unwrap().expect("Postgres can notify");
    let sweep = create(&db.store, new_sweep("digits")).await;
    append(&db.store, sweep, Effects::default()).await;
    for seq in 2..=100 {
        db.store.notify(sweep, seq);
    }
    let mut received = Vec::new();
    while received.last() != Some(&Notification { sweep, seq: 100 }) {
        received.push(notifications.next().await.expect("the newest is received"));
    }
    assert!(received.len() < 99, "what comes together is sent together");
    assert!(received.is_sorted_by(|a, b| a.seq < b.seq), "{received:?}");
}

#[tokio::test]
async fn a_file_has_nobody_to_notify() {
    let db = TestDatabase::sqlite().await;
    let sweep = create(&db.store, new_sweep("digits")).await;
    db.store.notify(sweep, 1);
    assert!(db.store.subscribe().await.unwrap().is_none());
}
