//! Answers that were found in the logs of ended sweeps, kept so that lists don't replay these at every look.

use super::Driver;
use crate::{store::SweepRow, verdict::Best};
use floodgauge_protocol::SweepId;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Answers that are kept; those of the newest sweeps, which lists begin with.
const MAX_KEPT: usize = 256;

/// By sweep, each with the place in the log at which the sweep last grew.
#[derive(Debug, Default)]
pub(super) struct Recovered(Mutex<BTreeMap<SweepId, (u64, Best)>>);

impl Recovered {
    fn get(&self, sweep: SweepId, grown_seq: u64) -> Option<Best> {
        let kept = self.lock();
        kept.get(&sweep).filter(|(seq, _)| *seq == grown_seq).map(|(_, best)| best.clone())
    }

    fn keep(&self, sweep: SweepId, grown_seq: u64, best: Best) {
        let mut kept = self.lock();
        kept.insert(sweep, (grown_seq, best));
        if kept.len() > MAX_KEPT {
            kept.pop_first();
        }
    }

    pub fn forget(&self, sweep: SweepId) {
        self.lock().remove(&sweep);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SweepId, (u64, Best)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver {
    /// The answer that was found in the log of an ended sweep before; none if nobody looked, or it isn't kept.
    pub fn recovered(&self, row: &SweepRow) -> Option<Best> {
        self.0.recovered.get(row.sweep, row.grown_seq)
    }

    /// Keeps the answer that the log of an ended sweep tells.
    pub fn keep_recovered(&self, row: &SweepRow, best: &Best) {
        self.0.recovered.keep(row.sweep, row.grown_seq, best.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::Sweep;
    use floodgauge_protocol::SweepSpec;
    use serde_json::json;
    use uuid::Uuid;

    fn answer() -> Best {
        let spec = json!({ "name": "x", "recipe": { "dataset": { "name": "spiral" } } });
        Sweep::new(serde_json::from_value::<SweepSpec>(spec).unwrap()).best()
    }

    #[test]
    fn the_answers_of_the_newest_sweeps_are_kept_as_of_when_they_last_grew() {
        let (kept, answer) = (Recovered::default(), answer());
        let sweep = |n: usize| SweepId(Uuid::from_u128(n as u128));
        for n in 0..=MAX_KEPT {
            kept.keep(sweep(n), 7, answer.clone());
        }
        assert_eq!(kept.get(sweep(0), 7), None, "the oldest made room");
        assert_eq!(kept.get(sweep(1), 7).as_ref(), Some(&answer));
        assert_eq!(kept.get(sweep(MAX_KEPT), 7).as_ref(), Some(&answer));
        assert_eq!(kept.get(sweep(1), 8), None, "it grew since");
        kept.forget(sweep(1));
        assert_eq!(kept.get(sweep(1), 7), None);
    }
}
