//! NPZ: arrays `x` [n, d] or [n, channels, height, width] and `y` [n]; for testing, if there are
//! any, `x_test` and `y_test` likewise. Nothing is unpickled.

use super::{
    Classes, Layout, MAX_BYTES, Part, Sink, UploadError, bad, check_enough, check_size,
    npy::{self, Header, Kind},
};
use crate::archive::{Directory, directory};
use floodgauge_protocol::{Format, Image, Upload};
use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
};
use zip::ZipArchive;

/// More arrays than are looked at.
const MAX_ENTRIES: u16 = 16;
/// More bytes than an array unpacks to: all numbers at eight bytes each, and a header.
const MAX_UNPACKED_BYTES: u64 = 8 * super::MAX_NUMBERS + (1 << 20);
/// Bytes read at once; holds whole numbers of any kind.
const CHUNK: usize = 1 << 16;

/// Reads the arrays to their ends.
pub(super) fn parse(mut file: File, sink: &mut impl Sink) -> Result<Upload, UploadError> {
    check_directory(&mut file)?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(unreadable)?;
    if archive.has_duplicate_names() {
        return bad("the archive has two arrays of one name");
    }
    let names: Vec<String> = archive
        .file_names()
        .map(|name| name.map(|name| name.into_owned()).map_err(unreadable))
        .collect::<Result<_, _>>()?;
    for name in &names {
        if !["x.npy", "y.npy", "x_test.npy", "y_test.npy"].contains(&name.as_str()) {
            let name: String = name.trim_end_matches(".npy").chars().take(40).collect();
            return bad(format!("array `{name}` is none of x, y, x_test and y_test"));
        }
    }
    let has = |array: &str| names.iter().any(|name| name.strip_suffix(".npy") == Some(array));
    for array in ["x", "y"] {
        if !has(array) {
            return bad(format!("no array named `{array}`"));
        }
    }
    if has("x_test") != has("y_test") {
        return bad("arrays `x_test` and `y_test` go together, and one is missing");
    }
    let mut classes = Classes::new();
    let shape = features(&mut archive, "x", Part::Train, sink)?;
    let samples = labels(&mut archive, "y", Part::Train, &mut classes, sink)?;
    same_length("x", shape.samples, "y", samples)?;
    check_enough(samples)?;
    let count = classes.finish("array `y`")?;
    let mut test_samples = 0;
    if has("x_test") {
        let test = features(&mut archive, "x_test", Part::Test, sink)?;
        if (test.features, test.image) != (shape.features, shape.image) {
            return bad("array `x_test` has samples of another shape than `x`");
        }
        let mut seen = Classes::new();
        test_samples = labels(&mut archive, "y_test", Part::Test, &mut seen, sink)?;
        same_length("x_test", test.samples, "y_test", test_samples)?;
        if test_samples == 0 {
            return bad("array `x_test` is empty");
        }
        if let Some(beyond) = (count as usize..256).find(|&label| seen.0[label] > 0) {
            return bad(format!("array `y_test`: label {beyond} is not below {count}, as in `y`"));
        }
    }
    Ok(Upload {
        format: Format::Npz,
        features: shape.features as u32,
        image: shape.image,
        classes: count,
        // Bounded by the sizes that were checked.
        samples: samples as u32,
        test_samples: test_samples as u32,
    })
}

/// The samples of an array.
struct Shape {
    samples: u64,
    features: u64,
    image: Option<Image>,
}

fn features(
    archive: &mut ZipArchive<impl Read + Seek>,
    name: &str,
    part: Part,
    sink: &mut impl Sink,
) -> Result<Shape, UploadError> {
    let (header, mut reader) = open(archive, name)?;
    let shape = match header.shape[..] {
        [samples, features] => Shape { samples, features, image: None },
        [samples, c, h, w] => {
            let side = |n: u64| u32::try_from(n).ok().filter(|&n| n >= 1);
            let image = side(c).zip(side(h)).zip(side(w));
            let image = image.map(|((channels, height), width)| Image { channels, height, width });
            let features = c.saturating_mul(h).saturating_mul(w);
            Shape { samples, features, image }
        }
        _ => {
            return bad(format!(
                "array `{name}` has shape {:?}, not [n, d] or [n, channels, height, width]",
                header.shape
            ));
        }
    };
    check_size(shape.samples, shape.features)
        .map_err(|error| UploadError::Bad(format!("array `{name}`: {error}")))?;
    // Bounded by the size that was checked.
    let features = shape.features as usize;
    sink.begin(part, Layout { features, image: shape.image, label: None });
    let mut at = 0u64;
    let mut values = Vec::with_capacity(CHUNK);
    each_chunk(name, &header, &mut reader, |bytes| {
        values.clear();
        for number in bytes.chunks_exact(header.kind.size()) {
            let value = real(header.kind, header.big_endian, number);
            if !value.is_finite() {
                let (row, column) = (at / shape.features, at % shape.features);
                return bad(format!(
                    "array `{name}`: row {row}, feature {column} is not a finite number"
                ));
            }
            values.push(value);
            at += 1;
        }
        sink.features(part, &values);
        Ok(())
    })?;
    Ok(shape)
}

fn labels(
    archive: &mut ZipArchive<impl Read + Seek>,
    name: &str,
    part: Part,
    classes: &mut Classes,
    sink: &mut impl Sink,
) -> Result<u64, UploadError> {
    let (header, mut reader) = open(archive, name)?;
    let [samples] = header.shape[..] else {
        return bad(format!("array `{name}` has shape {:?}, not [n]", header.shape));
    };
    check_size(samples, 1).map_err(|error| UploadError::Bad(format!("array `{name}`: {error}")))?;
    if let Kind::Float(_) = header.kind {
        return bad(format!("array `{name}` holds fractions; classes are whole numbers from 0"));
    }
    let mut row = 0u64;
    let mut values = Vec::with_capacity(CHUNK);
    each_chunk(name, &header, &mut reader, |bytes| {
        values.clear();
        for number in bytes.chunks_exact(header.kind.size()) {
            let value = whole(header.kind, header.big_endian, number);
            let Ok(label) = u8::try_from(value) else {
                return bad(format!(
                    "array `{name}`: row {row}: label {value} is not from 0 to 255"
                ));
            };
            classes.count(label);
            values.push(label);
            row += 1;
        }
        sink.labels(part, &values);
        Ok(())
    })?;
    Ok(samples)
}

/// The header of an array and what follows it, bounded.
fn open<'a, R: Read + Seek>(
    archive: &'a mut ZipArchive<R>,
    name: &str,
) -> Result<(Header, impl Read + use<'a, R>), UploadError> {
    let member = archive.by_name(&format!("{name}.npy")).map_err(unreadable)?;
    let mut member = member.take(MAX_UNPACKED_BYTES);
    let header = npy::header(name, &mut member)?;
    Ok((header, member))
}

/// The number as training takes it.
fn real(kind: Kind, big_endian: bool, bytes: &[u8]) -> f32 {
    match kind {
        Kind::Float(4) => f32::from_bits(word(big_endian, bytes) as u32),
        Kind::Float(_) => f64::from_bits(word(big_endian, bytes)) as f32,
        _ => whole(kind, big_endian, bytes) as f32,
    }
}

/// The bytes of one element as a whole number.
fn whole(kind: Kind, big_endian: bool, bytes: &[u8]) -> i128 {
    let unsigned = word(big_endian, bytes);
    match kind {
        Kind::Signed(size) => {
            let unused = 64 - 8 * size as u32;
            i128::from((unsigned << unused) as i64 >> unused)
        }
        _ => unsigned.into(),
    }
}

fn word(big_endian: bool, bytes: &[u8]) -> u64 {
    let shift = |value: u64, &byte: &u8| value << 8 | u64::from(byte);
    match big_endian {
        true => bytes.iter().fold(0, shift),
        false => bytes.iter().rev().fold(0, shift),
    }
}

fn same_length(x: &str, samples: u64, y: &str, labels: u64) -> Result<(), UploadError> {
    match samples == labels {
        true => Ok(()),
        false => bad(format!("array `{x}` has {samples} samples, but `{y}` has {labels} labels")),
    }
}

/// Looks at how many members an archive says it has before anything is made of them.
fn check_directory(file: &mut File) -> Result<(), UploadError> {
    let length = file.seek(SeekFrom::End(0))?;
    if length > MAX_BYTES {
        return bad(format!("{length} bytes are more than {MAX_BYTES}"));
    }
    match directory(file)? {
        Directory::Missing => bad("the file is not a zip archive, as NPZ files are"),
        Directory::Zip64 => bad(
            "the archive has the directory of a zip64 file, which no archive of this size needs",
        ),
        Directory::Members(most) if most > MAX_ENTRIES => {
            bad(format!("the archive has {most} members; x, y, x_test and y_test are needed"))
        }
        Directory::Members(_) => Ok(()),
    }
}

fn unreadable(error: zip::result::ZipError) -> UploadError {
    match error {
        zip::result::ZipError::Io(error) if error.kind() != io::ErrorKind::InvalidData => {
            UploadError::Read(error)
        }
        other => UploadError::Bad(format!("the archive can't be read: {other}")),
    }
}

/// Hands the numbers of an array on, whole ones in each chunk; as many as its header says.
fn each_chunk(
    name: &str,
    header: &Header,
    reader: &mut impl Read,
    mut take: impl FnMut(&[u8]) -> Result<(), UploadError>,
) -> Result<(), UploadError> {
    let numbers = header.shape.iter().try_fold(1u64, |n, &size| n.checked_mul(size));
    let expected = numbers.and_then(|n| n.checked_mul(header.kind.size() as u64));
    let short =
        || UploadError::Bad(format!("array `{name}` has fewer numbers than its shape says"));
    let mut left = expected.ok_or_else(short)?;
    let mut buffer = vec![0; CHUNK];
    while left > 0 {
        let chunk = &mut buffer[..left.min(CHUNK as u64) as usize];
        reader.read_exact(chunk).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => short(),
            _ => UploadError::Bad(format!("array `{name}` can't be unpacked: {error}")),
        })?;
        take(chunk)?;
        left -= chunk.len() as u64;
    }
    // Reading on to the end checks the archive's own sum, too.
    match reader.read(&mut [0]) {
        Ok(0) => Ok(()),
        Ok(_) => bad(format!("array `{name}` has more numbers than its shape says")),
        Err(error) => bad(format!("array `{name}` can't be unpacked: {error}")),
    }
}
