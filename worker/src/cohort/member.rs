//! What is known of a member beside its tensors.

use super::{
    arm::{self, Arm},
    keep::{BestState, Kept, Watch, Waypoint},
    setup::TrainingSetup,
};
use crate::{checkpoint::Tally, flood};
use floodgauge_protocol::{
    ArmIx, Branch, Method, Metric,
    work::{Diagnostics, Minimum},
};

/// Where a run stands in reports and answers: its branch's position, then the first of its arms.
pub(super) type Place = (usize, Option<ArmIx>);

/// A run, for one or several arms.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Its branch's position in the segment.
    pub branch: usize,
    /// The arms that it stands for: one once it is past its onset, several while they share the trunk.
    pub arms: Vec<Arm>,
    /// What it trains with.
    pub method: Method,
    /// Sums over its steps so far, which checkpoints carry.
    pub tally: Tally,
    /// The norm of the gradient of the last mini-batch of an epoch.
    pub grad_norm: f64,
    /// The first step at which its method departed from plain.
    pub onset_step: Option<u64>,
    /// See [`floodgauge_protocol::Branch::exposure`].
    pub exposure: Option<u32>,
    /// The first step whose loss was NaN or infinite; from there on its numbers mean nothing.
    pub diverged_at: Option<u64>,
    /// The steps of this segment whose loss was the least so far; of plain steps only.
    pub minima: Vec<Minimum>,
    /// The best epoch of its run.
    pub best: BestState,
    /// What it keeps for arms that nobody trains.
    pub watch: Watch,
}

/// What one step showed of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct StepOutcome {
    /// The mean loss of the mini-batch, in nats.
    pub mean_loss: f64,
    /// Whether the step differs from a plain one.
    pub differs: bool,
    /// Whether it went up.
    pub ascends: bool,
    /// The norm of the gradient, at the last step of an epoch.
    pub grad_norm: Option<f64>,
    /// Whether the loss was NaN or infinite where a second gradient was taken.
    pub second_diverged: bool,
}

impl StepOutcome {
    /// That of a member of `method` in a mini-batch of mean loss `mean_loss`, in nats; turns its
    /// `losses` into weights.
    pub fn weigh(method: Method, mean_loss: f64, losses: &mut [f32]) -> Self {
        for loss in losses.iter_mut() {
            *loss = flood::weight(method, mean_loss as f32, *loss);
        }
        let weights = losses;
        let differs = flood::differs_from_plain(method, weights);
        let ascends = flood::ascends(method, weights);
        Self { mean_loss, differs, ascends, ..Self::default() }
    }
}

impl Member {
    /// A member for `arms`, of which there is at least one; several all share the trunk.
    pub fn new(
        place: usize,
        arms: Vec<Arm>,
        watch: Vec<Method>,
        tally: Tally,
        branch: &Branch,
    ) -> Self {
        Self {
            branch: place,
            method: arm::common(&arms),
            arms,
            tally,
            grad_norm: 0.0,
            onset_step: branch.onset_step,
            exposure: branch.exposure,
            diverged_at: None,
            minima: vec![],
            best: BestState::so_far(branch.best),
            watch: Watch::new(watch),
        }
    }

    /// The arms by their index.
    pub fn arm_ids(&self) -> Vec<ArmIx> {
        self.arms.iter().map(|arm| arm.ix).collect()
    }

    /// Its place in reports: the branch that it comes from, then the first of its arms.
    pub fn place(&self) -> Place {
        (self.branch, self.arms.first().map(|arm| arm.ix))
    }

    /// Whether it takes a second gradient of each mini-batch.
    pub fn takes_second(&self) -> bool {
        self.method.gradients_per_step() > 1 && self.diverged_at.is_none()
    }

    /// Notes the outcome of a step.
    pub fn record(&mut self, step: u64, outcome: StepOutcome) {
        if !outcome.mean_loss.is_finite() {
            self.diverged_at.get_or_insert(step);
        }
        if self.diverged_at.is_some() {
            return;
        }
        self.tally.loss_sum += outcome.mean_loss;
        if outcome.differs {
            self.onset_step.get_or_insert(step);
        }
        if self.onset_step.is_none() {
            self.note_minimum(step, outcome.mean_loss);
        }
        if outcome.ascends {
            self.tally.flooded_steps += 1;
            self.tally.flooded_in_epoch += 1;
        }
        if let Some(norm) = outcome.grad_norm {
            self.grad_norm = norm;
        }
        if outcome.second_diverged {
            self.diverged_at = Some(step);
        }
    }

    /// Notes the loss of a plain step, should it be the least so far.
    fn note_minimum(&mut self, step: u64, loss: f64) {
        if self.minima.last().is_none_or(|least| loss < least.loss) {
            self.minima.push(Minimum { step, loss });
        }
    }

    /// How the epoch of `batches` mini-batches that ends here went: its mean loss, and more.
    pub fn close(&mut self, batches: u64) -> (Metric, Diagnostics) {
        let Tally { loss_sum, flooded_steps, flooded_in_epoch } = self.tally;
        self.tally = self.tally.after_epoch();
        let steps = match self.method {
            Method::Alternating { .. } => 2 * batches,
            _ => batches,
        };
        let diagnostics = Diagnostics {
            grad_norm: Metric::from(self.grad_norm),
            ascending: flooded_in_epoch as f64 / steps as f64,
            flooded_steps,
        };
        (Metric::from(loss_sum / batches as f64), diagnostics)
    }

    /// Remembers its state at the start of an epoch while a dormant level may be crossed in it.
    pub fn begin_epoch(&mut self, state: Kept) {
        let best = self.best.here.clone();
        self.watch.begin_epoch(Waypoint { state, best });
    }

    /// Keeps the state at the start of the epoch if dormant levels were crossed in it.
    pub fn end_epoch(&mut self, setup: &TrainingSetup) {
        self.watch.end_epoch(&self.minima, setup);
    }

    /// Forgets what the server has had of it when states were saved: what it kept, and all but the
    /// least loss.
    pub fn forget_saved(&mut self) {
        self.best.here = None;
        self.watch.waypoints.clear();
        self.minima.drain(..self.minima.len().saturating_sub(1));
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

    /// Whether the arms part at a step of mean loss `loss`. One arm alone has nothing to part from.
    pub fn forks(&self, loss: f64) -> bool {
        let below = |arm: &Arm| flood::below(arm.method, loss);
        self.arms.len() > 1 && self.diverged_at.is_none() && self.arms.iter().any(below)
    }

    /// The members that go on from here: the trunk, where arms still share it, and each other alone.
    pub fn fork(mut self, loss: f64) -> Vec<Self> {
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
        Self { method: arm::common(&arms), arms, ..self.clone() }
    }
}
