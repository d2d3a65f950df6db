//! Data sets, split and noised as a recipe says.
//!
//! Plain vectors, no tensors.

mod digits;
mod noise;
mod standard;
mod synthetic;

use crate::seeds::{self, Purpose};
use floodgauge_datasets::{
    Folder, Set, SetError, pack,
    upload::{self, UploadError},
};
use floodgauge_protocol::{Dataset, DatasetKind, DatasetName, Image};
use rand::seq::SliceRandom;
use std::{borrow::Cow, fs::File, io::BufReader, path::Path};

pub use floodgauge_datasets::{Features, Pool as Samples};

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

/// Which samples of a data set are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those that train and validate.
    Training,
    /// Those that test, too.
    All,
}

/// Loads `dataset` as `seed` sees it: its own split, its own label noise; a synthetic set's own
/// samples. Named sets that come as files are read from `folder`.
///
/// # Errors
/// When files are missing or bad, or the split is larger than the set.
pub fn load(dataset: &Dataset, seed: u32, folder: Option<&Path>) -> Result<Data, DataError> {
    seen(dataset, seed, Wanted::All, |split| {
        let whole: Cow<'_, Set> = match dataset.name.kind() {
            DatasetKind::BuiltIn => Cow::Borrowed(digits::all()),
            DatasetKind::Files => {
                let folder = folder.ok_or_else(|| DataError::Unpinned(dataset.name.clone()))?;
                Cow::Owned(Folder::new(folder).load(&dataset.name)?)
            }
            DatasetKind::Uploaded | DatasetKind::Generated => {
                return Err(DataError::Unpinned(dataset.name.clone()));
            }
        };
        let rows = split.rows(whole.train.len(), whole.test.is_some())?;
        Ok(whole.rows(&rows, true))
    })
}

/// Loads of `dataset`, from the bytes that its recipe is pinned to, what is wanted of what `seed` sees; the test part
/// is empty where it isn't. Nothing else is held in memory.
///
/// # Errors
/// As [`load`]; bytes that aren't the set's.
pub fn load_pinned(
    dataset: &Dataset,
    seed: u32,
    bytes: File,
    wanted: Wanted,
) -> Result<Data, DataError> {
    let with_test = wanted == Wanted::All;
    seen(dataset, seed, wanted, |split| match dataset.pin.and_then(|pin| pin.upload) {
        Some(upload) => {
            let name = dataset.name.clone();
            let rows = split.rows(upload.samples as usize, upload.test_samples > 0)?;
            let set = upload::read_rows(bytes, &upload, &rows, with_test);
            set.map_err(|source| DataError::Upload { name, source })
        }
        None => {
            let mut bytes = BufReader::with_capacity(1 << 16, bytes);
            let choose = |samples| split.rows(samples, true);
            pack::read_rows(&dataset.name, &mut bytes, choose, with_test)
        }
    })
}

/// What `seed` sees of a set, which is read unless it is generated.
fn seen(
    dataset: &Dataset,
    seed: u32,
    wanted: Wanted,
    read: impl FnOnce(&mut Split) -> Result<Set, DataError>,
) -> Result<Data, DataError> {
    let dataset = dataset.resolved();
    let mut split = Split::of(&dataset, seed, wanted);
    if let Some(facts) = dataset.facts() {
        split.check(facts.max_samples as usize)?;
    }
    let mut data = match dataset.name.kind() {
        DatasetKind::Generated => synthetic::draw(&dataset.name, split.n_train, split.n_val, seed),
        _ => {
            let set = read(&mut split)?;
            split.data(set)
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

/// A seed's own split; the test part is the set's or, where it has none, what is left.
struct Split {
    name: DatasetName,
    n_train: usize,
    n_val: usize,
    seed: u32,
    wanted: Wanted,
    /// The samples that are wanted: those that train, validate and, if they come from the same pool, test.
    order: Vec<usize>,
}

impl Split {
    fn of(dataset: &Dataset, seed: u32, wanted: Wanted) -> Self {
        let count = |n: Option<u32>| n.unwrap_or(0) as usize;
        let (n_train, n_val) = (count(dataset.n_train), count(dataset.n_val));
        Self { name: dataset.name.clone(), n_train, n_val, seed, wanted, order: vec![] }
    }

    fn check(&self, most: usize) -> Result<(), DataError> {
        let Self { name, n_train, n_val, .. } = self;
        let (name, n_train, n_val) = (name.clone(), *n_train, *n_val);
        match n_train + n_val > most {
            true => Err(DataError::Split { name, n_train, n_val, most }),
            false => Ok(()),
        }
    }

    /// The samples to read, of so many in the pool, in rising order.
    fn rows(&mut self, samples: usize, has_own_test: bool) -> Result<Vec<usize>, DataError> {
        self.check(samples)?;
        self.order = shuffled(samples, self.seed);
        if has_own_test || self.wanted == Wanted::Training {
            self.order.truncate(self.n_train + self.n_val);
        }
        let mut rows = self.order.clone();
        rows.sort_unstable();
        Ok(rows)
    }

    /// The parts of a set that holds those samples.
    fn data(&self, set: Set) -> Data {
        let mut sorted = self.order.clone();
        sorted.sort_unstable();
        let places = self.order.iter().map(|row| sorted.partition_point(|other| other < row));
        let places: Vec<_> = places.collect();
        let (kept, rest) = places.split_at(self.n_train + self.n_val);
        let (train, val) = kept.split_at(self.n_train);
        let test = set.test.unwrap_or_else(|| set.train.picked(rest, set.dim));
        Data {
            dim: set.dim,
            image: set.image,
            classes: set.classes,
            train: set.train.picked(train, set.dim),
            val: set.train.picked(val, set.dim),
            test,
        }
    }
}

fn shuffled(n: usize, seed: u32) -> Vec<usize> {
    let mut order: Vec<_> = (0..n).collect();
    order.shuffle(&mut seeds::stream(seed, Purpose::Split, 0));
    order
}
