//! The end of a server in order: no more work is given out, and what was given is handed in.

use super::Driver;
use floodgauge_protocol::{LeaseId, Segment, work::Stop};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Between two counts of the leases that are still held.
const POLL_EVERY: Duration = Duration::from_millis(50);

/// The leases whose workers speak to this server, and when each was last heard of.
#[derive(Debug, Default)]
pub(super) struct ActiveLeases {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    draining: bool,
    /// When each was last heard of.
    leases: HashMap<LeaseId, Instant>,
}

impl ActiveLeases {
    pub fn note(&self, lease: LeaseId) {
        self.lock().leases.insert(lease, Instant::now());
    }

    pub fn forget(&self, lease: LeaseId) {
        self.lock().leases.remove(&lease);
    }

    pub fn is_draining(&self) -> bool {
        self.lock().draining
    }

    /// How many are still held; one that was silent for `ttl` isn't.
    fn held(&self, ttl: Duration) -> usize {
        let mut inner = self.lock();
        inner.leases.retain(|_, last_heard| last_heard.elapsed() < ttl);
        inner.leases.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver {
    /// Gives out no more work from now on, and tells workers to hand in what they hold at the end
    /// of their epoch.
    pub fn drain(&self) {
        self.0.leases.lock().draining = true;
        // Claims that wait see it.
        self.0.line.wake_all();
    }

    /// Waits until the workers that speak to this server hold nothing any more, or have gone
    /// silent for as long as a lease lasts.
    pub async fn drained(&self) {
        while self.0.leases.held(self.0.config.lease_ttl) > 0 {
            sleep(POLL_EVERY).await;
        }
    }

    /// The stop of every arm of a segment, if this server is about to end.
    pub(super) fn last_orders(&self, segment: &Segment) -> Option<Stop> {
        let stop = || Stop { arms: segment.arms().collect(), at_epoch: 0 };
        self.0.leases.is_draining().then(stop)
    }
}
