//! Data sets whose bytes are lost or damaged. A lost or a cut one is known by a look from outside; one
//! whose bytes were changed, once a worker fetches it.
//!
//! That a worker can't have its data is no failure of what it was to train: the segment goes back
//! into the queue, and its sweep is set aside until the bytes are there again. What is known isn't
//! stored: after a restart it is found again.

use super::{Driver, DriverError};
use crate::{
    blobs::{BlobError, BlobStat, Streamed, is_unreadable, look},
    scheduler::Sweep,
    store::DatasetRow,
};
use bytes::Bytes;
use floodgauge_protocol::{DatasetName, Digest, LeaseId, SweepId};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What can be done about it, for whoever is told.
const REMEDY: &str = "add the same file again";

/// What is known of damage.
#[derive(Clone, Debug, Default)]
pub(super) struct DamagedData(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// Blobs that were found damaged, and how they looked then: where one looks otherwise by now it may
    /// be whole again.
    blobs: HashMap<Digest, Option<BlobStat>>,
    /// Sweeps that are set aside for them.
    sweeps: BTreeMap<SweepId, Digest>,
}

impl DamagedData {
    /// Forgets what was known of a blob whose bytes are there again; answers whether anything was.
    pub fn mended(&self, digest: Digest) -> bool {
        let mut known = self.lock();
        known.sweeps.retain(|_, of| *of != digest);
        known.blobs.remove(&digest).is_some()
    }

    /// Sets a sweep aside until its data is there again.
    pub fn set_aside(&self, sweep: SweepId, digest: Digest) {
        self.lock().sweeps.insert(sweep, digest);
    }

    /// Whether a blob was found damaged.
    pub fn is_known(&self, digest: Digest) -> bool {
        self.lock().blobs.contains_key(&digest)
    }

    fn note(&self, digest: Digest, outside: Option<BlobStat>) {
        self.lock().blobs.insert(digest, outside);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver {
    /// What is wrong with the bytes that are kept of a data set, in words; none as long as nothing is known
    /// to be.
    ///
    /// # Errors
    /// The blob store's trouble.
    pub async fn data_damage(&self, row: &DatasetRow) -> Result<Option<String>, BlobError> {
        let bytes = match self.0.blobs.stat(row.blob.digest).await {
            Err(BlobError::Damaged(_)) => look::Bytes::Unreadable,
            Err(error) => return Err(error),
            // Where all of them are gone, none is damaged.
            Ok(None) => self.0.blobs.check_folder().map(|()| look::Bytes::Missing)?,
            Ok(Some(BlobStat { size, .. })) if size != row.blob.size => look::Bytes::Size(size),
            Ok(found) if self.0.damaged.lock().blobs.get(&row.blob.digest) == Some(&found) => {
                look::Bytes::Other
            }
            Ok(Some(_)) => look::Bytes::Whole,
        };
        Ok(bytes.damage(Some(row.blob.size)))
    }

    /// Sweeps that are set aside since their data is damaged; those whose data looks otherwise by now are
    /// tried again.
    ///
    /// # Errors
    /// The blob store's trouble.
    pub(super) async fn without_data(&self) -> Result<Vec<SweepId>, BlobError> {
        let known: Vec<_> = {
            let known = self.0.damaged.lock();
            known.blobs.iter().map(|(digest, outside)| (*digest, outside.clone())).collect()
        };
        for (digest, outside) in known {
            if self.outside(digest).await? != outside {
                self.0.damaged.mended(digest);
            }
        }
        Ok(self.0.damaged.lock().sweeps.keys().copied().collect())
    }

    /// Sets a sweep aside that is pinned to a data set which was found damaged.
    pub(super) fn has_data(&self, sweep: SweepId, state: &Sweep) -> Result<(), DriverError> {
        let dataset = &state.facts().spec().recipe.dataset;
        match dataset.pin {
            Some(pin) if self.0.damaged.is_known(pin.sha256) => {
                self.0.damaged.set_aside(sweep, pin.sha256);
                Err(DriverError::DataDamaged(dataset.name.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Why a sweep is set aside, if it is since its data is damaged.
    pub(super) fn waits_for_data(&self, sweep: SweepId, name: &DatasetName) -> Option<String> {
        let waits = self.0.damaged.lock().sweeps.contains_key(&sweep);
        waits.then(|| {
            format!("it waits for its data set `{name}`, which is damaged on the server: {REMEDY}")
        })
    }

    /// The bytes of the data set that the sweep of a leased segment is pinned to; none if it is
    /// pinned to other bytes. They break off before their end if they turn out to be damaged.
    ///
    /// # Errors
    /// [`DriverError::LeaseLost`]; [`DriverError::DataDamaged`] if they are known to be damaged: the
    /// lease has ended then.
    pub async fn get_data(
        &self,
        lease: LeaseId,
        token: &str,
        digest: Digest,
    ) -> Result<Option<Streamed>, DriverError> {
        let leased = self.held(lease, token).await?;
        let sweep = self.sweep(leased.sweep).await?;
        let dataset = &sweep.facts().spec().recipe.dataset;
        if dataset.pin.is_none_or(|pin| pin.sha256 != digest) {
            return Ok(None);
        }
        if let Some(streamed) = self.whole(digest).await? {
            return Ok(Some(streamed));
        }
        self.0.damaged.set_aside(leased.sweep, digest);
        self.0.store.release(lease).await?;
        self.0.leases.forget(lease);
        tracing::error!(sweep = %leased.sweep, name = %dataset.name, %digest,
            "a data set is damaged; its sweeps wait until the same file is added again");
        Err(DriverError::DataDamaged(dataset.name.clone()))
    }

    /// The bytes that are kept of a data set. They break off before their end if they turn out to be
    /// damaged.
    ///
    /// # Errors
    /// [`DriverError::DataDamaged`] if they are lost, or known to be damaged.
    pub async fn dataset_file(
        &self,
        name: &DatasetName,
        row: &DatasetRow,
    ) -> Result<Streamed, DriverError> {
        let streamed = self.whole(row.blob.digest).await?;
        streamed.ok_or_else(|| DriverError::DataDamaged(name.clone()))
    }

    /// Bytes that are looked at on their way; none if they are lost, or known to be damaged.
    async fn whole(&self, digest: Digest) -> Result<Option<Streamed>, BlobError> {
        let outside = self.outside(digest).await?;
        let known = self.0.damaged.lock().blobs.get(&digest) == Some(&outside);
        if !known {
            let damaged = self.0.damaged.clone();
            let streamed = match self.0.blobs.stream(digest).await {
                Err(BlobError::Damaged(_)) => None,
                streamed => streamed?,
            };
            if let Some(streamed) = streamed {
                return Ok(Some(checked(streamed, digest, move || damaged.note(digest, outside))));
            }
        }
        self.0.damaged.note(digest, outside);
        Ok(None)
    }

    /// How the bytes of a blob look from outside; those that can't even be looked at are as good as lost.
    async fn outside(&self, digest: Digest) -> Result<Option<BlobStat>, BlobError> {
        match self.0.blobs.stat(digest).await {
            Err(BlobError::Damaged(_)) => Ok(None),
            Ok(None) => self.0.blobs.check_folder().map(|()| None),
            found => found,
        }
    }

    /// Refuses a data set that can't be trained on since what is kept of it is damaged.
    pub(super) async fn check_whole(&self, row: &DatasetRow) -> Result<(), DriverError> {
        match self.data_damage(row).await? {
            None => Ok(()),
            Some(what) => Err(super::datasets::invalid(
                "/recipe/dataset/name",
                format!("the data set `{}` is damaged on the server: {what}; {REMEDY}", row.name),
            )),
        }
    }
}

/// The same bytes, of which the last come only if all of them have the digest; else `damaged` is told.
fn checked(
    streamed: Streamed,
    digest: Digest,
    damaged: impl FnOnce() + Send + 'static,
) -> Streamed {
    let Streamed { size, chunks } = streamed;
    let begun = (chunks, Sha256::new(), None::<Bytes>, Some(damaged));
    let chunks =
        stream::try_unfold(begun, move |(mut chunks, mut sum, mut held, mut damaged)| async move {
            loop {
                let chunk = match chunks.try_next().await {
                    Ok(Some(chunk)) => chunk,
                    Ok(None) => break,
                    Err(error) => {
                        if is_unreadable(&error)
                            && let Some(damaged) = damaged.take()
                        {
                            damaged();
                        }
                        return Err(error);
                    }
                };
                sum.update(&chunk);
                if let Some(before) = held.replace(chunk) {
                    return Ok(Some((before, (chunks, sum, held, damaged))));
                }
            }
            let Some(damaged) = damaged.take() else { return Ok(None) };
            let found = Digest(sum.clone().finalize().into());
            if found != digest {
                damaged();
                let source = format!("blob {digest} has the digest {found}").into();
                return Err(object_store::Error::Generic { store: "blobs", source });
            }
            Ok(held.take().map(|last| (last, (chunks, sum, None, None))))
        });
    Streamed { size, chunks: chunks.boxed() }
}
