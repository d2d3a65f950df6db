//! What is known of a family's plain run: where it crosses levels, and where they can be woken.

use floodgauge_protocol::{
    Digest,
    work::{self, FinishedBranch, Minimum, Waypoint},
};

/// The plain run of a family, as far as it was trained.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trunk {
    /// The steps that met a loss below that of every step before, in rising order.
    minima: Vec<Minimum>,
    /// Its states from which dormant arms can go on, in rising order of step: those that were kept
    /// for arms that lay dormant then, and the last of each segment, for arms that are added later.
    waypoints: Vec<Waypoint>,
}

impl Trunk {
    /// Takes in what a segment of the plain run hands in, or saves before it `ends`; `best` was its
    /// best epoch before.
    pub(super) fn extend(
        &mut self,
        branch: &FinishedBranch,
        best: Option<work::BestEpoch>,
        ends: bool,
    ) {
        for minimum in &branch.minima {
            if self.minima.last().is_none_or(|least| minimum.loss < least.loss) {
                self.minima.push(*minimum);
            }
        }
        let last = branch.checkpoint.filter(|_| ends).map(|checkpoint| {
            let (step, best) = (branch.step, branch.best);
            Waypoint { step, checkpoint, best }
        });
        for waypoint in branch.waypoints.iter().copied().chain(last) {
            if self.waypoints.last().is_none_or(|before| waypoint.step > before.step) {
                self.waypoints.push(Waypoint { best: waypoint.best.or(best), ..waypoint });
            }
        }
    }

    /// The first step whose mini-batch loss was below a level, in nats.
    pub fn onset(&self, level: f64) -> Option<u64> {
        work::onset(&self.minima, level)
    }

    /// The loss of the first mini-batch, in nats: that of the untrained model.
    pub fn first_loss(&self) -> Option<f64> {
        self.minima.first().map(|minimum| minimum.loss)
    }

    /// Keeps those of its states alone of which that holds.
    pub(super) fn retain(&mut self, holds: impl FnMut(&Waypoint) -> bool) {
        self.waypoints.retain(holds);
    }

    /// The last state before a step.
    pub(super) fn before(&self, step: u64) -> Option<&Waypoint> {
        self.waypoints.iter().rev().find(|waypoint| waypoint.step <= step)
    }

    /// The checkpoints that it keeps.
    pub fn checkpoints(&self) -> impl Iterator<Item = Digest> + '_ {
        let best = self.waypoints.iter().filter_map(|waypoint| waypoint.best);
        let states = self.waypoints.iter().map(|waypoint| waypoint.checkpoint);
        states.chain(best.map(|best| best.checkpoint))
    }
}
