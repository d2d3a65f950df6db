//! Files of anybody's: CSV and NPZ. They are checked to the last number before they are taken, a
//! piece at a time, and the first thing that is wrong is told with its row or its array.
//!
//! Features are taken as they are, and measured on the way; classes are whole numbers from 0, each with
//! a sample.

mod npy;
mod npz;
mod picked;
mod table;

use crate::{Features, Pool, Set, scales::Gauge};
use floodgauge_protocol::{DatasetFacts, Format, Image, Scales, Upload};
use std::{fs::File, io};

/// More bytes than a file may have.
pub const MAX_BYTES: u64 = 1 << 30;
/// More numbers than the features may be: 1 GiB in a worker's memory.
const MAX_NUMBERS: u64 = 1 << 28;
/// More features than a sample may have.
const MAX_FEATURES: u64 = 200_000;
/// Fewer samples than can be split.
const MIN_SAMPLES: u64 = 20;

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The file isn't what it should be; says which row or array, and what is wrong there.
    #[error("{0}")]
    Bad(String),
    /// The file can't be read.
    #[error("the file can't be read")]
    Read(#[from] io::Error),
}

/// What a file was found to hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checked {
    /// What its samples are, and how many there are.
    pub upload: Upload,
    /// How large the features are of what trains and validates.
    pub scales: Option<Scales>,
}

/// Checks a file whole, without holding it in memory, and says what it holds.
///
/// # Errors
/// [`UploadError::Bad`] with the first thing that is wrong.
pub fn check(file: File, format: Format) -> Result<Checked, UploadError> {
    let mut measured = Measured::default();
    let upload = parse(file, format, &mut measured)?;
    Ok(Checked { upload, scales: measured.scales() })
}

/// Reads a file into memory.
///
/// # Errors
/// As [`check`].
pub fn read(file: File, format: Format) -> Result<Set, UploadError> {
    let mut pools = Collected::default();
    let upload = parse(file, format, &mut pools)?;
    Ok(set(&upload, pools.train, (upload.test_samples > 0).then_some(pools.test)))
}

/// Reads of a file that holds `upload` the training samples at `rows`, which rise; and its test samples, if
/// it has any and they are wanted. No others are held in memory.
///
/// # Errors
/// As [`check`]; a file that holds something else.
pub fn read_rows(
    file: File,
    upload: &Upload,
    rows: &[usize],
    with_test: bool,
) -> Result<Set, UploadError> {
    let mut picked = picked::Picked::new(upload, rows, with_test);
    let found = parse(file, upload.format, &mut picked)?;
    if found != *upload {
        return bad("the file isn't the one that was uploaded");
    }
    let (train, test) = picked.into_parts();
    Ok(set(upload, train, test.filter(|_| upload.test_samples > 0)))
}

fn set(upload: &Upload, train: Floats, test: Option<Floats>) -> Set {
    let DatasetFacts { features, image, classes, .. } = upload.facts();
    Set {
        dim: features as usize,
        image,
        classes: classes as usize,
        train: train.into(),
        test: test.map(Pool::from),
    }
}

fn parse(file: File, format: Format, sink: &mut impl Sink) -> Result<Upload, UploadError> {
    match format {
        Format::Csv => table::parse(io::BufReader::new(file), sink),
        Format::Npz => npz::parse(file, sink),
    }
}

/// Which samples of an upload an array holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Train,
    Test,
}

/// What the numbers of a sample are.
#[derive(Clone, Copy, Debug)]
struct Layout {
    features: usize,
    image: Option<Image>,
    /// The column of a table, counted from 0, that holds the class.
    label: Option<usize>,
}

/// Takes samples as they are read; features and labels may come at different times.
trait Sink {
    /// Says what the numbers of a part are before the first of them comes.
    fn begin(&mut self, _: Part, _: Layout) {}
    fn features(&mut self, part: Part, features: &[f32]);
    fn labels(&mut self, part: Part, labels: &[u8]);
}

/// For who only checks: how large the features are. Test samples take no part, as they take none in
/// what `standardize` does.
#[derive(Default)]
struct Measured(Option<(Layout, Gauge)>);

impl Measured {
    fn scales(&self) -> Option<Scales> {
        let (layout, gauge) = self.0.as_ref()?;
        gauge.scales(|feature| match layout.label {
            Some(label) => feature + 1 + usize::from(feature >= label),
            None => feature,
        })
    }
}

impl Sink for Measured {
    fn begin(&mut self, part: Part, layout: Layout) {
        if part == Part::Train {
            self.0 = Some((layout, Gauge::new(layout.features, layout.image)));
        }
    }

    fn features(&mut self, part: Part, features: &[f32]) {
        if let (Part::Train, Some((_, gauge))) = (part, &mut self.0) {
            gauge.take(features);
        }
    }

    fn labels(&mut self, _: Part, _: &[u8]) {}
}

/// For who trains.
#[derive(Default)]
struct Collected {
    train: Floats,
    test: Floats,
}

#[derive(Default)]
struct Floats {
    features: Vec<f32>,
    labels: Vec<u8>,
}

impl Collected {
    fn part(&mut self, part: Part) -> &mut Floats {
        match part {
            Part::Train => &mut self.train,
            Part::Test => &mut self.test,
        }
    }
}

impl Sink for Collected {
    fn features(&mut self, part: Part, features: &[f32]) {
        self.part(part).features.extend_from_slice(features);
    }

    fn labels(&mut self, part: Part, labels: &[u8]) {
        self.part(part).labels.extend_from_slice(labels);
    }
}

impl From<Floats> for Pool {
    fn from(floats: Floats) -> Self {
        Self { features: Features::Floats(floats.features), labels: floats.labels }
    }
}

/// Counts labels, to see whether each class has a sample.
struct Classes([u64; 256]);

impl Classes {
    fn new() -> Self {
        Self([0; 256])
    }

    fn count(&mut self, label: u8) {
        self.0[usize::from(label)] += 1;
    }

    /// How many classes there are.
    fn finish(&self, place: &str) -> Result<u32, UploadError> {
        let classes = self.0.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
        if let Some(empty) = self.0[..classes].iter().position(|&count| count == 0) {
            return bad(format!(
                "{place}: the labels go up to {}, but none is {empty}; classes are 0, 1, 2 and so on",
                classes - 1
            ));
        }
        match classes {
            0 | 1 => bad(format!("{place}: there is only one class")),
            _ => Ok(classes as u32),
        }
    }
}

/// Refuses sizes that can't be split, or would fill a worker's memory.
fn check_size(samples: u64, features: u64) -> Result<(), UploadError> {
    if features == 0 || features > MAX_FEATURES {
        return bad(format!("{features} features a sample are not between 1 and {MAX_FEATURES}"));
    }
    if samples.saturating_mul(features) > MAX_NUMBERS {
        return bad(format!(
            "{samples} samples of {features} features are more than {MAX_NUMBERS} numbers"
        ));
    }
    Ok(())
}

fn check_enough(samples: u64) -> Result<(), UploadError> {
    match samples < MIN_SAMPLES {
        true => bad(format!("{samples} samples are too few: at least {MIN_SAMPLES} are needed")),
        false => Ok(()),
    }
}

fn bad<T>(what: impl Into<String>) -> Result<T, UploadError> {
    Err(UploadError::Bad(what.into()))
}
