//! What of ended sweeps is kept no longer.

use super::fixture::{
    append, append_under, claim, commit, create, create_with, first_row, guard, leased,
    leased_and_expired, new_sweep, segment, trial_at,
};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge::{
    scheduler::SweepStatus,
    store::{BlobRow, Claim, Commit, DeletedSweep, DynStore, Effects, StoreError},
};
use floodgauge_protocol::{Digest, SweepId};
use serde_json::json;
use std::time::Duration;

on_both_databases! {
    checkpoints_of_ended_sweeps_go_and_those_of_others_stay,
    what_ended_a_short_while_ago_keeps_its_checkpoints,
    a_sweep_whose_work_may_yet_be_handed_in_keeps_its_checkpoints,
    ended_sweeps_are_named_oldest_first,
    a_sweep_without_its_checkpoints_is_not_extended,
    a_sweep_that_is_being_extended_keeps_its_checkpoints,
    a_sweep_that_goes_on_is_not_deleted_and_keeps_its_machine,
    a_sweep_that_was_extended_after_it_was_named_as_old_stays,
    a_sweep_is_extended_or_deleted_and_never_both,
}

async fn end(store: &DynStore, sweep: SweepId, status: SweepStatus) {
    append(store, sweep, Effects { status: Some(status), ..Effects::default() }).await;
}

/// A sweep with one trial that has a checkpoint.
async fn with_checkpoint(store: &DynStore, checkpoint: u8) -> SweepId {
    let sweep = create_with(store, vec![segment(0)]).await;
    let work = leased(store, "w").await;
    assert_eq!(work.sweep, sweep);
    let blob = BlobRow { digest: Digest([checkpoint; 32]), size: 1 };
    store.add_blob(work.lease, blob).await.unwrap();
    let kept = Some([blob.digest].into());
    let trials = vec![floodgauge::store::TrialUpdate { kept, ..trial_at(0, Some(blob.digest)) }];
    let close = vec![work.segment.segment];
    let effects = Effects { trials, close, ..Effects::default() };
    append_under(store, sweep, guard(&work), effects).await.unwrap();
    sweep
}

async fn checkpoints_of_ended_sweeps_go_and_those_of_others_stay(db: TestDatabase) {
    let ended = with_checkpoint(&db.store, 1).await;
    let running = with_checkpoint(&db.store, 2).await;
    end(&db.store, ended, SweepStatus::Completed).await;
    assert_eq!(db.store.drop_checkpoints(Duration::ZERO, 10).await.unwrap(), [ended]);
    assert_eq!(db.store.drop_checkpoints(Duration::ZERO, 10).await.unwrap(), [], "once");
    assert_eq!(db.store.unreferenced_blobs(10).await.unwrap(), [Digest([1; 32])]);
    let dropped = async |sweep| {
        let row = db.store.sweep(sweep).await.unwrap().unwrap();
        let trials = db.store.trials(sweep).await.unwrap();
        (row.checkpoints_dropped, trials[0].checkpoint)
    };
    assert_eq!(dropped(ended).await, (true, None));
    assert_eq!(dropped(running).await, (false, Some(Digest([2; 32]))));
}

async fn what_ended_a_short_while_ago_keeps_its_checkpoints(db: TestDatabase) {
    let ended = with_checkpoint(&db.store, 1).await;
    end(&db.store, ended, SweepStatus::Failed).await;
    assert_eq!(db.store.drop_checkpoints(Duration::from_secs(60), 10).await.unwrap(), []);
    assert_eq!(db.store.ended_before(Duration::from_secs(60), 10).await.unwrap(), []);
}

async fn a_sweep_whose_work_may_yet_be_handed_in_keeps_its_checkpoints(db: TestDatabase) {
    let held = create_with(&db.store, vec![segment(0)]).await;
    leased(&db.store, "slow").await;
    let given_up = create_with(&db.store, vec![segment(0)]).await;
    leased_and_expired(&db.store, "dead").await;
    for sweep in [held, given_up] {
        end(&db.store, sweep, SweepStatus::Cancelled).await;
    }
    assert_eq!(db.store.drop_checkpoints(Duration::ZERO, 10).await.unwrap(), [given_up]);
}

async fn ended_sweeps_are_named_oldest_first(db: TestDatabase) {
    let mut ended = Vec::new();
    for name in ["a", "b", "c"] {
        let sweep = create(&db.store, new_sweep(name)).await;
        end(&db.store, sweep, SweepStatus::Completed).await;
        ended.push(sweep);
    }
    create(&db.store, new_sweep("queued")).await;
    assert_eq!(db.store.ended_before(Duration::ZERO, 10).await.unwrap(), ended);
    assert_eq!(db.store.ended_before(Duration::ZERO, 2).await.unwrap(), ended[..2]);
}

/// An entry that extends a sweep.
async fn extension(store: &DynStore, sweep: SweepId) -> Commit {
    let head = store.sweep(sweep).await.unwrap().unwrap().head_seq;
    let effects = Effects { status: Some(SweepStatus::Running), ..Effects::default() };
    Commit { event: json!({ "type": "extended" }), effects, ..commit(sweep, head + 1) }
}

async fn a_sweep_without_its_checkpoints_is_not_extended(db: TestDatabase) {
    let ended = with_checkpoint(&db.store, 1).await;
    end(&db.store, ended, SweepStatus::Completed).await;
    let extension = extension(&db.store, ended).await;
    assert_eq!(db.store.drop_checkpoints(Duration::ZERO, 10).await.unwrap(), [ended]);
    let refused = db.store.commit(extension).await;
    assert!(matches!(refused, Err(StoreError::CheckpointsDropped)), "{refused:?}");
    let row = db.store.sweep(ended).await.unwrap().unwrap();
    assert_eq!(row.status, SweepStatus::Completed);
}

/// Whichever of the two comes first, the other sees it: never both.
async fn a_sweep_that_is_being_extended_keeps_its_checkpoints(db: TestDatabase) {
    let other = db.open_again().await;
    for round in 0..20 {
        let ended = with_checkpoint(&db.store, round).await;
        end(&db.store, ended, SweepStatus::Completed).await;
        let extension = extension(&db.store, ended).await;
        let (extended, dropped) =
            tokio::join!(db.store.commit(extension), other.drop_checkpoints(Duration::ZERO, 10));
        assert_ne!(extended.is_ok(), dropped.unwrap() == [ended]);
    }
}

async fn a_sweep_that_goes_on_is_not_deleted_and_keeps_its_machine(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let work = leased_and_expired(&db.store, "w").await;
    append_under(&db.store, sweep, guard(&work), first_row(0)).await.unwrap();
    for age in [None, Some(Duration::ZERO)] {
        assert_eq!(db.store.delete_sweep(sweep, age).await.unwrap(), DeletedSweep::NotEnded);
    }
    let elsewhere = Claim { fingerprint: "neon".into(), ..claim("w", Duration::ZERO) };
    assert_eq!(db.store.claim(elsewhere).await.unwrap(), None, "its family is pinned still");
    end(&db.store, sweep, SweepStatus::Cancelled).await;
    let minute = Some(Duration::from_secs(60));
    assert_eq!(db.store.delete_sweep(sweep, minute).await.unwrap(), DeletedSweep::NotEnded);
    assert_eq!(db.store.delete_sweep(sweep, None).await.unwrap(), DeletedSweep::Deleted);
    assert_eq!(db.store.delete_sweep(sweep, None).await.unwrap(), DeletedSweep::NoSuch);
}

async fn a_sweep_that_was_extended_after_it_was_named_as_old_stays(db: TestDatabase) {
    let (minute, sweep) = (Duration::from_secs(60), create(&db.store, new_sweep("old")).await);
    end(&db.store, sweep, SweepStatus::Completed).await;
    assert_eq!(db.store.ended_before(Duration::ZERO, 10).await.unwrap(), [sweep]);
    db.store.commit(extension(&db.store, sweep).await).await.unwrap();
    let aged = async |age| db.store.delete_sweep(sweep, Some(age)).await.unwrap();
    assert_eq!(aged(Duration::ZERO).await, DeletedSweep::NotEnded, "it runs again");
    end(&db.store, sweep, SweepStatus::Completed).await;
    assert_eq!(aged(minute).await, DeletedSweep::NotEnded, "it ended just now");
    assert_eq!(aged(Duration::ZERO).await, DeletedSweep::Deleted);
}

/// Whichever of the two comes first, the other sees it.
async fn a_sweep_is_extended_or_deleted_and_never_both(db: TestDatabase) {
    let other = db.open_again().await;
    for round in 0..50 {
        let sweep = create(&db.store, new_sweep("both")).await;
        end(&db.store, sweep, SweepStatus::Completed).await;
        let extension = extension(&db.store, sweep).await;
        let age = (round % 2 == 0).then_some(Duration::ZERO);
        let (extended, deleted) =
            tokio::join!(db.store.commit(extension), other.delete_sweep(sweep, age));
        let stays = db.store.sweep(sweep).await.unwrap().is_some();
        let outcome = (extended.is_ok(), deleted.unwrap(), stays);
        let one_of_them =
            [(true, DeletedSweep::NotEnded, true), (false, DeletedSweep::Deleted, false)];
        assert!(one_of_them.contains(&outcome), "{outcome:?}");
        // It isn't among what is old in the next round.
        if stays {
            super::fixture::delete(&db.store, sweep).await;
        }
    }
}
