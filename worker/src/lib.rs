//! Trains flooded models in lockstep.
//!
//! - [`data`]: data sets, their splits and their label noise; no tensors.
//! - [`seeds`]: random streams derived from what they are for, never carried along.
//! - [`flood`]: the weight of each sample, which is all that makes a method.
//! - [`stacked`], [`models`], [`optim`]: layers, models and optimisers with a leading member axis.
//! - [`evaluate`]: losses and errors, never flooded.
//! - [`checkpoint`]: one branch as bytes, all that an exact resume needs.
//! - [`cohort`]: trains the branches of a segment as one stacked model.
//! - [`device`]: where the arithmetic runs, and what its bits depend on.

pub mod checkpoint;
pub mod client;
pub mod cohort;
pub mod data;
pub mod device;
pub mod evaluate;
pub mod flood;
pub mod models;
pub mod optim;
pub mod runner;
pub mod seeds;
pub mod stacked;
