//! That there is room where the server writes, and that it can be written to.

use super::{Finding, Patient, finding::or_ok};
use crate::unwritable::{Fault, try_write};
use bytesize::ByteSize;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Less room than this isn't enough for a large checkpoint: the most that one may have.
const LITTLE: u64 = 256 << 20;

/// Less room than this is used up before long. Chosen, not measured.
const SCARCE: u64 = 1 << 30;

/// Looks at it.
pub(super) fn look(patient: &Patient) -> Vec<Finding> {
    let mut places: BTreeMap<PathBuf, &'static str> = BTreeMap::new();
    places.insert(std::env::temp_dir(), "data sets that are uploaded go through TMPDIR");
    places.insert(patient.storage.blob_folder(), "checkpoints and data sets are kept there");
    if let Ok(Some(file)) = crate::store::sqlite_file(&patient.database_url) {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        places.insert(folder.unwrap_or(Path::new(".")).into(), "the database is there");
    }
    // Where that of the blobs isn't there at all, the look at them says so.
    let blobs = patient.storage.blob_folder();
    places.retain(|folder, _| *folder != blobs || !is_missing(folder));
    let (mut found, mut least) = (vec![], None);
    for (folder, why) in places {
        match inspect(&folder) {
            Ok(room) => {
                least = least.into_iter().chain([room]).min();
                found.extend(of_room(&folder, why, room));
            }
            Err(error) => found.push(Finding::fail(
                format!("nothing can be written to {}: {error}; {why}", folder.display()),
                remedy_of(&error),
            )),
        }
    }
    or_ok(found, || {
        format!("{} free, and the folders can be written to", ByteSize::b(least.unwrap_or(0)))
    })
}

fn is_missing(folder: &Path) -> bool {
    fs::metadata(folder).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// What to do about a folder that can't be written to.
fn remedy_of(error: &io::Error) -> &'static str {
    match Fault::of(error) {
        Some(Fault::Full) => "make room on its disk, or raise the limit (`ulimit -f`)",
        Some(Fault::ReadOnly) => "mount its disk so that it can be written",
        Some(Fault::Failing) => "replace its disk, and put back what was on it from a backup",
        None if error.kind() == io::ErrorKind::NotFound => {
            "mount its disk, or name the folder that the server uses (--data-dir, --blobs, TMPDIR)"
        }
        None => "let the user of the server write to it",
    }
}

/// The bytes that are free in a folder that can be written to.
fn inspect(folder: &Path) -> io::Result<u64> {
    fs::metadata(folder)?;
    try_write(folder)?;
    free(folder)
}

#[cfg(unix)]
fn free(folder: &Path) -> io::Result<u64> {
    let of = rustix::fs::statvfs(folder)?;
    Ok(of.f_bavail.saturating_mul(of.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> io::Result<u64> {
    Ok(u64::MAX)
}

fn of_room(folder: &Path, why: &str, room: u64) -> Option<Finding> {
    let what = || format!("{} free in {}; {why}", ByteSize::b(room), folder.display());
    let remedy =
        "make room, or delete sweeps that ended (`serve --keep-checkpoints`, `--keep-sweeps`)";
    match room {
        ..LITTLE => Some(Finding::fail(what(), remedy)),
        LITTLE..SCARCE => Some(Finding::warn(what(), remedy)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;

    #[test]
    fn little_room_is_told_before_there_is_none() {
        let of = |room| of_room(Path::new("/x"), "why", room).map(|found| found.severity);
        assert_eq!(of(SCARCE), None);
        assert_eq!(of(SCARCE - 1), Some(Severity::Warn));
        assert_eq!(of(LITTLE - 1), Some(Severity::Fail));
    }

    #[test]
    fn a_folder_that_can_be_written_to_tells_its_room() {
        let folder = tempfile::tempdir().unwrap();
        assert!(inspect(folder.path()).unwrap() > 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left there");
        assert!(inspect(&folder.path().join("missing")).is_err());
    }
}
