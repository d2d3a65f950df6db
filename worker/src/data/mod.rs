//! Data sets, split and noised as a recipe says.
//!
//! Plain vectors, no tensors.

mod digits;
mod noise;
mod standard;
mod synthetic;

use crate::seeds::{self, Purpose};
use floodgauge_datasets::{
    Folder, Pool, Set, SetError, pack,
    upload::{self, UploadError},
};
use floodgauge_protocol::{Dataset, DatasetKind, DatasetName, Image};
use rand::seq::SliceRandom;
use std::{borrow::Cow, fs::File, io::BufReader, path::Path};

/// Labelled samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Row-major `[samples, dim]`.
    pub features: Vec<f32>,
    /// One class per sample, from 0.
    pub labels: Vec<u8>,
}

impl Samples {
    /// How many samples there are; one label each.
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
    /// How many numbers a sample has.
    pub dim: usize,
    /// The images that samples are, channel after channel, where they are images.
    pub image: Option<Image>,
    /// How many classes there are; labels are below it, from 0.
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
    /// Files of a named set that are missing or can't be used.
    #[error(transparent)]
    Set(#[from] SetError),
    /// An uploaded file that can't be used.
    #[error("{name} can't be used")]
    Upload {
        /// As the recipe names it.
        name: DatasetName,
        /// What is wrong with the file.
        source: UploadError,
    },
    /// The set has to be read, and the recipe doesn't say which bytes it is.
    #[error("{0} isn't built in, and the sweep isn't pinned to its bytes: submit it again")]
    Unpinned(DatasetName),
    /// The recipe asks for more samples than there are.
    #[error("n_train {n_train} and n_val {n_val} together exceed the {most} samples of {name}")]
    Split {
        /// As the recipe names it.
        name: DatasetName,
        /// Training samples asked for.
        n_train: usize,
        /// Validation samples asked for.
        n_val: usize,
        /// Samples there are for both.
        most: usize,
    },
}

/// Loads `dataset` as `seed` sees it: its own split, its own label noise; a synthetic set's own
/// samples. Named sets that come as files are read from `folder`.
///
/// # Errors
/// When files are missing or bad, or the split is larger than the set.
pub fn load(dataset: &Dataset, seed: u32, folder: Option<&Path>) -> Result<Data, DataError> {
    seen(dataset, seed, || match dataset.name.kind() {
        DatasetKind::BuiltIn => Ok(Cow::Borrowed(digits::all())),
        DatasetKind::Files => {
            let folder = folder.ok_or_else(|| DataError::Unpinned(dataset.name.clone()))?;
            Ok(Cow::Owned(Folder::new(folder).load(&dataset.name)?))
        }
        DatasetKind::Uploaded | DatasetKind::Generated => {
            Err(DataError::Unpinned(dataset.name.clone()))
        }
    })
}

/// Loads `dataset` from the bytes that its recipe is pinned to.
///
/// # Errors
/// As [`load`]; bytes that aren't the set's.
pub fn load_pinned(dataset: &Dataset, seed: u32, bytes: File) -> Result<Data, DataError> {
    seen(dataset, seed, || match dataset.pin.and_then(|pin| pin.upload) {
        Some(upload) => {
            let name = dataset.name.clone();
            let set = upload::read(bytes, upload.format);
            Ok(Cow::Owned(set.map_err(|source| DataError::Upload { name, source })?))
        }
        None => Ok(Cow::Owned(pack::read(&dataset.name, &mut BufReader::new(bytes))?)),
    })
}

/// What `seed` sees of a set, which is read unless it is generated.
fn seen<'a>(
    dataset: &Dataset,
    seed: u32,
    set: impl FnOnce() -> Result<Cow<'a, Set>, DataError>,
) -> Result<Data, DataError> {
    let dataset = dataset.resolved();
    let name = dataset.name.clone();
    let (n_train, n_val) = (dataset.n_train.unwrap_or(0), dataset.n_val.unwrap_or(0));
    let (n_train, n_val) = (n_train as usize, n_val as usize);
    let check = |most| match n_train + n_val > most {
        true => Err(DataError::Split { name: name.clone(), n_train, n_val, most }),
        false => Ok(()),
    };
    if let Some(facts) = dataset.facts() {
        check(facts.max_samples as usize)?;
    }
    let mut data = match name.kind() {
        DatasetKind::Generated => synthetic::draw(&name, n_train, n_val, seed),
        _ => {
            let set = set()?;
            check(set.train.len())?;
            split(&set, n_train, n_val, seed)
        }
    };
    let mut rng = seeds::stream(seed, Purpose::Noise, 0);
    noise::flip(&mut data.train.labels, data.classes, dataset.label_noise, &mut rng);
    noise::flip(&mut data.val.labels, data.classes, dataset.label_noise, &mut rng);
    if dataset.standardize {
        standard::ize(&mut data);
    }
    Ok(data)
}

/// The seed's own split; the test part is the set's or, where it has none, what is left.
fn split(set: &Set, n_train: usize, n_val: usize, seed: u32) -> Data {
    let order = shuffled(set.train.len(), seed);
    let (kept, rest) = order.split_at(n_train + n_val);
    let (train, val) = kept.split_at(n_train);
    let test = match &set.test {
        Some(test) => samples(test, &(0..test.len()).collect::<Vec<_>>(), set.dim),
        None => samples(&set.train, rest, set.dim),
    };
    Data {
        dim: set.dim,
        image: set.image,
        classes: set.classes,
        train: samples(&set.train, train, set.dim),
        val: samples(&set.train, val, set.dim),
        test,
    }
}

fn samples(pool: &Pool, rows: &[usize], dim: usize) -> Samples {
    let labels = rows.iter().map(|&row| pool.labels[row]).collect();
    Samples { features: pool.rows(rows, dim), labels }
}

fn shuffled(n: usize, seed: u32) -> Vec<usize> {
    let mut order: Vec<_> = (0..n).collect();
    order.shuffle(&mut seeds::stream(seed, Purpose::Split, 0));
    order
}
