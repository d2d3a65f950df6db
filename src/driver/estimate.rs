//! How long a sweep would take, by what sweeps of the same recipe took.

use super::{Driver, DriverError};
use crate::{
    heavy::aside,
    scheduler::{Event, facts::epochs_of},
    store::{Page, SweepRow},
};
use floodgauge_api::PlannedTime;
use floodgauge_protocol::{Recipe, SearchSpace, SegmentId, SweepSpec};
use serde::Deserialize;
use std::collections::HashMap;

/// How many of the newest sweeps are looked through.
const MAX_SWEEPS_READ: u32 = 200;

/// The most entries of a log that are read.
const MAX_ENTRIES_READ: usize = 4_000;

/// Entries read at once.
const ENTRIES_AT_ONCE: u32 = 500;

impl Driver {
    /// How long it would take to train from `low` to `high` run-equivalents of a sweep; none if no
    /// recent sweep trained the same recipe.
    ///
    /// # Errors
    /// The store's.
    pub async fn time(
        &self,
        spec: &SweepSpec,
        low: f64,
        high: f64,
    ) -> Result<Option<PlannedTime>, DriverError> {
        let page = Page { limit: MAX_SWEEPS_READ, ..Page::default() };
        for row in self.store().sweeps(page).await? {
            let Ok(known) = aside(|| row.read_spec()) else { continue };
            if !as_costly(&known.recipe, &spec.recipe) {
                continue;
            }
            if let Some(epoch_s) = self.epoch_seconds(&row, &known).await? {
                let full = f64::from(spec.recipe.epochs) * epoch_s;
                let measured_on = row.sweep;
                let (low_s, high_s) = (low * full, high * full);
                return Ok(Some(PlannedTime { low_s, high_s, epoch_s, measured_on }));
            }
        }
        Ok(None)
    }

    /// The worker's time for an epoch, by the segments that a sweep's log tells of from claim to
    /// finish; none before the first.
    async fn epoch_seconds(
        &self,
        row: &SweepRow,
        spec: &SweepSpec,
    ) -> Result<Option<f64>, DriverError> {
        let space = row.read_space().unwrap_or_else(|_| SearchSpace::of(spec));
        let mut speed = Speed::default();
        let (mut after, mut read) = (0, 0);
        while read < MAX_ENTRIES_READ {
            let entries = self.store().entries(row.sweep, after, ENTRIES_AT_ONCE).await?;
            aside(|| {
                for entry in &entries {
                    if let Ok(event) = Event::deserialize(&entry.event) {
                        speed.take(&space, &event, entry.at_ms);
                    }
                    after = entry.seq;
                }
            });
            read += entries.len();
            if entries.is_empty() {
                break;
            }
        }
        Ok(speed.epoch_seconds())
    }
}

/// Whether an epoch of two recipes takes about as long: all else may differ.
fn as_costly(a: &Recipe, b: &Recipe) -> bool {
    let data = |recipe: &Recipe| {
        let data = recipe.dataset.resolved();
        (data.name, data.n_train, data.n_val, data.standardize)
    };
    let rest = |recipe: &Recipe| {
        (recipe.model.clone(), recipe.optimizer.name(), recipe.batch_size, recipe.augment)
    };
    data(a) == data(b) && rest(a) == rest(b)
}

/// What segments took, and what was trained in them.
#[derive(Debug, Default)]
struct Speed {
    open: HashMap<SegmentId, (i64, u64)>,
    ms: i64,
    epochs: u64,
}

impl Speed {
    fn take(&mut self, space: &SearchSpace, event: &Event, at_ms: i64) {
        match event {
            Event::Claimed { segment, .. } => {
                self.open.insert(*segment, (at_ms, 0));
            }
            Event::Reported { segment, rows, redone, .. } => {
                if let Some((_, epochs)) = self.open.get_mut(segment) {
                    *epochs += epochs_of(space, rows) + u64::from(*redone);
                }
            }
            Event::Finished { segment, .. } => {
                if let Some((since, epochs)) = self.open.remove(segment).filter(|open| open.1 > 0) {
                    self.ms += (at_ms - since).max(0);
                    self.epochs += epochs;
                }
            }
            Event::Failed { segment, .. }
            | Event::HandedBack { segment, .. }
            | Event::Lost { segment, .. } => {
                self.open.remove(segment);
            }
            _ => {}
        }
    }

    fn epoch_seconds(&self) -> Option<f64> {
        (self.epochs > 0).then(|| self.ms as f64 / 1e3 / self.epochs as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_protocol::Method;
    use serde_json::json;

    fn event(value: serde_json::Value) -> Event {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn speed_is_what_finished_segments_took_for_their_epochs() {
        let arms = vec![Method::Plain, Method::GradientPenalty { lambda: 0.1, rho: 0.05 }];
        let space = SearchSpace { arms, families: vec![] };
        let mut speed = Speed::default();
        let claimed = |segment: u32| {
            event(
                json!({ "type": "claimed", "segment": segment, "attempt": 1, "worker": "w", "fingerprint": "f" }),
            )
        };
        let row = |arm: u16| json!({ "arms": [arm], "epoch": 1, "step": 1, "train_loss": 1.0, "metrics": { "val_loss": 1.0, "val_error": 0.5 } });
        let reported = |segment: u32| {
            let rows = [row(0), row(1)];
            event(
                json!({ "type": "reported", "segment": segment, "attempt": 1, "redone": 0, "rows": rows }),
            )
        };
        let finished = |segment: u32| {
            event(json!({ "type": "finished", "segment": segment, "attempt": 1, "branches": [] }))
        };
        assert_eq!(speed.epoch_seconds(), None);
        speed.take(&space, &claimed(0), 1_000);
        speed.take(&space, &reported(0), 2_000);
        speed.take(&space, &claimed(1), 2_000);
        speed.take(&space, &finished(0), 4_000);
        // Three gradients a mini-batch: one of plain, two of the penalty.
        assert_eq!(speed.epoch_seconds(), Some(1.0));
        speed.take(&space, &finished(1), 9_000);
        assert_eq!(speed.epoch_seconds(), Some(1.0), "a test trains nothing");
    }
}
