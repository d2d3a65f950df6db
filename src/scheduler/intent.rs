//! What a policy wants done.

use super::{
    action::TrialEnd,
    goal::Goal,
    reason::{Cause, Purpose, Reason},
};
use floodgauge_protocol::{ArmIx, FamilyIx, TrialKey};

/// One thing that a policy wants. Those that name a trial in another state than they say change
/// nothing: a trial may have diverged or failed in the meantime.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// Says how far arms of a family are to be trained.
    SetGoal {
        /// The family.
        family: FamilyIx,
        /// The arms.
        arms: Vec<ArmIx>,
        /// How far.
        goal: Goal,
    },
    /// Queues what brings those of a family's arms to their goals that aren't there yet.
    EnqueueToGoals {
        /// The family.
        family: FamilyIx,
        /// The arms.
        arms: Vec<ArmIx>,
        /// What they are trained for.
        purpose: Purpose,
    },
    /// Lets an active trial go on to the next rung.
    Promote {
        /// The trial.
        trial: TrialKey,
        /// The rung that it leaves, from 0.
        rung: u32,
        /// Why.
        why: Reason,
    },
    /// Trains an active trial no further.
    Prune {
        /// The trial.
        trial: TrialKey,
        /// The rung at which it ends, from 0.
        rung: u32,
        /// Why.
        why: Reason,
    },
    /// Lets an active trial lie dormant again.
    Rest {
        /// The trial.
        trial: TrialKey,
        /// Why.
        why: Reason,
    },
    /// Lets a trial lie dormant from the start.
    LieDormant {
        /// The trial.
        trial: TrialKey,
        /// Why.
        why: Reason,
    },
    /// Lets a dormant trial train from the start, on its own.
    Activate(TrialKey),
    /// Lets a dormant trial go on from its trunk's last state before its onset.
    Wake {
        /// The trial.
        trial: TrialKey,
        /// How far it is to be trained.
        goal: Goal,
        /// What for.
        cause: Cause,
    },
    /// Gives a dormant trial, whose level was never reached, all that its trunk has.
    TakeTrunk(TrialKey),
    /// Ends an active trial after all its epochs.
    Complete {
        /// The trial.
        trial: TrialKey,
        /// Whether its level was never reached, so that it is the plain run.
        is_plain: bool,
    },
    /// Ends an active trial otherwise.
    End {
        /// The trial.
        trial: TrialKey,
        /// How.
        end: TrialEnd,
        /// Why.
        why: Reason,
    },
    /// Adds arms at further levels, which lie dormant, for every method that has one.
    AddLevels {
        /// The levels; those that are there already add nothing.
        levels: Vec<f64>,
        /// Why.
        why: Reason,
    },
    /// Aims at a full run of arms of a family whose seed was added.
    Begin {
        /// The family.
        family: FamilyIx,
        /// The arms.
        arms: Vec<ArmIx>,
    },
    /// Aims at a full run of what a family trained to the end, if a full run is longer now, and of
    /// arms that were added.
    TakeOn {
        /// The family.
        family: FamilyIx,
        /// The arms that were added.
        added: Vec<ArmIx>,
    },
    /// Trains nothing more of a bracket.
    Close(usize),
}
