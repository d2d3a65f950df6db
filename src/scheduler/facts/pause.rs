//! Pausing: nothing more is given out, and what workers hold comes in at the end of its epoch.
//!
//! The scheduler goes on deciding meanwhile: what is handed in is followed by segments as ever,
//! which wait in the queue until the sweep is resumed.

use super::Facts;
use crate::scheduler::{
    action::{Action, Decision},
    reason::Reason,
    status::SweepStatus,
};
use floodgauge_protocol::{SegmentId, SegmentKind, work::Stop};

/// Gives out nothing more, and has leased segments handed in.
pub(super) fn pause(facts: &mut Facts) -> Vec<Decision> {
    if !matches!(facts.status, SweepStatus::Queued | SweepStatus::Running) {
        return vec![];
    }
    facts.status = SweepStatus::Paused;
    facts.interrupted = true;
    let queued = facts.segments.all_queued_mut();
    let leased: Vec<_> = queued.filter(|(_, queued)| queued.leased).map(|(id, _)| id).collect();
    leased.into_iter().filter_map(|id| hand_in(facts, id)).collect()
}

/// Gives out work again.
pub(super) fn resume(facts: &mut Facts) {
    if facts.status == SweepStatus::Paused {
        facts.status = if facts.begun { SweepStatus::Running } else { SweepStatus::Queued };
    }
}

/// Has a leased segment handed in at the end of the epoch at hand. A test takes no longer
/// than that anyway.
pub(super) fn hand_in(facts: &mut Facts, segment: SegmentId) -> Option<Decision> {
    let queued = facts.segments.queued_mut(segment)?;
    if queued.segment.kind != SegmentKind::Train {
        return None;
    }
    let stop = Stop { arms: queued.segment.arms().collect(), at_epoch: 0 };
    queued.stops.push(stop.clone());
    Some(Decision::new(Action::Stop { segment, stop }, Reason::Paused))
}
