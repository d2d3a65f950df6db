//! Disks that can't be written: what an error tells of one, in plain words, and a look at a folder.

use crate::store;
use floodgauge_net::causes;
use std::{
    error::Error,
    io::{self, Write as _},
    path::Path,
};

/// How many bytes are written to see whether a folder takes any: more than a file system puts beside a file's
/// name.
const PROBE_BYTES: usize = 64 << 10;

/// A disk that can't be written, in words.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unwritable(pub String);

/// What keeps a disk from being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is full, or as much is written as its user may write.
    Full,
    /// It is mounted so, or became so as it failed.
    ReadOnly,
    /// It, or its file system, is broken.
    Failing,
}

impl Fault {
    /// What the system's error tells of one; none where it tells of something else.
    pub fn of(error: &io::Error) -> Option<Self> {
        use io::ErrorKind as K;
        match error.kind() {
            K::StorageFull | K::QuotaExceeded | K::FileTooLarge => Some(Self::Full),
            K::ReadOnlyFilesystem => Some(Self::ReadOnly),
            _ => error.raw_os_error().is_some_and(is_broken).then_some(Self::Failing),
        }
    }

    /// Of a disk of the server, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Full => "the disk of the server is full",
            Self::ReadOnly => "the disk of the server can't be written: it is read-only",
            Self::Failing => "the disk of the server is failing",
        }
    }
}

/// What an error tells of a disk that can't be written, the server's or the database's; none where that isn't
/// what went wrong.
pub fn unwritable(error: &(dyn Error + 'static)) -> Option<String> {
    causes(error).find_map(|cause| {
        if let Some(Unwritable(words)) = cause.downcast_ref() {
            return Some(words.clone());
        }
        match cause.downcast_ref::<io::Error>() {
            Some(error) => Fault::of(error).map(|fault| fault.words().into()),
            None => store::unwritable(cause).map(Into::into),
        }
    })
}

/// Writes a file without a name to a folder, which goes at once.
///
/// # Errors
/// The folder's trouble.
pub fn try_write(folder: &Path) -> io::Result<()> {
    tempfile::tempfile_in(folder)?.write_all(&[0x5a; PROBE_BYTES])
}

/// Whether the system's code of an error tells of a broken disk or file system.
#[cfg(unix)]
pub(crate) fn is_broken(code: i32) -> bool {
    use rustix::io::Errno;
    [Errno::IO, Errno::BADMSG, Errno::UCLEAN].iter().any(|errno| errno.raw_os_error() == code)
}

#[cfg(not(unix))]
pub(crate) fn is_broken(_: i32) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_takes_nothing_is_told_in_plain_words() {
        let told = |code| {
            let error = object_store::Error::Generic {
                store: "LocalFileSystem",
                source: Box::new(io::Error::from_raw_os_error(code)),
            };
            unwritable(&error)
        };
        // ENOSPC, EDQUOT, EFBIG; EROFS; EIO.
        for full in [28, 122, 27] {
            assert_eq!(told(full).as_deref(), Some("the disk of the server is full"), "{full}");
        }
        assert!(told(30).unwrap().contains("read-only"));
        assert!(told(5).unwrap().contains("failing"));
        // ENOENT, EMFILE.
        assert_eq!([2, 24].map(told), [None, None]);
        assert_eq!(unwritable(&Unwritable("so it is".into())).as_deref(), Some("so it is"));
    }

    #[test]
    fn a_look_leaves_nothing_behind_and_a_folder_that_is_gone_fails_it() {
        let folder = tempfile::tempdir().unwrap();
        try_write(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(try_write(&folder.path().join("missing")).is_err());
    }
}
