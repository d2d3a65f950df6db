//! Arms that share one run until the loss falls below their level.
//!
//! Until then their runs are the plain run, bit for bit. So one member trains plain for all of
//! them, and before each update those whose level lies above the mini-batch loss become members
//! of their own, with copies of its state.

use super::{group::Group, keep::Watch, member::Member};
use crate::{checkpoint::State, cohort::start::Plan, flood};
use floodgauge_protocol::{ArmIx, Method};

/// An arm with its method.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arm {
    pub ix: ArmIx,
    pub method: Method,
}

impl Member {
    /// Takes away the arms that `leave`: they become another member in the same state. None
    /// where no arm or every arm leaves; this one then stays as it is.
    pub fn part(&mut self, leave: impl Fn(&Arm) -> bool) -> Option<Self> {
        let (leaving, staying): (Vec<_>, Vec<_>) = self.arms.iter().partition(|&arm| leave(arm));
        if leaving.is_empty() || staying.is_empty() {
            return None;
        }
        let other = self.with(leaving);
        *self = self.with(staying);
        Some(other)
    }

    /// Whether the arms part at a step that meets `loss`. One arm alone has nothing to part from.
    pub fn forks(&self, loss: f64) -> bool {
        let below = |arm: &Arm| flood::below(arm.method, loss);
        self.arms.len() > 1 && self.diverged_at.is_none() && self.arms.iter().any(below)
    }

    /// The members that go on from here: the trunk, where arms still ride, and each other alone.
    fn fork(mut self, loss: f64) -> Vec<Self> {
        let below = |arm: &Arm| flood::below(arm.method, loss);
        let (leaving, trunk) = match self.part(below) {
            Some(leaving) => (leaving, Some(self)),
            None => (self, None),
        };
        let watch = Watch::default();
        let leaving = Self { watch, ..leaving };
        let alone = leaving.arms.iter().map(|&arm| leaving.with(vec![arm]));
        trunk.into_iter().chain(alone).collect()
    }

    /// The same run, for `arms`.
    fn with(&self, arms: Vec<Arm>) -> Self {
        Self { method: common(&arms), arms, ..self.clone() }
    }
}

/// What arms train with together. An arm alone trains with its own method, and so finds its
/// onset without a fork.
pub(super) fn common(arms: &[Arm]) -> Method {
    match arms {
        [arm] => arm.method,
        _ => Method::Plain,
    }
}

impl Group {
    /// Whether arms part at a step that meets these mean losses, one for each member.
    pub fn forks(&self, losses: impl IntoIterator<Item = f64>) -> bool {
        self.members.iter().zip(losses).any(|(member, loss)| member.forks(loss))
    }

    /// Forks the arms that part at step number `step`, which meets `losses` and isn't taken yet, or
    /// has to be begun anew. Those that there is no room for wait, in this state.
    pub fn fork(&mut self, plan: &Plan, step: u64, losses: &[f64]) {
        let whole = self.unstack(plan, step).into_iter().zip(losses);
        let (mut staying, mut forked) = (Vec::new(), Vec::new());
        for ((member, state), &loss) in whole {
            let mut members =
                if member.forks(loss) { member.fork(loss) } else { vec![member] }.into_iter();
            // The first takes its place.
            staying.extend(members.next().map(|member| (member, state.clone())));
            forked.extend(members.map(|member| (member, state.clone())));
        }
        let room = self.room.saturating_sub(staying.len()).min(forked.len());
        self.waiting.extend(forked.split_off(room));
        staying.extend(forked);
        let (members, states): (Vec<_>, Vec<State>) = staying.into_iter().unzip();
        self.refill(plan, members, &states);
    }
}
