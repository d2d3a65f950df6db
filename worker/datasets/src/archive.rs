//! Zip archives, looked at before they are opened.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
};

/// How the end of an archive's directory begins, and how long it is without its comment.
const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
/// How far before a file's end the library that opens archives looks for one: the longest comment and a signature
/// lie between.
const TAIL_BYTES: u64 = END_BYTES as u64 + 4 + (1 << 16);

/// What a file says of itself as a zip archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directory {
    /// Nothing: it is no such archive, or breaks off.
    Missing,
    /// That it has so many members. Where it could be read in several ways, the most.
    Members(u16),
    /// That its figures stand in the records of zip64, which hold counts of any size. Archives of up to 65534
    /// members and 4 GiB, far above our bounds, don't need them.
    Zip64,
}

/// Looks at a file's directory before anything is made of it. It is read from its beginning after that.
///
/// # Errors
/// If the file can't be read.
pub fn directory(file: &mut File) -> io::Result<Directory> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    file.rewind()?;
    let ends = tail.windows(END_BYTES).filter(|window| window.starts_with(END));
    Ok(ends.map(said).max_by_key(|said| said.size()).unwrap_or(Directory::Missing))
}

impl Directory {
    fn size(self) -> u32 {
        match self {
            Self::Missing => 0,
            Self::Members(count) => u32::from(count),
            Self::Zip64 => u32::MAX,
        }
    }
}

/// What the end of a directory says (APPNOTE.TXT of PKWARE, 4.3.16): a figure of ones alone stands for one in the
/// records of zip64.
fn said(end: &[u8]) -> Directory {
    let (count, size_and_offset) = (u16::from_le_bytes([end[10], end[11]]), &end[12..20]);
    let elsewhere = size_and_offset.chunks_exact(4).any(|figure| figure == [0xff; 4]);
    match elsewhere || count == u16::MAX {
        true => Directory::Zip64,
        false => Directory::Members(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn says(bytes: &[u8]) -> Directory {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        directory(&mut file).unwrap()
    }

    fn end(count: u16) -> Vec<u8> {
        let mut end = [&b"PK\x05\x06\0\0\0\0\0\0"[..], &count.to_le_bytes()].concat();
        end.resize(END_BYTES, 0);
        end
    }

    #[test]
    fn the_most_that_any_end_says_counts() {
        assert_eq!(says(&end(3)), Directory::Members(3));
        assert_eq!(says(&end(0)), Directory::Members(0));
        assert_eq!(says(&[end(500), end(2)].concat()), Directory::Members(500));
        assert_eq!(says(&end(3)[..21]), Directory::Missing);
        assert_eq!(says(b""), Directory::Missing);
    }

    #[test]
    fn figures_that_stand_in_records_of_zip64_are_told_as_such() {
        assert_eq!(says(&end(u16::MAX)), Directory::Zip64);
        for figure in [12, 16] {
            let mut elsewhere = end(3);
            elsewhere[figure..figure + 4].fill(0xff);
            assert_eq!(says(&[end(2), elsewhere, end(1)].concat()), Directory::Zip64);
        }
    }

    #[test]
    fn an_end_is_found_wherever_the_library_looks_for_one() {
        let far = [end(500), vec![0; TAIL_BYTES as usize - END_BYTES]].concat();
        assert_eq!(says(&far), Directory::Members(500));
        assert_eq!(says(&[far, vec![0]].concat()), Directory::Missing);
    }
}
