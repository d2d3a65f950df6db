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
    /// What the trial trains with.
    #[serde(flatten)]
    pub arm: Arm,
    /// Whether it is trained, waits or has ended; `reason` says why.
    pub status: TrialStatus,
    /// How many epochs were reported of it so far.
    pub epochs: u32,
    /// The first step whose mini-batch loss was below the arm's level; null until known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub onset_step: Option<u64>,
    /// Its objective so far; null before anything was reported, and where this server can't
    /// follow the decisions of the version that ran the sweep.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub objective: Option<Metric>,
    /// Why it has this status, in words; null before anything was decided of it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub reason: Option<String>,
    /// Its newest checkpoint; null before there is one, and once it was dropped some time after the
    /// end.
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
