//! Best b, and how sure: pure functions of what was measured.
//!
//! - [`Standing`]: what is judged; every arm of it is a [`Candidate`], what a seed has of that a
//!   [`TrialSummary`]. No judging there.
//! - [`judge`]: the answer, [`Best`]; [`leader`]: who is ahead.
//! - `model`: the hierarchical model of what other seeds would show. `confidence`: how wide its intervals
//!   are, and others.
//! - [`noise_floor_of`]: what no model can do better than; [`guessing_of`]: what each does that has learned
//!   nothing.
//! - [`paste`](fn@paste): the answer as a line of a training script.
//! - [`before_extension`], [`without_answer`]: what is told of a sweep that was given up.
//!
//! The answer's shapes are the HTTP surface's own.

mod before;
mod confidence;
mod floor;
mod input;
mod judge;
mod model;
mod paste;

pub use before::{before_extension, without_answer};
pub use confidence::CONFIDENCE;
pub use floodgauge_api::{
    Advice, AdviceKind, ArmOutlook, Baseline, Best, BestArm, Difference, Evidence, Figure, Finding,
    OtherMetric, Paste, Preference, RunEquivalents, Table, TableCell, TableRow,
};
pub use floor::{guessing_of, noise_floor_of};
pub use input::{Candidate, Extrapolation, Judged, Standing, TrialSummary};
pub use judge::{Basis, expectations, judge, lead, leader};
pub use paste::paste;

#[cfg(test)]
mod tests;
