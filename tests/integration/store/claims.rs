//! Which segment a worker gets.

use super::fixture::{
    HOUR, append, claim, create, create_with, delete, leased, leased_and_expired, new_sweep,
    segment, segment_of,
};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge::{
    scheduler::SweepStatus,
    store::{Claim, DynStore, Effects, NewSweep},
};
use floodgauge_protocol::{FamilyIx, SegmentId, SweepId};
use std::collections::{BTreeMap, BTreeSet};

on_both_databases! {
    workers_that_claim_at_once_get_different_segments,
    a_higher_priority_goes_first,
    sweeps_of_one_priority_share_the_workers,
    a_long_sweep_does_not_starve_a_short_one,
    an_expired_lease_is_no_reason_to_wait,
    the_oldest_segment_goes_first,
    a_requeued_segment_keeps_its_place,
    only_queued_and_running_sweeps_are_worked_on,
    a_sweep_that_goes_on_after_a_pause_has_its_turn,
    a_sweep_that_is_gone_is_no_turn_of_anybodys,
    what_a_server_wrote_that_knew_no_queue_is_found_once_the_queue_is_put_right,
    the_first_claim_pins_its_family_to_a_fingerprint,
    of_fingerprints_that_race_for_a_family_one_stays,
}

async fn workers_that_claim_at_once_get_different_segments(db: TestDatabase) {
    create_with(&db.store, (0..10).map(segment).collect()).await;
    let other_server = db.open_again().await;
    let workers: Vec<_> = (0..16)
        .map(|worker| {
            let store = if worker % 2 == 0 { &db.store } else { &other_server }.clone();
            let claim = claim(&format!("w{worker}"), HOUR);
            tokio::spawn(async move { store.claim(claim).await.unwrap() })
        })
        .collect();
    let mut segments = Vec::new();
    for worker in workers {
        segments.extend(worker.await.unwrap().map(|leased| leased.segment.segment));
    }
    segments.sort_unstable();
    assert_eq!(segments, (0..10).map(SegmentId).collect::<Vec<_>>());
}

async fn a_higher_priority_goes_first(db: TestDatabase) {
    let mut sweeps = Vec::new();
    for priority in [0, 5, -5] {
        let effects = Effects { enqueue: vec![segment(0), segment(1)], ..Effects::default() };
        let new = NewSweep { priority, effects, ..new_sweep("digits") };
        sweeps.push(create(&db.store, new).await);
    }
    let order = claim_all(&db.store).await;
    let [normal, urgent, idle] = sweeps[..] else { unreachable!() };
    assert_eq!(order, [urgent, urgent, normal, normal, idle, idle]);
}

async fn sweeps_of_one_priority_share_the_workers(db: TestDatabase) {
    let first = create_with(&db.store, (0..4).map(segment).collect()).await;
    let second = create_with(&db.store, (0..2).map(segment).collect()).await;
    let order = claim_all(&db.store).await;
    assert_eq!(order, [first, second, first, second, first, first]);
}

/// One worker, which finishes each segment before it claims the next, as the long sweep queues more.
async fn a_long_sweep_does_not_starve_a_short_one(db: TestDatabase) {
    let long = create_with(&db.store, (0..20).map(segment).collect()).await;
    let work = async || {
        let leased = leased(&db.store, "w").await;
        let close = vec![leased.segment.segment];
        append(&db.store, leased.sweep, Effects { close, ..Effects::default() }).await;
        leased.sweep
    };
    for _ in 0..3 {
        assert_eq!(work().await, long);
    }
    let short = create_with(&db.store, (0..4).map(segment).collect()).await;
    let urgent = NewSweep {
        priority: 1,
        effects: Effects { enqueue: vec![segment(0)], ..Effects::default() },
        ..new_sweep("urgent")
    };
    let urgent = create(&db.store, urgent).await;
    let mut order = Vec::new();
    for _ in 0..10 {
        order.push(work().await);
    }
    assert_eq!(order, [urgent, short, long, short, long, short, long, short, long, long]);
}

async fn an_expired_lease_is_no_reason_to_wait(db: TestDatabase) {
    let first = create_with(&db.store, vec![segment(0), segment(1)]).await;
    let second = create_with(&db.store, vec![segment(0)]).await;
    assert_eq!(leased_and_expired(&db.store, "w1").await.sweep, first);
    // Neither has a live lease, so it's the other's turn.
    assert_eq!(leased(&db.store, "w2").await.sweep, second);
    let next = leased(&db.store, "w3").await;
    assert_eq!((next.sweep, next.took_over), (first, true));
}

async fn the_oldest_segment_goes_first(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(1), segment(0)]).await;
    append(&db.store, sweep, Effects { enqueue: vec![segment(2)], ..Effects::default() }).await;
    let mut order = Vec::new();
    for _ in 0..3 {
        order.push(leased(&db.store, "w").await.segment.segment);
    }
    assert_eq!(order, [SegmentId(0), SegmentId(1), SegmentId(2)]);
}

async fn a_requeued_segment_keeps_its_place(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0), segment(1)]).await;
    leased(&db.store, "w1").await;
    let requeue = Effects { requeue: vec![SegmentId(0)], ..Effects::default() };
    append(&db.store, sweep, requeue).await;
    assert_eq!(leased(&db.store, "w2").await.segment, segment(0));
}

async fn only_queued_and_running_sweeps_are_worked_on(db: TestDatabase) {
    use SweepStatus::{Cancelled, Completed, Failed, Paused, Queued, Running};
    for status in [Paused, Completed, Failed, Cancelled] {
        let sweep = create_with(&db.store, vec![segment(0)]).await;
        append(&db.store, sweep, Effects { status: Some(status), ..Effects::default() }).await;
        assert_eq!(db.store.sweep(sweep).await.unwrap().unwrap().status, status);
        assert_eq!(db.store.claim(claim("w", HOUR)).await.unwrap(), None, "{status:?}");
    }
    for status in [Queued, Running] {
        let sweep = create_with(&db.store, vec![segment(0)]).await;
        append(&db.store, sweep, Effects { status: Some(status), ..Effects::default() }).await;
        assert_eq!(leased(&db.store, "w").await.sweep, sweep);
        let after = db.store.sweep(sweep).await.unwrap().unwrap().status;
        assert_eq!(after, status, "a claim alone changes no status");
    }
}

async fn a_sweep_that_goes_on_after_a_pause_has_its_turn(db: TestDatabase) {
    let first = create_with(&db.store, (0..2).map(segment).collect()).await;
    let second = create_with(&db.store, (0..2).map(segment).collect()).await;
    let status = |status| Effects { status: Some(status), ..Effects::default() };
    assert_eq!(leased_and_expired(&db.store, "w").await.sweep, first);
    append(&db.store, first, status(SweepStatus::Paused)).await;
    assert_eq!(leased_and_expired(&db.store, "w").await.sweep, second);
    assert_eq!(leased_and_expired(&db.store, "w").await.sweep, second, "the other one rests");
    append(&db.store, first, status(SweepStatus::Running)).await;
    assert_eq!(leased_and_expired(&db.store, "w").await.sweep, first);
    assert_eq!(leased_and_expired(&db.store, "w").await.sweep, second);
}

async fn a_sweep_that_is_gone_is_no_turn_of_anybodys(db: TestDatabase) {
    let gone = create_with(&db.store, vec![segment(0)]).await;
    let over = create_with(&db.store, vec![segment(0)]).await;
    let stays = create_with(&db.store, vec![segment(0)]).await;
    delete(&db.store, gone).await;
    append(&db.store, over, Effects { close_all: true, ..Effects::default() }).await;
    assert_eq!(claim_all(&db.store).await, [stays]);
}

async fn what_a_server_wrote_that_knew_no_queue_is_found_once_the_queue_is_put_right(
    db: TestDatabase,
) {
    let queued = create_with(&db.store, vec![segment(0)]).await;
    let over = create_with(&db.store, vec![segment(0)]).await;
    // As such a server leaves them: it queues and ends work elsewhere alone.
    db.execute(&format!("delete from queue where sweep = '{queued}'")).await;
    db.execute(&format!("update segments set state = 'closed' where sweep = '{over}'")).await;
    assert_eq!(db.store.claim(claim("w", HOUR)).await.unwrap(), None);
    db.store.rebuild_queue().await.unwrap();
    assert_eq!(claim_all(&db.store).await, [queued]);
    assert_eq!(db.count("queue").await, 1, "the other one is out of it");
}

async fn the_first_claim_pins_its_family_to_a_fingerprint(db: TestDatabase) {
    let segments = vec![segment_of(0, 0), segment_of(1, 0), segment_of(2, 1)];
    let sweep = create_with(&db.store, segments).await;
    let of = |fingerprint: &str| Claim { fingerprint: fingerprint.into(), ..claim("w", HOUR) };
    let family = |leased: Option<floodgauge::store::LeasedSegment>| {
        leased.map(|leased| leased.segment.family)
    };
    assert_eq!(family(db.store.claim(of("avx2")).await.unwrap()), Some(FamilyIx(0)));
    assert_eq!(family(db.store.claim(of("neon")).await.unwrap()), Some(FamilyIx(1)));
    assert_eq!(family(db.store.claim(of("neon")).await.unwrap()), None);
    assert_eq!(family(db.store.claim(of("avx2")).await.unwrap()), Some(FamilyIx(0)));
    // Not even a lost segment goes to another kind of machine.
    let requeue = Effects { requeue: vec![SegmentId(0)], ..Effects::default() };
    append(&db.store, sweep, requeue).await;
    assert_eq!(family(db.store.claim(of("neon")).await.unwrap()), None);
    assert_eq!(family(db.store.claim(of("avx2")).await.unwrap()), Some(FamilyIx(0)));
}

async fn of_fingerprints_that_race_for_a_family_one_stays(db: TestDatabase) {
    let segments = (0..24).map(|ix| segment_of(ix, u16::try_from(ix / 4).unwrap()));
    create_with(&db.store, segments.collect()).await;
    let workers: Vec<_> =
        (0..8).map(|worker| tokio::spawn(claim_all_as(db.store.clone(), worker % 4))).collect();
    let mut won = Vec::new();
    for worker in workers {
        won.extend(worker.await.unwrap());
    }
    // A claim passes over a segment that another is just about to take, even if that one then
    // leaves it since its family is another machine's. The next claim gets it.
    for machine in 0..4 {
        won.extend(claim_all_as(db.store.clone(), machine).await);
    }
    let claimed = won.len();
    let mut pins = BTreeMap::<FamilyIx, BTreeSet<String>>::new();
    for (family, fingerprint) in won {
        pins.entry(family).or_default().insert(fingerprint);
    }
    assert!(pins.values().all(|fingerprints| fingerprints.len() == 1), "{pins:?}");
    assert_eq!((pins.len(), claimed), (6, 24));
}

/// The sweeps in whose order segments are given out, until there are none.
async fn claim_all(store: &DynStore) -> Vec<SweepId> {
    let mut order = Vec::new();
    while let Some(leased) = store.claim(claim("w", HOUR)).await.unwrap() {
        order.push(leased.sweep);
    }
    order
}

/// The families of all that a machine's worker gets, with its fingerprint.
async fn claim_all_as(store: DynStore, machine: u32) -> Vec<(FamilyIx, String)> {
    let fingerprint = format!("machine {machine}");
    let of = || Claim { fingerprint: fingerprint.clone(), ..claim("w", HOUR) };
    let mut won = Vec::new();
    while let Some(leased) = store.claim(of()).await.unwrap() {
        won.push((leased.segment.family, fingerprint.clone()));
    }
    won
}
