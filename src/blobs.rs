//! Blobs: checkpoints and other bytes, named by their SHA-256 digest, in an object store.
//!
//! The store's tables say which blobs are kept. For a kept blob never to be lost, its row
//! comes first and goes last: [`Blobs::upload`] records it before it puts the object, and
//! [`Blobs::collect`] deletes the object while the row is locked, so that an upload of the
//! same blob waits, and then puts the object anew. A crash in between leaves a row without an
//! object that nothing refers to; the next collection removes it.
//!
//! For none to be kept for ever, an upload looks again once its object is put, with the row
//! locked: if its lease ended meanwhile and a collection has taken the row, nobody would ever
//! delete the object, so the upload does. A commit can't slip in between, since it refers only
//! to what its lease holds. Only a crash between put and look leaves such an object.
//!
//! What is too large for memory comes in two steps: [`Blobs::stage`] streams it to a place of its
//! own, [`Blobs::place`] gives it its name while the store keeps its row. What a crash left staged
//! is deleted after a day.
//!
//! - [`collect`](mod@collect): what nothing refers to, and what was never written to its end, goes.
//! - [`unread`]: which objects that can't be read are damaged.
//! - [`look`]: what there is, for an inspection.

mod collect;
pub mod look;
mod unread;

pub use collect::Unreferenced;
pub use unread::is_unreadable;

use crate::store::{BlobRow, Store, StoreError};
use bytes::Bytes;
use floodgauge_protocol::{Digest, LeaseId};
use futures::{TryStreamExt as _, stream::BoxStream};
use object_store::{
    GetResult, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart, local::LocalFileSystem,
    path,
};
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use unread::unread;
use uuid::Uuid;

/// How much of a staged object is on its way at once.
const CHUNK_BYTES: usize = 1 << 20;
/// What lies in the folder as long as it is the right one: where a disk isn't mounted, it is missing.
const MARK: &str = "floodgauge-blobs";
/// Where staged objects are; no digest begins so.
const INCOMING: &str = "incoming";
/// How long a staged object may take to get its name.
const STAGED: Duration = Duration::from_secs(24 * 3600);

/// Bytes that are in the object store and have no name yet.
#[derive(Debug)]
pub struct Staged(path::Path);

/// The bytes of a blob as they come, and how many there are.
pub struct Streamed {
    /// How many bytes there are.
    pub size: u64,
    /// The bytes, in pieces as they come from the store.
    pub chunks: BoxStream<'static, object_store::Result<Bytes>>,
}

/// How the object of a blob looks without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobStat {
    /// How many bytes it has.
    pub size: u64,
    /// Another one once it was written anew, if the object store tells.
    pub tag: Option<String>,
}

/// Where the bytes of blobs are.
#[derive(Clone, Debug)]
pub struct Blobs {
    objects: Arc<dyn ObjectStore>,
    /// The folder that they are in.
    folder: PathBuf,
}

/// A blob that couldn't be put, read or deleted.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The bytes aren't those that the digest names.
    #[error("the bytes have the digest {actual}, not {named}")]
    Mismatch {
        /// The digest that they came with.
        named: Digest,
        /// The digest that they have.
        actual: Digest,
    },
    /// The object isn't what was put; uploading the blob again repairs it.
    #[error("the object of blob {0} is damaged")]
    Damaged(Digest),
    /// The folder isn't the one that was opened: nothing is read from it, or written to it.
    #[error(
        "the folder of the blobs, {}, lacks its file {MARK}: its disk may not be mounted any more",
        .0.display()
    )]
    Bare(PathBuf),
    /// The folder can't be made.
    #[error("the folder of the blobs can't be made: {0}")]
    Folder(#[from] std::io::Error),
    /// What was to be stored can't be read.
    #[error("what was to be stored can't be read: {0}")]
    Read(std::io::Error),
    /// The object store's trouble.
    #[error(transparent)]
    Object(#[from] object_store::Error),
    /// The store's trouble, or that the lease is lost.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Blobs {
    /// Blobs in a folder, which is made if it is missing, and marked as theirs.
    ///
    /// # Errors
    /// The folder's trouble.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, BlobError> {
        std::fs::create_dir_all(&folder)?;
        File::options().append(true).create(true).open(folder.as_ref().join(MARK))?;
        Self::look_into(folder)
    }

    /// Blobs in a folder that is left as it is.
    ///
    /// # Errors
    /// The folder's trouble.
    pub fn look_into(folder: impl AsRef<Path>) -> Result<Self, BlobError> {
        let objects = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true);
        Ok(Self { objects: Arc::new(objects), folder: folder.as_ref().into() })
    }

    /// Whether a folder is empty, or isn't there: that of a disk which isn't mounted, most likely.
    ///
    /// # Errors
    /// The folder's trouble.
    pub fn is_bare(folder: &Path) -> std::io::Result<bool> {
        match std::fs::read_dir(folder) {
            Ok(mut entries) => Ok(entries.next().is_none()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// That the folder is the one that was opened.
    ///
    /// # Errors
    /// [`BlobError::Bare`] if it isn't; the folder's trouble.
    pub fn check_folder(&self) -> Result<(), BlobError> {
        match std::fs::metadata(self.folder.join(MARK)) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(BlobError::Bare(self.folder.clone()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Puts a blob and records that a lease holds it; true if its object wasn't there before.
    ///
    /// # Errors
    /// [`BlobError::Mismatch`], with nothing recorded; [`StoreError::LeaseLost`].
    pub async fn upload(
        &self,
        store: &dyn Store,
        lease: LeaseId,
        digest: Digest,
        bytes: Bytes,
    ) -> Result<bool, BlobError> {
        verify(digest, &bytes)?;
        let blob = BlobRow { digest, size: bytes.len() as u64 };
        store.add_blob(lease, blob).await?;
        let new = self.put_verified(digest, bytes).await?;
        store.confirm_hold(lease, blob, Box::pin(self.delete(digest))).await?;
        Ok(new)
    }

    /// Puts a blob that something else than a lease keeps; true if it wasn't there before.
    ///
    /// # Errors
    /// [`BlobError::Mismatch`].
    pub async fn put(&self, digest: Digest, bytes: Bytes) -> Result<bool, BlobError> {
        verify(digest, &bytes)?;
        self.put_verified(digest, bytes).await
    }

    /// The bytes of a blob, if it is there.
    ///
    /// # Errors
    /// [`BlobError::Damaged`] if the object isn't what was put; [`BlobError::Bare`] if none is there any more.
    pub async fn get(&self, digest: Digest) -> Result<Option<Bytes>, BlobError> {
        let bytes = match self.objects.get(&location(digest)).await {
            Ok(object) => object.bytes().await.map_err(|error| unread(digest, error))?,
            // Or is it all that is lost?
            Err(object_store::Error::NotFound { .. }) => return self.check_folder().map(|()| None),
            Err(error) => return Err(unread(digest, error)),
        };
        verify(digest, &bytes).map_err(|_| BlobError::Damaged(digest))?;
        Ok(Some(bytes))
    }

    /// Deletes a blob; it needn't be there.
    ///
    /// # Errors
    /// The object store's trouble.
    pub async fn delete(&self, digest: Digest) -> object_store::Result<()> {
        match self.objects.delete(&location(digest)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            other => other,
        }
    }

    /// Streams bytes to a place of their own.
    ///
    /// # Errors
    /// The reader's or the object store's trouble; nothing is left then.
    pub async fn stage(&self, mut reader: impl AsyncRead + Unpin) -> Result<Staged, BlobError> {
        self.check_folder()?;
        let place = path::Path::from_iter([INCOMING, &Uuid::new_v4().simple().to_string()]);
        let mut upload = WriteMultipart::new(self.objects.put_multipart(&place).await?);
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        loop {
            chunk.clear();
            let read = (&mut reader).take(CHUNK_BYTES as u64).read_to_end(&mut chunk).await;
            let waited = match read {
                Ok(_) => upload.wait_for_capacity(2).await.map_err(BlobError::from),
                Err(error) => Err(BlobError::Read(error)),
            };
            if let Err(error) = waited {
                upload.abort().await?;
                return Err(error);
            }
            if chunk.is_empty() {
                break;
            }
            upload.write(&chunk);
        }
        upload.finish().await?;
        Ok(Staged(place))
    }

    /// Gives staged bytes their name; their row must be kept meanwhile.
    ///
    /// # Errors
    /// The object store's trouble.
    pub async fn place(&self, staged: &Staged, digest: Digest) -> object_store::Result<()> {
        self.objects.rename(&staged.0, &location(digest)).await
    }

    /// Deletes staged bytes that get no name.
    ///
    /// # Errors
    /// The object store's trouble.
    pub async fn discard(&self, staged: Staged) -> object_store::Result<()> {
        match self.objects.delete(&staged.0).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            other => other,
        }
    }

    /// How the object of a blob looks, if it is there.
    ///
    /// # Errors
    /// [`BlobError::Damaged`] if it can't be looked at; the object store's trouble.
    pub async fn stat(&self, digest: Digest) -> Result<Option<BlobStat>, BlobError> {
        match self.objects.head(&location(digest)).await {
            Ok(meta) => Ok(Some(BlobStat { size: meta.size, tag: meta.e_tag })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unread(digest, error)),
        }
    }

    /// The bytes of a blob as they come, if it is there. Whoever takes them checks their digest.
    ///
    /// # Errors
    /// [`BlobError::Damaged`] if it can't be read; the object store's trouble.
    pub async fn stream(&self, digest: Digest) -> Result<Option<Streamed>, BlobError> {
        match self.objects.get(&location(digest)).await {
            Ok(object) => {
                Ok(Some(Streamed { size: object.meta.size, chunks: object.into_stream() }))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unread(digest, error)),
        }
    }

    /// The same once all of them were seen to have the digest: what is read twice needs no memory for
    /// those who take it slowly.
    ///
    /// # Errors
    /// [`BlobError::Damaged`] if the object isn't what was put; the object store's trouble.
    pub async fn verified(&self, digest: Digest) -> Result<Option<Streamed>, BlobError> {
        let Some(Streamed { mut chunks, .. }) = self.stream(digest).await? else {
            // Or is it all that is lost?
            return self.check_folder().map(|()| None);
        };
        let mut hash = Sha256::new();
        while let Some(chunk) = chunks.try_next().await.map_err(|error| unread(digest, error))? {
            hash.update(&chunk);
        }
        match Digest(hash.finalize().into()) == digest {
            true => self.stream(digest).await,
            false => Err(BlobError::Damaged(digest)),
        }
    }

    async fn put_verified(&self, digest: Digest, bytes: Bytes) -> Result<bool, BlobError> {
        self.check_folder()?;
        let location = location(digest);
        let exists = match self.objects.get(&location).await {
            Ok(object) => is(object, &bytes).await,
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        };
        let exists = match exists {
            // What can't be read is put anew.
            Err(error) if is_unreadable(&error) => false,
            exists => exists?,
        };
        if !exists {
            self.objects.put(&location, PutPayload::from_bytes(bytes)).await?;
        }
        Ok(!exists)
    }
}

/// Whether an object is undamaged: its size alone is no proof.
async fn is(object: GetResult, bytes: &[u8]) -> object_store::Result<bool> {
    if object.meta.size != bytes.len() as u64 {
        return Ok(false);
    }
    let (mut chunks, mut rest) = (object.into_stream(), bytes);
    while let Some(chunk) = chunks.try_next().await? {
        match rest.strip_prefix(&chunk[..]) {
            Some(after) => rest = after,
            None => return Ok(false),
        }
    }
    Ok(rest.is_empty())
}

pub(crate) fn verify(named: Digest, bytes: &[u8]) -> Result<(), BlobError> {
    let actual = Digest(Sha256::digest(bytes).into());
    if actual == named { Ok(()) } else { Err(BlobError::Mismatch { named, actual }) }
}

/// 256 folders, since some file systems are slow with many files in one.
fn location(digest: Digest) -> path::Path {
    let name = digest.to_string();
    path::Path::from_iter([&name[..2], name.as_str()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(bytes: &'static [u8]) -> (Digest, Bytes) {
        (Digest(Sha256::digest(bytes).into()), Bytes::from_static(bytes))
    }

    #[tokio::test]
    async fn a_blob_comes_back_as_it_was_put_until_it_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().join("new")).unwrap();
        let (digest, bytes) = blob(b"weights");
        assert_eq!(blobs.get(digest).await.unwrap(), None);
        assert!(blobs.put(digest, bytes.clone()).await.unwrap(), "new");
        assert!(!blobs.put(digest, bytes.clone()).await.unwrap(), "there already");
        assert_eq!(blobs.get(digest).await.unwrap(), Some(bytes));
        blobs.delete(digest).await.unwrap();
        blobs.delete(digest).await.unwrap();
        assert_eq!(blobs.get(digest).await.unwrap(), None);
    }

    #[tokio::test]
    async fn nothing_is_written_to_a_folder_whose_disk_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, away) = (folder.path().join("blobs"), folder.path().join("away"));
        let blobs = Blobs::open(&path).unwrap();
        let (digest, bytes) = blob(b"weights");
        blobs.put(digest, bytes.clone()).await.unwrap();
        std::fs::rename(&path, &away).unwrap();
        for is_mount_point in [false, true] {
            let put = blobs.put(digest, bytes.clone()).await;
            assert!(matches!(put, Err(BlobError::Bare(_))), "{put:?}");
            assert!(matches!(blobs.stage(&b"set"[..]).await, Err(BlobError::Bare(_))));
            assert!(matches!(blobs.verified(digest).await, Err(BlobError::Bare(_))));
            assert!(matches!(blobs.get(digest).await, Err(BlobError::Bare(_))));
            assert_eq!(path.exists(), is_mount_point);
            std::fs::create_dir_all(&path).unwrap();
        }
        assert!(Blobs::is_bare(&path).unwrap());
        std::fs::remove_dir(&path).unwrap();
        std::fs::rename(&away, &path).unwrap();
        assert_eq!(blobs.get(digest).await.unwrap(), Some(bytes));
    }

    #[tokio::test]
    async fn staged_bytes_are_no_blob_until_they_get_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let bytes: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
        let digest = Digest(Sha256::digest(&bytes).into());
        let staged = blobs.stage(&bytes[..]).await.unwrap();
        assert!(blobs.stream(digest).await.unwrap().is_none());
        blobs.place(&staged, digest).await.unwrap();
        let streamed = blobs.stream(digest).await.unwrap().unwrap();
        assert_eq!(streamed.size, 3_000_000);
        let chunks: Vec<Bytes> = streamed.chunks.try_collect().await.unwrap();
        assert!(chunks.concat() == bytes);
        let staged = blobs.stage(&b"dropped"[..]).await.unwrap();
        blobs.discard(staged).await.unwrap();
        let left = std::fs::read_dir(folder.path().join(INCOMING)).unwrap().count();
        assert_eq!(left, 0);
    }

    #[tokio::test]
    async fn bytes_under_another_name_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let (digest, _) = blob(b"weights");
        let refused = blobs.put(digest, Bytes::from_static(b"other")).await;
        assert!(matches!(refused, Err(BlobError::Mismatch { named, .. }) if named == digest));
        assert_eq!(blobs.get(digest).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_damaged_object_is_not_handed_out_and_the_next_upload_repairs_it() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let (digest, bytes) = blob(b"weights");
        let name = digest.to_string();
        for damaged in ["weighty", "weight", "weights!", ""] {
            blobs.put(digest, bytes.clone()).await.unwrap();
            std::fs::write(folder.path().join(&name[..2]).join(&name), damaged).unwrap();
            assert!(matches!(blobs.get(digest).await, Err(BlobError::Damaged(_))), "{damaged}");
            assert!(blobs.put(digest, bytes.clone()).await.unwrap(), "{damaged}");
            assert_eq!(blobs.get(digest).await.unwrap(), Some(bytes.clone()));
        }
    }
}
