//! Data sets: added, found in the data folder, pinned to sweeps, deleted.

use super::{Driver, DriverError};
use crate::{
    access::TokenId,
    store::{AddedDataset, BlobRow, DatasetRow, DeletedDataset, NewDataset, StoreError, SweepData},
};
use anyhow::Context as _;
use floodgauge_datasets::{
    Folder, SetError, digest,
    upload::{self, Checked, UploadError},
};
use floodgauge_protocol::{Dataset, DatasetKind, DatasetName, Format, Invalid, Pin, Scales};
use std::{
    fs::File,
    io::{self, BufReader, Seek},
};

impl Driver {
    /// Checks a file and keeps it under a name, for a token if one sent it; true if it wasn't
    /// there before.
    ///
    /// # Errors
    /// [`DriverError::BadDataset`] with the first thing that is wrong with the file;
    /// [`DriverError::DatasetTaken`] if the name stands for another one;
    /// [`StoreError::OverQuota`] if the token would have more than it may.
    pub async fn add_dataset(
        &self,
        owner: Option<TokenId>,
        name: &DatasetName,
        format: Format,
        file: File,
    ) -> Result<(DatasetRow, bool), DriverError> {
        if name.kind() != DatasetKind::Uploaded {
            return Err(DriverError::DatasetTaken(name.clone()));
        }
        let mut reader = file.try_clone().map_err(fault)?;
        reader.rewind().map_err(fault)?;
        let checked = match blocking(move || upload::check(reader, format)).await? {
            Ok(checked) => checked,
            Err(UploadError::Bad(what)) => return Err(DriverError::BadDataset(what)),
            Err(UploadError::Read(error)) => return Err(fault(error)),
        };
        match self.keep(name, Some(checked), owner, file).await? {
            (row, AddedDataset::New) => Ok((row, true)),
            (row, AddedDataset::Existing) => Ok((row, false)),
            (_, AddedDataset::NameTaken) => Err(DriverError::DatasetTaken(name.clone())),
        }
    }

    /// Deletes what is kept of a data set.
    ///
    /// # Errors
    /// [`DriverError::NoDataset`]; [`DriverError::DatasetInUse`] while a sweep is pinned to it.
    pub async fn delete_dataset(&self, name: &DatasetName) -> Result<(), DriverError> {
        match self.0.store.delete_dataset(name.as_str()).await? {
            DeletedDataset::Deleted => Ok(()),
            DeletedDataset::NoSuch => Err(DriverError::NoDataset(name.clone())),
            DeletedDataset::InUse { sweeps } => {
                Err(DriverError::DatasetInUse { name: name.clone(), sweeps })
            }
        }
    }

    /// How large the features are of the bytes that a data set is pinned to; none where that wasn't measured, as
    /// of sets that aren't uploaded.
    ///
    /// # Errors
    /// The store's.
    pub async fn scales(&self, dataset: &Dataset) -> Result<Option<Scales>, DriverError> {
        let Some(pin) = dataset.pin.filter(|pin| pin.upload.is_some()) else { return Ok(None) };
        let row = self.0.store.dataset(dataset.name.as_str()).await?;
        Ok(row.filter(|row| row.blob.digest == pin.sha256).and_then(|row| row.scales))
    }

    /// The folder with the files of named data sets; it needn't exist.
    pub fn folder(&self) -> &Folder {
        &self.0.folder
    }

    /// Pins a recipe's data set to its bytes, so that every worker trains on the same.
    pub(super) async fn pin(
        &self,
        dataset: &mut Dataset,
        sent: Option<Pin>,
    ) -> Result<Option<SweepData>, DriverError> {
        let name = dataset.name.clone();
        let found = match name.kind() {
            DatasetKind::BuiltIn | DatasetKind::Generated => None,
            DatasetKind::Files => Some(self.named(&name).await?),
            DatasetKind::Uploaded => {
                let row = self.0.store.dataset(name.as_str()).await?;
                let row = row.ok_or_else(|| no_such(&name))?;
                self.check_whole(&row).await?;
                Some(row)
            }
        };
        dataset.pin = found.map(|row| Pin { sha256: row.blob.digest, upload: row.upload });
        as_sent(dataset, sent)?;
        Ok(dataset.pin.map(|pin| SweepData { name: name.to_string(), digest: pin.sha256 }))
    }

    /// Pins a recipe's data set as [`pin`](Self::pin) does, and keeps nothing.
    pub(super) async fn look_up(
        &self,
        dataset: &mut Dataset,
        sent: Option<Pin>,
    ) -> Result<(), DriverError> {
        let name = dataset.name.clone();
        let kept = self.0.store.dataset(name.as_str()).await?;
        dataset.pin = match name.kind() {
            DatasetKind::BuiltIn | DatasetKind::Generated => None,
            DatasetKind::Files => {
                let (driver, of) = (self.clone(), name.clone());
                let sha256 = match (blocking(move || driver.folder().digest(&of)).await?, kept) {
                    (Ok(sha256), _) => sha256,
                    (Err(SetError::Missing { .. }), Some(row)) => {
                        self.check_whole(&row).await?;
                        row.blob.digest
                    }
                    (Err(error), _) => return Err(unusable(&name, &error)),
                };
                Some(Pin { sha256, upload: None })
            }
            DatasetKind::Uploaded => {
                let row = kept.ok_or_else(|| no_such(&name))?;
                self.check_whole(&row).await?;
                Some(Pin { sha256: row.blob.digest, upload: row.upload })
            }
        };
        as_sent(dataset, sent)
    }

    /// A named set as its files are now; as it was kept, where they are gone.
    async fn named(&self, name: &DatasetName) -> Result<DatasetRow, DriverError> {
        let kept = self.0.store.dataset(name.as_str()).await?;
        let (driver, of) = (self.clone(), name.clone());
        // What isn't kept yet is read once: its digest is taken while it is packed.
        if let Some(row) = kept {
            match blocking(move || driver.folder().digest(&of)).await? {
                // What is kept of it and damaged is kept anew.
                Ok(digest) if digest == row.blob.digest => {
                    if self.data_damage(&row).await?.is_none() {
                        return Ok(row);
                    }
                }
                Ok(_) => {}
                Err(SetError::Missing { .. }) => {
                    self.check_whole(&row).await?;
                    return Ok(row);
                }
                Err(error) => return Err(unusable(name, &error)),
            }
        }
        let (driver, of) = (self.clone(), name.clone());
        let packed = blocking(move || driver.folder().packed(&of)).await?;
        let file = match packed {
            Ok((_, file)) => file,
            Err(SetError::Write(error)) => return Err(fault(error)),
            Err(error) => return Err(unusable(name, &error)),
        };
        match self.keep(name, None, None, file).await? {
            (row, AddedDataset::New | AddedDataset::Existing) => Ok(row),
            (_, AddedDataset::NameTaken) => Err(DriverError::DatasetTaken(name.clone())),
        }
    }

    /// Stores a file's bytes and records them under a name. Where they were there already they are
    /// stored all the same, in the place of what may be damaged.
    async fn keep(
        &self,
        name: &DatasetName,
        checked: Option<Checked>,
        owner: Option<TokenId>,
        file: File,
    ) -> Result<(DatasetRow, AddedDataset), DriverError> {
        let summed = blocking(move || -> io::Result<_> {
            let mut file = file;
            file.rewind()?;
            let digest = digest::of(BufReader::with_capacity(1 << 20, &file))?;
            file.rewind()?;
            Ok((BlobRow { digest, size: file.metadata()?.len() }, file))
        });
        let (blob, file) = summed.await?.map_err(fault)?;
        let staged = self.0.blobs.stage(tokio::fs::File::from_std(file)).await?;
        let upload = checked.map(|checked| checked.upload);
        let scales = checked.and_then(|checked| checked.scales);
        let new = NewDataset { name: name.to_string(), blob, upload, scales, owner };
        let place = Box::pin(self.0.blobs.place(&staged, blob.digest));
        let added = self.0.store.add_dataset(new, place).await;
        // Nothing is left of what got its name. What can't be deleted goes after a day.
        if let Err(error) = self.0.blobs.discard(staged).await {
            tracing::warn!(%error, "what was staged can't be deleted");
        }
        let added = added?;
        if added != AddedDataset::NameTaken && self.0.damaged.mended(blob.digest) {
            tracing::info!(%name, digest = %blob.digest, "a damaged data set is whole again");
            self.0.line.wake(1);
        }
        if added == AddedDataset::New {
            tracing::info!(%name, digest = %blob.digest, size = blob.size, "a data set is kept");
        }
        let row = self.0.store.dataset(name.as_str()).await?;
        row.map(|row| (row, added)).ok_or_else(|| DriverError::NoDataset(name.clone()))
    }
}

/// Does what takes long in a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DriverError> {
    tokio::task::spawn_blocking(work)
        .await
        .context("reading a data set ended")
        .map_err(DriverError::Fault)
}

fn fault(error: io::Error) -> DriverError {
    DriverError::Fault(anyhow::Error::new(error).context("a data set can't be put by"))
}

pub(super) fn invalid(pointer: &str, message: String) -> DriverError {
    DriverError::Invalid(vec![Invalid { pointer: pointer.into(), message }])
}

/// A pin that was sent must be what the name stands for.
fn as_sent(dataset: &Dataset, sent: Option<Pin>) -> Result<(), DriverError> {
    if sent.is_none() || sent == dataset.pin {
        return Ok(());
    }
    let message = format!("{} is another one here; leave the pin out to take it", dataset.name);
    Err(invalid("/recipe/dataset/pin", message))
}

fn no_such(name: &DatasetName) -> DriverError {
    let message = format!("no data set named `{name}`; `floodgauge dataset add` adds one");
    invalid("/recipe/dataset/name", message)
}

fn unusable(name: &DatasetName, error: &SetError) -> DriverError {
    let message = match error {
        SetError::Read { source, .. } => format!("{error}: {source}"),
        SetError::Missing { .. } => {
            format!("{error}; `floodgauge dataset download {name}` fetches them")
        }
        _ => error.to_string(),
    };
    invalid("/recipe/dataset/name", message)
}

impl DriverError {
    /// What becomes of a data set that went while a sweep was submitted.
    pub(super) fn of_submission(error: StoreError, name: &DatasetName) -> Self {
        match error {
            StoreError::NoDataset(_) => no_such(name),
            other => other.into(),
        }
    }
}
