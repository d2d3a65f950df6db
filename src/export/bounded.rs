//! JSON that may come from anybody: a reader that ends with an error before much of it has to be held.

use bytesize::ByteSize;
use std::io::{self, Read};

/// The longest text in it, in bytes; names, reasons and verdicts are far shorter.
const MAX_TEXT: u64 = 1 << 20;

/// A reader of JSON that refuses more than so many bytes, and texts that no export has.
pub struct Bounded<R> {
    inner: R,
    left: u64,
    most: u64,
    /// How much of a text has come; none between texts.
    text: Option<u64>,
    is_escaped: bool,
}

impl<R: Read> Bounded<R> {
    /// At most `most` bytes of a reader.
    pub fn new(inner: R, most: u64) -> Self {
        Self { inner, left: most, most, text: None, is_escaped: false }
    }

    fn look_at(&mut self, byte: u8) -> io::Result<()> {
        self.text = match (self.text, byte) {
            (None, b'"') => Some(0),
            (None, _) => None,
            (Some(_), b'"') if !self.is_escaped => None,
            (Some(MAX_TEXT), _) => {
                return Err(too_large(format!("a text in it has more than {}", size(MAX_TEXT))));
            }
            (Some(length), _) => {
                self.is_escaped = byte == b'\\' && !self.is_escaped;
                Some(length + 1)
            }
        };
        Ok(())
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(too_large(format!("it has more than {}", size(self.most)))),
        }
        buffer[..count].iter().try_for_each(|&byte| self.look_at(byte))?;
        Ok(count)
    }
}

/// So many bytes, as people say it.
fn size(bytes: u64) -> impl std::fmt::Display {
    ByteSize::b(bytes).display().iec()
}

fn too_large(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, repeat};

    fn read(bytes: impl Read, most: u64) -> Result<u64, String> {
        let copied = io::copy(&mut Bounded::new(bytes, most), &mut io::sink());
        copied.map_err(|error| error.to_string())
    }

    #[test]
    fn as_many_bytes_are_read_as_may_be() {
        assert_eq!(read(Cursor::new("[1, 2]"), 6), Ok(6));
        assert_eq!(read(Cursor::new("[1, 2]"), 5), Err("it has more than 5 B".into()));
        assert!(read(repeat(b' '), 1 << 20).is_err());
    }

    #[test]
    fn a_text_ends_at_its_quote_and_may_not_be_long() {
        let text = |length: usize| format!("[\"{}\"]", "x".repeat(length));
        let most = MAX_TEXT as usize;
        assert!(read(Cursor::new(text(most)), u64::MAX).is_ok());
        let refused = read(Cursor::new(text(most + 1)), u64::MAX).unwrap_err();
        assert_eq!(refused, "a text in it has more than 1.0 MiB");
        // Quotes in texts end none, and what is between texts counts for none.
        let escaped = format!("[\"{}\"]", "\\\"\\\\".repeat(most / 4));
        assert!(read(Cursor::new(&escaped), u64::MAX).is_ok());
        assert!(read(Cursor::new(escaped.replacen("\\\"", "\\\"xxxxx", 1)), u64::MAX).is_err());
        let between = format!("[\"{}\"{}\"{0}\"]", text(most - 10).len(), " ".repeat(2 * most));
        assert!(read(Cursor::new(between), u64::MAX).is_ok());
    }
}
