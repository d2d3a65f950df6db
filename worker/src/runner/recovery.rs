//! How long a worker in trouble asks for no work.

use crate::client::Retry;
use backon::{BackoffBuilder as _, ExponentialBackoff};
use std::time::Duration;

/// From 2 s to 5 minutes, jitter included: others get its work at once, and what it hands back makes few
/// entries in a log.
pub const RECOVERY: Retry =
    Retry { first_delay: Duration::from_secs(2), max_delay: Duration::from_secs(150), tries: None };

/// What a worker knows of its own health.
pub(super) struct Recovery {
    policy: Retry,
    waits: ExponentialBackoff,
    /// Whether it is to look at its machine before it asks for work.
    pub suspect: bool,
    /// Whether the server has answered it before.
    pub was_served: bool,
}

impl Recovery {
    /// Of a worker that has just started.
    pub fn new(policy: Retry) -> Self {
        Self { policy, waits: policy.backoff().build(), suspect: true, was_served: false }
    }

    /// Trouble: how long to wait before it looks again, each time longer.
    pub fn trouble(&mut self) -> Duration {
        self.suspect = true;
        self.waits.next().unwrap_or(self.policy.max_delay)
    }

    /// A segment was finished: it is well.
    pub fn well(&mut self) {
        self.waits = self.policy.backoff().build();
    }
}

/// So long in whole seconds, rounded up.
pub(super) fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_is_waited_for_longer_until_a_segment_is_finished() {
        let mut recovery = Recovery::new(RECOVERY);
        assert!(recovery.suspect, "it looks before it asks for the first time");
        let waits: Vec<_> = (0..12).map(|_| recovery.trouble().as_secs_f64()).collect();
        let doubled = (0..12).map(|n| (2.0 * f64::from(1 << n)).min(150.0));
        assert!(
            waits.iter().zip(doubled).all(|(wait, least)| (least..=2.0 * least).contains(wait)),
            "{waits:?}"
        );
        recovery.well();
        assert!(recovery.trouble().as_secs_f64() <= 4.0);
    }

    #[test]
    fn a_part_of_a_second_counts_as_one() {
        assert_eq!([0, 1, 1_000, 1_001].map(|ms| seconds(Duration::from_millis(ms))), [0, 1, 1, 2]);
    }
}
