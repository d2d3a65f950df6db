//! One transaction: a log entry and its effects on the projections.

use crate::{
    access::TokenId,
    scheduler::{SweepStatus, TrialStatus},
};
use floodgauge_protocol::{
    ArmIx, Digest, FamilyIx, LeaseId, Metric, MetricValues, Segment, SegmentId, SweepId, TrialKey,
    work::Diagnostics,
};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

/// A sweep's first transaction.
#[derive(Clone, Debug)]
pub struct NewSweep {
    /// Its id; sorts by the time of submission.
    pub sweep: SweepId,
    /// What people call it.
    pub name: String,
    /// The `SweepSpec` as JSON.
    pub spec: Value,
    /// The version of the scheduler that decides for it.
    pub scheduler_version: u32,
    /// Sweeps of a higher priority get workers first.
    pub priority: i32,
    /// The client's idempotency key, which counts for its owner alone, and a digest of the body that it came with.
    pub idempotency: Option<(String, Digest)>,
    /// The first event as JSON.
    pub event: Value,
    /// Its decisions as JSON.
    pub decisions: Value,
    /// The data set that it is pinned to, if any.
    pub data: Option<SweepData>,
    /// The token that submits it, if any.
    pub owner: Option<TokenId>,
    /// The trace that it belongs to, if any, as a W3C `traceparent`.
    pub traceparent: Option<String>,
    /// What changes in the projections.
    pub effects: Effects,
}

/// A data set as a sweep refers to it; this is what keeps its blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepData {
    /// What people call it.
    pub name: String,
    /// What the sweep is pinned to: refused where the name stands for another one by now.
    pub digest: Digest,
}

/// A log entry to append.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Whose log grows.
    pub sweep: SweepId,
    /// The entry's place in the log: one more than the newest.
    pub seq: u64,
    /// The event as JSON; its `type` names it.
    pub event: Value,
    /// Its decisions as JSON.
    pub decisions: Value,
    /// The lease under which it is written, if any.
    pub guard: Option<LeaseGuard>,
    /// The token that extends the sweep by it, if it does: from then on the sweep counts against its
    /// bounds, and no longer against those of whoever it counted against before.
    pub extender: Option<TokenId>,
    /// What changes in the projections.
    pub effects: Effects,
}

/// A lease that must still be held when the transaction commits. It may have expired, as
/// long as nobody took its segment over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseGuard {
    /// Under whose lease the commit is made.
    pub lease: LeaseId,
    /// Its attempt number: refused once a later claim has the segment.
    pub attempt: u32,
    /// What is asked of its expiry, and done about it, in the same transaction.
    pub expiry: Expiry,
}

/// What is asked of a lease's expiry where something is written under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Nothing.
    Any,
    /// It is pushed so far ahead.
    Renewed(Duration),
    /// It must be past: a worker that renewed it just before has won.
    Past,
}

/// Changes to the projections.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// The sweep's new status; none where it keeps the one that it has.
    pub status: Option<SweepStatus>,
    /// The sweep's answer so far as JSON, for lists.
    pub best: Option<Value>,
    /// What the sweep is from now on, if it grew.
    pub grown: Option<Grown>,
    /// Segments to queue.
    pub enqueue: Vec<Segment>,
    /// Segments to put back into the queue; their leases end.
    pub requeue: Vec<SegmentId>,
    /// For how long nobody is given those.
    pub backoff: Duration,
    /// Segments that are over; their leases end.
    pub close: Vec<SegmentId>,
    /// Whether all of them are.
    pub close_all: bool,
    /// A family that starts over: its rows and its pin go.
    pub start_over: Option<FamilyIx>,
    /// The family that the rows are of, where a worker reports them: it must be pinned to the worker's kind of
    /// machine, and from then on it stays so.
    pub rows_of: Option<FamilyIx>,
    /// Whether a worker hands checkpoints in: what its lease held beside them is wanted no more.
    pub hands_in: bool,
    /// The epochs that were reported and weren't known before.
    pub rows: Vec<RowUpdate>,
    /// Trials that changed; ones that don't exist yet are made.
    pub trials: Vec<TrialUpdate>,
}

impl Effects {
    /// Segments that can be claimed from then on and couldn't before, as far as is known: of a sweep
    /// that goes on after a pause it is told as one.
    pub fn opened(&self) -> usize {
        let goes_on = matches!(self.status, Some(SweepStatus::Queued | SweepStatus::Running));
        let back = if self.backoff.is_zero() { self.requeue.len() } else { 0 };
        (self.enqueue.len() + back).max(goes_on.into())
    }

    /// Whether they change what there is to claim.
    pub fn change_work(&self) -> bool {
        self.status.is_some()
            || self.close_all
            || !self.close.is_empty()
            || !self.requeue.is_empty()
            || self.opened() > 0
    }
}

/// A sweep that more is asked of than when it was submitted. What ended it before, ends it no more.
#[derive(Clone, Debug, PartialEq)]
pub struct Grown {
    /// The `SweepSpec` as it is now, as JSON.
    pub spec: Value,
    /// The `SearchSpace` as it is now, as JSON.
    pub space: Value,
}

/// The epoch of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct RowUpdate {
    /// Whose row it is.
    pub trial: TrialKey,
    /// Epochs done, from 1.
    pub epoch: u32,
    /// Optimiser steps done.
    pub step: u64,
    /// Mean training loss over the epoch.
    pub train_loss: Metric,
    /// The sweep's metrics after the epoch.
    pub metrics: MetricValues,
    /// The first arm of the branch that trained it: rows with the same `branch`, family and
    /// epoch are one trained epoch.
    pub branch: ArmIx,
    /// How its training went, if its worker told.
    pub diagnostics: Option<Diagnostics>,
}

/// The state of a trial, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialUpdate {
    /// Whose row it is.
    pub trial: TrialKey,
    /// The status as it is after the event.
    pub status: TrialStatus,
    /// How many epochs were reported of it so far.
    pub epochs: u32,
    /// Its onset, once known.
    pub onset_step: Option<u64>,
    /// The newest checkpoint; this is what keeps the blob. One that no trial of the sweep has
    /// yet must be held by the lease under which it is written.
    pub checkpoint: Option<Digest>,
    /// The other checkpoints that it keeps, if they changed; for each, the same holds.
    pub kept: Option<BTreeSet<Digest>>,
    /// Why it has this status, in words.
    pub reason: Option<String>,
}
