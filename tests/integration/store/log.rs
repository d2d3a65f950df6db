//! One sweep's log: who writes where, and what replays.

use super::fixture::{append, append_under, commit, create, create_with, new_sweep, segment};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge::{
    scheduler::SweepStatus,
    store::{Commit, Effects, Expiry, LeaseGuard, RowUpdate, StoreError},
};
use floodgauge_protocol::{ArmIx, LeaseId, Metric, MetricValues, SegmentId, SweepId};
use serde_json::json;
use uuid::Uuid;

on_both_databases! {
    of_many_writers_of_one_place_one_wins_and_the_others_hear_of_a_conflict,
    writers_that_retry_after_conflicts_all_get_a_place,
    a_place_beyond_the_next_is_a_conflict,
    a_commit_to_no_sweep_says_so,
    a_refused_commit_writes_nothing,
    entries_replay_in_order_from_any_place,
    of_large_entries_few_are_read_at_once_and_none_is_left_out,
    segments_are_found_by_their_ids_whether_they_are_over_or_not,
    json_comes_back_as_it_went_in,
    an_effect_that_fails_takes_its_entry_with_it,
    the_database_answers_a_ping,
}

async fn of_many_writers_of_one_place_one_wins_and_the_others_hear_of_a_conflict(db: TestDatabase) {
    let sweep = create(&db.store, new_sweep("digits")).await;
    let other_server = db.open_again().await;
    let writers: Vec<_> = (0..12)
        .map(|writer| {
            let store = if writer % 2 == 0 { &db.store } else { &other_server }.clone();
            let event = json!({ "type": "reported", "writer": writer });
            tokio::spawn(async move { store.commit(Commit { event, ..commit(sweep, 2) }).await })
        })
        .collect();
    let mut winners = Vec::new();
    for writer in writers {
        match writer.await.unwrap() {
            Ok(entry) => winners.push(entry),
            Err(StoreError::Conflict) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(db.store.entries(sweep, 1, 10).await.unwrap(), winners);
    assert_eq!(db.store.sweep(sweep).await.unwrap().unwrap().head_seq, 2);
}

async fn writers_that_retry_after_conflicts_all_get_a_place(db: TestDatabase) {
    let sweep = create(&db.store, new_sweep("digits")).await;
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = db.store.clone();
            tokio::spawn(async move {
                loop {
                    match append_under(&store, sweep, None, Effects::default()).await {
                        Ok(entry) => return entry.seq,
                        Err(StoreError::Conflict) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        })
        .collect();
    let mut places = Vec::new();
    for writer in writers {
        places.push(writer.await.unwrap());
    }
    places.sort_unstable();
    assert_eq!(places, (2..=9).collect::<Vec<_>>());
}

async fn a_place_beyond_the_next_is_a_conflict(db: TestDatabase) {
    let sweep = create(&db.store, new_sweep("digits")).await;
    for seq in [0, 1, 3, u64::MAX] {
        let refused = db.store.commit(commit(sweep, seq)).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{seq}: {refused:?}");
    }
}

async fn a_commit_to_no_sweep_says_so(db: TestDatabase) {
    let nobody = SweepId(Uuid::now_v7());
    let refused = db.store.commit(commit(nobody, 1)).await;
    assert!(matches!(refused, Err(StoreError::NoSweep(sweep)) if sweep == nobody));
    assert_eq!(db.store.sweep(nobody).await.unwrap(), None);
    assert_eq!(db.store.entries(nobody, 0, 10).await.unwrap(), vec![]);
}

async fn a_refused_commit_writes_nothing(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let before = db.store.sweep(sweep).await.unwrap();
    let effects = Effects {
        status: Some(SweepStatus::Completed),
        best: Some(json!({})),
        enqueue: vec![segment(1)],
        close: vec![SegmentId(0)],
        ..Effects::default()
    };
    let stranger = LeaseGuard { lease: LeaseId(Uuid::new_v4()), attempt: 1, expiry: Expiry::Any };
    let refused = append_under(&db.store, sweep, Some(stranger), effects.clone()).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
    let refused = db.store.commit(Commit { effects, ..commit(sweep, 7) }).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");

    assert_eq!(db.store.sweep(sweep).await.unwrap(), before);
    assert_eq!(db.store.entries(sweep, 1, 10).await.unwrap(), vec![]);
    let segment = super::fixture::leased(&db.store, "w").await.segment.segment;
    assert_eq!(segment, SegmentId(0), "neither closed nor joined by another");
}

async fn entries_replay_in_order_from_any_place(db: TestDatabase) {
    let sweep = create(&db.store, new_sweep("digits")).await;
    let mut written = db.store.entries(sweep, 0, 10).await.unwrap();
    for _ in 0..4 {
        written.push(append(&db.store, sweep, Effects::default()).await);
    }
    assert_eq!(written.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(db.store.entries(sweep, 0, 100).await.unwrap(), written);
    assert_eq!(db.store.entries(sweep, 1, 3).await.unwrap(), written[1..4]);
    assert_eq!(db.store.entries(sweep, 5, 100).await.unwrap(), vec![]);
    assert_eq!(db.store.entries(sweep, u64::MAX, 100).await.unwrap(), vec![]);
    assert!(written.is_sorted_by_key(|entry| entry.at_ms));
    // The database's clock is this machine's: any year but 1970 tells milliseconds from seconds.
    assert!(written[0].at_ms > 1_600_000_000_000);
}

async fn of_large_entries_few_are_read_at_once_and_none_is_left_out(db: TestDatabase) {
    let sweep = create(&db.store, new_sweep("digits")).await;
    let sizes = [10, 100_000, 100_000, 100_000, 600_000, 600_000, 10, 10];
    for (seq, size) in (2..).zip(sizes) {
        let event = json!({ "type": "reported", "text": "x".repeat(size) });
        db.store.commit(Commit { event, ..commit(sweep, seq) }).await.unwrap();
    }
    let (mut after, mut read) = (0, vec![]);
    let mut place = None;
    loop {
        let entries = db.store.entries(sweep, after, 100).await.unwrap();
        // On Postgres they come once older transactions are over, those of other tests too.
        let of_all = loop {
            let of_all = db.store.all_entries(place, 100).await.unwrap();
            if of_all.len() >= entries.len() {
                break of_all;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(
            of_all.iter().map(|(_, entry)| entry).collect::<Vec<_>>(),
            entries.iter().collect::<Vec<_>>()
        );
        let Some(last) = entries.last() else { break };
        (after, place) = (last.seq, of_all.last().map(|(place, _)| *place));
        read.push(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>());
    }
    // Whatever comes behind a quarter of a MiB waits, but the first.
    assert_eq!(read, [vec![1, 2, 3, 4, 5], vec![6], vec![7], vec![8, 9]]);
}

async fn segments_are_found_by_their_ids_whether_they_are_over_or_not(db: TestDatabase) {
    let all: Vec<_> = (0..1200).map(segment).collect();
    let sweep = create_with(&db.store, all.clone()).await;
    let other = create_with(&db.store, vec![segment(0), segment(1)]).await;
    append(&db.store, sweep, Effects { close: vec![SegmentId(1)], ..Effects::default() }).await;
    let found = async |sweep, ids: &[u32]| {
        let ids = ids.iter().copied().map(SegmentId).collect();
        let mut found = db.store.segments(sweep, &ids).await.unwrap();
        found.sort_by_key(|segment| segment.segment);
        found
    };
    assert_eq!(found(sweep, &[1199, 1, 5000]).await, [segment(1), segment(1199)]);
    assert_eq!(found(sweep, &(0..1200).collect::<Vec<_>>()).await, all);
    assert_eq!(found(other, &[1, 2]).await, [segment(1)]);
    assert_eq!(found(other, &[]).await, []);
    assert_eq!(found(SweepId(Uuid::now_v7()), &[0]).await, []);
}

async fn json_comes_back_as_it_went_in(db: TestDatabase) {
    let sweep = create(&db.store, new_sweep("Ünïcode \0 and 'quotes'")).await;
    let event = json!({ "type": "reported", "text": "zero \u{0} and \u{1f30a}",
        "numbers": [0.1, 5e-324, 1.7976931348623157e308, -0.0, 123_456_789.123_456_78,
                    u64::MAX, i64::MIN] });
    let entry = Commit { event: event.clone(), ..commit(sweep, 2) };
    db.store.commit(entry).await.unwrap();
    let entries = db.store.entries(sweep, 1, 1).await.unwrap();
    assert_eq!(entries[0].event.to_string(), event.to_string());
    let row = db.store.sweep(sweep).await.unwrap().unwrap();
    assert_eq!(row.name, "Ünïcode \u{fffd} and 'quotes'");
    assert_eq!(row.spec, json!({ "name": "Ünïcode \0 and 'quotes'" }));
}

async fn an_effect_that_fails_takes_its_entry_with_it(db: TestDatabase) {
    let sweep = create(&db.store, new_sweep("digits")).await;
    let row = RowUpdate {
        trial: super::fixture::trial(0, 0),
        epoch: 1,
        step: 20,
        train_loss: Metric::Finite(2.0),
        metrics: MetricValues::validation(Metric::Finite(2.0), Metric::Finite(0.5)),
        branch: ArmIx(0),
        diagnostics: None,
    };
    append(&db.store, sweep, Effects { rows: vec![row.clone()], ..Effects::default() }).await;
    // The same epoch again: whoever writes it twice has lost count.
    let twice = Effects { rows: vec![row], ..Effects::default() };
    let refused = append_under(&db.store, sweep, None, twice).await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
    assert_eq!(db.store.sweep(sweep).await.unwrap().unwrap().head_seq, 2);
    assert_eq!(append(&db.store, sweep, Effects::default()).await.seq, 3);
}

async fn the_database_answers_a_ping(db: TestDatabase) {
    db.store.ping().await.unwrap();
}
