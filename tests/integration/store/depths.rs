//! How much there is to do.

use super::fixture::{append, create_with, leased, leased_and_expired, segment};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge::{
    scheduler::SweepStatus,
    store::{Depths, Effects},
};
use floodgauge_protocol::SegmentId;

on_both_databases! {
    an_empty_store_has_nothing_to_do,
    segments_are_counted_by_who_holds_them,
    what_nobody_may_claim_is_not_to_do,
}

async fn an_empty_store_has_nothing_to_do(db: TestDatabase) {
    assert_eq!(db.store.depths().await.unwrap(), Depths::default());
}

async fn segments_are_counted_by_who_holds_them(db: TestDatabase) {
    create_with(&db.store, (0..5).map(segment).collect()).await;
    leased_and_expired(&db.store, "dead").await;
    for worker in ["w1", "w2"] {
        // Of two that can be had, the older goes first: the expired one is taken over.
        leased(&db.store, worker).await;
    }
    let depths = db.store.depths().await.unwrap();
    assert_eq!((depths.queued, depths.leased, depths.expired), (3, 2, 0));
    leased_and_expired(&db.store, "dead too").await;
    let depths = db.store.depths().await.unwrap();
    assert_eq!((depths.queued, depths.leased, depths.expired), (2, 2, 1));
    assert_eq!(depths.sweeps, [(SweepStatus::Queued, 1)]);
}

async fn what_nobody_may_claim_is_not_to_do(db: TestDatabase) {
    let ended = create_with(&db.store, vec![segment(0)]).await;
    let status = Some(SweepStatus::Cancelled);
    append(&db.store, ended, Effects { status, ..Effects::default() }).await;
    let closed = create_with(&db.store, vec![segment(0)]).await;
    append(&db.store, closed, Effects { close: vec![SegmentId(0)], ..Effects::default() }).await;
    let depths = db.store.depths().await.unwrap();
    assert_eq!((depths.queued, depths.leased, depths.expired), (0, 0, 0));
    assert!(depths.oldest.is_zero());
    assert_eq!(depths.sweeps, [(SweepStatus::Cancelled, 1), (SweepStatus::Queued, 1)]);
}
