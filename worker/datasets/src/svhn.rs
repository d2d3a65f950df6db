//! House numbers, cropped (<http://ufldl.stanford.edu/housenumbers/>): two MATLAB files, each with
//! images `X` [height, width, channel, image] and labels `y` [image, 1], where 10 stands for 0.

use crate::{
    SetError, mat,
    set::{self, Images, Origin, Set},
};
use floodgauge_protocol::DatasetName;
use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

/// Training and test samples, as their authors name the files.
pub(crate) const FILES: [&str; 2] = ["train_32x32.mat", "test_32x32.mat"];

/// The set in the two files.
pub(crate) fn load(name: &DatasetName, files: &[PathBuf]) -> Result<Set, SetError> {
    let [train, test] = files else {
        return Err(SetError::Missing { name: name.clone(), files: files.to_vec() });
    };
    set::of_images(name, part(train)?, part(test)?)
}

fn part(path: &Path) -> Result<Images, SetError> {
    let file = File::open(path).map_err(|error| SetError::read(path, error))?;
    let arrays = mat::read(BufReader::new(file)).map_err(|e| SetError::malformed(path, e))?;
    let mut arrays: Vec<_> = arrays.into_iter().map(|array| (array.name.clone(), array)).collect();
    let mut take = |name: &str| {
        let at = arrays.iter().position(|(found, _)| found == name);
        let at = at.ok_or_else(|| SetError::malformed(path, format!("no array `{name}`")))?;
        Ok::<_, SetError>(arrays.swap_remove(at).1)
    };
    let (x, y) = (take("X")?, take("y")?);
    let [height, width, channels, _] = x.dims[..] else {
        let what = format!("`X` has dimensions {:?}, not [height, width, channel, image]", x.dims);
        return Err(SetError::malformed(path, what));
    };
    let size = [channels, height, width];
    let labels = y.data.iter().map(|&label| if label == 10 { 0 } else { label }).collect();
    let from = Origin::one(path.display());
    Ok(Images { size, pixels: transposed(&x.data, size), labels, from })
}

/// From [height, width, channel] with the height fastest to rows of each channel.
fn transposed(pixels: &[u8], [channels, height, width]: [usize; 3]) -> Vec<u8> {
    let mut out = Vec::with_capacity(pixels.len());
    for image in pixels.chunks_exact((channels * height * width).max(1)) {
        for channel in image.chunks_exact(height * width) {
            for row in 0..height {
                out.extend((0..width).map(|column| channel[column * height + row]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Features, Folder,
        mat::tests::{compressed, file, matrix},
    };

    const UINT8: u32 = 2;

    /// Files of two images each, whose pixels tell row and channel.
    fn images() -> Vec<u8> {
        let pixel = |i: usize| (i % 32 + 100 * (i / 1024 % 3)) as u8;
        matrix("X", &[32, 32, 3, 2], UINT8, &(0..2 * 3072).map(pixel).collect::<Vec<_>>())
    }

    fn labels(labels: &[u8]) -> Vec<u8> {
        matrix("y", &[labels.len() as i32, 1], UINT8, labels)
    }

    fn load_from(train: &[u8], test: &[u8]) -> Result<Set, SetError> {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("svhn");
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join(FILES[0]), train).unwrap();
        std::fs::write(dir.join(FILES[1]), test).unwrap();
        Folder::new(folder.path()).load(&DatasetName::Svhn)
    }

    #[test]
    fn house_numbers_are_turned_to_rows_of_channels_and_ten_stands_for_zero() {
        let good = file(&[compressed(&images()), compressed(&labels(&[10, 1]))]);
        let set = load_from(&good, &good).unwrap();
        assert_eq!((set.dim, set.train.labels), (3072, vec![0, 1]));
        let Features::Bytes(pixels, _) = set.train.features else { panic!("no bytes") };
        let at = |channel: usize, row: usize, column| pixels[channel * 1024 + row * 32 + column];
        assert_eq!([at(0, 0, 0), at(0, 0, 31), at(0, 31, 0), at(2, 5, 7)], [0, 0, 31, 205]);
    }

    #[test]
    fn an_unusable_file_is_named_with_what_was_expected_of_it() {
        let good = file(&[images(), labels(&[10, 1])]);
        for (test, expected) in [
            (file(&[images()]), "no array `y`"),
            (file(&[images(), labels(&[1])]), "it has 1 labels, expected 2"),
            (file(&[images(), labels(&[1, 11])]), "label 11 of sample 1, expected one below 10"),
            (file(&[matrix("X", &[2, 2], UINT8, &[0; 4]), labels(&[1])]), "dimensions [2, 2]"),
            (good[..500].to_vec(), "ends within"),
            (b"<html>".to_vec(), FILES[1]),
        ] {
            let message = load_from(&good, &test).unwrap_err().to_string();
            assert!(
                message.contains(FILES[1]) && message.contains(expected),
                "{message}; {expected}"
            );
        }
    }
}
