//! Arithmetic of our own on plain slices, for the CPU.
//!
//! Where the bits are decided: each number is one chain of operations whose order depends on the
//! shapes of one member alone. Work is spread over threads by member and by blocks of samples or
//! rows of a fixed size, and what blocks give is added up in their order. So neither the number of
//! threads nor that of members changes a bit.

mod conv;
mod norm;
mod pool;
mod vectors;

pub use conv::{convolve, input_gradient, weight_gradient};
pub use norm::{NORM_EPSILON, normalise, normalise_gradient};
pub use pool::{pool, pool_gradient};
