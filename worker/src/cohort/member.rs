//! What is known of a member beside its tensors.

use super::{
    fork::{self, Arm},
    keep::{Best, Watch},
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
    /// The arms that it stands for: one once it is past its onset, several while they ride.
    pub arms: Vec<Arm>,
    /// What it trains with.
    pub method: Method,
    /// What it has met so far.
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
    pub best: Best,
    /// What it keeps for arms that nobody trains.
    pub watch: Watch,
}

/// What a member met in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Met {
    /// The mean loss of the mini-batch, in nats.
    pub mean: f64,
    /// Whether its method departed from plain.
    pub departs: bool,
    /// Whether it went up.
    pub ascends: bool,
    /// The norm of the gradient, where it was asked for.
    pub norm: Option<f64>,
    /// Whether the loss was NaN or infinite where a second gradient was taken.
    pub broke: bool,
}

impl Met {
    /// What a member of `method` meets in a mini-batch of mean loss `mean`, in nats; turns its
    /// `losses` into weights.
    pub fn weigh(method: Method, mean: f64, losses: &mut [f32]) -> Self {
        for loss in losses.iter_mut() {
            *loss = flood::weight(method, mean as f32, *loss);
        }
        let weights = losses;
        let (departs, ascends) = (flood::departs(method, weights), flood::ascends(method, weights));
        Self { mean, departs, ascends, ..Self::default() }
    }
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
            method: fork::common(&arms),
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

    /// Where it stands.
    pub fn place(&self) -> Place {
        (self.branch, self.arms.first().map(|arm| arm.ix))
    }

    /// Whether it takes a second gradient of each mini-batch.
    pub fn takes_second(&self) -> bool {
        self.method.gradients_per_step() > 1 && self.diverged_at.is_none()
    }

    /// Notes what it met in a step.
    pub fn meet(&mut self, step: u64, met: Met) {
        if !met.mean.is_finite() {
            self.diverged_at.get_or_insert(step);
        }
        if self.diverged_at.is_some() {
            return;
        }
        self.tally.loss_sum += met.mean;
        if met.departs {
            self.onset_step.get_or_insert(step);
        }
        if self.onset_step.is_none() {
            self.log(step, met.mean);
        }
        if met.ascends {
            self.tally.flooded_steps += 1;
            self.tally.flooded_in_epoch += 1;
        }
        if let Some(norm) = met.norm {
            self.grad_norm = norm;
        }
        if met.broke {
            self.diverged_at = Some(step);
        }
    }

    /// Notes the loss of a plain step, should it be the least so far.
    fn log(&mut self, step: u64, loss: f64) {
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
}
