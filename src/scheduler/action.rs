//! What the scheduler wants done, each with its reason.

use super::{reason::Reason, status::TrialStatus};
use crate::verdict::Best;
use floodgauge_protocol::{Arm, Segment, SegmentId, TrialKey, work::Stop};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An action and why it was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// The action.
    #[serde(flatten)]
    pub action: Action,
    /// Why, in words for people.
    pub reason: String,
    /// Why, as data. Logs of version 0.1.0 have the words alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Reason>,
}

impl Decision {
    /// An action, why it is taken, and the words for that.
    pub fn new(action: Action, why: Reason) -> Self {
        Self { action, reason: why.to_string(), why: Some(why) }
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Put a segment into the queue.
    Enqueue {
        /// All that a worker is told of the work, but the recipe.
        segment: Segment,
    },
    /// Put a failed segment back into the queue.
    Retry {
        /// By the index that it was queued with; it stays the same segment, with a further attempt.
        segment: SegmentId,
    },
    /// Take a segment out of the queue, or from its worker.
    Withdraw {
        /// A segment that isn't over; no worker is given it again.
        segment: SegmentId,
    },
    /// Have a leased segment's worker stop some of its arms.
    Stop {
        /// A segment that a worker holds.
        segment: SegmentId,
        /// Which arms, and after which epoch; all of them where the segment is to be handed in.
        stop: Stop,
    },
    /// Let a trial go on to the next rung.
    Promote {
        /// One seed's run of an arm; those of other seeds have promotions of their own.
        trial: TrialKey,
        /// The rung that it leaves, from 0.
        rung: u32,
    },
    /// Add arms beyond an end of the levels. Their trials lie dormant in every family.
    Grow {
        /// The arms, behind all others.
        arms: Vec<Arm>,
    },
    /// Let a dormant trial go on from its trunk.
    Wake {
        /// A dormant trial, of an arm that shares the trunk of its family.
        trial: TrialKey,
        /// The epochs that it has in common with its trunk.
        epochs: u32,
    },
    /// Let a pruned trial go on from where it was.
    Resume {
        /// One seed's run of an arm.
        trial: TrialKey,
    },
    /// Let a trial lie dormant again: nothing tells it from one that goes on.
    Rest {
        /// A probe, which keeps what was trained of it.
        trial: TrialKey,
    },
    /// Train a trial that had ended again, to where it was.
    Again {
        /// One seed's run of an arm; active until it is there.
        trial: TrialKey,
    },
    /// A trial that was trained again is what it was before.
    AsBefore {
        /// One seed's run of an arm.
        trial: TrialKey,
        /// How it had ended.
        status: TrialStatus,
    },
    /// Train a trial no further; others did better.
    Prune {
        /// One seed's run of an arm; those of other seeds have prunings of their own.
        trial: TrialKey,
        /// The rung at which it ends, from 0.
        rung: u32,
    },
    /// A trial ended otherwise.
    End {
        /// With other seeds its arm may go on.
        trial: TrialKey,
        /// Which is the status that it keeps, unless the sweep is extended.
        end: TrialEnd,
    },
    /// The sweep is done; its answer.
    Complete {
        /// What `GET /v1/sweeps/{id}/best` answers from then on.
        best: Box<Best>,
    },
    /// The sweep can't be done.
    Fail,
    /// The sweep was cancelled.
    Cancel,
}

/// How a trial ended, other than by pruning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrialEnd {
    /// It trained all its epochs.
    Completed,
    /// A loss was NaN or infinite.
    Diverged,
    /// Its segment failed as often as it may.
    Failed,
}
