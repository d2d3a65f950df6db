//! A named set's contents as one stream of bytes: four IDX arrays, one after another, namely
//! training images [n, channel, height, width], training labels, test images and test labels.
//!
//! The same contents give the same bytes, however their files are spelled and packed. So it is
//! this stream that a digest names, and that workers without a data folder fetch. A data folder
//! writes it ([`Folder::write`](crate::Folder::write)).

use crate::{
    Features, Pool, Set, SetError,
    idx::{self, IdxError},
    set::{Images, Origin, WHITE},
};
use floodgauge_protocol::DatasetName;
use std::io::Read;

/// Reads a set of `name` whole.
///
/// # Errors
/// Bytes that are anything else.
pub fn read(name: &DatasetName, reader: &mut impl Read) -> Result<Set, SetError> {
    read_rows(name, reader, |samples| Ok::<_, SetError>((0..samples).collect()), true)
}

/// Reads of a set of `name` the training samples that `choose` names, in rising order, of so many that there
/// are; and the test samples, if they are wanted. No others are held in memory.
///
/// # Errors
/// Bytes that are anything else; what `choose` answers.
pub fn read_rows<E: From<SetError>>(
    name: &DatasetName,
    reader: &mut impl Read,
    choose: impl FnOnce(usize) -> Result<Vec<usize>, E>,
    with_test: bool,
) -> Result<Set, E> {
    let kind = Images::of(name)?;
    let train = part(name, kind, "training", reader, choose)?;
    let test = match with_test {
        true => {
            Some(part(name, kind, "test", reader, |samples| Ok::<_, E>((0..samples).collect()))?)
        }
        false => None,
    };
    let Images { image, classes } = kind;
    Ok(Set { dim: image.numbers() as usize, image: Some(image), classes, train, test })
}

fn part<E: From<SetError>>(
    name: &DatasetName,
    kind: Images,
    part: &str,
    reader: &mut impl Read,
    choose: impl FnOnce(usize) -> Result<Vec<usize>, E>,
) -> Result<Pool, E> {
    let place = format!("the {part} part of {name}");
    let bad = |error: IdxError| match error {
        IdxError::Read(source) => SetError::Read { path: place.clone().into(), source },
        other => SetError::Mismatch { place: place.clone(), what: other.to_string() },
    };
    let from = Origin::one(&place);
    let [samples, c, h, w] = idx::header::<4>(reader).map_err(bad)?;
    from.check_size(kind, [c, h, w])?;
    let rows = choose(samples)?;
    let pixels = idx::rows(reader, [samples, c * h * w], &rows).map_err(bad)?;
    let (_, labels) = idx::read::<1>(reader).map_err(bad)?;
    from.check_labels(kind, samples, &labels)?;
    let labels = rows.iter().map(|&row| labels[row]).collect();
    Ok(Pool { features: Features::Bytes(pixels, WHITE), labels })
}
