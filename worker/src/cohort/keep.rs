//! States kept from the middle of a segment: where the objective was best, and where levels that
//! nobody trains can be woken.
//!
//! A kept state shares its tensors with the group that it comes from, which takes others at
//! its next step. Nothing is copied as long as each epoch is better than the one before; a state
//! that stays longer than one epoch is copied, since it would hold on to those of all the group.

use super::{setup::TrainingSetup, stack::Stack};
use crate::{
    checkpoint::{State, Tally},
    flood,
};
use floodgauge_protocol::{Direction, Method, Metric, work::Minimum};
use std::{cmp::Ordering, sync::Arc};

/// A member's state at some step.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// In the tensors of its group as they were.
    Shared { stack: Arc<Stack>, index: usize, step: u64, tally: Tally },
    /// By itself.
    Own(Arc<State>),
}

/// The best epoch of a run so far.
#[derive(Clone, Debug)]
pub(super) struct BestState {
    /// The segment's metric after it; diverged before the first.
    pub value: Metric,
    /// Epochs done, and the state after them; none if it lies before this segment.
    pub here: Option<(u32, Kept)>,
}

/// Where a run of its own can begin for levels that were crossed in the epoch that followed.
#[derive(Clone, Debug)]
pub(super) struct Waypoint {
    pub state: Kept,
    /// The best epoch until then, if it lies in this segment.
    pub best: Option<(u32, Kept)>,
}

/// What a trunk keeps for the levels that lie dormant.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// The methods that the trunk's loss hasn't fallen below yet.
    dormant: Vec<Method>,
    /// The state at the start of the epoch.
    start: Option<Waypoint>,
    pub waypoints: Vec<Waypoint>,
}

impl Kept {
    /// Steps done.
    pub fn step(&self) -> u64 {
        match self {
            Self::Shared { step, .. } => *step,
            Self::Own(state) => state.step,
        }
    }

    /// The state on the host.
    pub fn state(&self, setup: &TrainingSetup) -> Arc<State> {
        match self {
            Self::Shared { stack, index, step, tally } => {
                let arrays = stack.arrays(setup, *index);
                Arc::new(State { arrays, step: *step, tally: *tally })
            }
            Self::Own(state) => state.clone(),
        }
    }

    /// Lets go of the group's tensors.
    pub fn detach(&mut self, setup: &TrainingSetup) {
        *self = Self::Own(self.state(setup));
    }
}

impl BestState {
    /// The best epoch of a run whose best so far is `value`, if it has any.
    pub fn so_far(value: Option<Metric>) -> Self {
        Self { value: value.unwrap_or(Metric::Diverged), here: None }
    }

    /// Whether an epoch is better than all before; the first of equals stays.
    pub fn is_beaten_by(&self, value: Metric, direction: Direction) -> bool {
        let minimised = |value| direction.minimised(value);
        minimised(value).order(minimised(self.value)) == Ordering::Less
    }
}

impl Watch {
    /// Nothing is kept before one of `dormant` is crossed.
    pub fn new(dormant: Vec<Method>) -> Self {
        Self { dormant, ..Self::default() }
    }

    /// Whether some level hasn't been crossed.
    pub fn is_open(&self) -> bool {
        !self.dormant.is_empty()
    }

    /// Remembers the state at the start of an epoch while a dormant level may be crossed in it.
    pub fn begin_epoch(&mut self, start: Waypoint) {
        self.start = Some(start);
    }

    /// Keeps the state at the start of the epoch if dormant levels were crossed in it: if they lie
    /// above the least loss so far, the last of `minima`.
    pub fn end_epoch(&mut self, minima: &[Minimum], setup: &TrainingSetup) {
        let Some(mut start) = self.start.take() else { return };
        let Some(least) = minima.last().map(|least| least.loss) else { return };
        let open = self.dormant.len();
        self.dormant.retain(|&method| !flood::below(method, least));
        if self.dormant.len() < open {
            start.state.detach(setup);
            if let Some((_, best)) = &mut start.best {
                best.detach(setup);
            }
            self.waypoints.push(start);
        }
    }
}
