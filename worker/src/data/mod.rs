//! Data sets, split and noised as a recipe says.
//!
//! Plain vectors, no tensors.

mod digits;
mod idx;
mod noise;
mod synthetic;

use crate::seeds::{self, Purpose};
use floodgauge_protocol::{Dataset, DatasetName, Image};
use rand::seq::SliceRandom;
use std::path::{Path, PathBuf};

pub use idx::IdxError;

/// Labelled samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Row-major `[samples, dim]`.
    pub features: Vec<f32>,
    /// One class per sample, from 0.
    pub labels: Vec<u8>,
}

impl Samples {
    /// How many samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// A data set as one seed of a recipe sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// Features per sample.
    pub dim: usize,
    /// The images that samples are, channel after channel, where they are images.
    pub image: Option<Image>,
    /// Classes.
    pub classes: usize,
    /// What trains; noisy labels where the recipe says so.
    pub train: Samples,
    /// What validates; noisy labels where the recipe says so.
    pub val: Samples,
    /// What tests; clean labels.
    pub test: Samples,
}

/// Why a data set can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Files are not where they are looked for.
    #[error("{} needs files that aren't there: {} (packed, .gz, or not)", .name.as_str(), list(.files))]
    Missing {
        /// The set.
        name: DatasetName,
        /// The files to put there, as looked for.
        files: Vec<PathBuf>,
    },
    /// A file can't be read.
    #[error("{} can't be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file isn't what its name says.
    #[error("{} is not a usable IDX file", .path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// Why.
        source: IdxError,
    },
    /// A file isn't what this set needs, though it can be read.
    #[error("{} doesn't fit: {what}", .path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What it holds, and what was expected.
        what: String,
    },
    /// The recipe asks for more samples than there are.
    #[error("n_train {n_train} and n_val {n_val} together exceed the {most} samples of {}", .name.as_str())]
    Split {
        /// The set.
        name: DatasetName,
        /// Training samples asked for.
        n_train: usize,
        /// Validation samples asked for.
        n_val: usize,
        /// Samples there are for both.
        most: usize,
    },
}

fn list(files: &[PathBuf]) -> String {
    files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Loads `dataset` as `seed` sees it: its own split, its own label noise; a synthetic set's own
/// samples.
///
/// # Errors
/// When files are missing or bad, or the split is larger than the set.
pub fn load(dataset: &Dataset, seed: u32, folder: Option<&Path>) -> Result<Data, DataError> {
    let (default_train, default_val) = dataset.name.default_split();
    let n_train = dataset.n_train.unwrap_or(default_train) as usize;
    let n_val = dataset.n_val.unwrap_or(default_val) as usize;
    let most = dataset.name.most_samples() as usize;
    if n_train + n_val > most {
        return Err(DataError::Split { name: dataset.name, n_train, n_val, most });
    }
    let (classes, image) = (dataset.name.classes() as usize, dataset.name.image());
    let mut data = match dataset.name {
        DatasetName::Digits => {
            let pool = digits::all();
            let order = shuffled(pool.len(), seed);
            let (kept, rest) = order.split_at(n_train + n_val);
            let (train, val) = kept.split_at(n_train);
            let scale = digits::SCALE;
            Data {
                dim: digits::DIM,
                image,
                classes,
                train: pool.select(train, scale),
                val: pool.select(val, scale),
                test: pool.select(rest, scale),
            }
        }
        DatasetName::TwoGaussians | DatasetName::Sinusoid | DatasetName::Spiral => {
            synthetic::draw(dataset.name, n_train, n_val, seed)
        }
        DatasetName::Mnist | DatasetName::FashionMnist | DatasetName::Kmnist => {
            let (pool, test) = idx::load(dataset.name, folder)?;
            if n_train + n_val > pool.len() {
                let most = pool.len();
                return Err(DataError::Split { name: dataset.name, n_train, n_val, most });
            }
            let order = shuffled(pool.len(), seed);
            let (train, rest) = order.split_at(n_train);
            let all: Vec<_> = (0..test.len()).collect();
            Data {
                dim: pool.dim,
                image,
                classes,
                train: pool.select(train, idx::SCALE),
                val: pool.select(&rest[..n_val], idx::SCALE),
                test: test.select(&all, idx::SCALE),
            }
        }
    };
    let mut rng = seeds::stream(seed, Purpose::Noise, 0);
    noise::flip(&mut data.train.labels, classes, dataset.label_noise, &mut rng);
    noise::flip(&mut data.val.labels, classes, dataset.label_noise, &mut rng);
    Ok(data)
}

fn shuffled(n: usize, seed: u32) -> Vec<usize> {
    let mut order: Vec<_> = (0..n).collect();
    order.shuffle(&mut seeds::stream(seed, Purpose::Split, 0));
    order
}

/// Samples with one byte per feature, as files hold them.
#[derive(Clone, Debug)]
struct Pool {
    dim: usize,
    features: Vec<u8>,
    labels: Vec<u8>,
}

impl Pool {
    fn len(&self) -> usize {
        self.labels.len()
    }

    /// The samples at `rows`, each feature divided by `scale`.
    fn select(&self, rows: &[usize], scale: f32) -> Samples {
        let mut features = Vec::with_capacity(rows.len() * self.dim);
        for &row in rows {
            let bytes = &self.features[row * self.dim..(row + 1) * self.dim];
            features.extend(bytes.iter().map(|&b| f32::from(b) / scale));
        }
        Samples { features, labels: rows.iter().map(|&row| self.labels[row]).collect() }
    }
}
