//! What a server answers, kept in a file until it is used.

use super::Failure;
use crate::{client::Download, scratch};
use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
};

/// An answer in a file that goes when it is closed.
///
/// # Errors
/// Whatever the client meets; if the file can't be written.
pub async fn fetched(mut download: Download) -> Result<File, Failure> {
    let mut file = scratch::file().map_err(kept)?;
    while let Some(piece) = download.piece().await? {
        file.write_all(piece.as_ref()).map_err(kept)?;
    }
    file.rewind().map_err(kept)?;
    Ok(file)
}

/// That such a file can't be written or read.
pub fn kept(error: io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context("what was fetched can't be kept")
}
