//! A named set's contents as one stream of bytes: four IDX arrays, one after another, namely
//! training images [n, channel, height, width], training labels, test images and test labels.
//!
//! The same contents give the same bytes, however their files are spelled and packed. So it is
//! this stream that a digest names, and that workers without a data folder fetch.

use crate::{
    Features, Pool, Set, SetError,
    digest::Hashed,
    idx::{self, IdxError},
    set::{self, Images, Origin},
};
use floodgauge_protocol::{DatasetName, Digest};
use std::io::{self, Read, Write};

/// Writes a set of images.
///
/// # Errors
/// The writer's; a set that isn't one of images as bytes.
pub fn write(set: &Set, writer: &mut impl Write) -> io::Result<()> {
    let refuse = || io::Error::other("only sets of images are packed");
    let image = set.image.ok_or_else(refuse)?;
    let [c, h, w] = [image.channels, image.height, image.width].map(|n| n as usize);
    let test = set.test.as_ref().ok_or_else(refuse)?;
    for Pool { features, labels } in [&set.train, test] {
        let Features::Bytes(pixels, _) = features else { return Err(refuse()) };
        idx::write(writer, [labels.len(), c, h, w], pixels)?;
        idx::write(writer, [labels.len()], labels)?;
    }
    Ok(())
}

/// The digest of what [`write`](fn@write) writes, and how many bytes that are.
///
/// # Errors
/// A set that isn't one of images as bytes.
pub fn digest(set: &Set) -> io::Result<(Digest, u64)> {
    let mut hashed = Hashed::new(io::sink());
    write(set, &mut hashed)?;
    Ok(hashed.finish())
}

/// Reads what [`write`](fn@write) wrote of `name`.
///
/// # Errors
/// Bytes that are anything else.
pub fn read(name: &DatasetName, reader: &mut impl Read) -> Result<Set, SetError> {
    let mut part = |part: &str| {
        let place = format!("the {part} part of {name}");
        let bad = |error: IdxError| {
            let (place, what) = (place.clone(), error.to_string());
            SetError::Mismatch { place, what }
        };
        let ([_, c, h, w], pixels) = idx::read::<4>(reader).map_err(bad)?;
        let (_, labels) = idx::read::<1>(reader).map_err(bad)?;
        Ok::<_, SetError>(Images { size: [c, h, w], pixels, labels, from: Origin::one(&place) })
    };
    let (train, test) = (part("training")?, part("test")?);
    set::of_images(name, train, test)
}
