//! Which blobs are kept, and that no kept one is lost.

use super::fixture::{
    HOUR, append, append_under, create_with, delete, guard, leased, leased_and_expired, segment,
    trial_at,
};
use crate::support::{TestDatabase, on_both_databases};
use bytes::Bytes;
use floodgauge::{
    blobs::{BlobError, Blobs},
    scheduler::SweepStatus,
    store::{BlobRow, DynStore, Effects, StoreError, TrialUpdate},
};
use floodgauge_protocol::{Digest, LeaseId, SegmentId};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;
use uuid::Uuid;

on_both_databases! {
    a_blob_lives_from_its_upload_to_the_trial_that_leaves_it,
    what_a_trial_keeps_beside_its_newest_checkpoint_lives_until_it_is_left,
    a_blob_goes_when_its_lease_ends_without_a_commit,
    a_blob_of_an_ended_sweep_goes_when_the_lease_expires,
    a_blob_that_two_leases_uploaded_is_held_by_either,
    a_blob_goes_with_its_sweep,
    a_blob_without_a_lease_is_refused,
    a_referenced_blob_is_never_forgotten,
    a_trial_refers_only_to_what_its_lease_or_its_sweep_keeps,
    whoever_adds_a_blob_while_it_is_deleted_waits,
    an_object_that_was_put_too_late_is_deleted_unless_something_keeps_it,
    a_commit_under_a_lease_that_lost_its_blob_is_refused,
    a_blob_whose_deletion_failed_is_collected_later,
    a_collection_deletes_what_nothing_refers_to,
    an_upload_of_other_bytes_is_not_recorded,
}

const BLOB: BlobRow = BlobRow { digest: Digest([7; 32]), size: 1_000 };

async fn a_blob_lives_from_its_upload_to_the_trial_that_leaves_it(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    // Late, but nobody took it over.
    let lease = leased_and_expired(&db.store, "w").await;
    db.store.add_blob(lease.lease, BLOB).await.unwrap();
    db.store.add_blob(lease.lease, BLOB).await.unwrap();
    assert_eq!(unreferenced(&db.store).await, []);
    let finish = Effects {
        close: vec![SegmentId(0)],
        trials: vec![trial_at(0, Some(BLOB.digest)), trial_at(1, Some(BLOB.digest))],
        ..Effects::default()
    };
    append_under(&db.store, sweep, guard(&lease), finish).await.unwrap();
    assert_eq!(unreferenced(&db.store).await, []);
    let leave = |arm| Effects { trials: vec![trial_at(arm, None)], ..Effects::default() };
    append(&db.store, sweep, leave(0)).await;
    assert_eq!(unreferenced(&db.store).await, [], "the other trial still refers to it");
    append(&db.store, sweep, leave(1)).await;
    assert_eq!(unreferenced(&db.store).await, [BLOB.digest]);
    assert!(forget(&db.store).await);
    assert!(!forget(&db.store).await);
    assert_eq!(unreferenced(&db.store).await, []);
}

async fn what_a_trial_keeps_beside_its_newest_checkpoint_lives_until_it_is_left(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let lease = leased(&db.store, "w").await;
    let keeps = |arm, kept: &[u8]| {
        let kept = kept.iter().map(|&byte| Digest([byte; 32])).collect();
        let trial = TrialUpdate { kept: Some(kept), ..trial_at(arm, None) };
        Effects { trials: vec![trial], ..Effects::default() }
    };
    let refused = append_under(&db.store, sweep, guard(&lease), keeps(0, &[7])).await;
    assert!(matches!(refused, Err(StoreError::NotHeld(_))), "nobody uploaded it");
    for byte in [7, 8] {
        let blob = BlobRow { digest: Digest([byte; 32]), size: 10 };
        db.store.add_blob(lease.lease, blob).await.unwrap();
    }
    let finish = Effects { close: vec![SegmentId(0)], ..keeps(0, &[7, 8]) };
    append_under(&db.store, sweep, guard(&lease), finish).await.unwrap();
    assert_eq!(unreferenced(&db.store).await, []);
    append(&db.store, sweep, keeps(1, &[8])).await;
    append(&db.store, sweep, keeps(0, &[])).await;
    assert_eq!(unreferenced(&db.store).await, [Digest([7; 32])], "another trial keeps the other");
    let said_nothing = Effects { trials: vec![trial_at(1, None)], ..Effects::default() };
    append(&db.store, sweep, said_nothing).await;
    assert_eq!(unreferenced(&db.store).await, [Digest([7; 32])]);
    append(
        &db.store,
        sweep,
        Effects { status: Some(SweepStatus::Completed), ..Effects::default() },
    )
    .await;
    delete(&db.store, sweep).await;
    assert_eq!(unreferenced(&db.store).await, [7, 8].map(|byte| Digest([byte; 32])));
}

async fn a_blob_goes_when_its_lease_ends_without_a_commit(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let requeue = Effects { requeue: vec![SegmentId(0)], ..Effects::default() };
    let close = Effects { close: vec![SegmentId(0)], ..Effects::default() };
    for end in [Some(requeue.clone()), None, Some(close)] {
        let lease = leased_and_expired(&db.store, "w").await.lease;
        db.store.add_blob(lease, BLOB).await.unwrap();
        assert_eq!(unreferenced(&db.store).await, []);
        match end {
            Some(end) => drop(append(&db.store, sweep, end).await),
            None => assert!(leased_and_expired(&db.store, "w").await.took_over),
        }
        assert_eq!(unreferenced(&db.store).await, [BLOB.digest]);
    }
}

async fn a_blob_of_an_ended_sweep_goes_when_the_lease_expires(db: TestDatabase) {
    use SweepStatus::{Cancelled, Completed, Failed, Running};
    for status in [Cancelled, Completed, Failed] {
        let sweep = create_with(&db.store, vec![segment(0)]).await;
        let lease = leased_and_expired(&db.store, "w").await.lease;
        db.store.add_blob(lease, BLOB).await.unwrap();
        let now = |status| Effects { status: Some(status), ..Effects::default() };
        append(&db.store, sweep, now(Running)).await;
        assert_eq!(unreferenced(&db.store).await, [], "the worker may only be late");
        append(&db.store, sweep, now(status)).await;
        assert_eq!(unreferenced(&db.store).await, [BLOB.digest], "{status:?}");
        db.store.renew(lease, "secret of w", HOUR).await.unwrap();
        assert_eq!(unreferenced(&db.store).await, [], "the worker hands in what it has");
        delete(&db.store, sweep).await;
        assert!(forget(&db.store).await);
    }
}

async fn a_blob_that_two_leases_uploaded_is_held_by_either(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0), segment(1)]).await;
    for _ in 0..2 {
        let lease = leased(&db.store, "w").await.lease;
        db.store.add_blob(lease, BLOB).await.unwrap();
    }
    let close = |segment| Effects { close: vec![SegmentId(segment)], ..Effects::default() };
    append(&db.store, sweep, close(0)).await;
    assert_eq!(unreferenced(&db.store).await, []);
    append(&db.store, sweep, close(1)).await;
    assert_eq!(unreferenced(&db.store).await, [BLOB.digest]);
}

async fn a_blob_goes_with_its_sweep(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let lease = leased(&db.store, "w").await;
    db.store.add_blob(lease.lease, BLOB).await.unwrap();
    let other = BlobRow { digest: Digest([8; 32]), ..BLOB };
    db.store.add_blob(lease.lease, other).await.unwrap();
    let trials = vec![trial_at(0, Some(other.digest))];
    let effects = Effects { trials, ..Effects::default() };
    append_under(&db.store, sweep, guard(&lease), effects).await.unwrap();
    delete(&db.store, sweep).await;
    assert_eq!(unreferenced(&db.store).await, [BLOB.digest, other.digest]);
    assert_eq!(db.store.unreferenced_blobs(1).await.unwrap(), [BLOB.digest]);
}

async fn a_blob_without_a_lease_is_refused(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let lease = leased(&db.store, "w").await.lease;
    append(&db.store, sweep, Effects { close: vec![SegmentId(0)], ..Effects::default() }).await;
    for lease in [lease, LeaseId(Uuid::new_v4())] {
        let refused = db.store.add_blob(lease, BLOB).await;
        assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
    }
    assert_eq!(unreferenced(&db.store).await, []);
}

async fn a_referenced_blob_is_never_forgotten(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let lease = leased(&db.store, "w").await;
    assert!(!forget(&db.store).await, "there is none yet");
    db.store.add_blob(lease.lease, BLOB).await.unwrap();
    let delete = Box::pin(async { panic!("deleted a blob that is held") });
    assert!(!db.store.forget_blob(BLOB.digest, delete).await.unwrap());
    let finish = Effects {
        close: vec![SegmentId(0)],
        trials: vec![trial_at(0, Some(BLOB.digest))],
        ..Effects::default()
    };
    append_under(&db.store, sweep, guard(&lease), finish).await.unwrap();
    let delete = Box::pin(async { panic!("deleted a blob that a trial refers to") });
    assert!(!db.store.forget_blob(BLOB.digest, delete).await.unwrap());
}

async fn a_trial_refers_only_to_what_its_lease_or_its_sweep_keeps(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0), segment(1)]).await;
    let (mine, other) = (leased(&db.store, "w1").await, leased(&db.store, "w2").await);
    db.store.add_blob(other.lease, BLOB).await.unwrap();
    let refer =
        |arm| Effects { trials: vec![trial_at(arm, Some(BLOB.digest))], ..Effects::default() };
    for under in [None, guard(&mine)] {
        let refused = append_under(&db.store, sweep, under, refer(0)).await;
        assert!(
            matches!(refused, Err(StoreError::NotHeld(digest)) if digest == BLOB.digest),
            "{refused:?}"
        );
    }
    assert_eq!(db.store.trials(sweep).await.unwrap(), []);
    assert_eq!(db.store.sweep(sweep).await.unwrap().unwrap().head_seq, 1);
    append_under(&db.store, sweep, guard(&other), refer(0)).await.unwrap();
    // From now on a trial of the sweep keeps it.
    append_under(&db.store, sweep, guard(&mine), refer(1)).await.unwrap();
    append(&db.store, sweep, refer(2)).await;
    // Another sweep's trials may be deleted any time.
    let elsewhere = create_with(&db.store, vec![segment(0)]).await;
    let stranger = leased(&db.store, "w3").await;
    let refused = append_under(&db.store, elsewhere, guard(&stranger), refer(0)).await;
    assert!(
        matches!(refused, Err(StoreError::NotHeld(digest)) if digest == BLOB.digest),
        "{refused:?}"
    );
}

async fn whoever_adds_a_blob_while_it_is_deleted_waits(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0), segment(1)]).await;
    let first = leased(&db.store, "w1").await.lease;
    db.store.add_blob(first, BLOB).await.unwrap();
    append(&db.store, sweep, Effects { close: vec![SegmentId(0)], ..Effects::default() }).await;
    let second = leased(&db.store, "w2").await.lease;

    let order = Arc::new(Mutex::new(Vec::new()));
    let (deleting, is_deleting) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel();
    let collector = tokio::spawn({
        let (store, order) = (db.store.clone(), order.clone());
        async move {
            let delete = Box::pin(async move {
                deleting.send(()).unwrap();
                may_go_on.await.unwrap();
                order.lock().unwrap().push("deleted");
                Ok(())
            });
            store.forget_blob(BLOB.digest, delete).await.unwrap()
        }
    });
    is_deleting.await.unwrap();
    let uploader = tokio::spawn({
        let (store, order) = (db.open_again().await, order.clone());
        async move {
            store.add_blob(second, BLOB).await.unwrap();
            order.lock().unwrap().push("added");
        }
    });
    // Reads don't wait; they give the uploader time to overtake, if it could.
    for _ in 0..20 {
        db.store.ping().await.unwrap();
    }
    go_on.send(()).unwrap();
    assert!(collector.await.unwrap());
    uploader.await.unwrap();
    assert_eq!(*order.lock().unwrap(), ["deleted", "added"]);
    assert!(!forget(&db.store).await, "the second lease holds it");
    append(&db.store, sweep, Effects { close: vec![SegmentId(1)], ..Effects::default() }).await;
    assert!(forget(&db.store).await, "it was recorded anew");
}

async fn an_object_that_was_put_too_late_is_deleted_unless_something_keeps_it(db: TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let sweep = create_with(&db.store, vec![segment(0), segment(1)]).await;
    let (digest, bytes) = blob(b"late");
    let row = BlobRow { digest, size: bytes.len() as u64 };
    let confirm = |lease| db.store.confirm_hold(lease, row, Box::pin(blobs.delete(digest)));
    let close = |segment| Effects { close: vec![SegmentId(segment)], ..Effects::default() };

    let late = leased(&db.store, "w1").await;
    db.store.add_blob(late.lease, row).await.unwrap();
    confirm(late.lease).await.unwrap();
    append(&db.store, sweep, close(0)).await;
    assert_eq!(blobs.collect(&*db.store).await.unwrap(), 1);
    // Only now comes its object.
    blobs.put(digest, bytes.clone()).await.unwrap();
    let lost = confirm(late.lease).await;
    assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
    assert_eq!(blobs.get(digest).await.unwrap(), None);
    assert_eq!(unreferenced(&db.store).await, [], "no row came back");

    let other = leased(&db.store, "w2").await;
    blobs.upload(&*db.store, other.lease, digest, bytes.clone()).await.unwrap();
    let lost = confirm(late.lease).await;
    assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
    assert_eq!(blobs.get(digest).await.unwrap(), Some(bytes), "the other lease holds it");
}

async fn a_commit_under_a_lease_that_lost_its_blob_is_refused(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let late = leased_and_expired(&db.store, "w").await;
    db.store.add_blob(late.lease, BLOB).await.unwrap();
    let cancelled = Effects { status: Some(SweepStatus::Cancelled), ..Effects::default() };
    append(&db.store, sweep, cancelled).await;
    assert!(forget(&db.store).await);
    let trials = vec![trial_at(0, Some(BLOB.digest))];
    let finish = Effects { close: vec![SegmentId(0)], trials, ..Effects::default() };
    let refused = append_under(&db.store, sweep, guard(&late), finish).await;
    assert!(matches!(refused, Err(StoreError::NotHeld(_))), "{refused:?}");
}

async fn a_blob_whose_deletion_failed_is_collected_later(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let lease = leased(&db.store, "w").await.lease;
    db.store.add_blob(lease, BLOB).await.unwrap();
    append(&db.store, sweep, Effects { close: vec![SegmentId(0)], ..Effects::default() }).await;
    let fails = Box::pin(async {
        Err(object_store::Error::NotImplemented {
            operation: "delete".into(),
            implementer: "this test".into(),
        })
    });
    let failed = db.store.forget_blob(BLOB.digest, fails).await;
    assert!(matches!(failed, Err(StoreError::Object(_))), "{failed:?}");
    assert_eq!(unreferenced(&db.store).await, [BLOB.digest]);
    assert!(forget(&db.store).await);
}

async fn a_collection_deletes_what_nothing_refers_to(db: TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let sweep = create_with(&db.store, vec![segment(0), segment(1)]).await;
    let (kept, gone, held) = (blob(b"kept"), blob(b"gone"), blob(b"held"));
    let first = leased(&db.store, "w1").await;
    for (digest, bytes) in [&kept, &gone] {
        let new = blobs.upload(&*db.store, first.lease, *digest, bytes.clone()).await.unwrap();
        assert!(new);
    }
    let finish = Effects {
        close: vec![SegmentId(0)],
        trials: vec![trial_at(0, Some(kept.0))],
        ..Effects::default()
    };
    append_under(&db.store, sweep, guard(&first), finish).await.unwrap();
    let second = leased(&db.store, "w2").await;
    blobs.upload(&*db.store, second.lease, held.0, held.1.clone()).await.unwrap();

    assert_eq!(blobs.collect(&*db.store).await.unwrap(), 1);
    assert_eq!(blobs.collect(&*db.store).await.unwrap(), 0);
    assert_eq!(blobs.get(kept.0).await.unwrap(), Some(kept.1));
    assert_eq!(blobs.get(held.0).await.unwrap(), Some(held.1));
    assert_eq!(blobs.get(gone.0).await.unwrap(), None);
    // What is gone can be uploaded again.
    let new = blobs.upload(&*db.store, second.lease, gone.0, gone.1.clone()).await.unwrap();
    assert!(new);
    assert_eq!(blobs.get(gone.0).await.unwrap(), Some(gone.1));
}

async fn an_upload_of_other_bytes_is_not_recorded(db: TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let lease = leased(&db.store, "w").await.lease;
    let other = Bytes::from_static(b"other");
    let refused = blobs.upload(&*db.store, lease, BLOB.digest, other).await;
    assert!(matches!(refused, Err(BlobError::Mismatch { .. })), "{refused:?}");
    delete(&db.store, sweep).await;
    assert_eq!(unreferenced(&db.store).await, []);
    let (digest, bytes) = blob(b"late");
    let refused = blobs.upload(&*db.store, lease, digest, bytes).await;
    assert!(matches!(refused, Err(BlobError::Store(StoreError::LeaseLost))), "{refused:?}");
    assert_eq!(blobs.get(digest).await.unwrap(), None);
    let renewed = db.store.renew(lease, "secret of w", HOUR).await;
    assert!(renewed.is_err());
}

fn blob(bytes: &'static [u8]) -> (Digest, Bytes) {
    (Digest(Sha256::digest(bytes).into()), Bytes::from_static(bytes))
}

async fn unreferenced(store: &DynStore) -> Vec<Digest> {
    store.unreferenced_blobs(100).await.unwrap()
}

/// Forgets the blob, whose object is nowhere.
async fn forget(store: &DynStore) -> bool {
    store.forget_blob(BLOB.digest, Box::pin(async { Ok(()) })).await.unwrap()
}
