//! Whether the folder takes bytes.

use super::{BlobError, Blobs};
use std::{io, io::Write as _};

/// How many bytes are written to see that: more than a file system puts beside a file's name.
const PROBE_BYTES: usize = 64 << 10;

impl Blobs {
    /// Writes a file without a name, which goes at once.
    ///
    /// # Errors
    /// The folder's trouble.
    pub async fn try_write(&self) -> Result<(), BlobError> {
        let folder = self.folder.clone();
        let probe = move || tempfile::tempfile_in(folder)?.write_all(&[0x5a; PROBE_BYTES]);
        Ok(tokio::task::spawn_blocking(probe).await.map_err(io::Error::other)??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_look_leaves_nothing_behind_and_a_folder_that_is_gone_fails_it() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let count = || std::fs::read_dir(folder.path()).unwrap().count();
        let before = count();
        blobs.try_write().await.unwrap();
        assert_eq!(count(), before);
        std::fs::remove_dir_all(folder.path()).unwrap();
        assert!(blobs.try_write().await.is_err());
    }
}
