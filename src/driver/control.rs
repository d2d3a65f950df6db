//! What users do to a sweep on its way: cancel, pause, resume, extend, delete.

use super::{Author, Driver, DriverError};
use crate::{
    access::TokenId,
    scheduler::{Event, SweepStatus},
    store::DeletedSweep,
};
use floodgauge_protocol::{Extension, SweepId};
use std::time::Duration;

impl Driver {
    /// Ends a sweep; leased work is handed in, the rest is withdrawn. Of one whose log can't be
    /// replayed all is withdrawn.
    ///
    /// # Errors
    /// [`DriverError::NotFound`], or [`DriverError::Ended`] if it has ended before.
    pub async fn cancel(&self, sweep: SweepId) -> Result<(), DriverError> {
        let cancelled =
            self.apply(sweep, Author::default(), |state| match state.status().is_final() {
                true => Err(DriverError::Ended),
                false => Ok(Some(Event::CancelRequested)),
            });
        match cancelled.await {
            Err(error) if error.is_unreplayable() => self.cancel_unreplayed(sweep).await,
            cancelled => cancelled.map(drop),
        }
    }

    /// Deletes a sweep that has ended, with all that was reported of it.
    ///
    /// # Errors
    /// [`DriverError::NotFound`], or [`DriverError::StillRunning`].
    pub async fn delete(&self, sweep: SweepId) -> Result<(), DriverError> {
        match self.0.store.delete_sweep(sweep, None).await? {
            DeletedSweep::Deleted => self.forget(sweep),
            DeletedSweep::NoSuch => return Err(DriverError::NotFound),
            DeletedSweep::NotEnded => return Err(DriverError::StillRunning),
        }
        Ok(())
    }

    /// Deletes a sweep that ended longer than `age` ago; false if it is gone already, or goes on since
    /// somebody extended it.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_old(&self, sweep: SweepId, age: Duration) -> Result<bool, DriverError> {
        let deleted = self.0.store.delete_sweep(sweep, Some(age)).await? == DeletedSweep::Deleted;
        if deleted {
            self.forget(sweep);
        }
        Ok(deleted)
    }

    /// Drops what this process has of a sweep that was deleted, and tells who follows it.
    fn forget(&self, sweep: SweepId) {
        self.lock_live().remove(&sweep);
        self.0.unreplayable.forget(sweep);
        self.0.recovered.forget(sweep);
        self.0.readers.forget(sweep);
        self.announce(sweep, 0);
    }

    /// Gives out nothing more of a sweep; leased work is handed in at its epoch's end. A sweep that
    /// is paused already stays so.
    ///
    /// # Errors
    /// [`DriverError::NotFound`], or [`DriverError::Ended`].
    pub async fn pause(&self, sweep: SweepId) -> Result<(), DriverError> {
        self.apply(sweep, Author::default(), |state| match state.status() {
            SweepStatus::Paused => Ok(None),
            status if status.is_final() => Err(DriverError::Ended),
            _ => Ok(Some(Event::PauseRequested)),
        })
        .await
        .map(drop)
    }

    /// Lets a paused sweep go on. One that isn't paused goes on anyway.
    ///
    /// # Errors
    /// [`DriverError::NotFound`], or [`DriverError::Ended`].
    pub async fn resume(&self, sweep: SweepId) -> Result<(), DriverError> {
        self.apply(sweep, Author::default(), |state| match state.status() {
            SweepStatus::Paused => Ok(Some(Event::Resumed)),
            status if status.is_final() => Err(DriverError::Ended),
            _ => Ok(None),
        })
        .await
        .map(drop)
    }

    /// Adds seeds, levels or epochs to a completed sweep; only what is missing is trained. A level that it has
    /// is trained to the end where it wasn't. From then on the sweep counts against the bounds of the token
    /// that extends it, if it is one that does.
    ///
    /// # Errors
    /// [`DriverError::NotFound`]; [`DriverError::NotCompleted`];
    /// [`DriverError::CheckpointsDropped`]; [`DriverError::Invalid`] with every
    /// field that can't be had;
    /// [`StoreError::OverQuota`](crate::store::StoreError::OverQuota) if the token would have more
    /// than it may.
    pub async fn extend(
        &self,
        extender: Option<TokenId>,
        sweep: SweepId,
        extension: &Extension,
    ) -> Result<(), DriverError> {
        // The store refuses a sweep whose checkpoints are gone.
        self.apply(sweep, Author { lease: None, extender }, |state| {
            if state.status() != SweepStatus::Completed {
                return Err(DriverError::NotCompleted(state.status()));
            }
            state.extended_by(extension).map(Some).map_err(DriverError::Invalid)
        })
        .await?;
        tracing::info!(%sweep, ?extension, "extended");
        Ok(())
    }
}
