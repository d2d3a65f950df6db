//! Which kind of machine a family is for.

use super::fixture::{
    HOUR, append_under, claim, create_with, first_row, guard, leased, segment, segment_of,
};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge::store::{Claim, Effects, LeaseGuard, LeasedSegment, RowRange, StoreError};
use floodgauge_protocol::{FamilyIx, SweepId};
use std::time::Duration;

on_both_databases! {
    a_family_without_rows_goes_to_another_kind_once_no_lease_of_it_is_alive,
    a_family_with_rows_stays_with_its_kind,
    rows_of_the_kind_that_a_family_is_pinned_to_no_more_are_refused,
    rows_of_which_an_old_server_noted_nothing_pin_their_family,
    a_family_with_a_worker_does_not_start_over,
    a_family_that_starts_over_has_no_rows_and_goes_to_any_kind,
    families_are_orphaned_once_their_kind_is_gone_and_another_is_there,
}

/// A claim of another kind of machine than those of the fixture.
fn other(worker: &str, ttl: Duration) -> Claim {
    Claim { fingerprint: "neon".into(), ..claim(worker, ttl) }
}

async fn report(db: &TestDatabase, leased: &LeasedSegment) -> Result<(), StoreError> {
    let effects = first_row(leased.segment.family.0);
    append_under(&db.store, leased.sweep, guard(leased), effects).await.map(drop)
}

async fn expire(db: &TestDatabase, leased: &LeasedSegment) {
    let worker = format!("secret of {}", leased.worker);
    db.store.renew(leased.lease, &worker, Duration::ZERO).await.unwrap();
}

async fn a_family_without_rows_goes_to_another_kind_once_no_lease_of_it_is_alive(db: TestDatabase) {
    create_with(&db.store, vec![segment(0), segment(1)]).await;
    let first = leased(&db.store, "w1").await;
    assert_eq!(db.store.claim(other("w2", HOUR)).await.unwrap(), None, "a lease of it is alive");
    expire(&db, &first).await;
    let second = db.store.claim(other("w2", HOUR)).await.unwrap().expect("nobody has it");
    assert!(second.took_over);
    assert_eq!(db.store.claim(claim("w1", HOUR)).await.unwrap(), None, "it is the other's now");
    report(&db, &second).await.unwrap();
}

async fn a_family_with_rows_stays_with_its_kind(db: TestDatabase) {
    create_with(&db.store, vec![segment(0), segment_of(1, 1)]).await;
    let first = leased(&db.store, "w1").await;
    report(&db, &first).await.unwrap();
    expire(&db, &first).await;
    let second = db.store.claim(other("w2", HOUR)).await.unwrap().expect("the other family");
    assert_eq!(second.segment, segment_of(1, 1));
    assert_eq!(db.store.claim(other("w3", HOUR)).await.unwrap(), None);
    assert_eq!(leased(&db.store, "w1").await.segment, segment(0));
}

async fn rows_of_the_kind_that_a_family_is_pinned_to_no_more_are_refused(db: TestDatabase) {
    create_with(&db.store, vec![segment(0), segment(1)]).await;
    let late = leased(&db.store, "w1").await;
    let beside = leased(&db.store, "w1").await;
    expire(&db, &late).await;
    expire(&db, &beside).await;
    // It takes one of the two over; the lease of the other still stands.
    let taken = db.store.claim(other("w2", HOUR)).await.unwrap().unwrap();
    assert_eq!(taken.segment, segment(0));
    let refused = report(&db, &beside).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
    assert!(db.store.curves(taken.sweep, RowRange::default(), 100).await.unwrap().is_empty());
    report(&db, &taken).await.unwrap();
    assert_eq!(db.store.curves(taken.sweep, RowRange::default(), 100).await.unwrap().len(), 1);
    // Nor are they taken once the other kind has reported.
    let refused = report(&db, &beside).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
}

async fn rows_of_which_an_old_server_noted_nothing_pin_their_family(db: TestDatabase) {
    create_with(&db.store, vec![segment(0)]).await;
    let first = leased(&db.store, "w1").await;
    report(&db, &first).await.unwrap();
    expire(&db, &first).await;
    // As a server of 0.1.0 leaves it that has gone on beside this one.
    db.execute("update families set has_rows = 0").await;
    assert_eq!(db.store.claim(other("w2", HOUR)).await.unwrap(), None);
    assert_eq!(leased(&db.store, "w1").await.segment, segment(0));
}

async fn a_family_with_a_worker_does_not_start_over(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let first = leased(&db.store, "w1").await;
    report(&db, &first).await.unwrap();
    let effects = Effects { start_over: Some(FamilyIx(0)), ..Effects::default() };
    let refused = append_under(&db.store, sweep, None::<LeaseGuard>, effects).await;
    assert!(matches!(refused, Err(StoreError::Held(FamilyIx(0)))), "{refused:?}");
    assert_eq!(db.store.curves(sweep, RowRange::default(), 100).await.unwrap().len(), 1);
}

async fn a_family_that_starts_over_has_no_rows_and_goes_to_any_kind(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0), segment_of(1, 1)]).await;
    let both = [leased(&db.store, "w1").await, leased(&db.store, "w2").await];
    for leased in &both {
        report(&db, leased).await.unwrap();
        expire(&db, leased).await;
    }
    assert_eq!(db.store.claim(other("w3", HOUR)).await.unwrap(), None);
    start_over(&db, sweep, 1).await;
    let rows = db.store.curves(sweep, RowRange::default(), 100).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.trial.family.0).collect::<Vec<_>>(), [0]);
    let second = db.store.claim(other("w3", HOUR)).await.unwrap().expect("it may go anywhere");
    assert_eq!(second.segment, segment_of(1, 1));
    report(&db, &second).await.unwrap();
}

async fn start_over(db: &TestDatabase, sweep: SweepId, family: u16) {
    let effects = Effects { start_over: Some(FamilyIx(family)), ..Effects::default() };
    append_under(&db.store, sweep, None::<LeaseGuard>, effects).await.unwrap();
}

async fn families_are_orphaned_once_their_kind_is_gone_and_another_is_there(db: TestDatabase) {
    const NOW: Duration = Duration::ZERO;
    let sweep = create_with(&db.store, vec![segment(0), segment_of(1, 1)]).await;
    let orphaned = async || db.store.orphaned_families(NOW, None).await.unwrap();
    db.store.machine_seen("avx2").await.unwrap();
    let first = leased(&db.store, "w1").await;
    report(&db, &first).await.unwrap();
    db.store.machine_seen("neon").await.unwrap();
    assert_eq!(orphaned().await, [], "its lease is alive");
    expire(&db, &first).await;
    assert_eq!(
        db.store.orphaned_families(HOUR, None).await.unwrap(),
        [],
        "it isn't gone for an hour"
    );
    let found = orphaned().await;
    // The other family has no rows, and may go anywhere.
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].sweep, found[0].family), (sweep, FamilyIx(0)));
    assert_eq!(found[0].fingerprint, "avx2");
    let behind = Some((sweep, FamilyIx(0)));
    assert_eq!(db.store.orphaned_families(NOW, behind).await.unwrap(), [], "those behind it");
}
