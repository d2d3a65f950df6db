//! What lies in the object store, for an inspection: all of it, and whether it is what it should be.

use super::{BlobError, Blobs, is_unreadable, location};
use floodgauge_protocol::Digest;
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use sha2::{Digest as _, Sha256};

/// An object in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The blob that it is by its place; none if it is something else.
    pub digest: Option<Digest>,
    /// Its place in the store.
    pub place: String,
    /// Its bytes.
    pub size: u64,
    /// When it was written, in milliseconds since 1970.
    pub modified_ms: i64,
}

/// How the bytes of a blob are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// They are those that the digest names.
    Whole,
    /// There are none.
    Missing,
    /// There are so many, which is another number than was stored.
    Size(u64),
    /// They have another digest.
    Other,
    /// The disk doesn't give them.
    Unreadable,
}

impl Bytes {
    /// What is wrong with them, in words, where so many are `expected`; none where nothing is.
    pub fn damage(self, expected: Option<u64>) -> Option<String> {
        Some(match (self, expected) {
            (Self::Whole, _) => return None,
            (Self::Missing, _) => "its bytes are lost".into(),
            (Self::Size(there), Some(size)) => format!("{there} of its {size} bytes are there"),
            (Self::Size(_) | Self::Other, _) => "its bytes aren't those that were stored".into(),
            (Self::Unreadable, _) => "its bytes can't be read".into(),
        })
    }
}

impl Blobs {
    /// All objects, but for those that are just being written.
    pub fn all(&self) -> BoxStream<'static, object_store::Result<Object>> {
        let objects = self.objects.clone();
        // Not all of the folder: what else there is, such as `lost+found`, may not be readable.
        let shards =
            (0..=u8::MAX).map(|shard| object_store::path::Path::from(format!("{shard:02x}")));
        futures::stream::iter(shards)
            .flat_map(move |shard| objects.list(Some(&shard)))
            .map_ok(|meta| {
                let digest = meta.location.filename().and_then(|name| name.parse().ok());
                Object {
                    digest: digest.filter(|digest| location(*digest) == meta.location),
                    place: meta.location.to_string(),
                    size: meta.size,
                    modified_ms: meta.last_modified.timestamp_millis(),
                }
            })
            .boxed()
    }

    /// How the bytes of a blob are that should be so many; with `quick` only whether they are there, and
    /// how many.
    ///
    /// # Errors
    /// The object store's trouble.
    pub async fn examine(
        &self,
        digest: Digest,
        size: Option<u64>,
        quick: bool,
    ) -> Result<Bytes, BlobError> {
        let streamed = match self.stream(digest).await {
            Ok(Some(streamed)) => streamed,
            Ok(None) => return Ok(Bytes::Missing),
            Err(BlobError::Damaged(_)) => return Ok(Bytes::Unreadable),
            Err(error) => return Err(error),
        };
        if size.is_some_and(|size| size != streamed.size) {
            return Ok(Bytes::Size(streamed.size));
        }
        if quick {
            return Ok(Bytes::Whole);
        }
        let (mut chunks, mut sum) = (streamed.chunks, Sha256::new());
        loop {
            match chunks.try_next().await {
                Ok(Some(chunk)) => sum.update(&chunk),
                Ok(None) => break,
                Err(error) if is_unreadable(&error) => return Ok(Bytes::Unreadable),
                Err(error) => return Err(error.into()),
            }
        }
        let is_whole = Digest(sum.finalize().into()) == digest;
        Ok(if is_whole { Bytes::Whole } else { Bytes::Other })
    }

    /// Deletes an object that nothing refers to.
    ///
    /// # Errors
    /// The object store's trouble.
    pub async fn delete_object(&self, object: &Object) -> Result<(), BlobError> {
        let place = object_store::path::Path::from(object.place.as_str());
        Ok(object_store::ObjectStoreExt::delete(&self.objects, &place).await?)
    }
}
