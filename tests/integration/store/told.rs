//! What servers of one database tell each other.

use super::fixture::{append, create, new_sweep};
use crate::support::TestDatabase;
use floodgauge::store::{Effects, Told};
use futures::StreamExt;

#[tokio::test]
async fn servers_of_one_postgres_tell_each_other_how_far_logs_have_grown() {
    let db = TestDatabase::postgres().await;
    let other = db.open_again().await;
    let mut told = other.told().await.unwrap().expect("Postgres can tell");
    let sweep = create(&db.store, new_sweep("digits")).await;
    append(&db.store, sweep, Effects::default()).await;
    for seq in 2..=100 {
        db.store.tell(sweep, seq);
    }
    let mut heard = Vec::new();
    while heard.last() != Some(&Told { sweep, seq: 100 }) {
        heard.push(told.next().await.expect("the newest is told"));
    }
    assert!(heard.len() < 99, "what comes together is told together");
    assert!(heard.is_sorted_by(|a, b| a.seq < b.seq), "{heard:?}");
}

#[tokio::test]
async fn a_file_has_nobody_to_tell() {
    let db = TestDatabase::sqlite().await;
    let sweep = create(&db.store, new_sweep("digits")).await;
    db.store.tell(sweep, 1);
    assert!(db.store.told().await.unwrap().is_none());
}
