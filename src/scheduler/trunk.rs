//! What is known of a family's plain run: where it crosses levels, and where they can be woken.

use super::{
    action::{Action, Decision},
    status::TrialStatus,
    sweep::Sweep,
    trial::Goal,
};
use floodgauge_protocol::{
    ArmIx, Digest, TrialKey,
    work::{self, FinishedBranch, Minimum, Waypoint},
};

/// The plain run of a family, as far as it was trained.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Trunk {
    /// The steps that met a loss below that of every step before, in rising order.
    minima: Vec<Minimum>,
    /// Its states from which dormant arms can go on, in rising order of step: those that were kept
    /// for arms that lay dormant then, and the last of each segment, for arms that are added later.
    waypoints: Vec<Waypoint>,
}

impl Trunk {
    /// Takes in what a segment of the plain run hands in, or saves before it `ends`; `best` was its
    /// best epoch before.
    pub fn extend(&mut self, branch: &FinishedBranch, best: Option<work::BestEpoch>, ends: bool) {
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

    /// The last state before a step.
    fn before(&self, step: u64) -> Option<&Waypoint> {
        self.waypoints.iter().rev().find(|waypoint| waypoint.step <= step)
    }

    /// The checkpoints that it keeps.
    pub fn checkpoints(&self) -> impl Iterator<Item = Digest> + '_ {
        let best = self.waypoints.iter().filter_map(|waypoint| waypoint.best);
        let states = self.waypoints.iter().map(|waypoint| waypoint.checkpoint);
        states.chain(best.map(|best| best.checkpoint))
    }
}

impl Sweep {
    /// The onset of an arm, as soon as its own run or its trunk has told.
    pub fn onset(&self, key: TrialKey) -> Option<u64> {
        let trial = self.trials.get(&key)?;
        let method = self.plan.arms.get(key.arm.ix())?;
        let trunk = || {
            let level = method.level().filter(|_| method.shares_trunk())?;
            self.trunks.get(&key.family)?.onset(level)
        };
        trial.onset_step.or_else(trunk)
    }

    /// Lets a dormant arm go on from its trunk's last state before its onset, towards a goal.
    /// None if it isn't dormant, or the trunk hasn't crossed its level.
    pub(super) fn wake(&mut self, key: TrialKey, goal: Goal, why: &str) -> Option<Decision> {
        let onset = self.onset(key)?;
        let from = self.trunks.get(&key.family)?.before(onset).copied();
        let epochs = from.map_or(0, |from| from.step / self.steps_per_epoch) as u32;
        let plain = self.trials.get(&TrialKey::new(key.family, ArmIx::PLAIN))?;
        let shared = plain.curve.get(..epochs as usize)?.to_vec();
        let trial =
            self.trials.get_mut(&key).filter(|trial| trial.status == TrialStatus::Dormant)?;
        trial.status = TrialStatus::Active;
        trial.curve = shared;
        trial.goal = goal;
        if let Some(from) = from {
            (trial.checkpoint, trial.saved_step) = (Some(from.checkpoint), from.step);
            trial.best = from.best;
        }
        let crossed = onset as f64 / self.steps_per_epoch as f64;
        let reason = format!("{why}; its onset is at epoch {crossed:.1}, it goes on from {epochs}");
        trial.reason = Some(reason.clone());
        Some(Decision { action: Action::Wake { trial: key, epochs }, reason })
    }
}
