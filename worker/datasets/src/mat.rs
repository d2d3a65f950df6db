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

/// An array, its first index running fastest. Doubles are whole numbers from 0 to 255.
#[derive(Debug, PartialEq)]
pub(crate) struct Array {
    pub name: String,
    pub dims: Vec<usize>,
    pub data: Vec<u8>,
}

/// Every array of a file.
pub(crate) fn read(reader: impl Read) -> io::Result<Vec<Array>> {
    read_at_most(reader, MAX_BYTES)
}

/// Every array of a file, if they have no more bytes together.
fn read_at_most(mut reader: impl Read, most: u64) -> io::Result<Vec<Array>> {
    let mut header = [0; HEADER];
    reader.read_exact(&mut header)?;
    if header[124..] != [0, 1, b'I', b'M'] {
        return bad("not a little-endian MATLAB file of level 5");
    }
    let mut arrays = Vec::new();
    // Of all arrays together: many that unpack to much would fill the memory, too.
    let mut left = most;
    let mut tag = [0; 8];
    while fill(&mut reader, &mut tag)? {
        let (kind, size) = (word(&tag), word(&tag[4..]));
        let body = bounded((&mut reader).take(size.into()), left)?;
        if body.len() != size as usize {
            return bad("the file ends within an array");
        }
        match kind {
            mi::MATRIX => {
                left -= body.len() as u64;
                arrays.push(array(&body)?);
            }
            mi::COMPRESSED => {
                let unpacked = bounded(flate2::read::ZlibDecoder::new(&body[..]), left)?;
                left -= unpacked.len() as u64;
                let (kind, matrix, _) = element(&unpacked)?;
                if kind != mi::MATRIX {
                    return bad("something compressed is no array");
                }
                arrays.push(array(matrix)?);
            }
            other => return bad(&format!("an element of kind {other}")),
        }
    }
    Ok(arrays)
}

fn array(body: &[u8]) -> io::Result<Array> {
    let (flags_kind, flags, rest) = element(body)?;
    let (dims_kind, dims, rest) = element(rest)?;
    let (name_kind, name, rest) = element(rest)?;
    let (data_kind, data, _) = element(rest)?;
    if (flags_kind, dims_kind, name_kind) != (mi::UINT32, mi::INT32, mi::INT8) || flags.len() != 8 {
        return bad("an array without flags, dimensions and name");
    }
    if word(flags) & COMPLEX != 0 {
        return bad("an array of complex numbers");
    }
    let dims: Vec<usize> = dims.chunks_exact(4).map(|dim| word(dim) as usize).collect();
    let data = match data_kind {
        mi::UINT8 => data.to_vec(),
        mi::DOUBLE => data.chunks_exact(8).map(whole).collect::<io::Result<_>>()?,
        other => return bad(&format!("an array of numbers of kind {other}")),
    };
    if dims.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim)) != Some(data.len()) {
        return bad(&format!("dimensions {dims:?} do not match {} numbers", data.len()));
    }
    Ok(Array { name: String::from_utf8_lossy(name).into_owned(), dims, data })
}

fn whole(bytes: &[u8]) -> io::Result<u8> {
    let double = bytes.try_into().map_or(f64::NAN, f64::from_le_bytes);
    match double.fract() == 0.0 && (0.0..=255.0).contains(&double) {
        true => Ok(double as u8),
        false => bad(&format!("{double} is no whole number from 0 to 255")),
    }
}

/// The kind and body of the first element, and what follows it. Bodies of up to four bytes may
/// stand in the tag itself; others are padded to eight.
fn element(bytes: &[u8]) -> io::Result<(u32, &[u8], &[u8])> {
    let cut = || io::Error::new(io::ErrorKind::UnexpectedEof, "an array is cut short");
    let (tag, rest) = bytes.split_at_checked(8).ok_or_else(cut)?;
    let first = word(tag);
    if first >> 16 != 0 {
        let size = (first >> 16) as usize;
        return Ok((first & 0xffff, tag[4..].get(..size).ok_or_else(cut)?, rest));
    }
    let size = word(&tag[4..]) as usize;
    let body = rest.get(..size).ok_or_else(cut)?;
    let after = rest.get(size.next_multiple_of(8)..).unwrap_or_default();
    Ok((first, body, after))
}

/// Fills the buffer, or tells that there is nothing more.
fn fill(reader: &mut impl Read, buffer: &mut [u8; 8]) -> io::Result<bool> {
    let mut start = Vec::new();
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

fn bounded(reader: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => bad("its arrays have more bytes than any known set"),
        false => Ok(bytes),
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
