//! What a server does at its start and every now and then: it looks whether its database is whole, notes
//! which sweeps it can't go on with, looks whether there is room on its disk, and sees to it that nothing grows
//! without end, no lease lasts longer than it should or expires unseen, and no family waits for ever for a
//! machine that is gone. What of ended sweeps is kept no longer is `retention.rs`'s.

use super::retention;
use crate::{
    blobs::{BlobError, Unreferenced},
    config::Retention,
    driver::Driver,
    store,
    unwritable::unwritable,
};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

/// How often; what nothing refers to stays at least as long, so that a copy of the blobs which
/// follows one of the database within this time has all that the database names.
const EVERY: Duration = Duration::from_secs(600);

/// How often leases are looked at: a third of the usual lease, so that whatever the clock does, work of a
/// silent worker is given out again about when it should be. Chosen, not measured.
const LEASES_EVERY: Duration = Duration::from_secs(5);

/// How often it is looked whether blobs can be written: a balancer asks about as often. Chosen, not measured.
const DISK_EVERY: Duration = Duration::from_secs(10);

/// The longest time between two looks for families to start over; `--start-over-after` may make it shorter.
const GONE_EVERY: Duration = Duration::from_secs(60);

/// Keeps house until it is dropped.
pub async fn run(driver: Driver, retention: Retention) {
    tokio::join!(
        bound_leases(&driver),
        tell_expired(&driver),
        start_over(&driver),
        driver.check_database(),
        watch_disk(&driver),
        keep(&driver),
        retention::run(&driver, retention)
    );
}

/// Starts families over whose kind of machine is gone, unless they are to wait for ever. A machine counts as
/// gone only once this server was there for as long to be asked: after a night in which all was switched off,
/// or an hour without a database, none has had the time to come back.
async fn start_over(driver: &Driver) {
    let Some(after) = driver.start_over_after() else { return };
    let every = after.clamp(Duration::from_secs(1), GONE_EVERY);
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut there = Attendance::default();
    loop {
        ticks.tick().await;
        let looked = match there.at(Instant::now(), 3 * every) >= after {
            true => driver.start_over(after).await,
            // Notes when kinds that were never seen were first missed.
            false => driver.store().orphaned_families(after, None).await.map(drop),
        };
        if let Err(error) = looked {
            there = Attendance::default();
            note(driver, &error);
            tracing::warn!(%error, "families to start over can't be listed; trying again later");
        }
    }
}

/// Since when a server has been there without a gap, to be asked for work and to have leases renewed.
#[derive(Default)]
struct Attendance {
    since: Option<Instant>,
    last: Option<Instant>,
}

impl Attendance {
    /// For how long it has been there by now; what is longer than `gap` begins anew.
    fn at(&mut self, now: Instant, gap: Duration) -> Duration {
        if self.last.replace(now).is_none_or(|last| now - last > gap) {
            self.since = None;
        }
        now - *self.since.get_or_insert(now)
    }
}

/// Cuts leases that last too long, since the clock was set back.
async fn bound_leases(driver: &Driver) {
    let mut ticks = tokio::time::interval(LEASES_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = driver.cut_leases().await {
            note(driver, &error);
            tracing::warn!(%error, "leases can't be looked at; trying again later");
        }
    }
}

/// Tells the logs of leases that expired. A worker counts as silent only once this server was there for as long
/// as a lease lasts: while it was away, or had no database, nobody could renew one.
async fn tell_expired(driver: &Driver) {
    let mut ticks = tokio::time::interval(LEASES_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut there = Attendance::default();
    loop {
        ticks.tick().await;
        let looked = match there.at(Instant::now(), 3 * LEASES_EVERY) >= driver.lease_ttl() {
            true => driver.tell_expired().await,
            false => driver.store().ping().await,
        };
        if let Err(error) = looked {
            there = Attendance::default();
            note(driver, &error);
            tracing::warn!(%error, "expired leases can't be listed; trying again later");
        }
    }
}

/// Looks whether there is still room.
async fn watch_disk(driver: &Driver) {
    let mut ticks = tokio::time::interval(DISK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        driver.look_at_disk().await;
    }
}

/// Notes what an error tells of damage to the database, or of a disk that can't be written.
pub(super) fn note(driver: &Driver, error: &(dyn std::error::Error + 'static)) {
    if let Some(said) = store::damage(error) {
        driver.note_damage(&said);
    }
    if let Some(words) = unwritable(error) {
        driver.note_unwritable(&words);
    }
}

async fn keep(driver: &Driver) {
    if let Err(error) = driver.look_over().await {
        note(driver, &error);
        tracing::warn!(%error, "sweeps that haven't ended can't be looked over");
    }
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut unreferenced = Unreferenced::default();
    loop {
        ticks.tick().await;
        if let Err(error) = driver.store().rebuild_queue().await {
            note(driver, &error);
            tracing::warn!(%error, "the queue can't be put right; trying again later");
        }
        match driver.blobs().collect_since(&**driver.store(), &mut unreferenced).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "deleted blobs that nothing refers to"),
            Err(error) => {
                if let BlobError::Store(error) = &error {
                    note(driver, error);
                }
                tracing::warn!(%error, "blobs can't be collected; trying again later");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_was_away_has_been_there_for_no_time() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut there = Attendance::default();
        let at =
            [0, 60, 120, 180, 3_600, 3_660].map(|s| there.at(start + s * second, 180 * second));
        assert_eq!(at.map(|time| time.as_secs()), [0, 60, 120, 180, 0, 60]);
    }
}
