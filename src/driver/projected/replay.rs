//! A log that is replayed an entry at a time, with what each changes of epochs and segments.

use crate::{
    driver::{DriverError, effects, live, live::Live},
    heavy::aside,
    scheduler::{Event, Sweep},
    store::{DynStore, Effects, Entry, Grown, RowsOfLog, StoreError},
};
use floodgauge_protocol::{SearchSpace, SweepId, SweepSpec};
use futures::stream::{self, BoxStream, StreamExt as _};
use std::vec;

/// A log on its way. It holds one state of the sweep, and a page of entries.
pub(super) struct Replay {
    live: Live,
    page: vec::IntoIter<Entry>,
    spec: SweepSpec,
    space: SearchSpace,
}

/// What an entry changes.
pub(super) struct Step {
    /// The entry's place in the log.
    pub seq: u64,
    /// When it was written, in milliseconds since 1970.
    pub at_ms: i64,
    /// All but what trials and the sweep become.
    pub effects: Effects,
}

impl Replay {
    /// Before the first entry.
    pub async fn begin(store: &DynStore, sweep: SweepId) -> Result<Self, DriverError> {
        let live = Live::begin(store, sweep).await?;
        let facts = live.sweep_now().facts();
        let (spec, space) = (facts.spec().clone(), facts.space().clone());
        Ok(Self { live, page: vec![].into_iter(), spec, space })
    }

    /// The sweep after the newest entry that was taken.
    pub fn state(&self) -> &Sweep {
        self.live.sweep_now()
    }

    /// That entry's place.
    pub fn seq(&self) -> u64 {
        self.live.seq()
    }

    /// The entry that comes next; none at the log's end.
    pub async fn entry(&mut self, store: &DynStore) -> Result<Option<Entry>, DriverError> {
        if self.page.as_slice().is_empty() {
            // Not both at once.
            self.page = vec![].into_iter();
            self.page = self.live.next_entries(store).await?.into_iter();
        }
        Ok(self.page.next())
    }

    /// Takes that entry in.
    pub fn take(&mut self, entry: &Entry) -> Result<Step, DriverError> {
        let event = live::event(entry)?;
        let before = effects::Before::of(self.state(), &event);
        let decisions = self.live.take(entry)?;
        let mut effects = effects::of_work(&before, self.state(), &event, &decisions);
        effects.grown = self.grown(&event)?;
        Ok(Step { seq: entry.seq, at_ms: entry.at_ms, effects })
    }

    /// What the sweep has become, if it grew.
    fn grown(&mut self, event: &Event) -> Result<Option<Grown>, DriverError> {
        let now = self.live.sweep_now();
        let grown = effects::grown(event, (&self.spec, &self.space), now)?;
        if grown.is_some() {
            (self.spec, self.space) = (now.facts().spec().clone(), now.facts().space().clone());
        }
        Ok(grown)
    }
}

/// What a log says of epochs, in the order in which it does, up to an entry.
pub fn rows_of_log(
    store: &DynStore,
    sweep: SweepId,
    to: u64,
) -> BoxStream<'_, Result<RowsOfLog, StoreError>> {
    let steps = stream::try_unfold(None, move |replay: Option<Replay>| async move {
        let mut replay = match replay {
            Some(replay) => replay,
            None => Replay::begin(store, sweep).await?,
        };
        while replay.seq() < to {
            let Some(entry) = replay.entry(store).await? else { break };
            let Effects { start_over, rows, .. } = aside(|| replay.take(&entry))?.effects;
            if start_over.is_some() || !rows.is_empty() {
                return Ok::<_, DriverError>(Some((RowsOfLog { start_over, rows }, Some(replay))));
            }
        }
        Ok(None)
    });
    steps.map(|said| said.map_err(as_of_store)).boxed()
}

/// A log that could be replayed a moment ago.
fn as_of_store(error: DriverError) -> StoreError {
    match error {
        DriverError::Store(error) => error,
        other => StoreError::Corrupt(other.to_string()),
    }
}
