//! What a sweep's log says that its projections should be: the log is replayed by the code that runs live,
//! and what each step changes in the projections is gathered here in place of the database.

use super::{DriverError, effects, live, live::Live};
use crate::{
    heavy::aside,
    scheduler::Sweep,
    store::{DynStore, Effects, Entry, Grown, Rebuilt, RebuiltSegment, RowUpdate, TrialUpdate},
};
use floodgauge_protocol::{Digest, SegmentId, SweepId, TrialKey};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The projections of a sweep, as its log has them up to an entry.
pub struct Projected {
    /// The sweep after that entry.
    pub state: Arc<Sweep>,
    /// The entry's place in the log.
    pub seq: u64,
    /// The spec and the space of a sweep that grew, as JSON.
    pub grown: Option<(Value, Value)>,
    /// The place at which it last grew; 0 if it never did.
    pub grown_seq: u64,
    /// Its trials.
    pub trials: BTreeMap<TrialKey, TrialUpdate>,
    /// What they keep beside their newest checkpoints.
    pub kept: BTreeMap<TrialKey, BTreeSet<Digest>>,
    /// The epochs that were reported.
    pub rows: BTreeMap<(TrialKey, u32), RowUpdate>,
    /// Its segments.
    pub segments: BTreeMap<SegmentId, RebuiltSegment>,
    spec: Value,
}

impl Projected {
    /// Replays a sweep's log.
    ///
    /// # Errors
    /// As of [`Driver::sweep`](super::Driver::sweep).
    pub async fn of(store: &DynStore, sweep: SweepId) -> Result<Self, DriverError> {
        let mut live = Live::begin(store, sweep).await?;
        let mut all = Self {
            state: live.state(),
            seq: 0,
            grown: None,
            grown_seq: 0,
            trials: BTreeMap::new(),
            kept: BTreeMap::new(),
            rows: BTreeMap::new(),
            segments: BTreeMap::new(),
            spec: Value::Null,
        };
        loop {
            let entries = live.next_entries(store).await?;
            if entries.is_empty() {
                return Ok(all);
            }
            aside(|| entries.iter().try_for_each(|entry| all.take(&mut live, entry)))?;
        }
    }

    fn take(&mut self, live: &mut Live, entry: &Entry) -> Result<(), DriverError> {
        let before = live.state();
        let decisions = live.take(entry)?;
        let after = live.state();
        let event = live::event(entry)?;
        let mut effects = effects::of(&before, &after, &event, &decisions);
        if entry.seq == 1 {
            effects.trials = effects::all_trials(&after);
            self.spec = entry.event["spec"].clone();
        }
        effects.grown = super::grown(&before, &after)?;
        (self.state, self.seq) = (after, entry.seq);
        self.apply(entry.at_ms, effects);
        Ok(())
    }

    /// As the store does.
    fn apply(&mut self, at_ms: i64, effects: Effects) {
        // Of the status and of the best level the last word counts, which the state has. Leases, which kind
        // of machine a family is for, and what only ended a lease (`requeue`), are in no log.
        let Effects {
            status: _,
            best: _,
            rest: _,
            rows_of: _,
            hands_in: _,
            grown,
            enqueue,
            requeue: _,
            close,
            close_all,
            start_over,
            rows,
            trials,
        } = effects;
        if let Some(family) = start_over {
            self.rows.retain(|(trial, _), _| trial.family != family);
        }
        if let Some(Grown { spec, space }) = grown {
            (self.grown, self.grown_seq) = (Some((spec, space)), self.seq);
        }
        for segment in enqueue {
            let queued = RebuiltSegment { is_open: true, queued_ms: at_ms, segment };
            self.segments.insert(queued.segment.segment, queued);
        }
        for segment in close {
            if let Some(queued) = self.segments.get_mut(&segment) {
                queued.is_open = false;
            }
        }
        if close_all {
            self.segments.values_mut().for_each(|queued| queued.is_open = false);
        }
        self.rows.extend(rows.into_iter().map(|row| ((row.trial, row.epoch), row)));
        for mut trial in trials {
            if let Some(kept) = trial.kept.take() {
                self.kept.insert(trial.trial, kept);
            }
            self.trials.insert(trial.trial, trial);
        }
        self.kept.retain(|_, kept| !kept.is_empty());
    }

    /// Has its checkpoints gone, as those of a sweep are that ended long ago.
    pub fn drop_checkpoints(&mut self) {
        self.kept.clear();
        self.trials.values_mut().for_each(|trial| trial.checkpoint = None);
    }

    /// What to write in the place of projections that are otherwise.
    ///
    /// # Errors
    /// An answer that can't be written as JSON, which none is.
    pub fn rebuilt(self, sweep: SweepId) -> Result<Rebuilt, DriverError> {
        let best = (self.seq > 1).then(|| super::json(&self.state.best())).transpose()?;
        let (spec, space) = match self.grown {
            Some((spec, space)) => (spec, Some(space)),
            None => (self.spec, None),
        };
        let mut kept = self.kept;
        let trials = self.trials.into_values();
        Ok(Rebuilt {
            sweep,
            seq: self.seq,
            status: self.state.status(),
            spec,
            space,
            grown_seq: self.grown_seq,
            best,
            trials: trials
                .map(|trial| TrialUpdate {
                    kept: Some(kept.remove(&trial.trial).unwrap_or_default()),
                    ..trial
                })
                .collect(),
            rows: self.rows.into_values().collect(),
            segments: self.segments.into_values().collect(),
        })
    }
}
