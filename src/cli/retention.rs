//! What a server drops of sweeps that ended long ago, if it is told to: not at once, and not without a word.

use super::housekeeping::note;
use crate::{config::Retention, counting::count, driver::Driver};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, sleep};

/// How often.
const EVERY: Duration = Duration::from_secs(600);

/// Sweeps that are seen to at once.
const SWEEPS_AT_ONCE: u32 = 100;

/// Drops what is kept no longer, until it is dropped itself.
pub(super) async fn run(driver: &Driver, retention: Retention) {
    if retention.keep_sweeps.is_none() && retention.keep_checkpoints.is_none() {
        return;
    }
    let first = Timestamp::now() + retention.delay();
    if let Err(error) = announce(driver, &retention, first).await {
        tell(driver, &error, "old sweeps can't be counted");
    }
    sleep(retention.delay()).await;
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = retain(driver, &retention).await {
            tell(driver, &error, "old sweeps can't be seen to; trying again later");
        }
    }
}

/// Says what will go, and from when on.
async fn announce(driver: &Driver, retention: &Retention, first: Timestamp) -> anyhow::Result<()> {
    if let Some(age) = retention.keep_sweeps {
        let sweeps = driver.store().count_ended(age, false).await?;
        tracing::warn!("{}", announced(sweeps, "be deleted", age, first));
    }
    if let Some(age) = retention.keep_checkpoints {
        let sweeps = driver.store().count_ended(age, true).await?;
        tracing::warn!("{}", announced(sweeps, "lose their checkpoints", age, first));
    }
    Ok(())
}

/// `3 sweeps will be deleted from 2026-01-01T00:01:00Z on: those that ended 720h ago or earlier`.
fn announced(sweeps: u64, what: &str, age: Duration, first: Timestamp) -> String {
    let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
    let sweeps = count(usize::try_from(sweeps).unwrap_or(usize::MAX), "sweep");
    format!("{sweeps} will {what} from {first:.0} on: those that ended {age:#} ago or earlier")
}

fn tell(driver: &Driver, error: &anyhow::Error, what: &str) {
    error.chain().for_each(|cause| note(driver, cause));
    let error = format!("{error:#}");
    tracing::warn!(error, "{what}");
}

/// Drops what is kept no longer.
async fn retain(driver: &Driver, retention: &Retention) -> anyhow::Result<()> {
    if let Some(age) = retention.keep_sweeps {
        loop {
            let ended = driver.store().ended_before(age, SWEEPS_AT_ONCE).await?;
            for &sweep in &ended {
                // One that was extended since stays.
                if driver.delete_old(sweep, age).await? {
                    tracing::info!(%sweep, "deleted: it ended long ago");
                }
            }
            if ended.len() < SWEEPS_AT_ONCE as usize {
                break;
            }
        }
    }
    if let Some(age) = retention.keep_checkpoints {
        loop {
            let dropped = driver.store().drop_checkpoints(age, SWEEPS_AT_ONCE).await?;
            for sweep in &dropped {
                tracing::info!(%sweep, "dropped its checkpoints: it ended long ago");
            }
            if dropped.len() < SWEEPS_AT_ONCE as usize {
                break;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_how_many_will_go_and_from_when_on() {
        let first = "2026-01-01T00:01:00.25Z".parse().unwrap();
        let age = Duration::from_secs(36 * 3_600);
        let words = announced(3, "be deleted", age, first);
        assert_eq!(
            words,
            "3 sweeps will be deleted from 2026-01-01T00:01:00Z on: those that ended 36h ago or earlier"
        );
    }
}
