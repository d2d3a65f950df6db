//! What a worker looks at before it asks for work: at its start, and once it was in trouble.
//!
//! A machine that can't do the work shouldn't take it from others.

use super::data_files::Cache;
use crate::memory;
use floodgauge_net::plain_io;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};
use tempfile::Builder;

/// How many bytes are written to see whether the cache takes any.
const PROBE_BYTES: usize = 64 << 10;

/// Fewer bytes than this that are left on the disk of the cache are trouble. Chosen: less than any data set
/// of files has.
const MIN_ROOM: u64 = 16 << 20;

/// Fewer bytes of memory than this that can be had are trouble, unless training is to take less. Chosen.
const MIN_MEMORY: u64 = 64 << 20;

/// What to do about a cache that is no good. Workers inside a server have theirs in its data folder.
const ABOUT_CACHE: &str = "free some space, see that this user may read and write there, or choose \
     another folder (`floodgauge worker --cache`)";

/// Kept data sets that are looked at, the first by name.
const MAX_LOOKED_AT: usize = 1_000;

/// Looks at what training takes: a cache that can be written and read, room on its disk, memory.
///
/// # Errors
/// Says what is wrong, for people.
pub(super) fn check(cache: &Cache, memory: u64) -> Result<(), String> {
    let folder = cache.folder.as_path();
    let name = folder.display();
    probe(folder).map_err(|error| {
        format!("the cache {name} can't be written: {}; {ABOUT_CACHE}", plain_io(&error))
    })?;
    if let Some(room) = room(folder).filter(|&room| room < MIN_ROOM) {
        let (room, least) = (mebibytes(room), mebibytes(MIN_ROOM));
        return Err(format!(
            "the disk of the cache {name} has {room} free, {least} is needed; {ABOUT_CACHE}"
        ));
    }
    read_kept(folder).map_err(|error| {
        format!("the cache {name} can't be read: {}; {ABOUT_CACHE}", plain_io(&error))
    })?;
    let (left, least) = (memory::available(), MIN_MEMORY.min(memory));
    if left < least {
        let (left, least) = (mebibytes(left), mebibytes(least));
        return Err(format!(
            "{left} of memory is free, {least} is needed; stop other programs, or set a lower \
             --memory"
        ));
    }
    Ok(())
}

/// Writes a small file to the disk, and deletes it.
fn probe(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = Builder::new().prefix(super::data_files::PART).tempfile_in(folder)?;
    file.write_all(&[0x5a; PROBE_BYTES])?;
    file.as_file().sync_all()?;
    file.close()
}

/// Bytes that may still be written to the disk of a folder; none where the system doesn't tell.
#[cfg(unix)]
fn room(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn room(_: &Path) -> Option<u64> {
    None
}

/// Reads the beginning of what is kept. One that others deleted meanwhile is no trouble.
fn read_kept(folder: &Path) -> io::Result<()> {
    let mut names: Vec<_> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<Result<_, _>>()?;
    names.retain(|name| name.to_str().is_some_and(super::data_files::is_kept));
    names.sort();
    for name in names.into_iter().take(MAX_LOOKED_AT) {
        match File::open(folder.join(&name)).and_then(|mut file| file.read(&mut [0; 4096])) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let words = format!("{}: {}", name.to_string_lossy(), plain_io(&error));
                return Err(io::Error::new(error.kind(), words));
            }
            _ => {}
        }
    }
    Ok(())
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(folder: &Path) -> Cache {
        Cache { folder: folder.into(), max_bytes: 1 << 30 }
    }

    #[test]
    fn a_machine_that_is_well_is_told_so_and_nothing_is_left_of_the_look() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("made/by/the/look");
        assert_eq!(check(&cache(&inner), 1 << 20), Ok(()));
        assert_eq!(fs::read_dir(inner).unwrap().count(), 0);
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_trouble_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a file");
        fs::write(&file, "x").unwrap();
        for path in [file.clone(), file.join("below"), "/dev/null/cache".into()] {
            let words = check(&cache(&path), 1 << 20).unwrap_err();
            let expected = format!("the cache {} can't be written: ", path.display());
            assert!(words.starts_with(&expected), "{words}");
        }
    }

    #[test]
    fn a_kept_set_that_cannot_be_read_is_trouble_and_what_is_not_ours_is_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("notes")).unwrap();
        assert_eq!(check(&cache(folder.path()), 1 << 20), Ok(()));
        // A folder reads as no file does, to whomever.
        let digest = floodgauge_protocol::Digest([7; 32]).to_string();
        fs::create_dir(folder.path().join(&digest)).unwrap();
        let words = check(&cache(folder.path()), 1 << 20).unwrap_err();
        assert!(words.contains("can't be read") && words.contains(&digest), "{words}");
    }

    #[test]
    fn a_disk_tells_its_room() {
        let folder = tempfile::tempdir().unwrap();
        assert!(room(folder.path()).is_none_or(|room| room > 0));
    }
}
