//! Families whose kind of machine is gone, started over on another one.

use super::{Driver, DriverError};
use crate::{
    scheduler::{Event, Sweep, SweepStatus},
    store::LeftFamily,
};
use std::time::Duration;

/// How often it is looked for them at most; as often as it takes where they are to wait for less.
const EVERY: Duration = Duration::from_secs(60);

impl Driver {
    /// Starts families over whose machines are gone, every now and then, until it is dropped. Where
    /// nothing is ever to start over it ends at once.
    pub async fn start_over_now_and_then(self) {
        let Some(after) = self.0.config.start_over_after else { return };
        let every = after.clamp(Duration::from_millis(100), EVERY);
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = self.start_over(after).await {
                tracing::warn!(%error, "families whose machines are gone can't be seen to; trying again later");
            }
        }
    }

    /// Starts those families over whose kind of machine has been gone for so long, as far as their
    /// sweeps can be replayed here.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn start_over(&self, after: Duration) -> Result<(), DriverError> {
        for left in self.0.store.left_families(after).await? {
            let LeftFamily { sweep, family, fingerprint } = left;
            let decide = |state: &Sweep| {
                let goes_on = matches!(state.status(), SweepStatus::Queued | SweepStatus::Running);
                let open = state.facts().segments().open().any(|open| open.family == family);
                let event = Event::StartedOver { family, fingerprint: fingerprint.clone() };
                Ok((goes_on && open).then_some(event))
            };
            match self.apply(sweep, None, decide).await {
                Ok(_) => tracing::warn!(%sweep, %family, fingerprint,
                    "no machine of its kind is there any more: the family starts over on another"),
                Err(error) if error.is_unreplayable() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
