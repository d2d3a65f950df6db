//! Numeric arrays in MATLAB's level-5 files, as far as house numbers need them: little-endian,
//! compressed or not, real, of unsigned bytes or doubles. Everything else is refused.

use std::io::{self, Read};

/// More bytes than the arrays of any known file have.
const MAX_BYTES: u64 = 1 << 29;
/// The text, the place of subsystem data, the version and the byte order.
const HEADER: usize = 128;

/// Kinds of data elements.
mod mi {
    pub const INT8: u32 = 1;
    pub const UINT8: u32 = 2;
    pub const INT32: u32 = 5;
    pub const UINT32: u32 = 6;
    pub const DOUBLE: u32 = 9;
    pub const MATRIX: u32 = 14;
    pub const COMPRESSED: u32 = 15;
}

/// The flag of complex numbers among an array's.
const COMPLEX: u32 = 0x0800;

/// More bytes than the flags, the dimensions or the name of an array have.
const MAX_HEAD: usize = 1 << 10;

/// Takes an array: its name, its dimensions, and its numbers, the first index running fastest. Doubles are
/// whole numbers from 0 to 255. What isn't read of it is passed by.
pub(crate) type Take<'a> = dyn FnMut(&str, &[usize], &mut dyn Read) -> io::Result<()> + 'a;

/// Hands on every array of a file, in order.
pub(crate) fn each(reader: impl Read, take: &mut Take<'_>) -> io::Result<()> {
    each_at_most(reader, MAX_BYTES, take)
}

/// Hands on every array of a file, if they have no more bytes together.
fn each_at_most(mut reader: impl Read, most: u64, take: &mut Take<'_>) -> io::Result<()> {
    let mut header = [0; HEADER];
    reader.read_exact(&mut header)?;
    if header[124..] != [0, 1, b'I', b'M'] {
        return bad("not a little-endian MATLAB file of level 5");
    }
    // Of all arrays together: many that unpack to much would take for ever, too.
    let mut left = most;
    let mut tag = [0; 8];
    while fill(&mut reader, &mut tag)? {
        let (kind, size) = (word(&tag), word(&tag[4..]));
        let mut body = (&mut reader).take(size.into());
        let taken = match kind {
            mi::MATRIX => array(&mut Bounded { inner: &mut body, left: &mut left }, take),
            mi::COMPRESSED => {
                let unpacked = flate2::read::ZlibDecoder::new(&mut body);
                matrix(&mut Bounded { inner: unpacked, left: &mut left }, take)
            }
            other => return bad(&format!("an element of kind {other}")),
        };
        let is_cut = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
        if taken.as_ref().err().is_none_or(is_cut) {
            io::copy(&mut body, &mut io::sink())?;
            if body.limit() > 0 {
                return bad("the file ends within an array");
            }
        }
        taken?;
    }
    Ok(())
}

/// The array in an element that was compressed.
fn matrix(unpacked: &mut dyn Read, take: &mut Take<'_>) -> io::Result<()> {
    let mut tag = [0; 8];
    unpacked.read_exact(&mut tag).map_err(cut)?;
    if word(&tag) != mi::MATRIX {
        return bad("something compressed is not an array");
    }
    array(&mut unpacked.take(word(&tag[4..]).into()), take)
}

fn array(body: &mut dyn Read, take: &mut Take<'_>) -> io::Result<()> {
    let (flags_kind, flags) = small(body)?;
    let (dims_kind, dims) = small(body)?;
    let (name_kind, name) = small(body)?;
    if (flags_kind, dims_kind, name_kind) != (mi::UINT32, mi::INT32, mi::INT8) || flags.len() != 8 {
        return bad("an array without flags, dimensions and name");
    }
    if word(&flags) & COMPLEX != 0 {
        return bad("an array of complex numbers");
    }
    let dims: Vec<usize> = dims.chunks_exact(4).map(|dim| word(dim) as usize).collect();
    let Element { kind, size, inline } = Element::read(body)?;
    let data = inline.as_slice().chain(body).take(size as u64);
    let (count, mut numbers): (_, Box<dyn Read + '_>) = match kind {
        mi::UINT8 => (size, Box::new(data)),
        mi::DOUBLE => (size / 8, Box::new(Doubles(data))),
        other => return bad(&format!("an array of numbers of kind {other}")),
    };
    if dims.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim)) != Some(count) {
        return bad(&format!("dimensions {dims:?} do not match {count} numbers"));
    }
    take(&String::from_utf8_lossy(&name), &dims, &mut numbers)
}

/// The beginning of an element. A body of up to four bytes may stand in the tag itself; others come
/// behind it, padded to eight.
struct Element {
    kind: u32,
    /// Bytes of the body.
    size: usize,
    /// The body, where it stands in the tag.
    inline: Vec<u8>,
}

impl Element {
    fn read(reader: &mut dyn Read) -> io::Result<Self> {
        let mut tag = [0; 8];
        reader.read_exact(&mut tag).map_err(cut)?;
        let first = word(&tag);
        if first >> 16 != 0 {
            let size = (first >> 16) as usize;
            let inline =
                tag[4..].get(..size).ok_or_else(|| cut(io::ErrorKind::InvalidData.into()))?;
            return Ok(Self { kind: first & 0xffff, size, inline: inline.to_vec() });
        }
        Ok(Self { kind: first, size: word(&tag[4..]) as usize, inline: vec![] })
    }
}

/// The kind and body of an element that is as small as those before an array's numbers.
fn small(reader: &mut dyn Read) -> io::Result<(u32, Vec<u8>)> {
    let Element { kind, size, inline } = Element::read(reader)?;
    if !inline.is_empty() {
        return Ok((kind, inline));
    }
    if size > MAX_HEAD {
        return bad("an array without flags, dimensions and name");
    }
    let mut body = vec![0; size.next_multiple_of(8)];
    reader.read_exact(&mut body).map_err(cut)?;
    body.truncate(size);
    Ok((kind, body))
}

/// Whole numbers that stand there as doubles, a byte each.
struct Doubles<R>(R);

impl<R: Read> Read for Doubles<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut count = 0;
        let mut double = [0; 8];
        while count < buffer.len() && fill(&mut self.0, &mut double)? {
            let value = f64::from_le_bytes(double);
            if value.fract() != 0.0 || !(0.0..=255.0).contains(&value) {
                return bad(&format!("{value} is not a whole number from 0 to 255"));
            }
            buffer[count] = value as u8;
            count += 1;
        }
        Ok(count)
    }
}

/// Refuses to read more than may be.
struct Bounded<'a, R> {
    inner: R,
    left: &'a mut u64,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => *self.left = left,
            None => return bad("its arrays have more bytes than any known set"),
        }
        Ok(count)
    }
}

/// Fills the buffer, or tells that there is nothing more.
fn fill(reader: &mut impl Read, buffer: &mut [u8; 8]) -> io::Result<bool> {
    let mut start = Vec::with_capacity(8);
    reader.take(8).read_to_end(&mut start)?;
    match start.len() {
        0 => Ok(false),
        8 => {
            buffer.copy_from_slice(&start);
            Ok(true)
        }
        _ => bad("the file ends within a tag"),
    }
}

fn cut(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
            io::Error::new(io::ErrorKind::UnexpectedEof, "an array is cut short")
        }
        _ => error,
    }
}

/// The little-endian number in the first four bytes; callers hand in that many.
fn word(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).rev().fold(0, |value, &byte| value << 8 | u32::from(byte))
}

fn bad<T>(what: &str) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    #[derive(Debug, PartialEq)]
    struct Array {
        name: String,
        dims: Vec<usize>,
        data: Vec<u8>,
    }

    fn read_at_most(reader: impl Read, most: u64) -> io::Result<Vec<Array>> {
        let mut arrays = vec![];
        each_at_most(reader, most, &mut |name, dims, numbers| {
            let mut data = vec![];
            numbers.read_to_end(&mut data)?;
            arrays.push(Array { name: name.into(), dims: dims.into(), data });
            Ok(())
        })?;
        Ok(arrays)
    }

    fn read(reader: impl Read) -> io::Result<Vec<Array>> {
        read_at_most(reader, MAX_BYTES)
    }

    /// An element, its body padded to eight bytes.
    fn element_of(kind: u32, body: &[u8]) -> Vec<u8> {
        let mut bytes = [kind.to_le_bytes(), (body.len() as u32).to_le_bytes()].concat();
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    /// An array of bytes, class 9, or of doubles, class 6.
    pub(crate) fn matrix(name: &str, dims: &[i32], kind: u32, data: &[u8]) -> Vec<u8> {
        let class: u32 = if kind == mi::UINT8 { 9 } else { 6 };
        let dims: Vec<u8> = dims.iter().flat_map(|dim| dim.to_le_bytes()).collect();
        // A short name stands in its tag.
        let mut short = [(1 | (name.len() as u32) << 16).to_le_bytes(), [0; 4]].concat();
        short[4..4 + name.len()].copy_from_slice(name.as_bytes());
        let body = [
            element_of(mi::UINT32, &[class.to_le_bytes(), [0; 4]].concat()),
            element_of(mi::INT32, &dims),
            short,
            element_of(kind, data),
        ];
        element_of(mi::MATRIX, &body.concat())
    }

    pub(crate) fn compressed(element: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
        encoder.write_all(element).unwrap();
        let body = encoder.finish().unwrap();
        [&mi::COMPRESSED.to_le_bytes()[..], &(body.len() as u32).to_le_bytes(), &body].concat()
    }

    pub(crate) fn file(elements: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![b' '; 124];
        bytes.extend([0, 1, b'I', b'M']);
        bytes.extend(elements.concat());
        bytes
    }

    fn doubles(values: &[f64]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn arrays_are_read_compressed_or_not_as_bytes_or_doubles() {
        let x = matrix("X", &[2, 3], mi::UINT8, &[1, 2, 3, 4, 5, 6]);
        let y = matrix("y", &[2, 1], mi::DOUBLE, &doubles(&[1.0, 10.0]));
        for bytes in [file(&[compressed(&x), compressed(&y)]), file(&[x, y])] {
            let arrays = read(&bytes[..]).unwrap();
            let [x, y] = &arrays[..] else { panic!("{arrays:?}") };
            assert_eq!(
                (x.name.as_str(), &x.dims[..], &x.data[..]),
                ("X", &[2, 3][..], &[1, 2, 3, 4, 5, 6][..])
            );
            assert_eq!(
                (y.name.as_str(), &y.dims[..], &y.data[..]),
                ("y", &[2, 1][..], &[1, 10][..])
            );
        }
    }

    #[test]
    fn what_house_numbers_do_not_need_is_refused() {
        let message = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        let mut big = file(&[]);
        big[126..].copy_from_slice(b"MI");
        assert!(message(&big).contains("little-endian"));
        let half = matrix("y", &[1], mi::DOUBLE, &doubles(&[0.5]));
        assert!(message(&file(&[half])).contains("0.5"));
        let short = matrix("X", &[3, 3], mi::UINT8, &[1, 2]);
        assert!(message(&file(&[short])).contains("[3, 3]"));
        let mut cut = file(&[matrix("X", &[2], mi::UINT8, &[1, 2])]);
        cut.truncate(cut.len() - 3);
        assert!(message(&cut).contains("within an array"));
    }

    #[test]
    fn arrays_that_unpack_to_more_than_any_set_has_are_refused_one_or_many() {
        let zeros =
            |count: usize| compressed(&matrix("X", &[count as i32], mi::UINT8, &vec![0; count]));
        let message = |elements: &[Vec<u8>]| {
            read_at_most(&file(elements)[..], 10_000).map(drop).unwrap_err().to_string()
        };
        assert!(zeros(1 << 20).len() < 2_000, "a bomb");
        assert!(message(&[zeros(1 << 20)]).contains("more bytes than any known set"));
        let many = [zeros(4_000), zeros(4_000), zeros(4_000)];
        assert!(message(&many).contains("more bytes than any known set"));
        assert_eq!(read_at_most(&file(&many[..2])[..], 10_000).unwrap().len(), 2);
    }

    proptest! {
        #[test]
        fn arbitrary_elements_never_panic(bytes: Vec<u8>, packed: bool) {
            let _ = read(&file(std::slice::from_ref(&bytes))[..]);
            let element = element_of(mi::MATRIX, &bytes);
            let _ = read(&file(&[if packed { compressed(&element) } else { element }])[..]);
        }
    }
}
