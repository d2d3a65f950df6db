//! How far a trial is to be trained.

use floodgauge_protocol::segment::last_epoch;

/// How far a trial is to be trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goal {
    /// Epochs from the start.
    pub epoch: u32,
    /// Epochs from that of its onset on, if they end earlier.
    pub exposure: Option<u32>,
}

impl Goal {
    /// So many epochs from the start, whatever its onset.
    pub fn epoch(epoch: u32) -> Self {
        Self { epoch, exposure: None }
    }

    /// The epoch, counted from 1, at which a trial with this onset reaches the goal.
    pub fn last_epoch(self, onset_step: Option<u64>, steps_per_epoch: u64) -> u64 {
        let exposed = last_epoch(self.exposure, onset_step, steps_per_epoch);
        exposed.unwrap_or(u64::MAX).min(self.epoch.into())
    }
}
