//! Sweeps, segments and commits that are as small as can be.

use floodgauge::{
    scheduler::{SweepStatus, TrialStatus},
    store::{
        Claim, Commit, Created, DeletedSweep, DynStore, Effects, Entry, Expiry, LeaseGuard,
        LeasedSegment, NewSweep, RowUpdate, StoreError, TrialUpdate,
    },
};
use floodgauge_protocol::{
    ArmIx, Branch, Digest, FamilyIx, LeaseId, Metric, Segment, SegmentId, SegmentKind, Start,
    SweepId, TrialKey,
};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

pub const HOUR: Duration = Duration::from_secs(3600);

pub fn new_sweep(name: &str) -> NewSweep {
    NewSweep {
        sweep: SweepId(Uuid::now_v7()),
        name: name.to_owned(),
        spec: json!({ "name": name }),
        scheduler_version: 1,
        priority: 0,
        idempotency: None,
        event: json!({ "type": "submitted" }),
        decisions: json!([]),
        data: None,
        owner: None,
        traceparent: None,
        effects: Effects::default(),
    }
}

/// A segment of family 0 that trains arm `segment`.
pub fn segment(segment: u32) -> Segment {
    segment_of(segment, 0)
}

pub fn segment_of(segment: u32, family: u16) -> Segment {
    let arm = ArmIx(u16::try_from(segment).unwrap());
    Segment {
        segment: SegmentId(segment),
        family: FamilyIx(family),
        kind: SegmentKind::Train,
        from_step: 0,
        to_step: 220,
        metric: Default::default(),
        direction: Default::default(),
        branches: vec![Branch::new(vec![arm], Start::Init)],
    }
}

/// Creates a sweep whose first entry queues some segments.
pub async fn create_with(store: &DynStore, segments: Vec<Segment>) -> SweepId {
    let new = NewSweep {
        effects: Effects { enqueue: segments, ..Effects::default() },
        ..new_sweep("digits")
    };
    create(store, new).await
}

pub async fn create(store: &DynStore, new: NewSweep) -> SweepId {
    match store.create_sweep(new).await.unwrap() {
        Created::New(entry) => entry.sweep,
        Created::Existing(sweep) => panic!("{sweep} was there before"),
    }
}

pub fn commit(sweep: SweepId, seq: u64) -> Commit {
    Commit {
        sweep,
        seq,
        event: json!({ "type": "reported", "seq": seq }),
        decisions: json!([]),
        guard: None,
        extender: None,
        effects: Effects::default(),
    }
}

/// Ends a sweep, and deletes it.
pub async fn delete(store: &DynStore, sweep: SweepId) {
    let ended = Effects { status: Some(SweepStatus::Cancelled), ..Effects::default() };
    append(store, sweep, ended).await;
    assert_eq!(store.delete_sweep(sweep, None).await.unwrap(), DeletedSweep::Deleted);
}

/// Appends an entry with these effects behind the newest one.
pub async fn append(store: &DynStore, sweep: SweepId, effects: Effects) -> Entry {
    append_under(store, sweep, None, effects).await.unwrap()
}

/// The same, under a lease.
pub async fn append_under(
    store: &DynStore,
    sweep: SweepId,
    guard: Option<LeaseGuard>,
    effects: Effects,
) -> Result<Entry, StoreError> {
    let head = store.sweep(sweep).await.unwrap().unwrap().head_seq;
    store.commit(Commit { guard, effects, ..commit(sweep, head + 1) }).await
}

pub fn claim(worker: &str, ttl: Duration) -> Claim {
    Claim {
        lease: LeaseId(Uuid::new_v4()),
        token: format!("secret of {worker}"),
        worker: worker.to_owned(),
        fingerprint: "avx2".to_owned(),
        ttl,
        except: vec![],
    }
}

/// Claims for an hour something that is there.
pub async fn leased(store: &DynStore, worker: &str) -> LeasedSegment {
    store.claim(claim(worker, HOUR)).await.unwrap().expect("a segment to claim")
}

/// Claims something that is there, under a lease that has expired at once.
pub async fn leased_and_expired(store: &DynStore, worker: &str) -> LeasedSegment {
    store.claim(claim(worker, Duration::ZERO)).await.unwrap().expect("a segment to claim")
}

pub fn guard(leased: &LeasedSegment) -> Option<LeaseGuard> {
    Some(LeaseGuard { lease: leased.lease, attempt: leased.attempt, expiry: Expiry::Any })
}

pub fn trial(family: u16, arm: u16) -> TrialKey {
    TrialKey::new(FamilyIx(family), ArmIx(arm))
}

pub fn trial_at(arm: u16, checkpoint: Option<Digest>) -> TrialUpdate {
    TrialUpdate {
        trial: trial(0, arm),
        status: TrialStatus::Active,
        epochs: 11,
        onset_step: None,
        checkpoint,
        kept: None,
        reason: None,
    }
}

/// The first row of a family, as the driver commits it.
pub fn first_row(family: u16) -> Effects {
    let row = RowUpdate {
        trial: trial(family, 0),
        epoch: 1,
        step: 22,
        train_loss: Metric::Finite(1.0),
        metrics: Default::default(),
        branch: ArmIx(0),
        diagnostics: None,
    };
    Effects { rows_of: Some(FamilyIx(family)), rows: vec![row], ..Effects::default() }
}
