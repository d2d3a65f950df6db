//! IDX arrays of unsigned bytes, as MNIST and its kin come (<http://yann.lecun.com/exdb/mnist/>).

use std::io::{self, Read, Write};

/// More bytes than any known set has; an array that states more is refused.
const MAX_BYTES: usize = 1 << 29;

/// Why bytes aren't a usable IDX array.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdxError {
    /// The first four bytes are not two zeros, 8 (unsigned byte) and the number of dimensions.
    #[error("it begins with {found:08x}, expected {expected:08x}, or 1f8b where it is packed")]
    Magic { found: u32, expected: u32 },
    /// The bytes end within the header.
    #[error("it has {len} bytes, expected a header of {expected} and what it announces")]
    Header { len: usize, expected: usize },
    /// The sizes in the header don't match what follows.
    #[error("it has {found} bytes of data, expected {}", sizes(.dims))]
    Size { dims: Vec<u32>, found: u64 },
    /// The sizes in the header are more than any known set has.
    #[error("it announces {}, expected at most {MAX_BYTES} bytes", sizes(.0))]
    TooLarge(Vec<u32>),
    /// Unpacking failed.
    #[error("it can't be unpacked, expected a whole gzip file: {0}")]
    Gzip(String),
    /// The reader's trouble.
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// Sizes in words: `60000 × 28 × 28`.
fn sizes(dims: &[u32]) -> String {
    dims.iter().map(u32::to_string).collect::<Vec<_>>().join(" × ")
}

/// Reads an array with `D` dimensions; what follows it stays in the reader.
pub(crate) fn read<const D: usize>(
    reader: &mut impl Read,
) -> Result<([usize; D], Vec<u8>), IdxError> {
    let dims = header::<D>(reader)?;
    let size = dims.iter().product();
    let data = at_most(reader, size)?;
    match data.len() == size {
        true => Ok((dims, data)),
        false => Err(short(dims, data.len() as u64)),
    }
}

/// Reads the header of an array with `D` dimensions, which has at most `MAX_BYTES`.
pub(crate) fn header<const D: usize>(reader: &mut impl Read) -> Result<[usize; D], IdxError> {
    let expected = 4 + 4 * D;
    let header = at_most(reader, expected)?;
    if header.len() < expected {
        return Err(IdxError::Header { len: header.len(), expected });
    }
    let words: Vec<u32> = header
        .chunks_exact(4)
        .map(|word| word.iter().fold(0, |value, &byte| value << 8 | u32::from(byte)))
        .collect();
    let magic = 0x0800 + D as u32;
    if words[0] != magic {
        return Err(IdxError::Magic { found: words[0], expected: magic });
    }
    let dims: [usize; D] = std::array::from_fn(|i| words[i + 1] as usize);
    let size = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    match size.filter(|&size| size <= MAX_BYTES) {
        Some(_) => Ok(dims),
        None => Err(IdxError::TooLarge(words[1..].to_vec())),
    }
}

/// Reads the data of an array of `count` samples of `size` bytes to its end, and keeps those at `rows`, which
/// rise.
pub(crate) fn rows(
    reader: &mut impl Read,
    [count, size]: [usize; 2],
    rows: &[usize],
) -> Result<Vec<u8>, IdxError> {
    let mut wanted = rows.iter().copied().peekable();
    let (mut kept, mut sample) = (Vec::new(), vec![0; size]);
    for row in 0..count {
        let found = fill(reader, &mut sample)?;
        if found < size {
            return Err(short([count, size], (row * size + found) as u64));
        }
        if wanted.next_if_eq(&row).is_some() {
            kept.extend_from_slice(&sample);
        }
    }
    Ok(kept)
}

/// Reads an array after which nothing follows, gzipped or not.
pub(crate) fn read_whole<const D: usize>(
    reader: impl Read,
) -> Result<([usize; D], Vec<u8>), IdxError> {
    let mut whole = Whole::of(reader)?;
    let dims = whole.header::<D>()?;
    let mut data = Vec::new();
    whole.copy(dims, &mut data)??;
    Ok((dims, data))
}

/// A file of one array, gzipped or not, that is read a piece at a time.
pub(crate) struct Whole<'a> {
    reader: Box<dyn Read + 'a>,
    is_packed: bool,
}

impl<'a> Whole<'a> {
    pub fn of(mut reader: impl Read + 'a) -> Result<Self, IdxError> {
        let start = at_most(&mut reader, 2)?;
        let is_packed = start == [0x1f, 0x8b];
        let reader = io::Cursor::new(start).chain(reader);
        let reader: Box<dyn Read + 'a> = match is_packed {
            true => Box::new(flate2::read::GzDecoder::new(reader)),
            false => Box::new(reader),
        };
        Ok(Self { reader, is_packed })
    }

    /// The sizes of the array, which comes next.
    pub fn header<const D: usize>(&mut self) -> Result<[usize; D], IdxError> {
        header(&mut self.reader).map_err(|error| self.told(error))
    }

    /// Writes the data of an array of these sizes, and makes sure that nothing follows; within are the
    /// writer's errors.
    pub fn copy<const D: usize>(
        &mut self,
        dims: [usize; D],
        writer: &mut dyn Write,
    ) -> Result<io::Result<()>, IdxError> {
        let size: usize = dims.iter().product();
        let mut piece = vec![0; size.min(1 << 16)];
        let mut done = 0;
        while done < size {
            let wanted = piece.len().min(size - done);
            let found = fill(&mut self.reader, &mut piece[..wanted]);
            let found = found.map_err(|error| self.told(error.into()))?;
            if let Err(error) = writer.write_all(&piece[..found]) {
                return Ok(Err(error));
            }
            done += found;
            if found < wanted {
                return Err(short(dims, done as u64));
            }
        }
        let more = io::copy(&mut (&mut self.reader).take(MAX_BYTES as u64), &mut io::sink());
        match more.map_err(|error| self.told(error.into()))? {
            0 => Ok(Ok(())),
            more => Err(short(dims, done as u64 + more)),
        }
    }

    /// What can't be read of a packed file can't be unpacked.
    fn told(&self, error: IdxError) -> IdxError {
        match error {
            IdxError::Read(error) if self.is_packed => IdxError::Gzip(error.to_string()),
            other => other,
        }
    }
}

/// An array of these sizes that has another number of bytes.
fn short<const D: usize>(dims: [usize; D], found: u64) -> IdxError {
    IdxError::Size { dims: dims.iter().map(|&dim| dim as u32).collect(), found }
}

/// Fills a buffer as far as there is something; answers how far.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// As many bytes, or as there are.
fn at_most(reader: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes an array.
pub(crate) fn write<const D: usize>(
    writer: &mut dyn Write,
    dims: [usize; D],
    data: &[u8],
) -> io::Result<()> {
    write_header(writer, dims)?;
    writer.write_all(data)
}

/// Writes the header of an array, whose data comes next.
pub(crate) fn write_header<const D: usize>(
    writer: &mut dyn Write,
    dims: [usize; D],
) -> io::Result<()> {
    writer.write_all(&(0x0800 + D as u32).to_be_bytes())?;
    for dim in dims {
        writer.write_all(&u32::try_from(dim).map_err(io::Error::other)?.to_be_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn array<const D: usize>(dims: [usize; D], data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![];
        write(&mut bytes, dims, data).unwrap();
        bytes
    }

    pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = read_whole::<1>(&bytes[..]);
            let _ = read_whole::<3>(&bytes[..]);
        }

        #[test]
        fn bytes_behind_a_good_magic_never_panic(rest: Vec<u8>, packed: bool) {
            let bytes = [&[0, 0, 8, 3][..], &rest].concat();
            let _ = read_whole::<3>(&(if packed { gzip(&bytes) } else { bytes })[..]);
        }

        #[test]
        fn a_cut_file_is_an_error(labels in proptest::collection::vec(0u8..10, 1..50), cut in 1usize..20) {
            let bytes = gzip(&array([labels.len()], &labels));
            prop_assert!(read_whole::<1>(&bytes[..bytes.len().saturating_sub(cut)]).is_err());
        }

        #[test]
        fn labels_survive_gzipped_or_not(labels: Vec<u8>) {
            let bytes = array([labels.len()], &labels);
            prop_assert_eq!(read_whole::<1>(&gzip(&bytes)[..]).unwrap(), ([labels.len()], labels.clone()));
            prop_assert_eq!(read_whole::<1>(&bytes[..]).unwrap(), ([labels.len()], labels));
        }
    }

    #[test]
    fn the_rows_that_are_asked_for_are_kept_and_what_follows_stays() {
        let bytes = [array([4, 2], &[0, 1, 10, 11, 20, 21, 30, 31]), vec![99]].concat();
        let mut reader = &bytes[..];
        assert_eq!(header::<2>(&mut reader).unwrap(), [4, 2]);
        assert_eq!(rows(&mut reader, [4, 2], &[0, 3]).unwrap(), [0, 1, 30, 31]);
        assert_eq!(reader, [99]);
        let cut = rows(&mut &[0, 1, 10][..], [4, 2], &[0, 3]);
        assert!(matches!(cut, Err(IdxError::Size { found: 3, .. })));
    }

    #[test]
    fn dimensions_that_overflow_or_exceed_any_set_are_an_error() {
        let huge = [[0, 0, 8, 3], [0xff; 4], [0xff; 4], [0xff; 4]].concat();
        assert!(matches!(read_whole::<3>(&huge[..]), Err(IdxError::TooLarge(_))));
        let large = [0, 0, 8, 1, 0x7f, 0, 0, 0];
        assert!(matches!(read_whole::<1>(&large[..]), Err(IdxError::TooLarge(_))));
    }

    #[test]
    fn what_follows_an_array_is_an_error() {
        let bytes = [array([2], &[1, 2]), vec![3]].concat();
        assert!(matches!(read_whole::<1>(&bytes[..]), Err(IdxError::Size { found: 3, .. })));
    }
}
