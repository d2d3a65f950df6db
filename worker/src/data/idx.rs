//! IDX files, gzipped or not, as MNIST and its kin come (<http://yann.lecun.com/exdb/mnist/>).

use super::{DataError, Pool};
use floodgauge_protocol::DatasetName;
use std::{
    io::Read,
    path::{Path, PathBuf},
};

/// The brightest pixel.
pub(super) const SCALE: f32 = 255.0;

/// Pixels along each side of an image.
const SIDE: usize = 28;

/// More bytes than any of these sets has; a file that unpacks to more is refused.
const MOST_BYTES: usize = 1 << 28;

/// Why bytes aren't a usable IDX file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdxError {
    /// The first four bytes are not two zeros, 8 (unsigned byte) and the number of dimensions.
    #[error("it begins with {found:08x}, expected {expected:08x}, or 1f8b where it is packed")]
    Magic {
        /// The number found.
        found: u32,
        /// The number of bytes of that many dimensions.
        expected: u32,
    },
    /// The file ends within its header.
    #[error("it has {len} bytes, expected a header of {expected} and what it announces")]
    Header {
        /// Bytes there are.
        len: usize,
        /// Bytes the header has.
        expected: usize,
    },
    /// The sizes in the header don't match what follows.
    #[error("it has {found} bytes of data, expected {}", sizes(.dims))]
    Size {
        /// The sizes that the header states.
        dims: Vec<u32>,
        /// The bytes that follow.
        found: usize,
    },
    /// Unpacking failed, or gave more than any known set has.
    #[error("it can't be unpacked, expected a whole gzip file: {0}")]
    Gzip(String),
}

/// Sizes in words: `60000 × 28 × 28`.
fn sizes(dims: &[u32]) -> String {
    dims.iter().map(u32::to_string).collect::<Vec<_>>().join(" × ")
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

/// The four files of `name`, each in one of its spellings; packed ones first.
///
/// # Errors
/// [`DataError::Missing`] with the files that aren't there.
fn find(name: DatasetName, folder: Option<&Path>) -> Result<[PathBuf; 4], DataError> {
    let folder = folder.unwrap_or(Path::new("")).join(name.as_str());
    let found = STEMS.map(|stem| {
        let kind = if stem.ends_with("images") { "idx3" } else { "idx1" };
        // Those who publish these sets write a dash; some programs that unpack them, a dot.
        let spellings = [".gz", ""]
            .map(|gz| [format!("{stem}-{kind}-ubyte{gz}"), format!("{stem}.{kind}-ubyte{gz}")]);
        let preferred = folder.join(&spellings[0][0]);
        let paths = spellings.into_iter().flatten().map(|file| folder.join(file));
        paths.into_iter().find(|path| path.is_file()).ok_or(preferred)
    });
    let missing: Vec<_> = found.iter().filter_map(|path| path.clone().err()).collect();
    if missing.is_empty() {
        Ok(found.map(|path| path.unwrap_or_else(|missing| missing)))
    } else {
        Err(DataError::Missing { name, files: missing })
    }
}

/// The training and the test pool of `name`.
pub(super) fn load(name: DatasetName, folder: Option<&Path>) -> Result<(Pool, Pool), DataError> {
    let [train_images, train_labels, test_images, test_labels] = find(name, folder)?;
    Ok((pool(name, &train_images, &train_labels)?, pool(name, &test_images, &test_labels)?))
}

fn pool(name: DatasetName, images: &Path, labels: &Path) -> Result<Pool, DataError> {
    let mismatch = |path: &Path, what| Err(DataError::Mismatch { path: path.to_owned(), what });
    let ([n, height, width], features) = read::<3>(images)?;
    if (height, width) != (SIDE, SIDE) {
        let what = format!("its images are {height} × {width}, expected {SIDE} × {SIDE}");
        return mismatch(images, what);
    }
    let ([n_labels], values) = read::<1>(labels)?;
    if n != n_labels {
        let what = format!("it has {n_labels} labels, expected {n}, as {} has", images.display());
        return mismatch(labels, what);
    }
    let classes = name.classes();
    if let Some(at) = values.iter().position(|&label| u32::from(label) >= classes) {
        let what = format!("label {} of sample {at}, expected one below {classes}", values[at]);
        return mismatch(labels, what);
    }
    Ok(Pool { dim: height * width, features, labels: values })
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

    fn images_file(dims: [u32; 3], pixels: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, 3];
        bytes.extend(dims.iter().flat_map(|d| d.to_be_bytes()));
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
    fn every_spelling_is_found_and_scaled() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("mnist");
        std::fs::create_dir(&dir).unwrap();
        let pixels: Vec<u8> = (0..2 * 784).map(|i| (i % 256) as u8).collect();
        let write = |file: &str, bytes: &[u8]| std::fs::write(dir.join(file), bytes).unwrap();
        write("train-images.idx3-ubyte.gz", &gzip(&images_file([2, 28, 28], &pixels)));
        write("train-labels-idx1-ubyte", &labels_file(&[3, 9]));
        write("t10k-images-idx3-ubyte.gz", &gzip(&images_file([2, 28, 28], &pixels)));
        assert!(find(DatasetName::Mnist, Some(folder.path())).is_err());
        write("t10k-labels.idx1-ubyte", &labels_file(&[1, 2]));
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

    /// What becomes of a good file; none removes it.
    type Spoil = fn(Vec<u8>) -> Option<Vec<u8>>;

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_what_was_expected_of_it() {
        const IMAGES: &str = "train-images-idx3-ubyte.gz";
        const LABELS: &str = "t10k-labels-idx1-ubyte.gz";
        let spoilt: [(&str, Spoil, &str); 12] = [
            (IMAGES, |_| None, "aren't there"),
            (IMAGES, |file| Some(gzip(&file)[..40].to_vec()), "expected a whole gzip file"),
            (IMAGES, |file| Some(file[..9].to_vec()), "9 bytes, expected a header of 16"),
            (IMAGES, |file| Some(gzip(&file[..file.len() - 1])), "expected 2 × 28 × 28"),
            (IMAGES, |_| Some(b"<html>not found</html>".into()), "expected 00000803, or 1f8b"),
            (IMAGES, |_| Some(gzip(&labels_file(&[1; 20]))), "00000801, expected 00000803"),
            (IMAGES, |_| Some(images_file([2, 14, 56], &[0; 2 * 784])), "expected 28 × 28"),
            (IMAGES, |_| Some(Vec::new()), "0 bytes, expected a header"),
            (LABELS, |_| None, "aren't there"),
            (LABELS, |_| Some(labels_file(&[1])), "1 labels, expected 2, as "),
            (LABELS, |_| Some(images_file([2, 28, 28], &[0; 2 * 784])), "expected 00000801"),
            (
                LABELS,
                |_| Some(labels_file(&[1, 10])),
                "label 10 of sample 1, expected one below 10",
            ),
        ];
        for (spoilt, spoil, expected) in spoilt {
            let folder = tempfile::tempdir().unwrap();
            let dir = folder.path().join("kmnist");
            std::fs::create_dir(&dir).unwrap();
            for stem in STEMS {
                let (file, bytes) = if stem.ends_with("images") {
                    (format!("{stem}-idx3-ubyte.gz"), images_file([2, 28, 28], &[0; 2 * 784]))
                } else {
                    (format!("{stem}-idx1-ubyte.gz"), labels_file(&[3, 9]))
                };
                let bytes = if file == spoilt { spoil(bytes) } else { Some(gzip(&bytes)) };
                if let Some(bytes) = bytes {
                    std::fs::write(dir.join(file), bytes).unwrap();
                }
            }
            let error = load(DatasetName::Kmnist, Some(folder.path())).unwrap_err();
            let told = crate::client::chain(&error);
            let path = dir.join(spoilt).display().to_string();
            assert!(told.contains(&path) && told.contains(expected), "{told}; {expected}");
        }
    }
}
