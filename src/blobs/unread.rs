//! Objects that can't be read: damaged ones, and those of a store that may answer later.

use super::BlobError;
use crate::unwritable::is_broken;
use floodgauge_net::causes;
use floodgauge_protocol::Digest;

/// An object that can't be read: damage, where it is the file that is at fault.
pub(super) fn unread(digest: Digest, error: object_store::Error) -> BlobError {
    if !is_unreadable(&error) {
        return error.into();
    }
    tracing::error!(%digest, error = %error, "a blob can't be read: it counts as damaged");
    BlobError::Damaged(digest)
}

/// Whether a file can't be read, and won't be at the next try either: a bad sector, another owner's.
pub(super) fn is_unreadable(error: &object_store::Error) -> bool {
    causes(error).any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| {
            error.kind() == std::io::ErrorKind::PermissionDenied
                || error.raw_os_error().is_some_and(is_broken)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_is_damage_and_a_full_disk_is_not() {
        let error = |code| object_store::Error::Generic {
            store: "LocalFileSystem",
            source: Box::new(std::io::Error::from_raw_os_error(code)),
        };
        // EACCES, EIO; ENOSPC, EMFILE.
        assert!([13, 5].map(error).iter().all(is_unreadable));
        assert!(![28, 24].map(error).iter().any(is_unreadable));
    }
}
