//! Sweeps as users see them: submitted, listed, deleted, still there tomorrow.

use super::fixture::{
    HOUR, append, claim, commit, create, create_with, delete, guard, leased, new_sweep, segment,
    trial_at,
};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge::{
    scheduler::SweepStatus,
    store::{
        Commit, Created, DeletedSweep, DynStore, Effects, NewSweep, Page, StoreError, SweepRow,
    },
};
use floodgauge_protocol::{Digest, SweepId};
use serde_json::json;

on_both_databases! {
    a_new_sweep_is_queued_with_its_first_entry,
    a_commit_moves_status_answer_and_time,
    a_sweep_that_ended_without_an_answer_says_why,
    a_sweep_that_was_ended_says_why_though_workers_hand_in_afterwards,
    an_idempotency_key_makes_one_sweep,
    an_idempotency_key_with_another_body_is_refused,
    of_many_requests_with_one_key_one_makes_the_sweep,
    a_sweep_that_is_there_is_not_made_again,
    pages_stay_where_they_are_while_sweeps_come_and_go,
    a_search_finds_names_whatever_their_case,
    a_search_finds_ids_by_their_beginning,
    a_status_is_asked_for_with_or_without_a_search,
    a_deleted_sweep_leaves_nothing,
    a_database_opened_again_holds_everything,
}

async fn a_new_sweep_is_queued_with_its_first_entry(db: TestDatabase) {
    let new = NewSweep { scheduler_version: 3, ..new_sweep("digits") };
    let Created::New(entry) = db.store.create_sweep(new.clone()).await.unwrap() else {
        panic!("no key, so it is new");
    };
    assert_eq!((entry.sweep, entry.seq), (new.sweep, 1));
    assert_eq!((&entry.event, &entry.decisions), (&new.event, &new.decisions));
    let expected = SweepRow {
        sweep: new.sweep,
        name: "digits".into(),
        spec: new.spec,
        space: None,
        grown_seq: 0,
        status: SweepStatus::Queued,
        scheduler_version: 3,
        head_seq: 1,
        best: None,
        end_reason: None,
        created_ms: entry.at_ms,
        begun_ms: None,
        updated_ms: entry.at_ms,
        checkpoints_dropped: false,
    };
    assert_eq!(db.store.sweep(new.sweep).await.unwrap(), Some(expected));
    assert_eq!(db.store.entries(new.sweep, 0, 10).await.unwrap(), vec![entry]);
}

async fn a_commit_moves_status_answer_and_time(db: TestDatabase) {
    let sweep = create(&db.store, new_sweep("digits")).await;
    let before = db.store.sweep(sweep).await.unwrap().unwrap();
    let best = json!({ "objective": 0.1 });
    let effects = Effects {
        status: Some(SweepStatus::Running),
        best: Some(best.clone()),
        ..Effects::default()
    };
    let entry = append(&db.store, sweep, effects).await;
    let running = SweepRow {
        status: SweepStatus::Running,
        best: Some(best),
        head_seq: 2,
        begun_ms: Some(entry.at_ms),
        updated_ms: entry.at_ms,
        ..before
    };
    assert_eq!(db.store.sweep(sweep).await.unwrap().unwrap(), running);
    let entry = append(&db.store, sweep, Effects::default()).await;
    let unchanged = SweepRow { head_seq: 3, updated_ms: entry.at_ms, ..running };
    assert_eq!(db.store.sweep(sweep).await.unwrap().unwrap(), unchanged);
}

async fn a_sweep_that_ended_without_an_answer_says_why(db: TestDatabase) {
    for (status, told) in [
        (SweepStatus::Failed, Some("no arm was trained to the end")),
        (SweepStatus::Cancelled, Some("no arm was trained to the end")),
        (SweepStatus::Completed, None),
    ] {
        let sweep = create(&db.store, new_sweep("digits")).await;
        let decisions = json!([
            { "action": "end", "reason": "it diverged" },
            { "action": "fail", "reason": "no arm was trained to the end" },
        ]);
        let effects = Effects { status: Some(status), ..Effects::default() };
        db.store.commit(Commit { decisions, effects, ..commit(sweep, 2) }).await.unwrap();
        let row = db.store.sweep(sweep).await.unwrap().unwrap();
        assert_eq!(row.end_reason.as_deref(), told, "{status:?}");
        let page = Page { limit: 1, ..Page::default() };
        assert_eq!(db.store.sweeps(page).await.unwrap(), [row]);
    }
}

async fn a_sweep_that_was_ended_says_why_though_workers_hand_in_afterwards(db: TestDatabase) {
    let sweep = create(&db.store, new_sweep("digits")).await;
    let said = r#"it said "action":"fail""#;
    for (seq, status, decisions) in [
        (2, SweepStatus::Running, json!([{ "action": "retry", "segment": 0, "reason": said }])),
        (
            3,
            SweepStatus::Cancelled,
            json!([
                { "action": "withdraw", "segment": 1, "reason": "it waited in the queue" },
                { "action": "cancel", "reason": "a user asked for it" },
            ]),
        ),
        (4, SweepStatus::Cancelled, json!([])),
        (
            5,
            SweepStatus::Cancelled,
            json!([{ "action": "withdraw", "segment": 0, "reason": said }]),
        ),
    ] {
        let effects = Effects { status: Some(status), ..Effects::default() };
        db.store.commit(Commit { decisions, effects, ..commit(sweep, seq) }).await.unwrap();
        let told = db.store.sweep(sweep).await.unwrap().unwrap().end_reason;
        let why = (seq > 2).then_some("a user asked for it");
        assert_eq!(told.as_deref(), why, "after entry {seq}");
    }
}

fn keyed(key: &str, body: u8) -> NewSweep {
    let idempotency = Some((key.to_owned(), Digest([body; 32])));
    NewSweep { idempotency, ..new_sweep("digits") }
}

async fn an_idempotency_key_makes_one_sweep(db: TestDatabase) {
    let sweep = create(&db.store, keyed("key", 1)).await;
    let again = db.store.create_sweep(keyed("key", 1)).await.unwrap();
    assert_eq!(again, Created::Existing(sweep));
    let other = create(&db.store, keyed("KEY", 1)).await;
    assert_eq!(list(&db.store, Page::default()).await, [other, sweep]);
}

async fn an_idempotency_key_with_another_body_is_refused(db: TestDatabase) {
    let sweep = create(&db.store, keyed("key", 1)).await;
    let refused = db.store.create_sweep(keyed("key", 2)).await;
    assert!(matches!(refused, Err(StoreError::KeyReused)), "{refused:?}");
    assert_eq!(list(&db.store, Page::default()).await, [sweep]);
}

async fn of_many_requests_with_one_key_one_makes_the_sweep(db: TestDatabase) {
    let requests: Vec<_> = (0..8)
        .map(|_| {
            let store = db.store.clone();
            tokio::spawn(async move { store.create_sweep(keyed("key", 1)).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await.unwrap());
    }
    let made: Vec<SweepId> = answers
        .iter()
        .filter_map(|answer| match answer {
            Created::New(entry) => Some(entry.sweep),
            Created::Existing(_) => None,
        })
        .collect();
    assert_eq!(made.len(), 1);
    let existing = answers.iter().filter(|answer| **answer == Created::Existing(made[0]));
    assert_eq!(existing.count(), 7);
    assert_eq!(list(&db.store, Page::default()).await, made);
}

async fn a_sweep_that_is_there_is_not_made_again(db: TestDatabase) {
    let new = new_sweep("digits");
    create(&db.store, new.clone()).await;
    let refused = db.store.create_sweep(new).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
}

async fn pages_stay_where_they_are_while_sweeps_come_and_go(db: TestDatabase) {
    let mut sweeps = Vec::new();
    for _ in 0..7 {
        sweeps.insert(0, create(&db.store, new_sweep("digits")).await);
    }
    let page = |after| Page { after, limit: 3, ..Page::default() };
    assert_eq!(list(&db.store, page(None)).await, sweeps[..3]);
    create(&db.store, new_sweep("new")).await;
    assert_eq!(list(&db.store, page(Some(sweeps[2]))).await, sweeps[3..6]);
    // The cursor needn't be there any more.
    delete(&db.store, sweeps[5]).await;
    assert_eq!(list(&db.store, page(Some(sweeps[5]))).await, sweeps[6..]);
    assert!(list(&db.store, page(Some(sweeps[6]))).await.is_empty());
}

async fn a_search_finds_names_whatever_their_case(db: TestDatabase) {
    let digits = create(&db.store, new_sweep("Digits, 20% noise")).await;
    let waves = create(&db.store, new_sweep("ÜBERFLUTUNG_1!")).await;
    let search = async |text: &str| {
        list(&db.store, Page { search: Some(text.into()), ..Page::default() }).await
    };
    assert_eq!(search("dIGits").await, [digits]);
    assert_eq!(search("überflut").await, [waves]);
    assert_eq!(search("").await, [waves, digits]);
    assert_eq!(search("0% n").await, [digits]);
    // Wildcards stand for themselves.
    assert_eq!(search("_").await, [waves]);
    assert_eq!(search("%").await, [digits]);
    assert_eq!(search("!").await, [waves]);
    assert!(search("digits%noise").await.is_empty());
    assert!(search("' or 1 = 1").await.is_empty());
    assert!(search("\0").await.is_empty());
}

async fn a_search_finds_ids_by_their_beginning(db: TestDatabase) {
    let digits = create(&db.store, new_sweep("digits")).await;
    create(&db.store, new_sweep("waves")).await;
    let search = async |text: &str| {
        list(&db.store, Page { search: Some(text.into()), ..Page::default() }).await
    };
    let id = digits.to_string();
    assert_eq!(search(&id).await, [digits]);
    assert_eq!(search(&id.to_uppercase()).await, [digits]);
    // Sweeps of the same minute begin alike.
    assert!(search(&id[..8]).await.contains(&digits));
    assert!(search(&id[..7]).await.is_empty());
    assert!(search(&id[1..]).await.is_empty());
}

async fn a_status_is_asked_for_with_or_without_a_search(db: TestDatabase) {
    let [queued, digits, spiral] = [
        create(&db.store, new_sweep("digits")).await,
        create(&db.store, new_sweep("digits")).await,
        create(&db.store, new_sweep("spiral")).await,
    ];
    for sweep in [digits, spiral] {
        let status = Some(SweepStatus::Running);
        append(&db.store, sweep, Effects { status, ..Effects::default() }).await;
    }
    let page = |status, search: Option<&str>| Page {
        status: Some(status),
        search: search.map(str::to_owned),
        ..Page::default()
    };
    assert_eq!(list(&db.store, page(SweepStatus::Running, None)).await, [spiral, digits]);
    assert_eq!(list(&db.store, page(SweepStatus::Queued, None)).await, [queued]);
    assert_eq!(list(&db.store, page(SweepStatus::Running, Some("DIG"))).await, [digits]);
    assert!(list(&db.store, page(SweepStatus::Failed, None)).await.is_empty());
}

async fn a_deleted_sweep_leaves_nothing(db: TestDatabase) {
    let new = NewSweep {
        effects: Effects { enqueue: vec![segment(0), segment(1)], ..Effects::default() },
        ..keyed("key", 1)
    };
    let sweep = create(&db.store, new.clone()).await;
    let other = create_with(&db.store, vec![]).await;
    let held = leased(&db.store, "w").await;
    let trials = vec![trial_at(0, None)];
    append(&db.store, sweep, Effects { trials, ..Effects::default() }).await;

    delete(&db.store, sweep).await;
    let again = db.store.delete_sweep(sweep, None).await.unwrap();
    assert_eq!(again, DeletedSweep::NoSuch);
    assert_eq!(db.store.sweep(sweep).await.unwrap(), None);
    assert_eq!(db.store.entries(sweep, 0, 10).await.unwrap(), vec![]);
    assert_eq!(db.store.trials(sweep).await.unwrap(), vec![]);
    assert_eq!(db.store.claim(claim("w", HOUR)).await.unwrap(), None);
    let renewed = db.store.renew(held.lease, "secret of w", HOUR).await;
    assert!(matches!(renewed, Err(StoreError::LeaseLost)), "{renewed:?}");
    let refused = db.store.commit(Commit { guard: guard(&held), ..commit(sweep, 3) }).await;
    assert!(matches!(refused, Err(StoreError::NoSweep(_))), "{refused:?}");
    assert_eq!(list(&db.store, Page::default()).await, [other]);
    // Its key and its pins went too: the same sweep can be made anew, on another machine.
    create(&db.store, new).await;
    let elsewhere = floodgauge::store::Claim { fingerprint: "neon".into(), ..claim("w", HOUR) };
    assert!(db.store.claim(elsewhere).await.unwrap().is_some());
}

async fn a_database_opened_again_holds_everything(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let held = leased(&db.store, "w").await;
    let trials = vec![trial_at(0, None)];
    append(&db.store, sweep, Effects { trials, ..Effects::default() }).await;
    let again = db.open_again().await;
    assert_eq!(again.sweep(sweep).await.unwrap(), db.store.sweep(sweep).await.unwrap());
    let entries = again.entries(sweep, 0, 10).await.unwrap();
    assert_eq!((entries.len(), &entries), (2, &db.store.entries(sweep, 0, 10).await.unwrap()));
    assert_eq!(again.trials(sweep).await.unwrap(), vec![trial_at(0, None)]);
    assert_eq!(again.renew(held.lease, "secret of w", HOUR).await.unwrap(), held);
}

/// The ids of a page; by default of one that holds everything.
async fn list(store: &DynStore, page: Page) -> Vec<SweepId> {
    let limit = if page.limit == 0 { 100 } else { page.limit };
    let sweeps = store.sweeps(Page { limit, ..page }).await.unwrap();
    sweeps.into_iter().map(|row| row.sweep).collect()
}
