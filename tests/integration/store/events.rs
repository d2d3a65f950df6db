//! All sweeps' entries in one order, for those who tail them.
//!
//! On Postgres an entry is seen there only once no older transaction is open, not even one of
//! another test in another database of the same server. So these tests read until it is.

use super::fixture::{append, create, delete, new_sweep};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge::store::{DynStore, Effects, Entry, GlobalCursor};
use floodgauge_protocol::SweepId;
use sqlx::PgPool;
use std::{collections::HashSet, time::Duration};
use tokio::time::timeout;

on_both_databases! {
    the_order_of_all_entries_never_changes_while_many_write,
    the_head_is_where_a_tail_begins,
    deleting_a_sweep_moves_nobodys_cursor,
}

const SWEEPS: usize = 6;
const COMMITS: usize = 20;

async fn the_order_of_all_entries_never_changes_while_many_write(db: TestDatabase) {
    let mut writers = Vec::new();
    for writer in 0..SWEEPS {
        let store = if writer % 2 == 0 { db.store.clone() } else { db.open_again().await };
        writers.push(tokio::spawn(async move {
            let sweep = create(&store, new_sweep("digits")).await;
            for _ in 1..COMMITS {
                append(&store, sweep, Effects::default()).await;
            }
        }));
    }
    let (mut tailed, mut after) = (Vec::new(), None);
    while tailed.len() < SWEEPS * COMMITS {
        let news = db.store.all_entries(after, 7).await.unwrap();
        after = news.last().map(|(cursor, _)| *cursor).or(after);
        tailed.extend(news);
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    // What a tail met is what is there: nothing slipped in behind its cursor.
    assert_eq!(tailed, db.store.all_entries(None, 1_000).await.unwrap());
    assert!(tailed.is_sorted_by(|(a, _), (b, _)| a < b));
    let sweeps: HashSet<SweepId> = tailed.iter().map(|(_, entry)| entry.sweep).collect();
    for sweep in sweeps {
        let of_sweep = tailed.iter().filter(|(_, entry)| entry.sweep == sweep);
        let own: Vec<&Entry> = of_sweep.map(|(_, entry)| entry).collect();
        assert_eq!(own, db.store.entries(sweep, 0, 100).await.unwrap().iter().collect::<Vec<_>>());
    }
}

async fn the_head_is_where_a_tail_begins(db: TestDatabase) {
    assert_eq!(db.store.global_head().await.unwrap(), None);
    assert_eq!(db.store.all_entries(None, 10).await.unwrap(), vec![]);
    let sweep = create(&db.store, new_sweep("digits")).await;
    read(&db.store, None, 1).await;
    let head = db.store.global_head().await.unwrap();
    assert_eq!(read(&db.store, head, 0).await, vec![]);
    let entry = append(&db.store, sweep, Effects::default()).await;
    assert_eq!(read(&db.store, head, 1).await, vec![entry]);
    let text = db.store.global_head().await.unwrap().unwrap().to_string();
    let cursor: GlobalCursor = text.parse().unwrap();
    assert_eq!(read(&db.store, Some(cursor), 0).await, vec![]);
    let nowhere = GlobalCursor { transaction: i64::MAX, row: i64::MAX };
    assert_eq!(read(&db.store, Some(nowhere), 0).await, vec![]);
}

async fn deleting_a_sweep_moves_nobodys_cursor(db: TestDatabase) {
    let kept = create(&db.store, new_sweep("kept")).await;
    let gone = create(&db.store, new_sweep("gone")).await;
    append(&db.store, gone, Effects::default()).await;
    read(&db.store, None, 3).await;
    let head = db.store.global_head().await.unwrap();
    delete(&db.store, gone).await;
    let entry = append(&db.store, kept, Effects::default()).await;
    assert_eq!(read(&db.store, head, 1).await, vec![entry]);
    assert_eq!(read(&db.store, None, 2).await.len(), 2);
}

/// The entries after a cursor, once there are at least so many.
async fn read(store: &DynStore, after: Option<GlobalCursor>, at_least: usize) -> Vec<Entry> {
    let reading = async {
        loop {
            let entries = store.all_entries(after, 100).await.unwrap();
            if entries.len() >= at_least {
                return entries.into_iter().map(|(_, entry)| entry).collect();
            }
        }
    };
    timeout(Duration::from_secs(60), reading).await.expect("entries that settle")
}

/// SQLite has one writer; only on Postgres can an entry be written and not yet committed while
/// later ones are.
#[tokio::test]
async fn entries_wait_for_an_older_transaction_on_postgres() {
    let db = TestDatabase::postgres().await;
    let sweep = create(&db.store, new_sweep("digits")).await;
    let pool = PgPool::connect(&db.url).await.unwrap();
    let mut slow = pool.begin().await.unwrap();
    let insert = "insert into events (sweep, seq, at_ms, event, decisions) \
                  values ($1, 1000, 0, '{}', '[]')";
    sqlx::query(insert).bind(sweep.to_string()).execute(&mut *slow).await.unwrap();
    read(&db.store, None, 1).await;
    let head = db.store.global_head().await.unwrap();
    let later = append(&db.store, sweep, Effects::default()).await;
    assert_eq!(read(&db.store, head, 0).await, vec![], "the slow one would come before it");
    assert_eq!(db.store.global_head().await.unwrap(), head);
    slow.commit().await.unwrap();
    let settled = read(&db.store, head, 2).await;
    let settled: Vec<u64> = settled.iter().map(|entry| entry.seq).collect();
    assert_eq!(settled, [1000, later.seq]);
}
