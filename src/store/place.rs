//! Whether the file of a database is still where it was opened. A file that is renamed or deleted under a server
//! goes on to be written, where nobody finds it; and one that takes its place is another database.

use super::StoreError;
use std::path::{Path, PathBuf};

/// Where a file is, and which one it was when it was opened.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    /// None where the system doesn't tell, and of a database that is in no file.
    opened: Option<FileId>,
}

/// Which file it is: the number of its disk, and its own on that.
type FileId = (u64, u64);

impl Place {
    /// That of a file which is there by now.
    pub fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), opened: id(path) }
    }

    /// That the path names the file that was opened.
    ///
    /// # Errors
    /// [`StoreError::Misplaced`] if it names another, or none.
    pub fn check(&self) -> Result<(), StoreError> {
        match self.opened {
            Some(opened) if id(&self.path) != Some(opened) => {
                Err(StoreError::Misplaced(self.path.clone()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(unix)]
fn id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn id(_: &Path) -> Option<FileId> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_that_is_renamed_replaced_or_deleted_is_missed_until_it_is_back() {
        let folder = tempfile::tempdir().unwrap();
        let [path, away, copy] = ["a.db", "away", "copy"].map(|name| folder.path().join(name));
        fs::write(&path, "rows").unwrap();
        let place = Place::of(&path);
        let is_missed =
            || matches!(place.check(), Err(StoreError::Misplaced(missed)) if missed == path);
        assert!(!is_missed());
        fs::rename(&path, &away).unwrap();
        assert!(is_missed());
        fs::copy(&away, &copy).unwrap();
        fs::rename(&copy, &path).unwrap();
        assert!(is_missed(), "the same bytes in another file");
        fs::rename(&away, &path).unwrap();
        assert!(!is_missed());
        fs::write(&path, "more rows").unwrap();
        assert!(!is_missed(), "it may change");
        fs::remove_file(&path).unwrap();
        assert!(is_missed());
    }

    #[test]
    fn what_is_in_no_file_is_never_missed() {
        assert!(Place::of(Path::new(":memory:")).check().is_ok());
    }
}
