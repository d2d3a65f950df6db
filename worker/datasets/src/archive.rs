//! Zip archives, looked at before they are opened.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
};

/// How the end of an archive's directory begins, and how long it is without its comment.
const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;

/// How many members a file says it has as a zip archive, before anything is made of them; none where it is no
/// such archive. Where it could be read in several ways, the most. It is read from its beginning after that.
///
/// # Errors
/// If the file can't be read.
pub fn members(file: &mut File) -> io::Result<Option<u16>> {
    let length = file.seek(SeekFrom::End(0))?;
    // The end of the directory, and a comment of up to 64 KiB.
    file.seek(SeekFrom::Start(length.saturating_sub(END_BYTES as u64 + (1 << 16))))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    file.rewind()?;
    let ends = tail.windows(END_BYTES).filter(|window| window.starts_with(END));
    Ok(ends.map(|end| u16::from_le_bytes([end[10], end[11]])).max())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn says(bytes: &[u8]) -> Option<u16> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        members(&mut file).unwrap()
    }

    #[test]
    fn the_most_that_any_end_says_counts() {
        let end = |count: u16| {
            let mut end = [&b"PK\x05\x06\0\0\0\0\0\0"[..], &count.to_le_bytes()].concat();
            end.resize(END_BYTES, 0);
            end
        };
        assert_eq!(says(&end(3)), Some(3));
        assert_eq!(says(&[end(500), end(2)].concat()), Some(500));
        assert_eq!(says(&end(3)[..21]), None);
        assert_eq!(says(b""), None);
    }
}
