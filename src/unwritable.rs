//! Errors that tell of a disk which can't be written, in plain words.

use crate::store;
use floodgauge_net::causes;
use std::{error::Error, io};

/// A disk that can't be written, in words.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unwritable(pub String);

/// What an error tells of a disk that can't be written, the server's or the database's; none where that isn't
/// what went wrong.
pub fn unwritable(error: &(dyn Error + 'static)) -> Option<String> {
    causes(error).find_map(|cause| {
        if let Some(Unwritable(words)) = cause.downcast_ref() {
            return Some(words.clone());
        }
        match cause.downcast_ref::<io::Error>() {
            Some(error) => of_file(error).map(Into::into),
            None => store::unwritable(cause).map(Into::into),
        }
    })
}

fn of_file(error: &io::Error) -> Option<&'static str> {
    use io::ErrorKind as K;
    Some(match error.kind() {
        K::StorageFull | K::QuotaExceeded | K::FileTooLarge => "the disk of the server is full",
        K::ReadOnlyFilesystem => "the disk of the server can't be written: it is read-only",
        _ if error.raw_os_error().is_some_and(is_broken) => "the disk of the server is failing",
        _ => return None,
    })
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
}
