//! One trial: what it reported, and what that says under the sweep's objective.

use super::{Criterion, Point};
use crate::scheduler::{goal::Goal, reason::Reason, status::TrialStatus};
use floodgauge_protocol::{
    At, Digest, Metric,
    work::{BestEpoch, TestMetrics},
};
use std::{collections::BTreeMap, sync::Arc};

/// The share of a full run whose mean the objective is at `last`: one of so many parts, the closing
/// one. A single epoch is noisier. Chosen, not measured.
const CLOSING_PART: u32 = 10;

/// How many epochs the closing tenth of a full run of `full` epochs has, rounded up; at least one.
pub fn closing_epochs(full: u32) -> usize {
    full.div_ceil(CLOSING_PART).max(1) as usize
}

/// The epoch that holds an onset, from 0.
pub fn onset_epoch(onset_step: u64, steps_per_epoch: u64) -> u64 {
    onset_step / steps_per_epoch.max(1)
}

/// A trial as its sweep's log tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Its status.
    pub status: TrialStatus,
    /// Its epochs, from the first. Trials share those that they had in one run.
    pub curve: Vec<Arc<Point>>,
    /// The first step at which it departed from plain, once known: for flooding, whose
    /// mini-batch loss was below its level.
    pub onset_step: Option<u64>,
    /// The newest checkpoint.
    pub checkpoint: Option<Digest>,
    /// The best epoch and its checkpoint.
    pub best: Option<BestEpoch>,
    /// The optimiser steps done at the newest checkpoint.
    pub saved_step: u64,
    /// How far it is to be trained.
    pub goal: Goal,
    /// Why it has its status; none of one that is active from the start.
    pub reason: Option<Reason>,
    /// What it was before it had to be trained again, which it is once more at its goal.
    pub until_again: Option<Before>,
    /// Its test metrics, if it was chosen, by the step after which they were computed.
    pub tests: BTreeMap<u64, TestMetrics>,
}

/// How a trial stood before it had to be trained again.
#[derive(Clone, Debug, PartialEq)]
pub struct Before {
    /// Its status.
    pub status: TrialStatus,
    /// Why it had that.
    pub reason: Option<Reason>,
}

impl Trial {
    /// A trial that nothing has been reported of.
    pub fn new() -> Self {
        Self {
            status: TrialStatus::Active,
            curve: vec![],
            onset_step: None,
            checkpoint: None,
            best: None,
            saved_step: 0,
            goal: Goal::default(),
            reason: None,
            until_again: None,
            tests: BTreeMap::new(),
        }
    }

    /// A trial that nobody trains.
    pub(super) fn dormant(why: Reason) -> Self {
        Self { status: TrialStatus::Dormant, reason: Some(why), ..Self::new() }
    }

    /// Whether it is trained, or waits for others that are.
    pub fn is_active(&self) -> bool {
        self.status == TrialStatus::Active
    }

    /// Whether no segment names it.
    pub fn is_dormant(&self) -> bool {
        self.status == TrialStatus::Dormant
    }

    /// Epochs reported.
    pub fn epochs(&self) -> u32 {
        self.curve.len() as u32
    }

    /// The epoch that holds its onset, from 0; none before it.
    pub fn onset_epoch(&self, steps_per_epoch: u64) -> Option<usize> {
        self.onset_step.map(|step| onset_epoch(step, steps_per_epoch) as usize)
    }

    /// Epochs since the very step of its onset, so a part of one too; 0 before it.
    pub fn exposure(&self, steps_per_epoch: u64) -> f64 {
        let done = u64::from(self.epochs()) * steps_per_epoch;
        let since = self.onset_step.map_or(0, |onset| done.saturating_sub(onset));
        since as f64 / steps_per_epoch.max(1) as f64
    }

    /// The metric at the best epoch up to the newest checkpoint, as it was measured.
    pub(super) fn best_value(&self, criterion: Criterion, steps_per_epoch: u64) -> Option<Metric> {
        let saved = (self.saved_step / steps_per_epoch.max(1)) as usize;
        let values = self.curve.iter().take(saved).map(|point| criterion.of(point));
        let finite = values.filter(|value| *value != Metric::Diverged);
        finite.min_by(|a, b| a.order(*b)).map(|best| criterion.as_measured(best))
    }

    /// A metric over a full run of `full` epochs, or over what there is of it, minimised: for
    /// `last` the mean over the closing tenth of a full run's epochs (as many of the newest
    /// as there are), for `best` the best epoch.
    pub fn minimised(&self, criterion: Criterion, full: u32) -> Option<Metric> {
        match criterion.at {
            At::Best => self.curve.iter().map(|p| criterion.of(p)).min_by(|a, b| a.order(*b)),
            At::Last => (!self.curve.is_empty())
                .then(|| Metric::mean(self.closing(full).iter().map(|p| criterion.of(p)))),
        }
    }

    /// The newest epochs, as many as the closing tenth of a full run of `full` epochs has.
    pub fn closing(&self, full: u32) -> &[Arc<Point>] {
        &self.curve[self.curve.len().saturating_sub(closing_epochs(full))..]
    }

    /// What textbook halving compares at a rung of `epoch` epochs, minimised: the value after that
    /// epoch, or for `best` the best up to it. Diverged if the trial didn't get there.
    pub fn at_rung(&self, criterion: Criterion, epoch: u32) -> Metric {
        let reached = self.curve.get(..epoch as usize).unwrap_or_default();
        let mut values = reached.iter().map(|point| criterion.of(point));
        match criterion.at {
            At::Last => values.next_back(),
            At::Best => values.min_by(|a, b| a.order(*b)),
        }
        .unwrap_or(Metric::Diverged)
    }
}

impl Trial {
    /// The state that a read-out tests: its step and its checkpoint.
    pub fn state(&self, at: At, steps_per_epoch: u64) -> Option<(u64, Digest)> {
        match at {
            At::Last => Some((self.saved_step, self.checkpoint?)),
            At::Best => {
                let best = self.best?;
                Some((u64::from(best.epoch) * steps_per_epoch, best.checkpoint))
            }
        }
    }

    /// The test metrics of a read-out, once they were computed.
    pub fn test(&self, at: At, steps_per_epoch: u64) -> Option<TestMetrics> {
        let (step, _) = self.state(at, steps_per_epoch)?;
        self.tests.get(&step).copied()
    }
}

impl Default for Trial {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::facts::{Criteria, testing};

    fn trial(losses: &[f64]) -> Trial {
        Trial {
            curve: losses.iter().map(|&loss| testing::point(loss, loss)).collect(),
            ..Trial::new()
        }
    }

    fn by_loss(at: At) -> Criterion {
        Criteria::of(&Default::default()).objective.read(at)
    }

    #[test]
    fn last_is_the_mean_of_the_closing_tenth() {
        let (losses, last): (Vec<f64>, _) = ((1..=20).map(f64::from).collect(), by_loss(At::Last));
        assert_eq!(trial(&losses).minimised(last, 20), Some(Metric::Finite(19.5)));
        assert_eq!(trial(&losses[..1]).minimised(last, 20), Some(Metric::Finite(1.0)));
        assert_eq!(trial(&[]).minimised(last, 20), None);
    }

    #[test]
    fn best_is_the_lowest_epoch_even_after_divergence() {
        let trial = trial(&[3.0, 1.0, f64::NAN]);
        assert_eq!(trial.minimised(by_loss(At::Best), 3), Some(Metric::Finite(1.0)));
        assert_eq!(trial.minimised(by_loss(At::Last), 3), Some(Metric::Diverged));
    }

    #[test]
    fn a_trial_that_missed_a_rung_ranks_as_diverged() {
        assert_eq!(trial(&[3.0, 1.0]).at_rung(by_loss(At::Last), 3), Metric::Diverged);
        assert_eq!(trial(&[3.0, 1.0, 2.0]).at_rung(by_loss(At::Last), 2), Metric::Finite(1.0));
    }
}
