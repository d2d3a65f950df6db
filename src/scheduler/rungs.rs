//! The rungs of a sweep: the epochs at which arms are compared, and how many go on.

use floodgauge_protocol::{SchedulerKind, SweepSpec};

/// One arm of so many goes on when a sweep names no `eta`.
pub const DEFAULT_ETA: u32 = 3;

/// The epochs at which arms are compared, rising; the last is the end of a full run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rungs {
    epochs: Vec<u32>,
    eta: u32,
}

impl Rungs {
    /// The rungs of a sweep with `levels` arms beside the baseline.
    ///
    /// Successive halving as in Jamieson & Talwalkar (AISTATS 2016), algorithm 1, with the
    /// resource of one full run for the last rung: without a `first_rung` there are
    /// `⌊log_eta levels⌋ + 1` rungs, each `eta` times the one before. A grid has one.
    pub fn of(spec: &SweepSpec, levels: usize) -> Self {
        let full = spec.recipe.epochs;
        let eta = spec.scheduler.eta.unwrap_or(DEFAULT_ETA).max(2);
        let mut epochs = match (spec.scheduler.kind, spec.scheduler.first_rung) {
            (SchedulerKind::Grid | SchedulerKind::Halving, _) => vec![],
            (SchedulerKind::Sha, Some(first)) => rising(first.max(1), eta, full),
            (SchedulerKind::Sha, None) => falling(levels, eta, full),
        };
        epochs.push(full);
        epochs.dedup();
        Self { epochs, eta }
    }

    /// The epochs of each rung.
    pub fn epochs(&self) -> &[u32] {
        &self.epochs
    }

    /// Whether `rung` ends a full run.
    pub fn is_last(&self, rung: usize) -> bool {
        rung + 1 >= self.epochs.len()
    }

    /// How many of `arms` go on after a rung: one in `eta`, at least one.
    pub fn keep(&self, arms: usize) -> usize {
        (arms / self.eta as usize).max(1)
    }
}

/// `first`, `first·eta`, … below `full`.
fn rising(first: u32, eta: u32, full: u32) -> Vec<u32> {
    std::iter::successors(Some(first), |epoch| epoch.checked_mul(eta))
        .take_while(|epoch| *epoch < full)
        .collect()
}

/// `full/eta^s`, … `full/eta`, rounded down, at least one epoch each; `s = ⌊log_eta levels⌋`.
fn falling(levels: usize, eta: u32, full: u32) -> Vec<u32> {
    let divisors = std::iter::successors(Some(eta), |divisor| divisor.checked_mul(eta));
    let mut epochs: Vec<u32> = divisors
        .take_while(|divisor| *divisor as usize <= levels)
        .map(|divisor| (full / divisor).max(1))
        .filter(|epoch| *epoch < full)
        .collect();
    epochs.reverse();
    epochs.dedup();
    epochs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spec(scheduler: &str, epochs: u32) -> SweepSpec {
        let text = format!(
            r#"{{"name": "x", "recipe": {{"dataset": {{"name": "digits"}}, "epochs": {epochs}}},
                 "scheduler": {scheduler}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn twenty_levels_over_a_hundred_epochs_have_three_rungs() {
        let rungs = Rungs::of(&spec(r#"{"kind": "sha"}"#, 100), 20);
        assert_eq!(rungs.epochs(), [11, 33, 100]);
        assert_eq!((rungs.keep(20), rungs.keep(6), rungs.keep(2)), (6, 2, 1));
    }

    #[test]
    fn a_named_first_rung_grows_by_eta_until_the_end() {
        let rungs = Rungs::of(&spec(r#"{"kind": "sha", "eta": 4, "first_rung": 5}"#, 100), 20);
        assert_eq!(rungs.epochs(), [5, 20, 80, 100]);
    }

    #[test]
    fn a_grid_has_one_rung() {
        assert_eq!(Rungs::of(&spec(r#"{"kind": "grid"}"#, 100), 20).epochs(), [100]);
    }

    proptest! {
        #[test]
        fn rungs_rise_and_end_with_a_full_run(
            epochs in 1u32..2_000, levels in 1usize..1_000, eta in 2u32..=100, first in proptest::option::of(1u32..2_000)
        ) {
            let mut spec = spec(r#"{"kind": "sha"}"#, epochs);
            spec.scheduler.eta = Some(eta);
            spec.scheduler.first_rung = first.map(|first| first.min(epochs));
            let rungs = Rungs::of(&spec, levels);
            prop_assert!(rungs.epochs().windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(rungs.epochs()[0] >= 1);
            prop_assert_eq!(*rungs.epochs().last().unwrap(), epochs);
        }
    }
}
