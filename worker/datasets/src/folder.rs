//! Named sets in a data folder: a folder for each, with its files in it.

use crate::{Set, SetError, cifar, digest::Hashed, mnist, pack, svhn};
use floodgauge_protocol::{DatasetName, Digest};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, BufWriter, Seek, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

/// A data folder. It needn't exist.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    digests: Mutex<Digests>,
}

/// What is known of sets, and what their files were like then.
type Digests = HashMap<DatasetName, (Stamp, Digest)>;

/// What changes when files do.
type Stamp = Vec<(PathBuf, u64, Option<SystemTime>)>;

impl Folder {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), digests: Mutex::default() }
    }

    /// As it was given; it needn't exist.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of a set.
    pub fn of(&self, name: &DatasetName) -> PathBuf {
        self.path.join(name.as_str())
    }

    /// The files of a set; none of a set that has no files.
    ///
    /// # Errors
    /// [`SetError::Missing`] with those to put there.
    pub fn find(&self, name: &DatasetName) -> Result<Vec<PathBuf>, SetError> {
        let folder = self.of(name);
        let missing = |files| SetError::Missing { name: name.clone(), files };
        match name {
            DatasetName::Mnist | DatasetName::FashionMnist | DatasetName::Kmnist => {
                let found: Vec<_> = mnist::files()
                    .into_iter()
                    .map(|spellings| {
                        let paths: Vec<_> = spellings.iter().map(|s| folder.join(s)).collect();
                        let there = paths.iter().find(|path| path.is_file()).cloned();
                        there.ok_or_else(|| paths[0].clone())
                    })
                    .collect();
                all(found).map_err(missing)
            }
            DatasetName::Cifar10 => cifar::TEN
                .find(&folder)
                .ok_or_else(|| missing(vec![folder.join(cifar::TEN.archive)])),
            DatasetName::Cifar100 => cifar::HUNDRED
                .find(&folder)
                .ok_or_else(|| missing(vec![folder.join(cifar::HUNDRED.archive)])),
            DatasetName::Svhn => {
                let paths = svhn::FILES.map(|file| folder.join(file));
                let found = paths.into_iter().map(|p| if p.is_file() { Ok(p) } else { Err(p) });
                all(found.collect()).map_err(missing)
            }
            _ => Ok(vec![]),
        }
    }

    /// Writes a set that comes as files in the form that [`pack`] reads, a piece at a time.
    ///
    /// # Errors
    /// Files that are missing or not what their names say; [`SetError::Write`].
    pub fn write(&self, name: &DatasetName, writer: &mut dyn Write) -> Result<(), SetError> {
        let files = self.files(name)?;
        match name {
            DatasetName::Cifar10 => cifar::TEN.write(name, &files, writer),
            DatasetName::Cifar100 => cifar::HUNDRED.write(name, &files, writer),
            DatasetName::Svhn => svhn::write(name, &files, writer),
            _ => mnist::write(name, &files, writer),
        }
    }

    /// Reads a set that comes as files into memory.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn load(&self, name: &DatasetName) -> Result<Set, SetError> {
        let (_, file) = self.packed(name)?;
        pack::read(name, &mut BufReader::new(file))
    }

    /// The digest of a set's contents, as [`pack`] reads them. Files that haven't changed are read
    /// once.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn digest(&self, name: &DatasetName) -> Result<Digest, SetError> {
        let stamp = self.stamp(name)?;
        // Held while reading: who asks meanwhile finds the answer.
        let mut digests = self.lock();
        if let Some((known, digest)) = digests.get(name)
            && *known == stamp
        {
            return Ok(*digest);
        }
        let mut hashed = Hashed::new(io::sink());
        self.write(name, &mut hashed)?;
        let digest = hashed.finish().0;
        digests.insert(name.clone(), (stamp, digest));
        Ok(digest)
    }

    /// A set's contents, as [`pack`] reads them, in a nameless file from its start, and their digest.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn packed(&self, name: &DatasetName) -> Result<(Digest, File), SetError> {
        let stamp = self.stamp(name)?;
        let mut file = tempfile::tempfile().map_err(SetError::Write)?;
        let mut hashed = Hashed::new(BufWriter::with_capacity(1 << 16, &file));
        self.write(name, &mut hashed)?;
        hashed.flush().map_err(SetError::Write)?;
        let digest = hashed.finish().0;
        file.rewind().map_err(SetError::Write)?;
        self.lock().insert(name.clone(), (stamp, digest));
        Ok((digest, file))
    }

    fn lock(&self) -> MutexGuard<'_, Digests> {
        self.digests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files of a set, none of which lies elsewhere: links that lead out of the data folder
    /// would have everything on this machine be a data set.
    fn files(&self, name: &DatasetName) -> Result<Vec<PathBuf>, SetError> {
        let files = self.find(name)?;
        let real = |path: &Path| path.canonicalize().map_err(|error| SetError::read(path, error));
        let root = real(&self.path)?;
        for file in &files {
            if !real(file)?.starts_with(&root) {
                return Err(SetError::Outside { path: file.clone(), folder: self.path.clone() });
            }
        }
        Ok(files)
    }

    fn stamp(&self, name: &DatasetName) -> Result<Stamp, SetError> {
        let stamp = |path: PathBuf| -> io::Result<_> {
            let meta = path.metadata()?;
            Ok((path, meta.len(), meta.modified().ok()))
        };
        self.files(name)?
            .into_iter()
            .map(|path| stamp(path.clone()).map_err(|error| SetError::read(&path, error)))
            .collect()
    }
}

/// What was found, or else what wasn't.
fn all(found: Vec<Result<PathBuf, PathBuf>>) -> Result<Vec<PathBuf>, Vec<PathBuf>> {
    let missing: Vec<_> = found.iter().filter_map(|path| path.clone().err()).collect();
    match missing.is_empty() {
        true => Ok(found.into_iter().flatten().collect()),
        false => Err(missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idx::tests::array;
    use std::{fs, os::unix::fs::symlink};

    /// The files of a set of two images.
    fn put(folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        for part in ["train", "t10k"] {
            let images = array([2, 28, 28], &[7; 2 * 784]);
            fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
            fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), array([2], &[0, 9]))
                .unwrap();
        }
    }

    #[test]
    fn a_link_that_leads_out_of_the_data_folder_is_refused() {
        let [data, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        put(&elsewhere.path().join("mnist"));
        symlink(elsewhere.path().join("mnist"), data.path().join("mnist")).unwrap();
        let folder = Folder::new(data.path());
        for refused in [
            folder.load(&DatasetName::Mnist).map(drop),
            folder.digest(&DatasetName::Mnist).map(drop),
        ] {
            let message = refused.unwrap_err().to_string();
            assert!(message.contains("leads out of the data folder"), "{message}");
        }
        // A single file is no better than a folder.
        put(&data.path().join("kmnist"));
        let labels = data.path().join("kmnist/train-labels-idx1-ubyte");
        fs::remove_file(&labels).unwrap();
        symlink("/etc/passwd", &labels).unwrap();
        let refused = folder.load(&DatasetName::Kmnist);
        assert!(matches!(refused, Err(SetError::Outside { path, .. }) if path == labels));
    }

    #[test]
    fn links_within_the_data_folder_and_to_it_are_followed() {
        let [data, around] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        put(&data.path().join("kept"));
        symlink("kept", data.path().join("mnist")).unwrap();
        symlink(data.path(), around.path().join("data")).unwrap();
        let folder = Folder::new(around.path().join("data"));
        assert_eq!(folder.load(&DatasetName::Mnist).unwrap().train.labels, [0, 9]);
    }
}
