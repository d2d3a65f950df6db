//! SHA-256 on the way through.

use floodgauge_protocol::Digest;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read, Write};

/// Passes bytes on, and takes their digest.
#[derive(Debug)]
pub struct Hashed<T> {
    inner: T,
    sha256: Sha256,
    bytes: u64,
}

impl<T> Hashed<T> {
    /// Around a reader or a writer.
    pub fn new(inner: T) -> Self {
        Self { inner, sha256: Sha256::new(), bytes: 0 }
    }

    /// The digest and the number of the bytes that passed.
    pub fn finish(self) -> (Digest, u64) {
        (Digest(self.sha256.finalize().into()), self.bytes)
    }

    fn take(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.take(&buffer[..count]);
        Ok(count)
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.take(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The digest of all that a reader has left.
///
/// # Errors
/// The reader's.
pub fn of(reader: impl Read) -> io::Result<Digest> {
    let mut hashed = Hashed::new(reader);
    io::copy(&mut hashed, &mut io::sink())?;
    Ok(hashed.finish().0)
}
