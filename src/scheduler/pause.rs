//! Pausing: nothing more is given out, and what workers hold comes in at the end of its epoch.
//!
//! The scheduler goes on deciding meanwhile: what is handed in is followed by segments as ever,
//! which wait in the queue until the sweep is resumed.

use super::{
    action::{Action, Decision},
    status::SweepStatus,
    sweep::Sweep,
};
use floodgauge_protocol::{SegmentId, SegmentKind, work::Stop};

impl Sweep {
    /// Gives out nothing more, and has leased segments handed in.
    pub(super) fn pause(&mut self) -> Vec<Decision> {
        if !matches!(self.status, SweepStatus::Queued | SweepStatus::Running) {
            return vec![];
        }
        self.status = SweepStatus::Paused;
        let leased = self.segments.iter().filter(|(_, work)| work.open && work.leased);
        let leased: Vec<SegmentId> = leased.map(|(&id, _)| id).collect();
        leased.into_iter().filter_map(|id| self.drain(id)).collect()
    }

    /// Gives out work again.
    pub(super) fn resume(&mut self) -> Vec<Decision> {
        if self.status == SweepStatus::Paused {
            self.status = if self.begun { SweepStatus::Running } else { SweepStatus::Queued };
        }
        vec![]
    }

    /// Has a leased segment handed in at the end of the epoch at hand. A test takes no longer
    /// than that anyway.
    pub(super) fn drain(&mut self, segment: SegmentId) -> Option<Decision> {
        let work = self.segments.get_mut(&segment)?;
        if work.segment.kind != SegmentKind::Train {
            return None;
        }
        let stop = Stop { arms: work.segment.arms().collect(), at_epoch: 0 };
        work.stops.push(stop.clone());
        let reason = "the sweep is paused; the worker hands in what it has".into();
        Some(Decision { action: Action::Stop { segment, stop }, reason })
    }
}
