//! The mini-batches of an epoch: a function of seed and epoch alone.

use super::setup::TrainingSetup;
use crate::{
    augment::Augmentation,
    data::Data,
    evaluate,
    seeds::{self, Purpose},
};
use burn::tensor::{Device, Tensor};
use rand::seq::SliceRandom;

/// Mini-batches that are put together at once, since to wake a thread takes 20 µs.
pub(super) const BATCHES_AHEAD: u64 = 4;

/// Bytes of the mini-batches that a group holds at once, each of so many numbers.
pub(super) fn bytes_held(numbers: usize) -> usize {
    (BATCHES_AHEAD as usize + 1) * numbers * size_of::<f32>()
}

/// The samples that one step is taken on.
pub(super) struct Batch {
    /// `[1, batch, dim]`.
    pub input: Tensor<3>,
    pub labels: Vec<u8>,
}

/// The mini-batches of one epoch.
pub(super) struct Batches<'a> {
    data: &'a Data,
    size: usize,
    steps_per_epoch: u64,
    order: Vec<usize>,
    augmentation: Option<Augmentation>,
}

impl<'a> Batches<'a> {
    /// Those of epoch number `epoch`, from 0.
    pub fn of(setup: &TrainingSetup, data: &'a Data, epoch: u64) -> Self {
        Self {
            data,
            size: setup.batch_size,
            steps_per_epoch: setup.steps_per_epoch,
            order: order(setup.seed, epoch, data.train.len()),
            augmentation: augmentation(setup, data, epoch),
        }
    }

    /// The mini-batch of step number `step`, from 0 over all epochs, on `device`.
    pub fn on(&self, device: &Device, step: u64) -> Batch {
        let (features, labels) = self.gather(step);
        Batch { input: evaluate::batch(features, self.data.dim, device), labels }
    }

    /// The features `[rows, dim]` and labels of step number `step`, from 0 over all epochs.
    fn gather(&self, step: u64) -> (Vec<f32>, Vec<u8>) {
        let from = (step % self.steps_per_epoch) as usize * self.size;
        let rows = &self.order[from..(from + self.size).min(self.order.len())];
        let (samples, dim) = (&self.data.train, self.data.dim);
        let mut features = Vec::with_capacity(rows.len() * dim);
        for &row in rows {
            let sample = row * dim..(row + 1) * dim;
            match &self.augmentation {
                Some(augmentation) => {
                    augmentation.extend(&mut features, &samples.features.numbers(sample), row);
                }
                None => samples.features.append_to(&mut features, sample),
            }
        }
        (features, rows.iter().map(|&row| samples.labels[row]).collect())
    }
}

/// The order of an epoch's samples.
fn order(seed: u32, epoch: u64, samples: usize) -> Vec<usize> {
    let mut order: Vec<_> = (0..samples).collect();
    order.shuffle(&mut seeds::stream(seed, Purpose::Batches, epoch));
    order
}

/// How an epoch changes training images, where it does.
fn augmentation(setup: &TrainingSetup, data: &Data, epoch: u64) -> Option<Augmentation> {
    let (augment, seed) = (setup.augment, setup.seed);
    let image = data.image.filter(|_| !augment.is_none());
    image.map(|image| Augmentation { augment, image, seed, epoch })
}
