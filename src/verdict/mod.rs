//! Best b, and how sure: pure functions of what was measured.
//!
//! - [`Standing`]: what is judged; every arm of it is a [`Candidate`], what a seed has of that a
//!   [`TrialSummary`]. No judging there.
//! - [`judge`]: the answer, [`Best`]; [`leader`]: who is ahead.
//! - The answer's shapes, without any judging: [`Best`], what is known of each arm ([`ArmOutlook`]),
//!   [`OtherMetric`], [`Advice`]; the paper's [`Table`].
//! - `model`: the hierarchical model of what other seeds would show.
//! - [`noise_floor`]: what no model can do better than.

mod advice;
mod best;
mod floor;
mod input;
mod judge;
mod model;
mod other;
mod outlook;
mod table;

pub use advice::{Advice, AdviceKind};
pub use best::{Baseline, Best, BestArm, Difference, Finding, RunEquivalents};
pub use floor::noise_floor;
pub use input::{Candidate, Extrapolation, Standing, TrialSummary};
pub use judge::{judge, leader};
pub use other::{OtherMetric, Preference};
pub use outlook::{ArmOutlook, Evidence};
pub use table::{Figure, Table, TableCell, TableRow};

#[cfg(test)]
mod tests;
