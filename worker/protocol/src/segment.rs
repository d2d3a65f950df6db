//! Segments: the unit of leased work.

use crate::{
    digest::Digest,
    ids::{ArmIx, FamilyIx, SegmentId},
};
use serde::{Deserialize, Serialize};

/// Advance some branches of one family from one optimiser step to another, in lockstep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Segment {
    /// Its position in the sweep.
    pub segment: SegmentId,
    /// The family that every branch belongs to.
    pub family: FamilyIx,
    /// What to do.
    pub kind: SegmentKind,
    /// Optimiser steps done before.
    pub from_step: u64,
    /// Optimiser steps done after; equal to `from_step` for a test segment.
    pub to_step: u64,
    /// What to advance: the members of the cohort.
    pub branches: Vec<Branch>,
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
/// several while they ride on a trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Branch {
    /// The arms, in rising order; never empty.
    pub arms: Vec<ArmIx>,
    /// Where its weights come from.
    pub start: Start,
    /// The first step at which the arm's method departed from plain;
    /// none while the arms still ride.
    #[serde(default)]
    pub onset_step: Option<u64>,
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
        /// The blob.
        digest: Digest,
    },
}
