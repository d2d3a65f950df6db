//! What was taken away under a running server, in words for users: the folder of the blobs, the file of the
//! database.

use crate::{blobs::BlobError, store::StoreError};
use floodgauge_net::causes;
use std::error::Error;

/// Something that was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The folder of the blobs.
    Blobs,
    /// The file of the database, which is still open.
    Database,
}

impl Lost {
    /// What happened, and what to do about it. No path: whoever asks may be anybody, and the log has it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Blobs => {
                "the folder of the blobs was lost under the server, it lacks its file floodgauge-blobs: mount its \
                 disk again, or put the folder back"
            }
            Self::Database => {
                "the file of the database was renamed, replaced or deleted under the server, which goes on with \
                 the one that it opened: put that very file back; if it was deleted, read \"When files are taken \
                 away\" in docs/operations.md before you stop the server, which alone has what was written since"
            }
        }
    }

    /// That it is over.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Blobs => "the folder of the blobs is back",
            Self::Database => "the file of the database is back in its place",
        }
    }
}

/// What an error tells of something that was taken away; none where that isn't what went wrong.
pub fn lost(error: &(dyn Error + 'static)) -> Option<Lost> {
    causes(error).find_map(|cause| match (cause.downcast_ref(), cause.downcast_ref()) {
        (Some(BlobError::Bare(_)), _) => Some(Lost::Blobs),
        (Some(BlobError::Store(StoreError::Misplaced(_))), _)
        | (_, Some(StoreError::Misplaced(_))) => Some(Lost::Database),
        _ => None,
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
            (lost(&misplaced()), "put that very file back"),
            (lost(within.as_ref()), "docs/operations.md before you stop the server"),
            (lost(&BlobError::Store(misplaced())), "When files are taken away"),
        ] {
            let words = words.unwrap().words();
            assert!(words.contains(remedy) && !words.contains("secret"), "{words}");
        }
        assert_eq!(lost(&StoreError::Conflict), None);
    }

    #[test]
    fn the_section_that_the_words_name_is_there() {
        let manual = include_str!("../docs/operations.md");
        assert!(manual.contains("\n### When files are taken away\n"));
    }
}
