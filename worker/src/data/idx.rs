//! IDX files, gzipped or not, as MNIST and its kin come (<http://yann.lecun.com/exdb/mnist/>).

use super::{DataError, Pool};
use floodgauge_protocol::DatasetName;
use std::{
    io::Read,
    path::{Path, PathBuf},
};

/// The brightest pixel.
pub(super) const SCALE: f32 = 255.0;

/// More bytes than any of these sets has; a file that unpacks to more is refused.
const MOST_BYTES: usize = 1 << 28;

/// Why bytes aren't a usable IDX file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdxError {
    /// The first four bytes are not two zeros, 8 (unsigned byte) and the number of dimensions.
    #[error("magic number {found:08x} is not {expected:08x}")]
    Magic {
        /// The number found.
        found: u32,
        /// The number of bytes of that many dimensions.
        expected: u32,
    },
    /// The file ends within its header.
    #[error("{len} bytes are too few for a header of {expected}")]
    Header {
        /// Bytes there are.
        len: usize,
        /// Bytes the header has.
        expected: usize,
    },
    /// The sizes in the header don't match what follows.
    #[error("dimensions {dims:?} do not match {found} bytes of data")]
    Size {
        /// The sizes that the header states.
        dims: Vec<u32>,
        /// The bytes that follow.
        found: usize,
    },
    /// Unpacking failed, or gave more than any known set has.
    #[error("cannot be unpacked: {0}")]
    Gzip(String),
}

/// Reads an IDX array of unsigned bytes with `D` dimensions, gzipped or not.
///
/// # Errors
/// When the bytes are anything else; never panics.
pub(super) fn parse<const D: usize>(bytes: &[u8]) -> Result<([usize; D], Vec<u8>), IdxError> {
    let unpacked;
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        unpacked = unpack(bytes)?;
        &unpacked
    } else {
        bytes
    };
    let expected = 4 + 4 * D;
    let Some((header, data)) = bytes.split_at_checked(expected) else {
        return Err(IdxError::Header { len: bytes.len(), expected });
    };
    let words: Vec<u32> = header
        .chunks_exact(4)
        .map(|word| word.iter().fold(0, |value, &byte| value << 8 | u32::from(byte)))
        .collect();
    let magic = 0x0800 + D as u32;
    if words[0] != magic {
        return Err(IdxError::Magic { found: words[0], expected: magic });
    }
    let dims: [usize; D] = std::array::from_fn(|i| words[i + 1] as usize);
    if dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) != Some(data.len()) {
        return Err(IdxError::Size { dims: words[1..].to_vec(), found: data.len() });
    }
    Ok((dims, data.to_vec()))
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, IdxError> {
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::GzDecoder::new(bytes).take(MOST_BYTES as u64 + 1);
    reader.read_to_end(&mut unpacked).map_err(|e| IdxError::Gzip(e.to_string()))?;
    if unpacked.len() > MOST_BYTES {
        return Err(IdxError::Gzip(format!("more than {MOST_BYTES} bytes")));
    }
    Ok(unpacked)
}

/// The stems of the four files of a set: images and labels that train, that test.
const STEMS: [&str; 4] = ["train-images", "train-labels", "t10k-images", "t10k-labels"];

/// A set that comes as IDX files.
pub(super) struct Source(DatasetName);

impl Source {
    /// The source of `name`, when it comes as files.
    pub(super) fn of(name: DatasetName) -> Option<Self> {
        use DatasetName::{FashionMnist, Kmnist, Mnist};
        matches!(name, Mnist | FashionMnist | Kmnist).then_some(Self(name))
    }

    /// The four files, each in one of its spellings.
    ///
    /// # Errors
    /// [`DataError::Missing`] with the files that aren't there.
    pub(super) fn find(&self, folder: Option<&Path>) -> Result<[PathBuf; 4], DataError> {
        let folder = folder.unwrap_or(Path::new("")).join(self.0.as_str());
        let found = STEMS.map(|stem| {
            let kind = if stem.ends_with("images") { "idx3" } else { "idx1" };
            let spellings = [".gz", ""]
                .map(|gz| [format!("{stem}.{kind}-ubyte{gz}"), format!("{stem}-{kind}-ubyte{gz}")]);
            let preferred = folder.join(&spellings[0][0]);
            let paths = spellings.into_iter().flatten().map(|file| folder.join(file));
            paths.into_iter().find(|path| path.is_file()).ok_or(preferred)
        });
        let missing: Vec<_> = found.iter().filter_map(|path| path.clone().err()).collect();
        if missing.is_empty() {
            Ok(found.map(|path| path.unwrap_or_else(|missing| missing)))
        } else {
            Err(DataError::Missing { name: self.0, files: missing })
        }
    }
}

/// The training and the test pool of `name`.
pub(super) fn load(name: DatasetName, folder: Option<&Path>) -> Result<(Pool, Pool), DataError> {
    let [train_images, train_labels, test_images, test_labels] = Source(name).find(folder)?;
    Ok((pool(name, &train_images, &train_labels)?, pool(name, &test_images, &test_labels)?))
}

fn pool(name: DatasetName, images: &Path, labels: &Path) -> Result<Pool, DataError> {
    let ([n, height, width], features) = read::<3>(images)?;
    let ([n_labels], labels) = read::<1>(labels)?;
    let mismatch = |what| Err(DataError::Mismatch { name, what });
    if n != n_labels {
        return mismatch(format!("{n} images but {n_labels} labels"));
    }
    let (dim, classes) = (height * width, name.classes());
    if dim != 28 * 28 {
        return mismatch(format!("images are {height} × {width}, not 28 × 28"));
    }
    if let Some(bad) = labels.iter().find(|&&label| u32::from(label) >= classes) {
        return mismatch(format!("label {bad} is not below {classes}"));
    }
    Ok(Pool { dim, features, labels })
}

fn read<const D: usize>(path: &Path) -> Result<([usize; D], Vec<u8>), DataError> {
    let bytes =
        std::fs::read(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    parse(&bytes).map_err(|source| DataError::Idx { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn labels_file(labels: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, 1];
        bytes.extend((labels.len() as u32).to_be_bytes());
        bytes.extend(labels);
        bytes
    }

    fn images_file(n: u32, pixels: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, 3];
        bytes.extend([n, 28, 28].iter().flat_map(|d| d.to_be_bytes()));
        bytes.extend(pixels);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = parse::<1>(&bytes);
            let _ = parse::<3>(&bytes);
        }

        #[test]
        fn bytes_behind_a_good_magic_never_panic(rest: Vec<u8>, packed: bool) {
            let bytes = [&[0, 0, 8, 3][..], &rest].concat();
            let _ = parse::<3>(&if packed { gzip(&bytes) } else { bytes });
        }

        #[test]
        fn a_cut_file_is_an_error(labels in proptest::collection::vec(0u8..10, 1..50), cut in 1usize..20) {
            let bytes = gzip(&labels_file(&labels));
            prop_assert!(parse::<1>(&bytes[..bytes.len().saturating_sub(cut)]).is_err());
        }

        #[test]
        fn labels_survive_gzipped_or_not(labels: Vec<u8>) {
            let bytes = labels_file(&labels);
            prop_assert_eq!(parse::<1>(&gzip(&bytes)).unwrap(), ([labels.len()], labels.clone()));
            prop_assert_eq!(parse::<1>(&bytes).unwrap(), ([labels.len()], labels));
        }
    }

    #[test]
    fn dimensions_that_overflow_are_an_error() {
        let mut bytes = vec![0, 0, 8, 3];
        bytes.extend([0xff; 12]);
        assert!(matches!(parse::<3>(&bytes), Err(IdxError::Size { .. })));
    }

    #[test]
    fn missing_files_are_named_with_their_place() {
        let folder = tempfile::tempdir().unwrap();
        let error = Source(DatasetName::Kmnist).find(Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains("train-images.idx3-ubyte.gz"), "{error}");
        assert!(error.contains("kmnist"), "{error}");
    }

    #[test]
    fn every_spelling_is_found_and_scaled() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("mnist");
        std::fs::create_dir(&dir).unwrap();
        let pixels: Vec<u8> = (0..2 * 784).map(|i| (i % 256) as u8).collect();
        let write = |file: &str, bytes: &[u8]| std::fs::write(dir.join(file), bytes).unwrap();
        write("train-images.idx3-ubyte.gz", &gzip(&images_file(2, &pixels)));
        write("train-labels-idx1-ubyte", &labels_file(&[3, 9]));
        write("t10k-images-idx3-ubyte.gz", &gzip(&images_file(2, &pixels)));
        assert!(super::super::available(DatasetName::Mnist, Some(folder.path())).is_err());
        write("t10k-labels.idx1-ubyte", &labels_file(&[1, 2]));
        super::super::available(DatasetName::Mnist, Some(folder.path())).unwrap();
        let dataset = floodgauge_protocol::Dataset {
            name: DatasetName::Mnist,
            label_noise: 0.0,
            n_train: Some(1),
            n_val: Some(1),
        };
        let data = super::super::load(&dataset, 0, Some(folder.path())).unwrap();
        assert_eq!((data.dim, data.classes, data.test.labels), (784, 10, vec![1, 2]));
        assert_eq!(data.test.features[255], 1.0);
        let mut labels = [data.train.labels, data.val.labels].concat();
        labels.sort_unstable();
        assert_eq!(labels, [3, 9]);
        let too_many = floodgauge_protocol::Dataset { n_train: Some(2), ..dataset };
        assert!(matches!(
            super::super::load(&too_many, 0, Some(folder.path())),
            Err(DataError::Split { most: 2, .. })
        ));
    }

    #[test]
    fn a_label_out_of_range_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
        std::fs::write(&images, images_file(1, &[0; 784])).unwrap();
        std::fs::write(&labels, labels_file(&[10])).unwrap();
        let error = pool(DatasetName::Mnist, &images, &labels).unwrap_err();
        assert!(error.to_string().contains("label 10"), "{error}");
    }
}
