//! Arms that share one run until the loss falls below their level.
//!
//! Until then their runs are the plain run, bit for bit. So one member trains plain for all of
//! them, and before each update those whose level lies above the mini-batch loss become members
//! of their own, with copies of its state.

use super::{
    group::{Group, Member},
    keep::{Best, Watch},
};
use crate::{
    checkpoint::{State, Tally},
    cohort::start::Plan,
    flood,
};
use floodgauge_protocol::{ArmIx, Branch, Method, work::Minimum};

/// An arm with its method.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arm {
    pub ix: ArmIx,
    pub method: Method,
}

impl Member {
    /// A member for `arms`, of which there is at least one; several all ride.
    pub fn new(
        place: usize,
        arms: Vec<Arm>,
        watch: Vec<Method>,
        tally: Tally,
        branch: &Branch,
    ) -> Self {
        Self {
            branch: place,
            method: common(&arms),
            arms,
            tally,
            grad_norm: 0.0,
            onset_step: branch.onset_step,
            exposure: branch.exposure,
            diverged_at: None,
            minima: vec![],
            best: Best::so_far(branch.best),
            watch: Watch::new(watch),
        }
    }

    /// The arms by their index.
    pub fn arm_ids(&self) -> Vec<ArmIx> {
        self.arms.iter().map(|arm| arm.ix).collect()
    }

    /// Where it stands in reports: by branch, then by arm.
    pub fn place(&self) -> (usize, Option<ArmIx>) {
        (self.branch, self.arms.first().map(|arm| arm.ix))
    }

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

    /// Notes the loss of a plain step, should it be the least so far.
    pub fn log(&mut self, step: u64, loss: f64) {
        if self.minima.last().is_none_or(|least| loss < least.loss) {
            self.minima.push(Minimum { step, loss });
        }
    }

    /// Whether the arms part at a step that meets `loss`. One arm alone has nothing to part from.
    fn forks(&self, loss: f64) -> bool {
        let below = |arm: &Arm| flood::below(arm.method, loss as f32);
        self.arms.len() > 1 && self.diverged_at.is_none() && self.arms.iter().any(below)
    }

    /// The members that go on from here: the trunk, where arms still ride, and each other alone.
    fn fork(mut self, loss: f64) -> Vec<Self> {
        let below = |arm: &Arm| flood::below(arm.method, loss as f32);
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
fn common(arms: &[Arm]) -> Method {
    match arms {
        [arm] => arm.method,
        _ => Method::Plain,
    }
}

impl Group {
    /// Forks the arms that part at step number `step`, which meets `losses` and isn't taken yet.
    /// Says whether there were any; the step then has to be begun anew.
    pub fn fork(&mut self, plan: &Plan, step: u64, losses: &[f64]) -> bool {
        if !self.members.iter().zip(losses).any(|(member, &loss)| member.forks(loss)) {
            return false;
        }
        let whole = self.unstack(plan, step).into_iter().zip(losses);
        let (members, states): (Vec<_>, Vec<_>) = whole
            .flat_map(|((member, state), &loss)| {
                let members = if member.forks(loss) { member.fork(loss) } else { vec![member] };
                let states = vec![state; members.len()];
                members.into_iter().zip::<Vec<State>>(states)
            })
            .unzip();
        *self = Self::stack(plan, members, &states, &self.device);
        true
    }
}
