//! Workers whose machines are in trouble.

use super::fixture::{HOUR, claim, create_with, segment};
use crate::support::{TestDatabase, on_both_databases};
use std::time::Duration;

on_both_databases! {
    a_worker_in_trouble_is_told_of_by_its_last_word,
    a_worker_that_takes_work_is_well_again_and_one_that_finds_none_is_not,
    a_worker_that_fell_silent_after_its_trouble_is_told_of_no_more,
    of_any_number_of_names_so_many_are_kept_as_were_heard_of_last,
}

const SOON: Duration = Duration::from_secs(2);

async fn told(db: &TestDatabase) -> Vec<(String, String)> {
    let workers = db.store.troubled_workers().await.unwrap();
    workers.into_iter().map(|of| (of.worker, of.message)).collect()
}

fn pair(worker: &str, message: &str) -> (String, String) {
    (worker.into(), message.into())
}

async fn a_worker_in_trouble_is_told_of_by_its_last_word(db: TestDatabase) {
    assert_eq!(told(&db).await, []);
    db.store.note_trouble("b", "no room", SOON).await.unwrap();
    db.store.note_trouble("a", "no memory", SOON).await.unwrap();
    let before = db.store.troubled_workers().await.unwrap()[1].next_try_ms;
    db.store.note_trouble("b", "no room at all", HOUR).await.unwrap();
    assert_eq!(told(&db).await, [pair("a", "no memory"), pair("b", "no room at all")]);
    let after = db.store.troubled_workers().await.unwrap()[1].next_try_ms;
    assert!(after >= before + 3_590_000, "{before} {after}");
    assert_eq!(db.open_again().await.troubled_workers().await.unwrap().len(), 2);
}

async fn a_worker_that_takes_work_is_well_again_and_one_that_finds_none_is_not(db: TestDatabase) {
    for worker in ["a", "b"] {
        db.store.note_trouble(worker, "no room", SOON).await.unwrap();
    }
    create_with(&db.store, vec![segment(0)]).await;
    assert!(db.store.claim(claim("a", HOUR)).await.unwrap().is_some());
    assert!(db.store.claim(claim("b", HOUR)).await.unwrap().is_none());
    assert_eq!(told(&db).await, [pair("b", "no room")]);
}

async fn a_worker_that_fell_silent_after_its_trouble_is_told_of_no_more(db: TestDatabase) {
    for worker in ["gone", "late"] {
        db.store.note_trouble(worker, "no room", SOON).await.unwrap();
    }
    let minutes = |worker, minutes: u32| {
        let ms = minutes * 60_000;
        format!(
            "update troubled_workers set next_try_ms = next_try_ms - {ms} where worker = '{worker}'"
        )
    };
    db.execute(&minutes("gone", 6)).await;
    db.execute(&minutes("late", 4)).await;
    assert_eq!(told(&db).await, [pair("late", "no room")]);
    db.store.note_trouble("late", "still", SOON).await.unwrap();
    assert_eq!(db.count("troubled_workers").await, 1, "nothing is left of who is gone");
}

async fn of_any_number_of_names_so_many_are_kept_as_were_heard_of_last(db: TestDatabase) {
    db.execute(
        "insert into troubled_workers (worker, message, next_try_ms) \
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 1500) \
         select 'w' || i, 'no room', (select now_ms from clock) + i from n",
    )
    .await;
    db.store.note_trouble("last", "no room", HOUR).await.unwrap();
    assert_eq!(db.count("troubled_workers").await, 1_000);
    assert_eq!(told(&db).await.len(), 100, "and of these so many are told of");
}
