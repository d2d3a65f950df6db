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
        /// The family whose arms they are; with other seeds they keep their goals.
        family: FamilyIx,
        /// In any order; those that lie dormant are given it too.
        arms: Vec<ArmIx>,
        /// In place of the goal that they had.
        goal: Goal,
    },
    /// Queues what brings those of a family's arms to their goals that aren't there yet.
    EnqueueToGoals {
        /// The family that is trained: segments never mix families.
        family: FamilyIx,
        /// In any order; those that aren't active are left out.
        arms: Vec<ArmIx>,
        /// What the log says that they are trained for; it changes nothing else.
        purpose: Purpose,
    },
    /// Lets an active trial go on to the next rung.
    Promote {
        /// An active trial; so it stays.
        trial: TrialKey,
        /// The rung that it leaves, from 0.
        rung: u32,
        /// What the decision and the trial then say.
        why: Reason,
    },
    /// Trains an active trial no further.
    Prune {
        /// An active trial.
        trial: TrialKey,
        /// The rung at which it ends, from 0.
        rung: u32,
        /// What the decision and the trial then say.
        why: Reason,
    },
    /// Lets an active trial lie dormant again.
    Rest {
        /// An active trial; what was trained of it is kept.
        trial: TrialKey,
        /// What the decision and the trial then say.
        why: Reason,
    },
    /// Lets a trial lie dormant from the start.
    LieDormant {
        /// An active trial that nothing was trained of.
        trial: TrialKey,
        /// What the trial then says; the log has no decision of it.
        why: Reason,
    },
    /// Lets a dormant trial train from the start, on its own.
    Activate(TrialKey),
    /// Lets a dormant trial go on from its trunk's last state before its onset.
    Wake {
        /// A dormant trial that shares the trunk, whose level the trunk has fallen below.
        trial: TrialKey,
        /// In place of the goal that it had.
        goal: Goal,
        /// What the log says that it is woken for; it changes nothing else.
        cause: Cause,
    },
    /// Gives a dormant trial, whose level was never reached, all that its trunk has.
    TakeTrunk(TrialKey),
    /// Ends an active trial after all its epochs.
    Complete {
        /// An active trial with all epochs of a full run.
        trial: TrialKey,
        /// Whether its level was never reached, so that it is the plain run.
        is_plain: bool,
    },
    /// Ends an active trial otherwise.
    End {
        /// An active trial.
        trial: TrialKey,
        /// The status that it then has.
        end: TrialEnd,
        /// What the decision and the trial then say.
        why: Reason,
    },
    /// Adds arms at further levels, which lie dormant, for every method that has one.
    AddLevels {
        /// In nats, in any order; those that are there already add nothing.
        levels: Vec<f64>,
        /// What the decision says; the trials say that they weren't trained.
        why: Reason,
    },
    /// Aims at a full run of arms of a family whose seed was added.
    Begin {
        /// A family that an extension added, of which nothing was trained.
        family: FamilyIx,
        /// Plain among them; the family's others lie dormant.
        arms: Vec<ArmIx>,
    },
    /// Aims at a full run of what a family trained to the end, if a full run is longer now, of arms that
    /// were added, and of arms that it didn't train to the end.
    TakeOn {
        /// A family that was there before the extension.
        family: FamilyIx,
        /// The arms that the extension added; empty if it added no level.
        added: Vec<ArmIx>,
        /// Arms that it had, and that go on to the end; those that have ended stay as they are.
        finish: Vec<ArmIx>,
    },
    /// Lets a trial that hasn't ended go on to the end, from wherever it is.
    GoOn {
        /// One that was pruned or lies dormant.
        trial: TrialKey,
        /// What the decision and the trial then say.
        why: Reason,
    },
    /// Trains nothing more of a bracket, by position.
    Close(usize),
}
