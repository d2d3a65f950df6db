//! Leases that expired, told in the logs of their sweeps before anybody takes their segments over.

use super::{Driver, DriverError};
use crate::{
    scheduler::{Event, Sweep},
    store::{ExpiredLease, Expiry, LeaseGuard, StoreError},
};
use floodgauge_protocol::LeaseId;
use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The expired leases of which the log was told, so that nobody reads it again for as long as they stay so.
#[derive(Debug, Default)]
pub(super) struct ToldLeases(Mutex<HashSet<LeaseId>>);

impl ToldLeases {
    fn has(&self, lease: LeaseId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&lease)
    }

    fn replace(&self, leases: HashSet<LeaseId>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = leases;
    }
}

impl Driver {
    /// How long a lease lasts unless it is renewed.
    pub fn lease_ttl(&self) -> Duration {
        self.0.config.lease_ttl
    }

    /// Tells the logs of leases that expired, once for each claim. Nothing is taken from their workers: that
    /// does whoever takes the segment over.
    ///
    /// # Errors
    /// The database's trouble, where it can't even be asked which leases these are.
    pub async fn tell_expired(&self) -> Result<(), StoreError> {
        let (mut last, mut told) = (None, HashSet::new());
        loop {
            let expired = self.0.store.expired_leases(last).await?;
            let Some(newest) = expired.last() else { break };
            last = Some((newest.sweep, newest.segment));
            for lease in &expired {
                if self.0.expired.has(lease.lease) || self.tell_one(lease).await {
                    told.insert(lease.lease);
                }
            }
        }
        self.0.expired.replace(told);
        Ok(())
    }

    /// Answers whether there is nothing more to tell of it.
    async fn tell_one(&self, expired: &ExpiredLease) -> bool {
        let &ExpiredLease { sweep, segment, lease, attempt, ref worker } = expired;
        let guard = LeaseGuard { lease, attempt, expiry: Expiry::Past };
        let mut tells = false;
        let decide = |state: &Sweep| {
            tells = state.facts().segments().may_expire(segment);
            let event = || Event::Expired { segment, attempt, worker: worker.clone() };
            Ok(tells.then(event))
        };
        match self.apply(sweep, Some(guard), decide).await {
            Ok(_) if tells => {
                tracing::warn!(%sweep, %segment, worker,
                    "a worker's lease expired; its segment waits for another");
                true
            }
            // Another server told it, or the sweep is gone.
            Ok(_) | Err(DriverError::NotFound) => true,
            // Its worker renewed it just before, or somebody has taken it over. It is looked at again if it is
            // still listed.
            Err(DriverError::LeaseLost) => false,
            Err(error) if error.is_unreplayable() => true,
            Err(error) => {
                tracing::warn!(%sweep, %segment, %error,
                    "that a lease expired can't be told; trying again later");
                false
            }
        }
    }
}
