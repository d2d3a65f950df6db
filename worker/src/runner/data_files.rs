//! Data sets that sweeps are pinned to, fetched once and kept in a folder by their digests.
//!
//! Several workers of one user may share a folder: a file gets its name when it is whole, and is handed out
//! open, so that nobody minds when another makes room.

use crate::client::{Client, ClientError};
use floodgauge_datasets::digest;
use floodgauge_net::plain_io;
use floodgauge_protocol::{Digest, work::Lease};
use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, BufReader, Seek},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use tempfile::{Builder, NamedTempFile};

/// How files begin that aren't whole yet; no digest does.
pub(super) const PART: &str = "part-";
/// After so long a part is one that a crash left.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// Whether a file of this name is a data set that is kept.
pub(super) fn is_kept(name: &str) -> bool {
    name.parse::<Digest>().is_ok()
}

/// Where a worker keeps the data sets that it fetches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// The folder; it is made when it is needed.
    pub folder: PathBuf,
    /// The bytes to keep; the set in use is kept however large it is.
    pub max_bytes: u64,
}

/// The files of a [`Cache`].
#[derive(Debug)]
pub(super) struct DataFiles {
    cache: Cache,
    /// Those whose bytes this process has looked at.
    intact: Mutex<HashSet<Digest>>,
}

impl DataFiles {
    pub fn new(cache: Cache) -> Self {
        Self { cache, intact: Mutex::default() }
    }

    /// Where they are kept.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The bytes with that digest, fetched unless they are there.
    pub async fn get(
        self: &Arc<Self>,
        client: &Client,
        lease: &Lease,
        digest: Digest,
    ) -> Result<File, ClientError> {
        let folder = &self.cache.folder;
        let keep = |error: io::Error| {
            ClientError::Keep(format!("{}: {}", folder.display(), plain_io(&error)))
        };
        let path = folder.join(digest.to_string());
        // Reads all of it, up to a GiB, while the lease has to be renewed.
        let (files, there) = (self.clone(), path.clone());
        let intact = tokio::task::spawn_blocking(move || files.intact_file(&there, digest));
        if let Some(file) = intact.await.map_err(io::Error::other).flatten().map_err(keep)? {
            return Ok(file);
        }
        fs::create_dir_all(folder).map_err(keep)?;
        let part = Builder::new().prefix(PART).tempfile_in(folder).map_err(keep)?;
        tracing::info!(%digest, "fetching the data set");
        client.get_blob_into(lease, digest, part.as_file()).await?;
        let file = self.name(part, &path).map_err(keep)?;
        self.lock().insert(digest);
        Ok(file)
    }

    /// The file, if it is there and is what its name says.
    fn intact_file(&self, path: &Path, digest: Digest) -> io::Result<Option<File>> {
        let mut file = match File::options().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !self.lock().contains(&digest) {
            if digest::of(BufReader::with_capacity(1 << 20, &file))? != digest {
                tracing::warn!(path = %path.display(), "a kept data set is damaged");
                return Ok(None);
            }
            file.rewind()?;
            self.lock().insert(digest);
        }
        // Tells when it was last used. If that can't be told, it makes room sooner.
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(file))
    }

    fn name(&self, part: NamedTempFile, path: &Path) -> io::Result<File> {
        let mut file = part.persist(path).map_err(|error| error.error)?;
        file.rewind()?;
        self.make_room(path)?;
        Ok(file)
    }

    /// Deletes what was used least lately, but not the file at `used`.
    fn make_room(&self, used: &Path) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.cache.folder)? {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            // Another worker may have made room meanwhile.
            let Ok(meta) = entry.metadata() else { continue };
            let changed = meta.modified()?;
            if name.starts_with(PART) {
                if changed.elapsed().is_ok_and(|age| age > STALE) {
                    remove(&path)?;
                }
            } else if is_kept(&name) && path != used {
                files.push((changed, meta.len(), path));
            }
        }
        files.sort();
        let mut bytes = fs::metadata(used)?.len() + files.iter().map(|file| file.1).sum::<u64>();
        for (_, length, path) in files {
            if bytes <= self.cache.max_bytes {
                break;
            }
            remove(&path)?;
            bytes -= length;
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<Digest>> {
        self.intact.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn files(folder: &Path, max_bytes: u64) -> DataFiles {
        DataFiles::new(Cache { folder: folder.into(), max_bytes })
    }

    /// Keeps `bytes`, and says where.
    fn kept(files: &DataFiles, bytes: &[u8]) -> (PathBuf, Digest) {
        let digest = digest::of(bytes).unwrap();
        let path = files.cache.folder.join(digest.to_string());
        let mut part = Builder::new().prefix(PART).tempfile_in(&files.cache.folder).unwrap();
        part.write_all(bytes).unwrap();
        files.name(part, &path).unwrap();
        (path, digest)
    }

    fn used(path: &Path, seconds_ago: u64) {
        let then = SystemTime::now() - Duration::from_secs(seconds_ago);
        File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
    }

    #[test]
    fn a_kept_set_is_handed_out_from_its_start_and_a_damaged_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (path, digest) = kept(&files(folder.path(), 100), b"samples");
        let mut text = String::new();
        let mut found = files(folder.path(), 100).intact_file(&path, digest).unwrap().unwrap();
        found.read_to_string(&mut text).unwrap();
        assert_eq!(text, "samples");
        fs::write(&path, b"sampled").unwrap();
        assert!(files(folder.path(), 100).intact_file(&path, digest).unwrap().is_none());
    }

    #[test]
    fn the_least_lately_used_make_room_and_what_is_not_ours_stays() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path(), 25);
        let (first, digest) = kept(&files, &[1; 10]);
        let (second, _) = kept(&files, &[2; 10]);
        let theirs = folder.path().join("notes.txt");
        fs::write(&theirs, [0; 100]).unwrap();
        used(&first, 100);
        used(&second, 50);
        files.intact_file(&first, digest).unwrap().unwrap();
        let (third, _) = kept(&files, &[3; 10]);
        assert!(first.exists() && !second.exists() && third.exists() && theirs.exists());
        let (large, _) = kept(&files, &[4; 100]);
        assert!(large.exists() && !first.exists() && !third.exists());
    }

    #[test]
    fn what_a_crash_left_is_deleted_after_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path(), 100);
        let [old, new] = ["part-old", "part-new"].map(|name| folder.path().join(name));
        fs::write(&old, "x").unwrap();
        fs::write(&new, "x").unwrap();
        used(&old, 2 * 24 * 3600);
        kept(&files, b"samples");
        assert!(!old.exists() && new.exists());
    }
}
