//! The trials of a sweep.

use crate::status::TrialStatus;
use floodgauge_protocol::{Arm, Digest, FamilyIx, Metric};
use serde::{Deserialize, Serialize};

/// One arm in one family.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrialItem {
    /// The sweep's id, the family and the arm.
    #[cfg_attr(feature = "openapi", schema(example = "019b76da-a800-7000-8000-000000000000.0.7"))]
    pub id: String,
    /// The family's index.
    pub family: FamilyIx,
    /// The family's seed.
    pub seed: u32,
    /// The family's weight decay.
    pub weight_decay: f64,
    /// The arm.
    #[serde(flatten)]
    pub arm: Arm,
    /// Where it stands.
    pub status: TrialStatus,
    /// Epochs reported.
    pub epochs: u32,
    /// The first step whose mini-batch loss was below the arm's level; null until known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub onset_step: Option<u64>,
    /// Its objective so far; null before anything was reported, and where this server can't
    /// follow the decisions of the version that ran the sweep.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub objective: Option<Metric>,
    /// Why it has this status, in words.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub reason: Option<String>,
    /// Its newest checkpoint.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub checkpoint: Option<Digest>,
}

/// All trials of a sweep.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrialList {
    /// By family, then arm.
    pub items: Vec<TrialItem>,
}
