//! What goes: blobs that nothing refers to, and files that were never written to their end.

use super::{BlobError, Blobs, INCOMING, STAGED};
use crate::store::Store;
use floodgauge_protocol::Digest;
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// How many blobs a collection looks up at once.
const BLOBS_AT_ONCE: u32 = 1_000;

/// How many blobs are remembered between two collections; the others come later.
const MAX_CANDIDATES: u32 = 10_000;

/// What nothing referred to when it was last looked at.
#[derive(Debug, Default)]
pub struct Unreferenced(BTreeSet<Digest>);

impl Blobs {
    /// Deletes the blobs that nothing refers to and no live lease holds; answers how many.
    ///
    /// # Errors
    /// The first that couldn't be deleted.
    pub async fn collect(&self, store: &dyn Store) -> Result<u64, BlobError> {
        self.delete_half_written().await?;
        let mut collected = 0;
        loop {
            let unreferenced = store.unreferenced_blobs(BLOBS_AT_ONCE).await?;
            let mut forgotten = 0;
            for digest in unreferenced {
                let delete = Box::pin(self.delete(digest));
                forgotten += u64::from(store.forget_blob(digest, delete).await?);
            }
            // What is left came back into use meanwhile, or is another collector's.
            if forgotten == 0 {
                return Ok(collected);
            }
            collected += forgotten;
        }
    }

    /// Deletes the blobs of which that held already the last time; answers how many.
    ///
    /// # Errors
    /// The first that couldn't be deleted.
    pub async fn collect_since(
        &self,
        store: &dyn Store,
        last: &mut Unreferenced,
    ) -> Result<u64, BlobError> {
        let now: BTreeSet<Digest> =
            store.unreferenced_blobs(MAX_CANDIDATES).await?.into_iter().collect();
        let (mut collected, mut first) = (0, None);
        for &digest in now.intersection(&last.0) {
            let delete = Box::pin(self.delete(digest));
            match store.forget_blob(digest, delete).await {
                Ok(forgotten) => collected += u64::from(forgotten),
                // One that can't be deleted keeps no other.
                Err(error) => drop(first.get_or_insert(error)),
            }
        }
        last.0 = now;
        self.delete_half_written().await?;
        first.map_or(Ok(collected), |error| Err(error.into()))
    }

    /// Files of more than a day ago that were never written to their end.
    ///
    /// # Errors
    /// The folder's trouble.
    pub fn half_written(&self) -> io::Result<Vec<PathBuf>> {
        half_written(&self.folder)
    }

    /// Deletes them: a crash left them.
    async fn delete_half_written(&self) -> Result<(), BlobError> {
        let folder = self.folder.clone();
        let delete = move || half_written(&folder)?.iter().try_for_each(fs::remove_file);
        Ok(tokio::task::spawn_blocking(delete).await.map_err(io::Error::other)??)
    }
}

/// Those in a folder: beside their names to be, with a `#`, or where bytes are that have no name yet.
fn half_written(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![];
    for shard in fs::read_dir(folder)? {
        let shard = shard?;
        if !is_ours(&shard)? {
            continue;
        }
        let is_incoming = shard.file_name() == INCOMING;
        for file in fs::read_dir(shard.path())? {
            let file = file?;
            let is_half = is_incoming || file.file_name().to_string_lossy().contains('#');
            if is_half && is_old(&file)? {
                found.push(file.path());
            }
        }
    }
    Ok(found)
}

/// Whether a file was written more than a day ago. One that has got its name meanwhile wasn't.
fn is_old(file: &fs::DirEntry) -> io::Result<bool> {
    match file.metadata().and_then(|meta| meta.modified()) {
        Ok(modified) => Ok(modified.elapsed().is_ok_and(|age| age > STAGED)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether blobs lie in a folder. What else there is, such as `lost+found`, may not even be readable.
fn is_ours(folder: &fs::DirEntry) -> io::Result<bool> {
    let name = folder.file_name();
    let is_shard =
        |name: &str| name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_named = name.to_str().is_some_and(|name| name == INCOMING || is_shard(name));
    Ok(is_named && folder.file_type()?.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures::TryStreamExt as _;
    use sha2::{Digest as _, Sha256};
    use std::time::Duration;

    fn blob(bytes: &'static [u8]) -> (Digest, Bytes) {
        (Digest(Sha256::digest(bytes).into()), Bytes::from_static(bytes))
    }

    #[tokio::test]
    async fn what_a_crash_left_half_written_goes_after_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let (digest, bytes) = blob(b"weights");
        blobs.put(digest, bytes.clone()).await.unwrap();
        let name = digest.to_string();
        let object = folder.path().join(&name[..2]).join(&name);
        let [old, new] = ["#1", "#2"].map(|half| format!("{}{half}", object.display()));
        let before = std::time::SystemTime::now() - STAGED - Duration::from_secs(60);
        for (path, age) in [(&old, Some(before)), (&new, None)] {
            fs::write(path, "wei").unwrap();
            let file = fs::File::options().write(true).open(path).unwrap();
            if let Some(age) = age {
                file.set_modified(age).unwrap();
            }
        }
        fs::File::open(&object).unwrap().set_modified(before).unwrap();
        blobs.delete_half_written().await.unwrap();
        assert!(!Path::new(&old).exists());
        assert!(Path::new(&new).exists(), "it may yet get its name");
        assert_eq!(blobs.get(digest).await.unwrap(), Some(bytes));
    }

    #[tokio::test]
    async fn what_else_lies_in_the_folder_is_left_alone_and_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let (digest, bytes) = blob(b"weights");
        blobs.put(digest, bytes).await.unwrap();
        let long_ago = std::time::SystemTime::now() - 2 * STAGED;
        let half = |place: &str| {
            let path = folder.path().join(place).join("part#1");
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::File::create(&path).unwrap().set_modified(long_ago).unwrap();
            path
        };
        let (theirs, ours) = (half("lost+found"), half("ab"));
        assert_eq!(blobs.half_written().unwrap(), std::slice::from_ref(&ours));
        blobs.delete_half_written().await.unwrap();
        assert!(theirs.exists() && !ours.exists());
        let all: Vec<_> = blobs.all().try_collect().await.unwrap();
        assert_eq!(all.iter().map(|object| object.digest).collect::<Vec<_>>(), [Some(digest)]);
    }
}
