//! Objects that can't be read: damaged ones, and those of a store that may answer later. A disk that can't
//! read one of them still takes others, so it doesn't count as one that can't be written.

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
pub fn is_unreadable(error: &object_store::Error) -> bool {
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
    use crate::{
        blobs::{Blobs, look},
        unwritable::unwritable,
    };
    use bytes::Bytes;
    use futures::{StreamExt as _, TryStreamExt as _, stream, stream::BoxStream};
    use object_store::{
        CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
        ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
        local::LocalFileSystem, path::Path,
    };
    use sha2::{Digest as _, Sha256};
    use std::{fmt, sync::Arc};

    fn error(code: i32) -> object_store::Error {
        let source = Box::new(std::io::Error::from_raw_os_error(code));
        object_store::Error::Generic { store: "LocalFileSystem", source }
    }

    #[test]
    fn a_broken_file_is_damage_and_a_full_disk_is_not() {
        // EACCES, EIO; ENOSPC, EMFILE.
        assert!([13, 5].map(error).iter().all(is_unreadable));
        assert!(![28, 24].map(error).iter().any(is_unreadable));
    }

    /// A disk on which nothing that was written can be read, from the first look at it on or from its first
    /// byte on.
    #[derive(Debug)]
    struct BadSectors {
        inner: LocalFileSystem,
        at_first_look: bool,
    }

    impl fmt::Display for BadSectors {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "bad sectors of {}", self.inner)
        }
    }

    #[async_trait::async_trait]
    impl ObjectStore for BadSectors {
        async fn put_opts(
            &self,
            at: &Path,
            bytes: PutPayload,
            how: PutOptions,
        ) -> Result<PutResult> {
            self.inner.put_opts(at, bytes, how).await
        }

        async fn put_multipart_opts(
            &self,
            at: &Path,
            how: PutMultipartOptions,
        ) -> Result<Box<dyn MultipartUpload>> {
            self.inner.put_multipart_opts(at, how).await
        }

        async fn get_opts(&self, at: &Path, how: GetOptions) -> Result<GetResult> {
            if self.at_first_look {
                return Err(error(5));
            }
            let found = self.inner.get_opts(at, how).await?;
            let payload = GetResultPayload::Stream(stream::iter([Err(error(5))]).boxed());
            Ok(GetResult { payload, ..found })
        }

        fn delete_stream(
            &self,
            all: BoxStream<'static, Result<Path>>,
        ) -> BoxStream<'static, Result<Path>> {
            self.inner.delete_stream(all)
        }

        fn list(&self, below: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
            self.inner.list(below)
        }

        async fn list_with_delimiter(&self, below: Option<&Path>) -> Result<ListResult> {
            self.inner.list_with_delimiter(below).await
        }

        async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
            self.inner.copy_opts(from, to, how).await
        }
    }

    #[tokio::test]
    async fn a_blob_that_cannot_be_read_is_damaged_and_tells_of_no_disk_that_cannot_be_written() {
        for at_first_look in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let mut blobs = Blobs::open(folder.path()).unwrap();
            let bytes = Bytes::from_static(b"weights");
            let digest = Digest(Sha256::digest(&bytes).into());
            blobs.put(digest, bytes.clone()).await.unwrap();
            let inner = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
            blobs.objects = Arc::new(BadSectors { inner, at_first_look });

            let streamed = match blobs.stream(digest).await {
                Ok(streamed) => {
                    let read: Result<Vec<_>> = streamed.unwrap().chunks.try_collect().await;
                    read.map(drop).map_err(|error| unread(digest, error))
                }
                Err(error) => Err(error),
            };
            let mut met = vec![
                blobs.get(digest).await.map(drop),
                blobs.verified(digest).await.map(drop),
                streamed,
            ];
            if at_first_look {
                met.push(blobs.stat(digest).await.map(drop));
            }
            for met in met {
                let error = met.expect_err("it can't be read");
                assert!(matches!(error, BlobError::Damaged(of) if of == digest), "{error:?}");
                assert_eq!(unwritable(&error), None, "the server stays ready");
            }
            let size = Some(bytes.len() as u64);
            let examined = blobs.examine(digest, size, false).await.unwrap();
            assert_eq!(examined, look::Bytes::Unreadable);
            assert!(blobs.put(digest, bytes).await.unwrap(), "and it can be put anew");
        }
    }
}
