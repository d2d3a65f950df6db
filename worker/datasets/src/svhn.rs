//! House numbers, cropped (<http://ufldl.stanford.edu/housenumbers/>): two MATLAB files, each with
//! images `X` [height, width, channel, image] and labels `y` [image, 1], where 10 stands for 0.

use crate::{
    SetError, idx, mat,
    set::{Images, Origin},
};
use floodgauge_protocol::DatasetName;
use std::{
    fs::File,
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
};

/// Training and test samples, as their authors name the files.
pub(crate) const FILES: [&str; 2] = ["train_32x32.mat", "test_32x32.mat"];

/// Writes the set in the two files as [`pack`](crate::pack) has it.
pub(crate) fn write(
    name: &DatasetName,
    files: &[PathBuf],
    writer: &mut dyn Write,
) -> Result<(), SetError> {
    let [train, test] = files else {
        return Err(SetError::Missing { name: name.clone(), files: files.to_vec() });
    };
    let kind = Images::of(name)?;
    part(kind, train, writer)?;
    part(kind, test, writer)
}

/// What was met of a file so far.
#[derive(Default)]
struct Met {
    images: Option<usize>,
    labels: Option<Vec<u8>>,
    /// What can't be mended by reading on.
    refused: Option<SetError>,
}

fn part(kind: Images, path: &Path, writer: &mut dyn Write) -> Result<(), SetError> {
    let file = File::open(path).map_err(|error| SetError::read(path, error))?;
    let from = Origin::one(path.display());
    let mut met = Met::default();
    let read = mat::each(BufReader::new(file), &mut |name, dims, data| {
        match name {
            "X" if met.images.is_none() => match images(kind, &from, path, dims, data, writer)? {
                Ok(count) => met.images = Some(count),
                Err(refused) => {
                    met.refused = Some(refused);
                    return Err(io::Error::other("refused"));
                }
            },
            "y" => {
                let mut labels = vec![];
                data.read_to_end(&mut labels)?;
                met.labels = Some(labels);
            }
            _ => {}
        }
        Ok(())
    });
    if let Some(refused) = met.refused {
        return Err(refused);
    }
    read.map_err(|error| SetError::malformed(path, error))?;
    let missing = |name: &str| SetError::malformed(path, format!("no array `{name}`"));
    let count = met.images.ok_or_else(|| missing("X"))?;
    let labels = met.labels.ok_or_else(|| missing("y"))?;
    let labels: Vec<u8> =
        labels.into_iter().map(|label| if label == 10 { 0 } else { label }).collect();
    from.check_labels(kind, count, &labels)?;
    idx::write(writer, [count], &labels).map_err(SetError::Write)
}

/// Writes the images, and counts them; within is why they are no house numbers, or can't be written.
fn images(
    kind: Images,
    from: &Origin,
    path: &Path,
    dims: &[usize],
    data: &mut dyn Read,
    writer: &mut dyn Write,
) -> io::Result<Result<usize, SetError>> {
    let [height, width, channels, count] = *dims else {
        let what = format!("`X` has dimensions {dims:?}, not [height, width, channel, image]");
        return Ok(Err(SetError::malformed(path, what)));
    };
    let size = [channels, height, width];
    if let Err(other) = from.check_size(kind, size) {
        return Ok(Err(other));
    }
    if let Err(error) = idx::write_header(writer, [count, channels, height, width]) {
        return Ok(Err(SetError::Write(error)));
    }
    let mut image = vec![0; channels * height * width];
    for _ in 0..count {
        data.read_exact(&mut image)?;
        if let Err(error) = writer.write_all(&transposed(&image, size)) {
            return Ok(Err(SetError::Write(error)));
        }
    }
    Ok(Ok(count))
}

/// From [height, width, channel] with the height fastest to rows of each channel.
fn transposed(image: &[u8], [_, height, width]: [usize; 3]) -> Vec<u8> {
    let mut out = Vec::with_capacity(image.len());
    for channel in image.chunks_exact(height * width) {
        for row in 0..height {
            out.extend((0..width).map(|column| channel[column * height + row]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Features, Folder, Set,
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
