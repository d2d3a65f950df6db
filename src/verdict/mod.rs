//! Best b, and how sure: pure functions of what was measured.

mod best;

pub use best::{Baseline, Best, BestArm, Difference, RunEquivalents};
