//! Sweeps in virtual time: the scheduler itself on curves that are known beforehand.
//!
//! - [`Truth`], [`worker`]: what a worker would report of known curves.
//! - [`RecordedGrid`]: the curves of a full grid, from a file.
//! - [`trial`]: one sweep over a recorded grid, its cost and its pick.
//! - [`score`]: cost and regret of a scheduler over draws of seeds.
//! - [`calibration`]: what its answers state, held against seeds that took no part.
//! - [`summary`]: its means over tasks, and its regret beyond the full grid's.

pub mod calibration;
mod recorded;
pub mod score;
pub mod summary;
pub mod trial;
pub mod worker;

pub use recorded::{GridError, RecordedGrid};
pub use worker::{Divergence, Measured, Truth};

#[cfg(test)]
mod tests;
