//! Tokens, their sessions, and what they own.

use super::fixture::{commit, create, delete, new_sweep, trial_at};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge::{
    access::{Kind, Limits, Scope, Scopes, Secret, TokenId},
    scheduler::SweepStatus,
    store::{
        AddedDataset, AddedToken, BlobRow, Commit, Created, DynStore, Effects, NewDataset,
        NewSweep, NewToken, OverQuota, Quota, StoreError, TokenRow, Usage,
    },
};
use floodgauge_protocol::{Digest, Format, Upload};
use futures::FutureExt as _;
use std::time::Duration;

on_both_databases! {
    a_secret_opens_its_token_and_no_other_does,
    a_revoked_token_opens_nothing_and_frees_its_name,
    a_token_expires_by_itself,
    a_store_knows_whether_there_ever_was_a_token,
    tokens_are_listed_newest_first_page_by_page,
    a_session_opens_its_token_until_either_ends,
    the_last_use_is_noted_once_an_hour,
    a_key_of_one_token_is_not_that_of_another,
    a_token_has_no_more_open_sweeps_than_it_may,
    a_token_has_no_more_arms_than_it_may,
    an_extension_counts_for_the_token_that_submitted,
    an_extension_of_anothers_sweep_counts_for_the_token_that_extends,
    a_token_keeps_no_more_bytes_than_it_may,
    two_sweeps_at_once_do_not_both_take_the_last_place,
}

const HOUR: Duration = Duration::from_secs(3600);

fn named(name: &str, limits: Limits) -> (Secret, NewToken) {
    let secret = Secret::new(Kind::Token).unwrap();
    let new = NewToken::of(&secret, name, Scopes::of([Scope::Read, Scope::Worker]).unwrap());
    (secret, NewToken { limits, ..new })
}

async fn added(store: &DynStore, new: NewToken) -> TokenRow {
    match store.add_token(new).await.unwrap() {
        AddedToken::New(row) => row,
        AddedToken::NameTaken => panic!("the name is taken"),
    }
}

/// A token without bounds.
async fn token(store: &DynStore, name: &str) -> (Secret, TokenRow) {
    bounded(store, name, Limits::default()).await
}

async fn bounded(store: &DynStore, name: &str, limits: Limits) -> (Secret, TokenRow) {
    let (secret, new) = named(name, limits);
    (secret, added(store, new).await)
}

async fn opened_by(store: &DynStore, secret: &Secret) -> Option<TokenRow> {
    store.token_opened_by(secret.kind(), secret.digest()).await.unwrap()
}

async fn a_secret_opens_its_token_and_no_other_does(db: TestDatabase) {
    let limits = Limits {
        rate: Some(7),
        open_sweeps: Some(0),
        arms: Some(1_000_000_000),
        upload_bytes: Some(1 << 49),
    };
    let (secret, row) = bounded(&db.store, "ci", limits).await;
    assert_eq!((row.name.as_str(), row.scopes.to_string()), ("ci", "read worker".into()));
    assert_eq!((row.limits, row.live), (limits, true));
    assert!(row.created_ms > 1_700_000_000_000);
    assert_eq!((row.expires_ms, row.revoked_ms, row.used_ms), (None, None, None));
    assert_eq!(opened_by(&db.store, &secret).await, Some(row));
    assert_eq!(opened_by(&db.store, &Secret::new(Kind::Token).unwrap()).await, None);
    let as_session = db.store.token_opened_by(Kind::Session, secret.digest()).await.unwrap();
    assert_eq!(as_session, None, "a token's secret is no session's");
}

async fn a_revoked_token_opens_nothing_and_frees_its_name(db: TestDatabase) {
    let (secret, row) = token(&db.store, "ci").await;
    let again = named("ci", Limits::default()).1;
    assert_eq!(db.store.add_token(again.clone()).await.unwrap(), AddedToken::NameTaken);
    assert!(db.store.revoke_token(row.token).await.unwrap());
    assert_eq!(opened_by(&db.store, &secret).await, None);
    assert!(!db.store.revoke_token(row.token).await.unwrap(), "it was");
    let unknown = named("x", Limits::default()).1.token;
    assert!(!db.store.revoke_token(unknown).await.unwrap());
    added(&db.store, again).await;
    let rows = db.store.tokens(None, 10).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.live).collect::<Vec<_>>(), [true, false]);
    assert!(rows[1].revoked_ms.unwrap() >= row.created_ms);
}

async fn a_token_expires_by_itself(db: TestDatabase) {
    let (secret, new) = named("short", Limits::default());
    let row = added(&db.store, NewToken { lasts: Some(Duration::ZERO), ..new }).await;
    assert_eq!((row.expires_ms, row.live), (Some(row.created_ms), false));
    assert_eq!(opened_by(&db.store, &secret).await, None);
    let (secret, new) = named("long", Limits::default());
    let row = added(&db.store, NewToken { lasts: Some(HOUR), ..new }).await;
    assert_eq!(row.expires_ms, Some(row.created_ms + 3_600_000));
    assert_eq!(opened_by(&db.store, &secret).await, Some(row));
    let (_, new) = named("for ever", Limits::default());
    assert!(added(&db.store, NewToken { lasts: Some(Duration::MAX), ..new }).await.live);
}

async fn a_store_knows_whether_there_ever_was_a_token(db: TestDatabase) {
    assert!(!db.store.any_token().await.unwrap());
    let (_, row) = token(&db.store, "first").await;
    db.store.revoke_token(row.token).await.unwrap();
    assert!(db.store.any_token().await.unwrap());
}

async fn tokens_are_listed_newest_first_page_by_page(db: TestDatabase) {
    let mut made = vec![];
    for name in ["one", "two", "three"] {
        made.push(token(&db.store, name).await.1);
    }
    made.reverse();
    assert_eq!(db.store.tokens(None, 10).await.unwrap(), made);
    assert_eq!(db.store.tokens(None, 2).await.unwrap(), made[..2]);
    assert_eq!(db.store.tokens(Some(made[1].token), 2).await.unwrap(), made[2..]);
}

async fn a_session_opens_its_token_until_either_ends(db: TestDatabase) {
    let (_, row) = token(&db.store, "page").await;
    let session = async |lasts| {
        let session = Secret::new(Kind::Session).unwrap();
        db.store.add_session(&session, row.token, lasts).await.unwrap();
        session
    };
    let (first, second) = (session(HOUR).await, session(HOUR).await);
    let over = session(Duration::ZERO).await;
    assert_eq!(opened_by(&db.store, &first).await.as_ref(), Some(&row));
    assert_eq!(opened_by(&db.store, &over).await, None);
    db.store.end_session(first.digest()).await.unwrap();
    db.store.end_session(first.digest()).await.unwrap();
    assert_eq!(opened_by(&db.store, &first).await, None);
    assert_eq!(opened_by(&db.store, &second).await.as_ref(), Some(&row));
    db.store.revoke_token(row.token).await.unwrap();
    assert_eq!(opened_by(&db.store, &second).await, None);
}

async fn the_last_use_is_noted_once_an_hour(db: TestDatabase) {
    let (_, row) = token(&db.store, "busy").await;
    let used = async || db.store.tokens(None, 1).await.unwrap()[0].used_ms;
    db.store.token_used(row.token).await.unwrap();
    let first = used().await.unwrap();
    assert!(first >= row.created_ms);
    for _ in 0..20 {
        db.store.token_used(row.token).await.unwrap();
    }
    assert_eq!(used().await, Some(first));
}

async fn a_key_of_one_token_is_not_that_of_another(db: TestDatabase) {
    let (_, first) = token(&db.store, "first").await;
    let (_, second) = token(&db.store, "second").await;
    let keyed = |owner: Option<TokenId>, body: u8| {
        let idempotency = Some(("nightly".to_owned(), Digest([body; 32])));
        NewSweep { owner, idempotency, ..new_sweep("keyed") }
    };
    let owners = [Some(first.token), Some(second.token), None];
    let mut made = vec![];
    for (owner, body) in owners.into_iter().zip(1..) {
        made.push(create(&db.store, keyed(owner, body)).await);
    }
    for ((owner, body), sweep) in owners.into_iter().zip(1..).zip(made) {
        let again = db.store.create_sweep(keyed(owner, body)).await.unwrap();
        assert_eq!(again, Created::Existing(sweep));
        let other = db.store.create_sweep(keyed(owner, 9)).await;
        assert!(matches!(other, Err(StoreError::KeyReused)), "{other:?}");
    }
}

/// A sweep of a token's with so many arms.
fn owned(row: &TokenRow, arms: u16) -> NewSweep {
    let trials = (0..arms).map(|arm| trial_at(arm, None)).collect();
    let effects = Effects { trials, ..Effects::default() };
    NewSweep { owner: Some(row.token), effects, ..new_sweep("owned") }
}

fn over(refused: Result<impl std::fmt::Debug, StoreError>) -> OverQuota {
    match refused {
        Err(StoreError::OverQuota(over)) => over,
        other => panic!("{other:?}"),
    }
}

async fn a_token_has_no_more_open_sweeps_than_it_may(db: TestDatabase) {
    let limits = Limits { open_sweeps: Some(2), ..Limits::default() };
    let (_, row) = bounded(&db.store, "two", limits).await;
    let first = create(&db.store, owned(&row, 1)).await;
    create(&db.store, owned(&row, 1)).await;
    let third = owned(&row, 1);
    let refused = over(db.store.create_sweep(third.clone()).await);
    assert_eq!(refused, OverQuota { of: Quota::OpenSweeps, most: 2, would_be: 3 });
    assert_eq!(db.store.sweep(third.sweep).await.unwrap(), None, "nothing is left of it");
    create(&db.store, new_sweep("nobody's")).await;
    let end = Effects { status: Some(SweepStatus::Completed), ..Effects::default() };
    super::fixture::append(&db.store, first, end).await;
    create(&db.store, third).await;
    let usage = db.store.token_usage(row.token).await.unwrap();
    assert_eq!(usage, Usage { open_sweeps: 2, arms: 2, upload_bytes: 0 });
}

async fn a_token_has_no_more_arms_than_it_may(db: TestDatabase) {
    let limits = Limits { arms: Some(30), ..Limits::default() };
    let (_, row) = bounded(&db.store, "thirty", limits).await;
    let first = create(&db.store, owned(&row, 21)).await;
    let refused = over(db.store.create_sweep(owned(&row, 21)).await);
    assert_eq!(refused, OverQuota { of: Quota::Arms, most: 30, would_be: 42 });
    create(&db.store, owned(&row, 9)).await;
    delete(&db.store, first).await;
    create(&db.store, owned(&row, 21)).await;
}

async fn an_extension_counts_for_the_token_that_submitted(db: TestDatabase) {
    let limits = Limits { arms: Some(5), ..Limits::default() };
    let (_, row) = bounded(&db.store, "five", limits).await;
    let sweep = create(&db.store, owned(&row, 3)).await;
    let extend = async |seq, arms: std::ops::Range<u16>| {
        let trials = arms.map(|arm| trial_at(arm, None)).collect();
        let effects = Effects { trials, ..Effects::default() };
        let event = serde_json::json!({ "type": "extended" });
        db.store.commit(Commit { event, effects, ..commit(sweep, seq) }).await
    };
    extend(2, 3..5).await.unwrap();
    let refused = over(extend(3, 5..6).await);
    assert_eq!(refused, OverQuota { of: Quota::Arms, most: 5, would_be: 6 });
    assert_eq!(db.store.trials(sweep).await.unwrap().len(), 5, "nothing is left of it");
}

/// The sweep moves to the bounds of who extends it, with all its arms; its submitter is charged no more.
async fn an_extension_of_anothers_sweep_counts_for_the_token_that_extends(db: TestDatabase) {
    let (_, submitter) = bounded(&db.store, "submitter", Limits::default()).await;
    let limits = Limits { open_sweeps: Some(1), arms: Some(4), ..Limits::default() };
    let (_, extender) = bounded(&db.store, "extender", limits).await;
    let sweep = create(&db.store, owned(&submitter, 3)).await;
    let ended = Effects { status: Some(SweepStatus::Completed), ..Effects::default() };
    db.store.commit(Commit { effects: ended, ..commit(sweep, 2) }).await.unwrap();
    let extend = async |to_arm: u16| {
        let trials = (3..to_arm).map(|arm| trial_at(arm, None)).collect();
        let status = Some(SweepStatus::Running);
        let effects = Effects { trials, status, ..Effects::default() };
        let event = serde_json::json!({ "type": "extended" });
        let extender = Some(extender.token);
        db.store.commit(Commit { event, effects, extender, ..commit(sweep, 3) }).await
    };
    let usage = async |row: &TokenRow| {
        let usage = db.store.token_usage(row.token).await.unwrap();
        (usage.open_sweeps, usage.arms)
    };
    assert_eq!(
        over(extend(5).await),
        OverQuota { of: Quota::Arms, most: 4, would_be: 5 },
        "its bounds are its own, whoever submitted"
    );
    assert_eq!(usage(&submitter).await, (0, 0), "nothing is left of it");
    extend(4).await.unwrap();
    assert_eq!((usage(&submitter).await, usage(&extender).await), ((0, 0), (1, 4)));
    let refused = over(db.store.create_sweep(owned(&extender, 0)).await);
    assert_eq!(refused, OverQuota { of: Quota::OpenSweeps, most: 1, would_be: 2 });
}

fn uploaded(row: &TokenRow, name: &str, digest: u8, size: u64) -> NewDataset {
    let upload = Upload {
        format: Format::Csv,
        features: 2,
        image: None,
        classes: 2,
        samples: 100,
        test_samples: 0,
    };
    let blob = BlobRow { digest: Digest([digest; 32]), size };
    NewDataset {
        name: name.into(),
        blob,
        upload: Some(upload),
        scales: None,
        owner: Some(row.token),
    }
}

async fn a_token_keeps_no_more_bytes_than_it_may(db: TestDatabase) {
    let limits = Limits { upload_bytes: Some(100), ..Limits::default() };
    let (_, row) = bounded(&db.store, "hundred", limits).await;
    let add = async |new| db.store.add_dataset(new, async { Ok(()) }.boxed()).await;
    assert_eq!(add(uploaded(&row, "a", 1, 60)).await.unwrap(), AddedDataset::New);
    assert_eq!(add(uploaded(&row, "a", 1, 60)).await.unwrap(), AddedDataset::Existing);
    let refused = over(add(uploaded(&row, "b", 2, 41)).await);
    assert_eq!(refused, OverQuota { of: Quota::UploadBytes, most: 100, would_be: 101 });
    assert_eq!(db.store.dataset("b").await.unwrap(), None);
    assert_eq!(add(uploaded(&row, "b", 2, 40)).await.unwrap(), AddedDataset::New);
    db.store.delete_dataset("a").await.unwrap();
    assert_eq!(db.store.token_usage(row.token).await.unwrap().upload_bytes, 40);
}

async fn two_sweeps_at_once_do_not_both_take_the_last_place(db: TestDatabase) {
    let limits = Limits { open_sweeps: Some(3), ..Limits::default() };
    let (_, row) = bounded(&db.store, "race", limits).await;
    let other = db.open_again().await;
    let creations = (0..10).map(|i| {
        let (store, new) = (if i % 2 == 0 { &db.store } else { &other }, owned(&row, 1));
        store.create_sweep(new)
    });
    let made = futures::future::join_all(creations).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 3);
    assert_eq!(db.store.token_usage(row.token).await.unwrap().open_sweeps, 3);
}
