//! A data set in memory: plain vectors.

use crate::SetError;
use floodgauge_protocol::{DatasetName, Image};
use std::ops::Range;

/// A data set before it is split.
#[derive(Clone, Debug, PartialEq)]
pub struct Set {
    /// How many numbers a sample has.
    pub dim: usize,
    /// The images that samples are, channel after channel, where they are images.
    pub image: Option<Image>,
    /// How many classes there are; labels are below it, from 0.
    pub classes: usize,
    /// What trains and validates; tests too, where there are no test samples.
    pub train: Pool,
    /// What tests, where the set says so.
    pub test: Option<Pool>,
}

/// Samples with their classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pool {
    /// Row-major `[samples, dim]`.
    pub features: Features,
    /// One class per sample, from 0.
    pub labels: Vec<u8>,
}

/// Features as their files hold them.
#[derive(Clone, Debug, PartialEq)]
pub enum Features {
    /// Brightnesses, and the number that stands for 1.
    Bytes(Vec<u8>, f32),
    /// Numbers as they are.
    Floats(Vec<f32>),
}

impl Default for Features {
    fn default() -> Self {
        Self::Floats(Vec::new())
    }
}

impl Pool {
    /// How many samples there are; one label each.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The samples at `rows`, of `dim` features each, in that order.
    pub fn picked(&self, rows: &[usize], dim: usize) -> Self {
        let features = match &self.features {
            Features::Bytes(bytes, scale) => Features::Bytes(picked(bytes, rows, dim), *scale),
            Features::Floats(floats) => Features::Floats(picked(floats, rows, dim)),
        };
        Self { features, labels: rows.iter().map(|&row| self.labels[row]).collect() }
    }
}

impl Features {
    /// How many there are, of all samples together.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes, _) => bytes.len(),
            Self::Floats(floats) => floats.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What they take in memory, in bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes, _) => size_of_val(bytes.as_slice()),
            Self::Floats(floats) => size_of_val(floats.as_slice()),
        }
    }

    /// Those in a range as numbers.
    pub fn numbers(&self, range: Range<usize>) -> Vec<f32> {
        let mut numbers = Vec::with_capacity(range.len());
        self.append_to(&mut numbers, range);
        numbers
    }

    /// Appends those in a range as numbers.
    pub fn append_to(&self, numbers: &mut Vec<f32>, range: Range<usize>) {
        match self {
            Self::Bytes(bytes, scale) => {
                numbers.extend(bytes[range].iter().map(|&byte| f32::from(byte) / scale));
            }
            Self::Floats(floats) => numbers.extend_from_slice(&floats[range]),
        }
    }

    /// All of them as numbers from now on, which may be changed.
    pub fn to_floats(&mut self) -> &mut Vec<f32> {
        if let Self::Bytes(..) = self {
            *self = Self::Floats(self.numbers(0..self.len()));
        }
        match self {
            Self::Floats(floats) => floats,
            Self::Bytes(..) => unreachable!("they are numbers by now"),
        }
    }
}

impl Set {
    /// The same set with those training samples alone, and with its test samples where they are
    /// wanted.
    pub fn rows(&self, rows: &[usize], with_test: bool) -> Self {
        let test = self.test.clone().filter(|_| with_test);
        Self { train: self.train.picked(rows, self.dim), test, ..*self }
    }
}

fn picked<T: Copy>(values: &[T], rows: &[usize], dim: usize) -> Vec<T> {
    let mut picked = Vec::with_capacity(rows.len() * dim);
    rows.iter().for_each(|&row| picked.extend_from_slice(&values[row * dim..(row + 1) * dim]));
    picked
}

/// The brightest pixel of the sets that come as files.
pub(crate) const WHITE: f32 = 255.0;

/// Where images and labels were read, in words.
pub(crate) struct Origin {
    pub images: String,
    pub labels: String,
}

impl Origin {
    /// Both in one place.
    pub fn one(place: impl ToString) -> Self {
        Self { images: place.to_string(), labels: place.to_string() }
    }

    fn mismatch(place: &str, what: String) -> SetError {
        SetError::Mismatch { place: place.into(), what }
    }

    /// Checks that images of a size, channels, height and width, are those of `kind`.
    pub fn check_size(&self, kind: Images, size: [usize; 3]) -> Result<(), SetError> {
        let expected = [kind.image.channels, kind.image.height, kind.image.width];
        let expected = expected.map(|n| n as usize);
        if size == expected {
            return Ok(());
        }
        let [found, expected] = [size, expected].map(in_words);
        let what = format!("its images are {found}, expected {expected}");
        Err(Self::mismatch(&self.images, what))
    }

    /// Checks that so many images have labels, each a class of `kind`.
    pub fn check_labels(&self, kind: Images, count: usize, labels: &[u8]) -> Result<(), SetError> {
        let Self { images, labels: place } = self;
        if count != labels.len() {
            let found = labels.len();
            let what = format!("it has {found} labels, expected {count}, as {images} has");
            return Err(Self::mismatch(place, what));
        }
        if count == 0 {
            return Err(Self::mismatch(images, "it has no images".into()));
        }
        if let Some(at) = labels.iter().position(|&label| usize::from(label) >= kind.classes) {
            let (label, classes) = (labels[at], kind.classes);
            let what = format!("label {label} of sample {at}, expected one below {classes}");
            return Err(Self::mismatch(place, what));
        }
        Ok(())
    }
}

/// What the images of a named set are like.
#[derive(Clone, Copy)]
pub(crate) struct Images {
    pub image: Image,
    pub classes: usize,
}

impl Images {
    /// Those of a set.
    pub fn of(name: &DatasetName) -> Result<Self, SetError> {
        let facts = name.facts().and_then(|facts| Some((facts.image?, facts.classes as usize)));
        let (image, classes) = facts.ok_or_else(|| SetError::Mismatch {
            place: name.to_string(),
            what: "it is not a set of images".into(),
        })?;
        Ok(Self { image, classes })
    }
}

/// `28 × 28`, or `3 × 32 × 32` where there is more than one channel.
fn in_words([channels, height, width]: [usize; 3]) -> String {
    match channels {
        1 => format!("{height} × {width}"),
        _ => format!("{channels} × {height} × {width}"),
    }
}
