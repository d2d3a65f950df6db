//! What handlers share.

use super::{
    access::{Admission, Gate},
    bounds::{Bounds, Places},
    feed::Feeds,
    log::{OfAll, OfSweep},
};
use crate::driver::Driver;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What handlers share.
#[derive(Clone)]
pub struct AppState {
    /// What drives the sweeps; the database and the blobs are reached through it.
    pub driver: Driver,
    /// Cancelled when the server closes: what would go on without end, ends then. The same
    /// token should end [`serve`](super::serve).
    pub closing: CancellationToken,
    /// The places for what is done at once.
    pub(super) places: Places,
    /// What lets requests in, by their tokens and their rates.
    pub(super) gate: Arc<Gate>,
    pub(super) sweep_feeds: Feeds<OfSweep>,
    pub(super) all_feeds: Feeds<OfAll>,
}

impl AppState {
    /// The state of a server that drives sweeps until `closing` is cancelled, and is open to this
    /// machine as long as there is no token.
    pub fn new(driver: Driver, closing: CancellationToken) -> Self {
        Self {
            places: Places::new(Bounds::default()),
            gate: Arc::default(),
            sweep_feeds: Feeds::new(driver.clone(), closing.clone()),
            all_feeds: Feeds::new(driver.clone(), closing.clone()),
            driver,
            closing,
        }
    }

    /// The same within other bounds.
    pub fn with_bounds(self, bounds: Bounds) -> Self {
        Self { places: Places::new(bounds), ..self }
    }

    /// The same behind another gate.
    pub fn with_gate(self, gate: Gate) -> Self {
        Self { gate: Arc::new(gate), ..self }
    }

    /// What it takes to let a request in.
    pub(super) fn admission(&self) -> Admission {
        Admission {
            gate: self.gate.clone(),
            driver: self.driver.clone(),
            places: self.places.clone(),
        }
    }
}
