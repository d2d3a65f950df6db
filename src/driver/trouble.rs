//! Workers that can't do what they were given: since training fails, which is held against the trials,
//! or since their machine is in trouble, which is not.

use super::{
    Driver, DriverError,
    work::{check_worker, guard, open},
};
use crate::{
    scheduler::Event,
    store::{StoreError, TroubledWorker},
};
use floodgauge_protocol::{
    LeaseId,
    work::{Fail, FailKind, MAX_MESSAGE_CHARS, MAX_RETRY_S, Trouble},
};
use std::time::Duration;

impl Driver {
    /// Takes it that a worker gave its segment up.
    ///
    /// # Errors
    /// [`DriverError::LeaseLost`].
    pub async fn fail(&self, lease: LeaseId, token: &str, fail: Fail) -> Result<(), DriverError> {
        let leased = self.held(lease, token).await?;
        let (segment, attempt) = (leased.segment.segment, leased.attempt);
        let message = shortened(&fail.message);
        let worker = leased.worker.clone();
        let retry_in_s = fail.retry_in_s.unwrap_or(0).min(MAX_RETRY_S);
        match fail.kind {
            FailKind::Trial => {
                tracing::warn!(sweep = %leased.sweep, %segment, worker, failure = message, "a segment failed");
            }
            FailKind::Machine => {
                tracing::warn!(sweep = %leased.sweep, %segment, worker, trouble = message, retry_in_s,
                    "a worker in trouble handed a segment back");
            }
        }
        self.apply(leased.sweep, guard(&leased), |state| {
            open(state, segment)?;
            let (worker, message) = (worker.clone(), message.clone());
            Ok(Some(match fail.kind {
                FailKind::Trial => Event::Failed { segment, attempt, message },
                FailKind::Machine => {
                    let backoff_s = Some(state.facts().segments().backoff_after_hand_back(segment));
                    Event::HandedBack { segment, attempt, worker, message, retry_in_s, backoff_s }
                }
            }))
        })
        .await
        .map_err(|error| self.as_lease_error(leased.lease, error))?;
        self.0.leases.forget(leased.lease);
        if fail.kind == FailKind::Machine
            && let Err(error) = self.note_trouble(&worker, &message, retry_in_s).await
        {
            // The log has it, and the worker is done with it.
            tracing::warn!(worker, %error, "that a worker is in trouble can't be noted");
        }
        Ok(())
    }

    /// Takes it that a worker asks for no work since its machine is in trouble.
    ///
    /// # Errors
    /// [`DriverError::BadRequest`] for a name out of range.
    pub async fn trouble(&self, trouble: Trouble) -> Result<(), DriverError> {
        let Trouble { worker, message, retry_in_s } = trouble;
        check_worker(&worker)?;
        let (message, retry_in_s) = (shortened(&message), retry_in_s.min(MAX_RETRY_S));
        tracing::warn!(worker, trouble = message, retry_in_s, "a worker is in trouble");
        Ok(self.note_trouble(&worker, &message, retry_in_s).await?)
    }

    async fn note_trouble(
        &self,
        worker: &str,
        message: &str,
        retry_in_s: u32,
    ) -> Result<(), StoreError> {
        let retry_in = Duration::from_secs(retry_in_s.into());
        self.0.store.note_trouble(worker, message, retry_in).await
    }

    /// Workers that said that their machines are in trouble, and neither took work nor fell silent
    /// since, by name.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn troubled_workers(&self) -> Result<Vec<TroubledWorker>, StoreError> {
        self.0.store.troubled_workers().await
    }
}

/// What is kept of a message. A NUL, which Postgres takes in no text, goes here too, so that the log and the
/// list of workers hold the same.
fn shortened(message: &str) -> String {
    let visible = message.chars().map(|c| if c == '\0' { '\u{fffd}' } else { c });
    visible.take(MAX_MESSAGE_CHARS).collect()
}
