//! How often to try again, and after what delays.

use backon::ExponentialBuilder;
use std::time::Duration;

/// How often to try what may be cured by waiting; the delay doubles each time, with jitter.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// The delay after the first try.
    pub first_delay: Duration,
    /// The delay that is not exceeded, jitter aside.
    pub max_delay: Duration,
    /// Tries after the first one; without end when unset.
    pub tries: Option<usize>,
}

impl Default for Retry {
    /// Without end, from 0.1 s to 2 s: a restarted server is found before leases expire.
    fn default() -> Self {
        Self {
            first_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(2),
            tries: None,
        }
    }
}

impl Retry {
    /// The delays, one after the other.
    pub(crate) fn backoff(self) -> ExponentialBuilder {
        let backoff = ExponentialBuilder::new()
            .with_factor(2.0)
            .with_min_delay(self.first_delay)
            .with_max_delay(self.max_delay)
            .with_jitter();
        match self.tries {
            Some(tries) => backoff.with_max_times(tries),
            None => backoff.without_max_times(),
        }
    }
}
