//! The parts that a sweep is trained in, as its scheduler has them: what bars are drawn for.

use serde::{Deserialize, Serialize};

/// A part of a sweep that is trained before what comes after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stage {
    /// What it is called.
    #[cfg_attr(feature = "openapi", schema(example = "rung 1 of 3"))]
    pub name: String,
    /// What of the sweep's log tells how far it has got.
    pub counts: StageCounts,
}

/// Whose epochs tell how far a stage has got, and which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum StageCounts {
    /// Those of the trials that were sent to a rung, from the end of the rung before it to its own.
    Rung {
        /// The rung, from 0.
        rung: u32,
        /// The epoch at which it ends.
        ends_at: u32,
    },
    /// All epochs of the plain runs.
    Plain,
    /// Those of the probes, each as many as its branch's `exposure`, from that of its onset on.
    Probes {
        /// Whether of the probes that lay dormant before, or of the others.
        added: bool,
    },
    /// Those of the trials that go to the end, from where they were then.
    ToTheEnd,
}
