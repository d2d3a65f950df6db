//! The epochs that a log reports, each by a sum of what was measured: a sweep may have ten million of them,
//! and who compares them with what is stored needs no more.

use crate::store::RowUpdate;
use floodgauge_protocol::{FamilyIx, Metric, TrialKey, work::Diagnostics};
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

/// The epochs of a sweep, of each its number and its sum, by trial: eight bytes an epoch.
#[derive(Debug, Default)]
pub struct Epochs(BTreeMap<TrialKey, Vec<(u32, u32)>>);

impl Epochs {
    /// Takes an epoch in; in place of what it was before, if it was there.
    pub fn add(&mut self, row: &RowUpdate) {
        let (of, epoch) = (self.0.entry(row.trial).or_default(), (row.epoch, sum(row)));
        // One follows on the other, unless the log is damaged.
        match of.binary_search_by_key(&row.epoch, |(epoch, _)| *epoch) {
            Ok(at) => of[at] = epoch,
            Err(at) => of.insert(at, epoch),
        }
    }

    /// Forgets a family's.
    pub fn start_over(&mut self, family: FamilyIx) {
        self.0.retain(|trial, _| trial.family != family);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// How many each trial has, by trial; those that have none are left out.
    pub fn extents(&self) -> impl Iterator<Item = (TrialKey, usize)> + '_ {
        self.0.iter().map(|(trial, epochs)| (*trial, epochs.len()))
    }

    /// Whether an epoch is as it was reported; none if it never was.
    pub fn is_reported(&self, row: &RowUpdate) -> Option<bool> {
        let epochs = self.0.get(&row.trial)?;
        let at = epochs.binary_search_by_key(&row.epoch, |(epoch, _)| *epoch).ok()?;
        Some(epochs[at].1 == sum(row))
    }
}

/// Of two that differ, one in four thousand million has the same.
fn sum(row: &RowUpdate) -> u32 {
    let RowUpdate { trial: _, epoch: _, step, train_loss, metrics, branch, diagnostics } = row;
    let mut hasher = DefaultHasher::new();
    (step, bits(*train_loss), branch).hash(&mut hasher);
    for (name, value) in metrics.iter() {
        (name, bits(value)).hash(&mut hasher);
    }
    if let Some(Diagnostics { grad_norm, ascending, flooded_steps }) = *diagnostics {
        (bits(grad_norm), of_number(ascending), flooded_steps).hash(&mut hasher);
    }
    // Each half is as good.
    hasher.finish() as u32
}

fn bits(metric: Metric) -> Option<u64> {
    metric.finite().map(of_number)
}

/// The same for both zeros, which are equal.
fn of_number(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_protocol::{ArmIx, MetricName, MetricValues};

    fn row(epoch: u32) -> RowUpdate {
        RowUpdate {
            trial: TrialKey::new(FamilyIx(0), ArmIx(1)),
            epoch,
            step: 22 * u64::from(epoch),
            train_loss: Metric::Finite(1.5),
            metrics: MetricValues::validation(Metric::Finite(0.5), Metric::Diverged),
            branch: ArmIx(0),
            diagnostics: Some(Diagnostics {
                grad_norm: Metric::Finite(2.0),
                ascending: 0.25,
                flooded_steps: 3,
            }),
        }
    }

    #[test]
    fn an_epoch_that_differs_in_anything_is_not_the_one_that_was_reported() {
        let mut epochs = Epochs::default();
        (1..=9).for_each(|epoch| epochs.add(&row(epoch)));
        assert_eq!((epochs.count(), epochs.is_reported(&row(7))), (9, Some(true)));
        assert_eq!(epochs.is_reported(&row(10)), None);
        let whole = row(7).diagnostics.unwrap();
        let named = [(MetricName::val_loss(), Metric::Finite(0.5))].into_iter().collect();
        for other in [
            RowUpdate { step: 153, ..row(7) },
            RowUpdate { train_loss: Metric::Finite(1.5f64.next_up()), ..row(7) },
            RowUpdate { train_loss: Metric::Diverged, ..row(7) },
            RowUpdate { metrics: named, ..row(7) },
            RowUpdate { branch: ArmIx(1), ..row(7) },
            RowUpdate { diagnostics: None, ..row(7) },
            RowUpdate { diagnostics: Some(Diagnostics { ascending: 0.5, ..whole }), ..row(7) },
            RowUpdate { diagnostics: Some(Diagnostics { flooded_steps: 4, ..whole }), ..row(7) },
        ] {
            assert_eq!(epochs.is_reported(&other), Some(false), "{other:?}");
        }
        let other = RowUpdate { trial: TrialKey::new(FamilyIx(1), ArmIx(1)), ..row(7) };
        assert_eq!(epochs.is_reported(&other), None);
    }

    #[test]
    fn both_zeros_are_the_same_and_a_family_that_starts_over_has_none() {
        let with = |loss| RowUpdate { train_loss: Metric::Finite(loss), ..row(1) };
        let mut epochs = Epochs::default();
        epochs.add(&with(0.0));
        assert_eq!(epochs.is_reported(&with(-0.0)), Some(true));
        epochs.add(&with(1.0));
        assert_eq!((epochs.count(), epochs.is_reported(&with(1.0))), (1, Some(true)));
        epochs.start_over(FamilyIx(1));
        assert_eq!(epochs.extents().collect::<Vec<_>>(), [(row(1).trial, 1)]);
        epochs.start_over(FamilyIx(0));
        assert_eq!(epochs.count(), 0);
    }

    /// Ten million fit into a hundred MiB or so: a page of the log is taken in, and nothing else of it kept.
    #[test]
    fn an_epoch_takes_eight_bytes_however_often_it_is_reported() {
        let mut epochs = Epochs::default();
        for _ in 0..3 {
            (1..=1_000).for_each(|epoch| epochs.add(&row(epoch)));
        }
        let held: usize = epochs.0.values().map(|of| size_of_val(&of[..])).sum();
        assert_eq!(held, 8 * 1_000);
    }
}
