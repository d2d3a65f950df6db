//! States kept from the middle of a segment: where the objective was best, and where levels that
//! nobody trains can be woken.
//!
//! A kept state shares its tensors with the group that it comes from, which leaves them behind at
//! its next step. Nothing is copied as long as each epoch is better than the one before; a state
//! that stays longer than one epoch is copied, since it would hold on to those of all the group.

use super::{
    group::{Group, Stack},
    member::Member,
    start::Plan,
};
use crate::{
    checkpoint::{State, Tally},
    evaluate::Scores,
    flood,
};
use floodgauge_protocol::{Method, Metric, ObjectiveMetric};
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
pub(super) struct Best {
    /// Its objective.
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
    pub fn state(&self, plan: &Plan) -> Arc<State> {
        match self {
            Self::Shared { stack, index, step, tally } => {
                let arrays = stack.arrays(plan, *index);
                Arc::new(State { arrays, step: *step, tally: *tally })
            }
            Self::Own(state) => state.clone(),
        }
    }

    /// Lets go of the group's tensors.
    fn settle(&mut self, plan: &Plan) {
        *self = Self::Own(self.state(plan));
    }
}

impl Best {
    /// The best epoch of a run whose best so far is `value`, if it has any.
    pub fn so_far(value: Option<Metric>) -> Self {
        Self { value: value.unwrap_or(Metric::Diverged), here: None }
    }

    /// Whether an epoch is better than all before; the first of equals stays.
    pub fn is_beaten_by(&self, value: Metric) -> bool {
        value.order(self.value) == Ordering::Less
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
}

impl Member {
    /// Remembers the state at the start of an epoch while a dormant level may be crossed in it.
    pub fn depart(&mut self, state: Kept) {
        let best = self.best.here.clone();
        self.watch.start = Some(Waypoint { state, best });
    }

    /// Forgets what was told when states were saved: what it kept, and all but the least loss.
    pub fn forget(&mut self) {
        self.best.here = None;
        self.watch.waypoints.clear();
        self.minima.drain(..self.minima.len().saturating_sub(1));
    }

    /// Keeps the state at the start of the epoch if dormant levels were crossed in it.
    pub fn arrive(&mut self, plan: &Plan) {
        let Some(mut start) = self.watch.start.take() else { return };
        let Some(least) = self.minima.last().map(|least| least.loss) else { return };
        let open = self.watch.dormant.len();
        self.watch.dormant.retain(|&method| !flood::below(method, least));
        if self.watch.dormant.len() < open {
            start.state.settle(plan);
            if let Some((_, best)) = &mut start.best {
                best.settle(plan);
            }
            self.watch.waypoints.push(start);
        }
    }
}

impl Group {
    /// Remembers where the members are, if levels may be woken there.
    pub fn depart(&mut self, step: u64) {
        if !self.members.iter().any(|member| member.watch.is_open()) {
            return;
        }
        let stack = self.freeze();
        for (index, member) in self.members.iter_mut().enumerate() {
            if member.watch.is_open() {
                let (stack, tally) = (stack.clone(), member.tally);
                member.depart(Kept::Shared { stack, index, step, tally });
            }
        }
    }

    /// Keeps the state of the members whose best epoch this is: number `epoch`, from 1, which
    /// ends after `step` steps.
    pub fn keep_best(
        &mut self,
        plan: &Plan,
        metric: ObjectiveMetric,
        epoch: u32,
        step: u64,
        scores: &[Scores],
    ) {
        let mut frozen = None;
        for (index, scores) in scores.iter().enumerate() {
            let value = match metric {
                ObjectiveMetric::ValLoss => scores.loss(),
                ObjectiveMetric::ValError => scores.error(),
            };
            let member = &mut self.members[index];
            if member.diverged_at.is_some() || !member.best.is_beaten_by(value) {
                if let Some((_, kept)) = &mut member.best.here {
                    kept.settle(plan);
                }
                continue;
            }
            // The epoch is over: what was met in it is in the report.
            let tally = member.tally.after_epoch();
            let stack = frozen.get_or_insert_with(|| Arc::new(self.stack.clone())).clone();
            let here = Some((epoch, Kept::Shared { stack, index, step, tally }));
            member.best = Best { value, here };
        }
    }
}
