//! What was taken away under a running server, in words for users: the folder of the blobs, the file of the database.

use crate::{blobs::BlobError, store::StoreError};
use floodgauge_net::causes;
use std::error::Error;

/// What an error tells of something that was taken away, and what to do about it; none where that isn't what went
/// wrong. No path: whoever asks may be anybody, and the log has it.
pub fn lost(error: &(dyn Error + 'static)) -> Option<&'static str> {
    causes(error).find_map(|cause| {
        match (cause.downcast_ref(), cause.downcast_ref()) {
            (Some(BlobError::Bare(_)), _) => Some(
                "the folder of the blobs was lost under the server, it lacks its file floodgauge-blobs: mount its \
                 disk again, or put the folder back",
            ),
            (Some(BlobError::Store(StoreError::Misplaced(_))), _)
            | (_, Some(StoreError::Misplaced(_))) => Some(
                "the file of the database was renamed, replaced or deleted under the server, which goes on with \
                 the one that it opened: put that one back, or stop the server and restore a backup",
            ),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn what_was_taken_away_is_told_with_what_to_do_and_without_a_path() {
        let bare = || BlobError::Bare("/srv/secret".into());
        let misplaced = || StoreError::Misplaced("/srv/secret".into());
        let within = Err::<(), _>(misplaced()).context("looking").unwrap_err();
        for (words, remedy) in [
            (lost(&bare()), "mount its disk again"),
            (lost(&misplaced()), "put that one back"),
            (lost(within.as_ref()), "restore a backup"),
            (lost(&BlobError::Store(misplaced())), "restore a backup"),
        ] {
            let words = words.unwrap();
            assert!(words.contains(remedy) && !words.contains("secret"), "{words}");
        }
        assert_eq!(lost(&StoreError::Conflict), None);
    }
}
