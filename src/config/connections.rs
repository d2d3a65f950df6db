//! How many connections a server keeps, and for how long.

use super::numbers::{connections, whole};
use clap::Args;
use std::{num::NonZeroU32, time::Duration};

/// How many connections a server keeps, and how long it waits for their clients.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Connections")]
pub struct Connections {
    /// Connections at once, as far as the system lets the process have open files; beyond them those
    /// that wait make room, and health probes are still answered
    #[arg(long = "max-connections", env = "FLOODGAUGE_MAX_CONNECTIONS", value_name = "N", default_value_t = DEFAULT_MOST, value_parser = connections)]
    pub most: NonZeroU32,
    /// Seconds that the head of a request may take
    #[arg(long, env = "FLOODGAUGE_HEAD_TIMEOUT", value_name = "SECONDS", default_value_t = DEFAULT_HEAD_S, value_parser = whole::<u32>(1..=3600))]
    pub head_timeout: u32,
    /// Seconds that a connection is kept which asks nothing after an answer
    #[arg(long, env = "FLOODGAUGE_IDLE_TIMEOUT", value_name = "SECONDS", default_value_t = DEFAULT_IDLE_S, value_parser = whole::<u32>(1..=86_400))]
    pub idle_timeout: u32,
    /// Seconds without any byte of a body that is awaited
    #[arg(long, env = "FLOODGAUGE_BODY_TIMEOUT", value_name = "SECONDS", default_value_t = DEFAULT_BODY_S, value_parser = whole::<u32>(1..=3600))]
    pub body_timeout: u32,
    /// Seconds in which a client takes nothing of an answer that is sent to it
    #[arg(long, env = "FLOODGAUGE_WRITE_TIMEOUT", value_name = "SECONDS", default_value_t = DEFAULT_WRITE_S, value_parser = whole::<u32>(1..=3600))]
    pub write_timeout: u32,
    /// KiB a second that a client sends of a body and takes of an answer at least, beside the seconds
    /// above in all; 0 for none
    #[arg(long, env = "FLOODGAUGE_LEAST_RATE", value_name = "KIB", default_value_t = DEFAULT_LEAST_KIB_S, value_parser = whole::<u32>(0..=1_048_576))]
    pub least_rate: u32,
}

/// Twice as many as requests are answered at once. Chosen, not measured.
const DEFAULT_MOST: NonZeroU32 = NonZeroU32::MIN.saturating_add(8191);

/// A head is one packet, or a few: a slow link takes it over in well under a second. Chosen, not measured.
const DEFAULT_HEAD_S: u32 = 10;

/// Longer than clients keep a connection to ask on it again (90 s by reqwest, which workers and the
/// command line are made with), so that it isn't the server that ends it as they ask.
const DEFAULT_IDLE_S: u32 = 120;

/// Longer than a network that is disturbed takes to mend. Chosen, not measured.
const DEFAULT_BODY_S: u32 = 60;

/// Half of that: what was sent before lies in buffers, so the client has had longer. Chosen, not measured.
const DEFAULT_WRITE_S: u32 = 30;

/// What a bad mobile link still carries, while a checkpoint of the largest size takes hours. Chosen, not
/// measured.
const DEFAULT_LEAST_KIB_S: u32 = 16;

impl Default for Connections {
    fn default() -> Self {
        Self {
            most: DEFAULT_MOST,
            head_timeout: DEFAULT_HEAD_S,
            idle_timeout: DEFAULT_IDLE_S,
            body_timeout: DEFAULT_BODY_S,
            write_timeout: DEFAULT_WRITE_S,
            least_rate: DEFAULT_LEAST_KIB_S,
        }
    }
}

impl Connections {
    /// How long the head of a request may take.
    pub fn head(&self) -> Duration {
        seconds(self.head_timeout)
    }

    /// How long a connection is kept that asks nothing.
    pub fn idle(&self) -> Duration {
        seconds(self.idle_timeout)
    }

    /// How long nothing may come of a body.
    pub fn body(&self) -> Duration {
        seconds(self.body_timeout)
    }

    /// How long a client may take nothing of an answer.
    pub fn write(&self) -> Duration {
        seconds(self.write_timeout)
    }

    /// How many bytes a second a client sends or takes at least; 0 for any.
    pub fn bytes_a_second(&self) -> u64 {
        u64::from(self.least_rate) << 10
    }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}

#[cfg(all(test, feature = "worker"))]
mod tests {
    use super::*;
    use floodgauge_worker::client::SLOW_LINK_BYTES_A_SECOND;

    #[test]
    fn a_worker_waits_for_a_link_that_a_server_takes() {
        assert_eq!(Connections::default().bytes_a_second(), SLOW_LINK_BYTES_A_SECOND);
    }
}
