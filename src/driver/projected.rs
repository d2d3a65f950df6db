//! What a sweep's log says that its projections should be: the log is replayed by the code that runs live,
//! a page of it at a time.
//!
//! Trials and segments are those of the sweep's state, which a replay has anyway. Epochs, of which there are
//! by far the most, are remembered by a sum of each ([`Epochs`]); who wants to write them anew has the log
//! replayed once more ([`rows_of_log`]).

mod epochs;
mod replay;

pub use epochs::Epochs;
pub use replay::rows_of_log;

use super::{DriverError, effects};
use crate::{
    heavy::aside,
    scheduler::Sweep,
    store::{DynStore, Effects, Grown, Rebuilt, RebuiltSegment, TrialUpdate},
};
use floodgauge_protocol::{Digest, Segment, SegmentId, SweepId, TrialKey};
use replay::{Replay, Step};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The projections of a sweep, as its log has them up to an entry.
pub struct Projected {
    replay: Replay,
    /// The spec and the space of a sweep that grew, as JSON.
    grown: Option<Grown>,
    /// The place at which it last grew; 0 if it never did.
    pub grown_seq: u64,
    /// The epochs that were reported.
    pub epochs: Epochs,
    segments: BTreeMap<SegmentId, Queued>,
    spec: Value,
    has_checkpoints: bool,
}

/// What became of a segment.
struct Queued {
    is_open: bool,
    queued_ms: i64,
}

impl Projected {
    /// Replays a sweep's log.
    ///
    /// # Errors
    /// As of [`Driver::sweep`](super::Driver::sweep).
    pub async fn of(store: &DynStore, sweep: SweepId) -> Result<Self, DriverError> {
        let mut all = Self {
            replay: Replay::begin(store, sweep).await?,
            grown: None,
            grown_seq: 0,
            epochs: Epochs::default(),
            segments: BTreeMap::new(),
            spec: Value::Null,
            has_checkpoints: true,
        };
        while let Some(entry) = all.replay.entry(store).await? {
            aside(|| {
                let step = all.replay.take(&entry)?;
                if entry.seq == 1 {
                    all.spec = entry.event["spec"].clone();
                }
                all.apply(step);
                Ok::<_, DriverError>(())
            })?;
        }
        Ok(all)
    }

    /// As the store does.
    fn apply(&mut self, step: Step) {
        let Step { at_ms, seq, effects } = step;
        // What trials and the sweep have become, the state has. Leases, which kind of machine a family is
        // for, and what only ended a lease (`requeue`), are in no log.
        let Effects { grown, enqueue, close, close_all, start_over, rows, .. } = effects;
        if let Some(family) = start_over {
            self.epochs.start_over(family);
        }
        if grown.is_some() {
            (self.grown, self.grown_seq) = (grown, seq);
        }
        for segment in enqueue {
            self.segments.insert(segment.segment, Queued { is_open: true, queued_ms: at_ms });
        }
        for segment in close {
            if let Some(queued) = self.segments.get_mut(&segment) {
                queued.is_open = false;
            }
        }
        if close_all {
            self.segments.values_mut().for_each(|queued| queued.is_open = false);
        }
        rows.iter().for_each(|row| self.epochs.add(row));
    }

    /// Has its checkpoints gone, as those of a sweep are that ended long ago.
    pub fn drop_checkpoints(&mut self) {
        self.has_checkpoints = false;
    }

    /// The sweep after the newest entry.
    pub fn state(&self) -> &Sweep {
        self.replay.state()
    }

    /// The newest entry's place in the log.
    pub fn seq(&self) -> u64 {
        self.replay.seq()
    }

    /// How many trials it has.
    pub fn trial_count(&self) -> usize {
        self.state().facts().trial_count()
    }

    /// A trial, without what it keeps beside its newest checkpoint.
    pub fn trial(&self, key: TrialKey) -> Option<TrialUpdate> {
        let trial = effects::update(key, self.state().facts().trial(key)?);
        let checkpoint = trial.checkpoint.filter(|_| self.has_checkpoints);
        Some(TrialUpdate { checkpoint, ..trial })
    }

    /// What a trial keeps beside its newest checkpoint; none where that is nothing.
    pub fn kept(&self, key: TrialKey) -> Option<BTreeSet<Digest>> {
        let facts = self.state().facts();
        facts.trial(key).filter(|_| self.has_checkpoints)?;
        Some(facts.kept(key)).filter(|kept| !kept.is_empty())
    }

    /// How many trials keep something beside their newest checkpoint.
    pub fn kept_count(&self) -> usize {
        let keys = self.state().facts().trials().map(|(key, _)| key);
        keys.filter(|key| self.kept(*key).is_some()).count()
    }

    /// How many segments it has, over or not.
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// A segment, and whether it isn't over.
    pub fn segment(&self, id: SegmentId) -> Option<(&Segment, bool)> {
        let queued = self.segments.get(&id)?;
        Some((self.state().facts().segments().get(id)?, queued.is_open))
    }

    /// What to write in the place of projections that are otherwise, beside the epochs.
    ///
    /// # Errors
    /// An answer that can't be written as JSON, which none is.
    pub fn rebuilt(&self, sweep: SweepId) -> Result<Rebuilt, DriverError> {
        let (state, seq) = (self.state(), self.seq());
        let best = (seq > 1).then(|| super::json(&state.best())).transpose()?;
        let (spec, space) = match &self.grown {
            Some(Grown { spec, space }) => (spec.clone(), Some(space.clone())),
            None => (self.spec.clone(), None),
        };
        let keys = state.facts().trials().map(|(key, _)| key);
        let trial = |key| {
            let kept = Some(self.kept(key).unwrap_or_default());
            self.trial(key).map(|trial| TrialUpdate { kept, ..trial })
        };
        let segment = |(&id, queued): (&SegmentId, &Queued)| {
            let segment = state.facts().segments().get(id)?.clone();
            let Queued { is_open, queued_ms } = *queued;
            Some(RebuiltSegment { segment, is_open, queued_ms })
        };
        Ok(Rebuilt {
            sweep,
            seq,
            status: state.status(),
            spec,
            space,
            grown_seq: self.grown_seq,
            best,
            trials: keys.filter_map(trial).collect(),
            segments: self.segments.iter().filter_map(segment).collect(),
        })
    }
}
