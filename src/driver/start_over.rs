//! Families whose kind of machine is gone, started over on another one.

use super::{Driver, DriverError};
use crate::{
    scheduler::{Event, Sweep, SweepStatus},
    store::{OrphanedFamily, StoreError},
};
use std::time::Duration;

impl Driver {
    /// After how long without a machine of its kind a family starts over on another; none for never.
    pub fn start_over_after(&self) -> Option<Duration> {
        self.0.config.start_over_after
    }

    /// Starts those families over whose kind of machine has been gone for so long. One that can't be, here or
    /// for now, keeps none of the others waiting.
    ///
    /// # Errors
    /// The database's trouble, where it can't even be asked which families these are.
    pub async fn start_over(&self, after: Duration) -> Result<(), StoreError> {
        let mut last = None;
        loop {
            let orphaned = self.0.store.orphaned_families(after, last).await?;
            let Some(newest) = orphaned.last() else { return Ok(()) };
            last = Some((newest.sweep, newest.family));
            for family in &orphaned {
                match self.start_over_one(family).await {
                    Ok(()) => {}
                    // A machine of its kind has come back meanwhile.
                    Err(DriverError::Store(StoreError::Held(_))) => {}
                    Err(error) if error.is_unreplayable() => {}
                    Err(error) => tracing::warn!(
                        sweep = %family.sweep,
                        family = %family.family,
                        %error,
                        "a family whose machine is gone can't start over; trying again later"
                    ),
                }
            }
        }
    }

    async fn start_over_one(&self, orphaned: &OrphanedFamily) -> Result<(), DriverError> {
        let &OrphanedFamily { sweep, family, ref fingerprint } = orphaned;
        let mut starts = false;
        let decide = |state: &Sweep| {
            let goes_on = matches!(state.status(), SweepStatus::Queued | SweepStatus::Running);
            let open = state.facts().segments().open().any(|open| open.family == family);
            starts = goes_on && open;
            let event = Event::StartedOver { family, fingerprint: fingerprint.clone() };
            Ok(starts.then_some(event))
        };
        self.apply(sweep, None, decide).await?;
        if starts {
            tracing::warn!(
                %sweep,
                %family,
                fingerprint,
                "no worker with this fingerprint has asked for work for --start-over-after: the family \
                 starts over on another kind of machine"
            );
        }
        Ok(())
    }
}
