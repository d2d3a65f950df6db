//! Whether files can be written, as far as anybody knows.
//!
//! Whoever meets a disk that is full, read-only or failing has it noted here, and a look every now and then finds
//! it before somebody's upload does. So it is with files that were taken away. From then on the server isn't ready,
//! until something can be written again, and could be for a while: a disk that is nearly full has room one moment
//! and none the next.

use super::{
    Driver,
    met::{Change, Met, Seen},
};
use crate::{
    blobs::BlobError,
    lost::{Lost, lost},
    scratch,
    unwritable::{Fault, try_write, unwritable},
};
use floodgauge_net::plain_io;
use std::{
    env, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// For how long nothing must have failed to be written before a server is ready again: four looks. Chosen, not
/// measured.
const QUIET: Duration = Duration::from_secs(20);

/// No trouble that is known.
pub(super) fn writable() -> Met<Trouble> {
    Met::none(QUIET)
}

/// Why files can't be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A folder or its disk, in words.
    Disk(String),
    /// What was taken away.
    Lost(Lost),
}

impl Trouble {
    fn words(self) -> String {
        match self {
            Self::Disk(words) => words,
            Self::Lost(lost) => lost.words().into(),
        }
    }

    /// How the log tells that it is there.
    fn beginning(self) -> String {
        match self {
            Self::Disk(words) => format!("{words}: nothing new is taken until that is over"),
            Self::Lost(lost) => format!("{}; until then the server isn't ready", lost.words()),
        }
    }

    /// How the log tells that it is over.
    fn ending(&self) -> &'static str {
        match self {
            Self::Disk(_) => "the disk can be written again",
            Self::Lost(lost) => lost.ending(),
        }
    }
}

/// A folder that a server writes to.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Checkpoints and data sets.
    Blobs,
    /// Its database, and what the workers in it have fetched.
    Data,
    /// What is on its way.
    Temporary {
        /// Whether somebody chose it.
        is_chosen: bool,
    },
}

/// What was found of one.
#[derive(Debug)]
enum Found {
    /// It takes bytes.
    Room,
    /// Its disk is at fault.
    Fault(Fault),
    /// It is there for no one, or not for this user.
    Refused(io::Error),
}

impl Found {
    fn of(folder: &Path) -> Self {
        match try_write(folder) {
            Ok(()) => Self::Room,
            Err(error) => Self::by(error),
        }
    }

    /// What an error tells.
    fn by(error: io::Error) -> Self {
        match Fault::of(&error) {
            Some(fault) => Self::Fault(fault),
            None => Self::Refused(error),
        }
    }
}

impl Place {
    /// Why the server can't work with what was found; none where it can. A folder for temporary files that nobody
    /// chose may be one that nobody can write: then the server said at its start that it takes no uploads. And a
    /// data folder needn't be there if the database is elsewhere.
    fn trouble(self, found: Found) -> Option<String> {
        match (self, found) {
            (_, Found::Room)
            | (
                Self::Temporary { is_chosen: false },
                Found::Fault(Fault::ReadOnly) | Found::Refused(_),
            ) => None,
            (Self::Data, Found::Refused(error)) if error.kind() == io::ErrorKind::NotFound => None,
            (place, Found::Fault(fault)) => Some(format!("{} ({})", fault.words(), place.words())),
            (place, Found::Refused(error)) => {
                Some(format!("{} can't be written: {}", place.words(), plain_io(&error)))
            }
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Blobs => "the folder of the blobs",
            Self::Data => "the data folder",
            Self::Temporary { .. } => "the folder for temporary files, TMPDIR",
        }
    }
}

/// What is wrong with the first of some folders with which something is.
fn first_trouble(places: Vec<(Place, PathBuf)>) -> Option<String> {
    places.into_iter().find_map(|(place, folder)| place.trouble(Found::of(&folder)))
}

/// Why the folder of the blobs can't be used.
fn blob_trouble(error: BlobError) -> Option<Trouble> {
    if let Some(lost) = lost(&error) {
        return Some(Trouble::Lost(lost));
    }
    match error {
        BlobError::Folder(error) => Place::Blobs.trouble(Found::by(error)).map(Trouble::Disk),
        error => Some(Trouble::Disk(error.to_string())),
    }
}

fn tell(trouble: Trouble) {
    tracing::error!("{}", trouble.beginning());
}

impl Driver {
    /// Notes that a disk can't be written, in words.
    pub fn note_unwritable(&self, words: &str) {
        let trouble = Trouble::Disk(words.into());
        if self.0.disk.note(trouble.clone()) {
            tell(trouble);
        }
    }

    /// Why files can't be written, if that is so; has it looked at again meanwhile.
    pub fn unwritable(&self) -> Option<String> {
        let (trouble, is_due) = self.0.disk.known()?;
        if is_due {
            let driver = self.clone();
            tokio::spawn(async move { driver.look_at_disk().await });
        }
        Some(trouble.words())
    }

    /// Looks whether the folders can be written and, where something couldn't be, the database too.
    pub async fn look_at_disk(&self) {
        let Some(look) = self.0.disk.begin() else { return };
        let found = self.find_unwritable(look.was_well).await;
        let seen = found.clone().map_or(Seen::Well, Seen::Trouble);
        match (self.0.disk.end(&look, seen), found) {
            (Change::Began, Some(trouble)) => tell(trouble),
            (Change::Over(trouble), _) => tracing::info!("{}", trouble.ending()),
            _ => {}
        }
    }

    /// Why something can't be written.
    async fn find_unwritable(&self, was_well: bool) -> Option<Trouble> {
        if let Some(trouble) = self.0.blobs.check_folder().err().and_then(blob_trouble) {
            return Some(trouble);
        }
        if let Some(lost) = self.0.store.check_place().err().and_then(|error| lost(&error)) {
            return Some(Trouble::Lost(lost));
        }
        let places = places(self.0.blobs.folder().into(), self.0.config.data_dir.clone());
        let looked = tokio::task::spawn_blocking(|| first_trouble(places)).await;
        if let Ok(Some(words)) = looked {
            return Some(Trouble::Disk(words));
        }
        // While all is well those who write it say soon enough that it isn't.
        if was_well {
            return None;
        }
        let wrote = self.0.store.try_write().await;
        wrote.err().and_then(|error| unwritable(&error)).map(Trouble::Disk)
    }
}

/// Every folder that a server writes to.
fn places(blobs: PathBuf, data: Option<PathBuf>) -> Vec<(Place, PathBuf)> {
    let temporary = Place::Temporary { is_chosen: scratch::is_chosen() };
    let data = data.map(|folder| (Place::Data, folder));
    [(Place::Blobs, blobs), (temporary, env::temp_dir())].into_iter().chain(data).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHOSEN: Place = Place::Temporary { is_chosen: true };
    const UNCHOSEN: Place = Place::Temporary { is_chosen: false };

    #[test]
    fn every_folder_that_is_written_to_is_looked_at_and_the_trouble_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let (blobs, data) = (path("blobs"), path("data"));
        let all = || places(blobs.clone(), Some(data.clone()));
        let folders: Vec<_> = all().into_iter().map(|(_, folder)| folder).collect();
        assert_eq!(folders, [blobs.clone(), env::temp_dir(), data.clone()]);
        assert_eq!(places(blobs.clone(), None).len(), 2, "no database in a file");
        assert_eq!(first_trouble(all()), None);
        let trouble = |at: usize| {
            let mut places = all();
            places[at].1 = folder.path().join("missing");
            // Here somebody chose it, whatever the machine of the test says.
            places[1].0 = CHOSEN;
            first_trouble(places)
        };
        assert!(trouble(0).unwrap().starts_with("the folder of the blobs can't be"));
        assert!(trouble(1).unwrap().contains("TMPDIR can't be written: there is no such"));
        assert_eq!(trouble(2), None, "nothing is kept there");
    }

    #[test]
    fn a_blob_folder_that_is_refused_is_told_in_plain_words() {
        let denied = io::Error::from_raw_os_error(13);
        let told = blob_trouble(BlobError::Folder(denied)).unwrap().words();
        assert!(told.starts_with("the folder of the blobs can't be written: "), "{told}");
        assert!(!told.contains("os error"), "{told}");
    }

    #[test]
    fn what_was_taken_away_begins_and_ends_in_words_of_its_own() {
        let disk = Trouble::Disk("the disk of the server is full".into());
        assert!(disk.clone().beginning().ends_with("nothing new is taken until that is over"));
        assert_eq!(disk.ending(), "the disk can be written again");
        let [blobs, database] = [Lost::Blobs, Lost::Database].map(Trouble::Lost);
        assert_eq!(blob_trouble(BlobError::Bare("/srv".into())), Some(blobs.clone()));
        assert_eq!(blobs.ending(), "the folder of the blobs is back");
        assert_eq!(database.ending(), "the file of the database is back in its place");
        for told in [blobs, database].map(Trouble::beginning) {
            assert!(!told.contains("nothing new is taken"), "the server goes on: {told}");
        }
    }

    #[test]
    fn a_disk_at_fault_counts_wherever_it_is_and_a_folder_that_nobody_chose_only_where_it_could_be_written()
     {
        for place in [Place::Blobs, Place::Data, CHOSEN, UNCHOSEN] {
            let full = place.trouble(Found::Fault(Fault::Full)).unwrap();
            assert!(full.starts_with("the disk of the server is full (the "), "{full}");
            assert!(place.trouble(Found::Fault(Fault::Failing)).is_some());
            assert_eq!(place.trouble(Found::Room), None);
        }
        let denied = || Found::Refused(io::ErrorKind::PermissionDenied.into());
        assert!(Place::Data.trouble(denied()).is_some() && CHOSEN.trouble(denied()).is_some());
        assert!(CHOSEN.trouble(Found::Fault(Fault::ReadOnly)).is_some());
        assert_eq!(UNCHOSEN.trouble(denied()), None);
        assert_eq!(UNCHOSEN.trouble(Found::Fault(Fault::ReadOnly)), None);
    }
}
