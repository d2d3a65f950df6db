//! One segment's leases: taken, renewed, lost, ended.

use super::fixture::{
    HOUR, append, append_under, claim, create_with, guard, leased, leased_and_expired, segment,
};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge::{
    scheduler::SweepStatus,
    store::{Claim, Effects, ExpiredLease, Expiry, LeaseGuard, LeasedSegment, StoreError},
};
use floodgauge_protocol::{LeaseId, SegmentId};
use std::time::Duration;
use uuid::Uuid;

on_both_databases! {
    a_claim_leases_a_segment_to_one_worker,
    an_expired_lease_is_taken_over_with_another_attempt,
    a_writer_whose_lease_was_taken_over_is_refused,
    a_late_lease_that_nobody_took_over_still_counts,
    a_renewed_lease_is_not_taken_over,
    a_commit_renews_its_lease_if_asked_to_and_a_look_does_not,
    a_lease_answers_to_its_token_alone,
    a_requeued_segment_is_claimed_anew_and_its_old_lease_is_lost,
    a_closed_segment_is_never_claimed_again,
    a_guard_counts_for_its_own_sweep_and_attempt_alone,
    a_segment_that_is_held_back_is_given_to_nobody_until_its_time_is_over,
    expired_leases_are_listed_until_they_are_taken_over,
    what_asks_for_an_expired_lease_loses_to_the_worker_that_renews_it,
}

/// Lets the time be over of what is held back.
const TIME_IS_OVER: &str = "update segments set expires_ms = 0 where state = 'queued'";

async fn a_segment_that_is_held_back_is_given_to_nobody_until_its_time_is_over(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0), segment(1)]).await;
    let first = leased(&db.store, "w1").await;
    let back = Effects { requeue: vec![SegmentId(0)], backoff: HOUR, ..Effects::default() };
    append_under(&db.store, sweep, guard(&first), back).await.unwrap();
    assert_lost(db.store.renew(first.lease, "secret of w1", HOUR).await);
    assert_eq!(leased(&db.store, "w2").await.segment, segment(1), "the other one is there");
    assert_eq!(db.store.claim(claim("w3", HOUR)).await.unwrap(), None);
    let open = db.store.open_work(sweep).await.unwrap();
    let held_back: Vec<_> = open.iter().map(|work| work.held_back_for).collect();
    assert!(held_back[0].is_some_and(|time| time > HOUR / 2 && time <= HOUR), "{held_back:?}");
    assert_eq!(held_back[1], None, "it is held");
    assert_eq!(db.store.depths().await.unwrap().queued, 1, "it is still to be done");
    assert_eq!(
        db.store.cut_leases(HOUR).await.unwrap(),
        0,
        "it is held back no longer than it should be"
    );
    db.execute(TIME_IS_OVER).await;
    let again = leased(&db.store, "w3").await;
    assert_eq!((&again.segment, again.attempt, again.took_over), (&segment(0), 2, false));
    let back = Effects { requeue: vec![SegmentId(0)], ..Effects::default() };
    append_under(&db.store, sweep, guard(&again), back).await.unwrap();
    assert_eq!(leased(&db.store, "w4").await.segment, segment(0), "without a backoff at once");
}

async fn expired_leases_are_listed_until_they_are_taken_over(db: TestDatabase) {
    let sweep = create_with(&db.store, (0..3).map(segment).collect()).await;
    let [first, second] =
        [leased(&db.store, "w1").await, leased_and_expired(&db.store, "w2").await];
    assert_eq!((&first.segment, &second.segment), (&segment(0), &segment(1)));
    let expired = async |after| db.store.expired_leases(after).await.unwrap();
    let told = ExpiredLease {
        sweep,
        segment: SegmentId(1),
        lease: second.lease,
        attempt: 1,
        worker: "w2".into(),
    };
    assert_eq!(expired(None).await, std::slice::from_ref(&told));
    assert_eq!(expired(Some((sweep, SegmentId(1)))).await, []);
    let open = db.store.open_work(sweep).await.unwrap();
    let of: Vec<_> = open.iter().map(|work| (work.is_held, work.expired_of.as_deref())).collect();
    assert_eq!(of, [(true, None), (false, Some("w2")), (false, None)]);
    // Of a sweep that is paused or has ended nothing waits.
    for status in [SweepStatus::Paused, SweepStatus::Running] {
        append(&db.store, sweep, Effects { status: Some(status), ..Effects::default() }).await;
        let count = usize::from(status == SweepStatus::Running);
        assert_eq!(expired(None).await.len(), count, "{status:?}");
    }
    assert!(leased(&db.store, "w3").await.took_over);
    assert_eq!(expired(None).await, []);
}

async fn a_claim_leases_a_segment_to_one_worker(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let claim = claim("w1", HOUR);
    let expected = LeasedSegment {
        sweep,
        segment: segment(0),
        lease: claim.lease,
        attempt: 1,
        worker: "w1".into(),
        took_over: false,
        traceparent: None,
    };
    assert_eq!(db.store.claim(claim).await.unwrap(), Some(expected));
    assert_eq!(db.store.claim(super::fixture::claim("w2", HOUR)).await.unwrap(), None);
}

async fn an_expired_lease_is_taken_over_with_another_attempt(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    leased_and_expired(&db.store, "w1").await;
    let second = leased(&db.store, "w2").await;
    assert_eq!((second.sweep, second.attempt, second.took_over), (sweep, 2, true));
    assert_eq!((second.segment, second.worker.as_str()), (segment(0), "w2"));
}

async fn a_writer_whose_lease_was_taken_over_is_refused(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let first = leased_and_expired(&db.store, "w1").await;
    let second = leased(&db.store, "w2").await;
    assert_lost(append_under(&db.store, sweep, guard(&first), Effects::default()).await);
    assert_lost(db.store.renew(first.lease, "secret of w1", HOUR).await);
    let entry = append_under(&db.store, sweep, guard(&second), Effects::default()).await;
    assert_eq!(entry.unwrap().seq, 2);
}

async fn a_late_lease_that_nobody_took_over_still_counts(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let late = leased_and_expired(&db.store, "w1").await;
    append_under(&db.store, sweep, guard(&late), Effects::default()).await.unwrap();
    let renewed = db.store.renew(late.lease, "secret of w1", HOUR).await.unwrap();
    assert_eq!(renewed, late);
}

async fn a_renewed_lease_is_not_taken_over(db: TestDatabase) {
    create_with(&db.store, vec![segment(0)]).await;
    let first = leased_and_expired(&db.store, "w1").await;
    db.store.renew(first.lease, "secret of w1", HOUR).await.unwrap();
    assert_eq!(db.store.claim(claim("w2", HOUR)).await.unwrap(), None);
    db.store.renew(first.lease, "secret of w1", Duration::ZERO).await.unwrap();
    assert!(leased(&db.store, "w2").await.took_over);
}

async fn a_commit_renews_its_lease_if_asked_to_and_a_look_does_not(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let first = leased_and_expired(&db.store, "w1").await;
    let renewing = guard(&first).map(|guard| LeaseGuard { expiry: Expiry::Renewed(HOUR), ..guard });
    append_under(&db.store, sweep, renewing, Effects::default()).await.unwrap();
    assert_eq!(db.store.claim(claim("w2", HOUR)).await.unwrap(), None);
    let ending =
        guard(&first).map(|guard| LeaseGuard { expiry: Expiry::Renewed(Duration::ZERO), ..guard });
    append_under(&db.store, sweep, ending, Effects::default()).await.unwrap();
    assert_eq!(db.store.held(first.lease, "secret of w1").await.unwrap(), first);
    assert_lost(db.store.held(first.lease, "secret of w2").await);
    assert!(leased(&db.store, "w2").await.took_over);
    assert_lost(append_under(&db.store, sweep, renewing, Effects::default()).await);
    assert_lost(db.store.held(first.lease, "secret of w1").await);
}

async fn what_asks_for_an_expired_lease_loses_to_the_worker_that_renews_it(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let late = leased_and_expired(&db.store, "w1").await;
    let past = guard(&late).map(|guard| LeaseGuard { expiry: Expiry::Past, ..guard });
    append_under(&db.store, sweep, past, Effects::default()).await.unwrap();
    db.store.renew(late.lease, "secret of w1", HOUR).await.unwrap();
    assert_lost(append_under(&db.store, sweep, past, Effects::default()).await);
    assert_eq!(db.store.sweep(sweep).await.unwrap().unwrap().head_seq, 2, "nothing is written");
    db.store.renew(late.lease, "secret of w1", Duration::ZERO).await.unwrap();
    append_under(&db.store, sweep, past, Effects::default()).await.unwrap();
}

async fn a_lease_answers_to_its_token_alone(db: TestDatabase) {
    create_with(&db.store, vec![segment(0)]).await;
    let lease = leased(&db.store, "w1").await.lease;
    assert_lost(db.store.renew(lease, "secret of w2", HOUR).await);
    assert_lost(db.store.renew(lease, "", HOUR).await);
    assert_lost(db.store.renew(LeaseId(Uuid::new_v4()), "secret of w1", HOUR).await);
    // Longer than any database counts: as good as for ever.
    db.store.renew(lease, "secret of w1", Duration::MAX).await.unwrap();
}

async fn a_requeued_segment_is_claimed_anew_and_its_old_lease_is_lost(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let first = leased(&db.store, "w1").await;
    let requeue = Effects { requeue: vec![SegmentId(0)], ..Effects::default() };
    append_under(&db.store, sweep, guard(&first), requeue).await.unwrap();
    assert_lost(db.store.renew(first.lease, "secret of w1", HOUR).await);
    assert_lost(append_under(&db.store, sweep, guard(&first), Effects::default()).await);
    let second = leased(&db.store, "w2").await;
    assert_eq!((second.attempt, second.took_over), (2, false));
}

async fn a_closed_segment_is_never_claimed_again(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0), segment(1)]).await;
    let first = leased_and_expired(&db.store, "w1").await;
    let close = Effects { close: vec![SegmentId(0), SegmentId(1)], ..Effects::default() };
    append(&db.store, sweep, close).await;
    assert_lost(append_under(&db.store, sweep, guard(&first), Effects::default()).await);
    let requeue = Effects { requeue: vec![SegmentId(0)], ..Effects::default() };
    append(&db.store, sweep, requeue).await;
    assert_eq!(db.store.claim(claim("w2", HOUR)).await.unwrap(), None);
}

async fn a_guard_counts_for_its_own_sweep_and_attempt_alone(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let held = leased(&db.store, "w1").await;
    let stale = LeaseGuard { lease: held.lease, attempt: held.attempt + 1, expiry: Expiry::Any };
    assert_lost(append_under(&db.store, sweep, Some(stale), Effects::default()).await);
    let other = create_with(&db.store, vec![]).await;
    assert_lost(append_under(&db.store, other, guard(&held), Effects::default()).await);
    // A claim that names a lease that there is already is a caller's mistake, never a takeover.
    create_with(&db.store, vec![segment(0)]).await;
    let again = Claim { lease: held.lease, ..claim("w2", HOUR) };
    assert!(matches!(db.store.claim(again).await, Err(StoreError::Database(_))));
    append_under(&db.store, sweep, guard(&held), Effects::default()).await.unwrap();
}

fn assert_lost<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::LeaseLost)), "{result:?}");
}
