//! A data set in memory: plain vectors.

use crate::SetError;
use floodgauge_protocol::{DatasetName, Image};

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

    /// The features of the samples at `rows`, `dim` each.
    pub fn rows(&self, rows: &[usize], dim: usize) -> Vec<f32> {
        let mut selected = Vec::with_capacity(rows.len() * dim);
        for range in rows.iter().map(|&row| row * dim..(row + 1) * dim) {
            match &self.features {
                Features::Bytes(bytes, scale) => {
                    selected.extend(bytes[range].iter().map(|&byte| f32::from(byte) / scale));
                }
                Features::Floats(floats) => selected.extend_from_slice(&floats[range]),
            }
        }
        selected
    }
}

/// The brightest pixel of the sets that come as files.
const WHITE: f32 = 255.0;

/// Images as bytes, and their labels.
pub(crate) struct Images {
    /// Channels, height, width.
    pub size: [usize; 3],
    pub pixels: Vec<u8>,
    pub labels: Vec<u8>,
    pub from: Origin,
}

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
}

impl Images {
    /// Checks that the images are of that size and the labels below `classes`.
    fn pool(self, image: Image, classes: usize) -> Result<Pool, SetError> {
        let mismatch = |place: &str, what| Err(SetError::Mismatch { place: place.into(), what });
        let Origin { images, labels } = &self.from;
        let size = [image.channels, image.height, image.width].map(|n| n as usize);
        if self.size != size {
            let [found, expected] = [self.size, size].map(in_words);
            return mismatch(images, format!("its images are {found}, expected {expected}"));
        }
        let count = self.pixels.len() / size.iter().product::<usize>();
        if count != self.labels.len() {
            let found = self.labels.len();
            let what = format!("it has {found} labels, expected {count}, as {images} has");
            return mismatch(labels, what);
        }
        if count == 0 {
            return mismatch(images, "it has no images".into());
        }
        if let Some(at) = self.labels.iter().position(|&label| usize::from(label) >= classes) {
            let label = self.labels[at];
            let what = format!("label {label} of sample {at}, expected one below {classes}");
            return mismatch(labels, what);
        }
        Ok(Pool { features: Features::Bytes(self.pixels, WHITE), labels: self.labels })
    }
}

/// `28 × 28`, or `3 × 32 × 32` where there is more than one channel.
fn in_words([channels, height, width]: [usize; 3]) -> String {
    match channels {
        1 => format!("{height} × {width}"),
        _ => format!("{channels} × {height} × {width}"),
    }
}

/// The set that the images make, if they are those of `name`.
pub(crate) fn of_images(name: &DatasetName, train: Images, test: Images) -> Result<Set, SetError> {
    let facts = name.facts().and_then(|facts| Some((facts.image?, facts.classes as usize)));
    let (image, classes) = facts.ok_or_else(|| SetError::Mismatch {
        place: name.to_string(),
        what: "it is no set of images".into(),
    })?;
    Ok(Set {
        dim: image.numbers() as usize,
        image: Some(image),
        classes,
        train: train.pool(image, classes)?,
        test: Some(test.pool(image, classes)?),
    })
}
