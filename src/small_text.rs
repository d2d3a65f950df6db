//! Texts that somebody names and that are never long: read no further than that, whatever they are.

use bytesize::ByteSize;
use std::io::{self, Read};

/// All that a reader has, of which there may be so many bytes. `whose` such a text is stands in the refusal.
///
/// # Errors
/// Of reading; if it is longer; if it isn't UTF-8. Each as [`plain_io`](floodgauge_net::plain_io) tells it.
pub fn read(reader: impl Read, most: u64, whose: &str) -> io::Result<String> {
    let mut bytes = Vec::new();
    reader.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let most = ByteSize::b(most).display().iec();
        let words = format!("it has more than {most}, which no {whose} has");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
    }
    String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_net::plain_io;

    fn refused(reader: impl Read) -> String {
        plain_io(&read(reader, 4, "token").unwrap_err())
    }

    #[test]
    fn a_text_is_read_as_far_as_it_may_go_and_no_further() {
        assert_eq!(read(&b"text"[..], 4, "token").unwrap(), "text");
        assert_eq!(read(&b""[..], 4, "token").unwrap(), "");
        assert_eq!(refused(&b"texts"[..]), "it has more than 4 B, which no token has");
        assert_eq!(refused(io::repeat(0)), "it has more than 4 B, which no token has");
        assert_eq!(refused(&[0xff][..]), "it isn't text in UTF-8");
    }
}
