//! The time that a store on SQLite goes by. SQLite has no clock but the system's, which may be set at any
//! moment; Postgres has its own, the same for all servers.
//!
//! There are two times, both in milliseconds since 1970 and both never going back while a process runs:
//!
//! - *steady*: what the system's clock said at the start, and what has passed since. Leases and ages are
//!   counted by it, so that setting the clock neither ends a lease nor makes it last.
//! - *now*: what things are stamped with, and tokens expire by. It follows a clock that is set ahead, as that
//!   of a machine is which has just found its time server, and goes on evenly when it is set back.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// By how much the system's clock may be ahead before it counts as set: a second.
const DRIFT_MS: i64 = 1_000;

/// What a clock is read from.
pub trait TimeSource: Send + Sync + 'static {
    /// What the system's clock says, in milliseconds since 1970; it may be set.
    fn wall_ms(&self) -> i64;

    /// What has passed since some moment that stays the same; nobody sets it.
    fn elapsed(&self) -> Duration;
}

/// The time of one process. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    source: Box<dyn TimeSource>,
    /// What both said at the start.
    began_ms: i64,
    began: Duration,
    /// How far now is ahead of steady.
    ahead_ms: AtomicI64,
}

/// What a clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What things are stamped with, in milliseconds since 1970.
    pub now_ms: i64,
    /// What leases are counted by, likewise.
    pub steady_ms: i64,
}

impl Clock {
    /// The time of this machine.
    pub fn of_system() -> Self {
        Self::with_source(System { began: Instant::now() })
    }

    /// The time by another source.
    pub fn with_source(source: impl TimeSource) -> Self {
        let (began_ms, began) = (source.wall_ms(), source.elapsed());
        Self(Arc::new(Inner {
            source: Box::new(source),
            began_ms,
            began,
            ahead_ms: AtomicI64::new(0),
        }))
    }

    /// What it says.
    pub fn read(&self) -> Reading {
        let Inner { source, began_ms, began, ahead_ms } = &*self.0;
        let passed = source.elapsed().saturating_sub(*began).as_millis();
        let steady_ms = began_ms.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX));
        // What a clock drifts is no setting of it.
        let ahead = Some(source.wall_ms().saturating_sub(steady_ms));
        let ahead = ahead.filter(|ahead| *ahead >= DRIFT_MS).unwrap_or(0);
        let ahead = ahead_ms.fetch_max(ahead, Ordering::Relaxed).max(ahead);
        Reading { now_ms: steady_ms.saturating_add(ahead), steady_ms }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.read()).finish()
    }
}

/// What this machine has.
struct System {
    /// Where nothing counts the time that a machine sleeps.
    began: Instant,
}

impl TimeSource for System {
    fn wall_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// With the time that the machine sleeps, which workers elsewhere don't.
    #[cfg(target_os = "linux")]
    fn elapsed(&self) -> Duration {
        use rustix::time::{ClockId, clock_gettime};
        let since = clock_gettime(ClockId::Boottime);
        Duration::try_from(since).unwrap_or_else(|_| self.began.elapsed())
    }

    #[cfg(not(target_os = "linux"))]
    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both are told, in seconds.
    #[derive(Default)]
    struct SetTime {
        wall: AtomicI64,
        passed: AtomicI64,
    }

    impl TimeSource for Arc<SetTime> {
        fn wall_ms(&self) -> i64 {
            self.wall.load(Ordering::Relaxed) * 1_000
        }

        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.passed.load(Ordering::Relaxed).unsigned_abs())
        }
    }

    const START: i64 = 1_700_000_000;

    /// What a clock says after a second each, at the end of which the system's clock says this, in seconds
    /// since the start.
    fn said(wall: &[i64]) -> Vec<(i64, i64)> {
        let told = Arc::new(SetTime::default());
        told.wall.store(START, Ordering::Relaxed);
        let clock = Clock::with_source(told.clone());
        let mut said = vec![];
        for (passed, wall) in (1..).zip(wall) {
            told.passed.store(passed, Ordering::Relaxed);
            told.wall.store(START + wall, Ordering::Relaxed);
            let Reading { now_ms, steady_ms } = clock.read();
            said.push((now_ms / 1_000 - START, steady_ms / 1_000 - START));
        }
        said
    }

    #[test]
    fn a_clock_that_is_set_back_goes_on_evenly() {
        assert_eq!(said(&[1, -3_598, -3_597, 4]), [(1, 1), (2, 2), (3, 3), (4, 4)]);
    }

    #[test]
    fn stamps_follow_a_clock_that_is_set_ahead_and_leases_do_not() {
        assert_eq!(said(&[1, 3_602, 3_603, 4]), [(1, 1), (3_602, 2), (3_603, 3), (3_604, 4)]);
    }

    #[test]
    fn the_time_of_this_machine_is_what_its_clock_says() {
        let wall = || System { began: Instant::now() }.wall_ms();
        let before = wall();
        let Reading { now_ms, steady_ms } = Clock::of_system().read();
        assert!((before..=wall()).contains(&now_ms));
        assert!((before..=now_ms).contains(&steady_ms));
    }
}
