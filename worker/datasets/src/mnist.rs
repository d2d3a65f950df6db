//! MNIST and its kin: four IDX files, gzipped or not.

use crate::{
    SetError, idx,
    set::{Images, Origin},
};
use floodgauge_protocol::DatasetName;
use std::{
    fs::File,
    io::{BufReader, Write},
    path::{Path, PathBuf},
};

/// The stems of the four files of a set: images and labels that train, that test.
const STEMS: [&str; 4] = ["train-images", "train-labels", "t10k-images", "t10k-labels"];

/// Each file in its spellings, of which the first is the one that downloads have.
pub(crate) fn files() -> Vec<Vec<String>> {
    let spellings = STEMS.map(|stem| {
        // Those who publish these sets write a dash; some programs that unpack them, a dot.
        let kind = if stem.ends_with("images") { "idx3" } else { "idx1" };
        let names = [".gz", ""]
            .map(|gz| [format!("{stem}-{kind}-ubyte{gz}"), format!("{stem}.{kind}-ubyte{gz}")]);
        names.into_iter().flatten().collect()
    });
    spellings.into()
}

/// Writes the set in the four files as [`pack`](crate::pack) has it.
pub(crate) fn write(
    name: &DatasetName,
    files: &[PathBuf],
    writer: &mut dyn Write,
) -> Result<(), SetError> {
    let [train_images, train_labels, test_images, test_labels] = files else {
        return Err(SetError::Missing { name: name.clone(), files: files.to_vec() });
    };
    let kind = Images::of(name)?;
    part(kind, train_images, train_labels, writer)?;
    part(kind, test_images, test_labels, writer)
}

fn part(
    kind: Images,
    images: &Path,
    labels: &Path,
    writer: &mut dyn Write,
) -> Result<(), SetError> {
    let from =
        Origin { images: images.display().to_string(), labels: labels.display().to_string() };
    let bad = |error| SetError::malformed(images, error);
    let mut array = idx::Whole::of(open(images)?).map_err(bad)?;
    let dims = array.header::<3>().map_err(bad)?;
    let [count, height, width] = dims;
    let read = idx::read_whole::<1>(open(labels)?);
    let (_, classes) = read.map_err(|error| SetError::malformed(labels, error))?;
    from.check_size(kind, [1, height, width])?;
    from.check_labels(kind, count, &classes)?;
    idx::write_header(writer, [count, 1, height, width]).map_err(SetError::Write)?;
    array.copy(dims, writer).map_err(bad)?.map_err(SetError::Write)?;
    idx::write(writer, [classes.len()], &classes).map_err(SetError::Write)
}

fn open(path: &Path) -> Result<BufReader<File>, SetError> {
    File::open(path).map(BufReader::new).map_err(|error| SetError::read(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Features, Folder,
        idx::tests::{array, gzip},
    };

    #[test]
    fn every_spelling_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("mnist");
        std::fs::create_dir(&dir).unwrap();
        let pixels: Vec<u8> = (0..2 * 784).map(|i| (i % 256) as u8).collect();
        let write = |file: &str, bytes: &[u8]| std::fs::write(dir.join(file), bytes).unwrap();
        write("train-images.idx3-ubyte.gz", &gzip(&array([2, 28, 28], &pixels)));
        write("train-labels-idx1-ubyte", &array([2], &[3, 9]));
        write("t10k-images-idx3-ubyte.gz", &gzip(&array([2, 28, 28], &pixels)));
        let sets = Folder::new(folder.path());
        assert!(sets.find(&DatasetName::Mnist).is_err());
        write("t10k-labels.idx1-ubyte", &array([2], &[1, 2]));
        let set = sets.load(&DatasetName::Mnist).unwrap();
        assert_eq!((set.dim, set.classes, set.train.labels), (784, 10, vec![3, 9]));
        assert_eq!(set.train.features, Features::Bytes(pixels, 255.0));
        assert_eq!(set.test.unwrap().labels, [1, 2]);
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
            (IMAGES, |_| Some(gzip(&array([20], &[1; 20]))), "00000801, expected 00000803"),
            (IMAGES, |_| Some(array([2, 14, 56], &[0; 2 * 784])), "expected 28 × 28"),
            (IMAGES, |_| Some(Vec::new()), "0 bytes, expected a header"),
            (LABELS, |_| None, "aren't there"),
            (LABELS, |_| Some(array([1], &[1])), "1 labels, expected 2, as "),
            (LABELS, |_| Some(array([2, 28, 28], &[0; 2 * 784])), "expected 00000801"),
            (LABELS, |_| Some(array([2], &[1, 10])), "label 10 of sample 1, expected one below 10"),
        ];
        for (spoilt, spoil, expected) in spoilt {
            let folder = tempfile::tempdir().unwrap();
            let dir = folder.path().join("kmnist");
            std::fs::create_dir(&dir).unwrap();
            for stem in STEMS {
                let (file, bytes) = if stem.ends_with("images") {
                    (format!("{stem}-idx3-ubyte.gz"), array([2, 28, 28], &[0; 2 * 784]))
                } else {
                    (format!("{stem}-idx1-ubyte.gz"), array([2], &[3, 9]))
                };
                let bytes = if file == spoilt { spoil(bytes) } else { Some(gzip(&bytes)) };
                if let Some(bytes) = bytes {
                    std::fs::write(dir.join(file), bytes).unwrap();
                }
            }
            let error = Folder::new(folder.path()).load(&DatasetName::Kmnist).unwrap_err();
            let message = error.to_string();
            let path = dir.join(spoilt).display().to_string();
            assert!(message.contains(&path) && message.contains(expected), "{message}; {expected}");
        }
    }
}
