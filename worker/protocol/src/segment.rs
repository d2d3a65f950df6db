//! Segments: the unit of leased work.

use crate::{
    digest::Digest,
    ids::{ArmIx, FamilyIx, SegmentId},
    metric::{Direction, Metric, MetricName},
};
use serde::{Deserialize, Serialize};

/// Advance some branches of one family from one optimiser step to another, in lockstep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Segment {
    /// Its index among all segments of the sweep, in the order in which they were asked for.
    pub segment: SegmentId,
    /// The family that every branch belongs to.
    pub family: FamilyIx,
    /// Whether to train or to test.
    pub kind: SegmentKind,
    /// Optimiser steps done before.
    pub from_step: u64,
    /// Optimiser steps done after; equal to `from_step` for a test segment.
    pub to_step: u64,
    /// The metric whose best epoch each run keeps a checkpoint of.
    #[serde(default)]
    pub metric: MetricName,
    /// Which way that metric is better.
    #[serde(default, skip_serializing_if = "Direction::is_min")]
    #[cfg_attr(feature = "openapi", schema(default = "min"))]
    pub direction: Direction,
    /// What to advance: the members of the cohort.
    pub branches: Vec<Branch>,
}

/// Checkpoints of a segment beside those that its arms need. Chosen, not measured.
const SPARE_CHECKPOINTS: u32 = 8;

impl Segment {
    /// Every arm that it advances, branch by branch.
    pub fn arms(&self) -> impl Iterator<Item = ArmIx> + '_ {
        self.branches.iter().flat_map(|branch| branch.arms.iter().copied())
    }

    /// How many checkpoints a worker can need to have uploaded at once of it: for each arm its newest and
    /// its best, for each arm that is watched for the state before its onset and the best until then;
    /// twice that, as the next may be on their way before those were handed in.
    pub fn most_checkpoints(&self) -> u32 {
        let watched: usize = self.branches.iter().map(|branch| branch.watch.len()).sum();
        let at_once = 2 * (self.arms().count() + watched);
        u32::try_from(2 * at_once).map_or(u32::MAX, |most| most.saturating_add(SPARE_CHECKPOINTS))
    }
}

/// What a segment asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SegmentKind {
    /// Train the branches, and report each epoch.
    Train,
    /// Compute the test metrics of the branches' checkpoints; nothing is trained.
    Test,
}

/// One run of weights, and the arms that it stands for: one once the arm is past its onset,
/// several while they share a trunk.
///
/// Arms share a run as long as no mini-batch loss was below the level of any: until then the run
/// of each is the plain run. Before the first step that ascends for one of them, training forks
/// it from the others by itself, so that a segment can end with more branches than it began with.
/// A level that no branch names lies dormant; it is woken by a branch for it alone that starts at
/// a checkpoint of its trunk taken before its onset, see [`onset`](crate::work::onset).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Branch {
    /// The arms, in rising order; never empty. Several are plain or flooded and before their onset.
    pub arms: Vec<ArmIx>,
    /// Where its weights come from.
    pub start: Start,
    /// The first step at which the arm's method departed from plain;
    /// none while the arms still share the trunk.
    #[serde(default)]
    pub onset_step: Option<u64>,
    /// After how many epochs an arm ends once it is past its onset, the epoch of the onset being
    /// the first; it then ends before the segment's last step. None: every arm goes on to there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<u32>,
    /// The metric at the run's best epoch so far; only a better one is kept. None before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Metric>,
    /// For a trunk: the dormant arms for which the state at the start of the epoch of their onset
    /// is kept as a [`Waypoint`](crate::work::Waypoint). They are not trained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watch: Vec<ArmIx>,
}

impl Branch {
    /// Arms that start together, with nothing known of them yet.
    pub fn new(arms: Vec<ArmIx>, start: Start) -> Self {
        Self { arms, start, onset_step: None, exposure: None, best: None, watch: vec![] }
    }
}

/// The last epoch, counted from 1, of an arm that is to have `exposure` epochs from the one of its
/// onset on; none while one of the two isn't known.
pub fn last_epoch(
    exposure: Option<u32>,
    onset_step: Option<u64>,
    steps_per_epoch: u64,
) -> Option<u64> {
    Some(onset_step? / steps_per_epoch.max(1) + u64::from(exposure?))
}

/// Where a branch's weights come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Start {
    /// The family's initial weights.
    Init,
    /// A checkpoint, taken at the segment's `from_step`.
    Checkpoint {
        /// Names the blob that holds it.
        digest: Digest,
    },
}
