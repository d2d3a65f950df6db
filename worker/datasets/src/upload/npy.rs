//! The header of a NumPy array, as numpy's own format document has it
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

use super::{UploadError, bad};
use std::io::Read;

/// More bytes than a header of numbers needs.
const MAX_HEADER_BYTES: usize = 1 << 16;

/// How an array is laid out; rows first.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub kind: Kind,
    pub big_endian: bool,
    pub shape: Vec<u64>,
}

/// What the numbers of an array are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    /// Of so many bytes.
    Signed(usize),
    /// Of so many bytes.
    Unsigned(usize),
    /// Of so many bytes.
    Float(usize),
}

impl Kind {
    /// Bytes of a number.
    pub fn size(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Signed(size) | Self::Unsigned(size) | Self::Float(size) => size,
        }
    }
}

/// Reads the header of the array `name`.
pub(super) fn header(name: &str, reader: &mut impl Read) -> Result<Header, UploadError> {
    let no_array = || UploadError::Bad(format!("array `{name}` is not a NumPy array"));
    let mut start = [0; 8];
    reader.read_exact(&mut start).map_err(|_| no_array())?;
    if &start[..6] != b"\x93NUMPY" {
        return Err(no_array());
    }
    let mut length = [0; 4];
    let bytes = match start[6] {
        1 => 2,
        2 | 3 => 4,
        version => return bad(format!("array `{name}` has version {version} of the NumPy format")),
    };
    reader.read_exact(&mut length[..bytes]).map_err(|_| no_array())?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_HEADER_BYTES {
        return bad(format!("array `{name}` has a header of {length} bytes"));
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text).map_err(|_| no_array())?;
    let text = String::from_utf8(text).map_err(|_| no_array())?;
    fields(name, &text)
}

fn fields(name: &str, text: &str) -> Result<Header, UploadError> {
    let unclear = || UploadError::Bad(format!("array `{name}` has a header that isn't understood"));
    let value = |field: &str| {
        let (_, after) = text.split_once(&format!("'{field}':"))?;
        Some(after.trim_start())
    };
    let descr = value("descr").ok_or_else(unclear)?;
    let dtype = descr.strip_prefix('\'').and_then(|rest| rest.split('\'').next());
    let Some(dtype) = dtype else {
        return bad(format!(
            "array `{name}` has fields of several kinds; plain numbers are needed"
        ));
    };
    let (big_endian, kind) = kind(name, dtype)?;
    let fortran = value("fortran_order").ok_or_else(unclear)?;
    if fortran.starts_with("True") {
        return bad(format!(
            "array `{name}` is in Fortran order; save np.ascontiguousarray({name})"
        ));
    }
    let shape = value("shape").and_then(|rest| rest.strip_prefix('('));
    let shape = shape.and_then(|rest| rest.split_once(')')).ok_or_else(unclear)?.0;
    let shape = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
    let shape = shape.map(|size| size.parse().map_err(|_| unclear())).collect::<Result<_, _>>()?;
    Ok(Header { kind, big_endian, shape })
}

fn kind(name: &str, dtype: &str) -> Result<(bool, Kind), UploadError> {
    let (order, code) = match dtype.as_bytes().first() {
        Some(b'<' | b'>' | b'|' | b'=') => dtype.split_at(1),
        _ => ("|", dtype),
    };
    let kind = match code {
        "b1" => Kind::Bool,
        "i1" | "i2" | "i4" | "i8" => Kind::Signed(usize::from(code.as_bytes()[1] - b'0')),
        "u1" | "u2" | "u4" | "u8" => Kind::Unsigned(usize::from(code.as_bytes()[1] - b'0')),
        "f4" | "f8" => Kind::Float(usize::from(code.as_bytes()[1] - b'0')),
        _ if code.starts_with('O') => {
            return bad(format!(
                "array `{name}` holds Python objects (dtype object), which are pickled and never \
                 read; save it as numbers"
            ));
        }
        _ => {
            let dtype: String = dtype.chars().take(20).collect();
            return bad(format!(
                "array `{name}` has dtype {dtype}; bool, whole numbers, float32 or float64 are needed"
            ));
        }
    };
    Ok((order == ">", kind))
}
