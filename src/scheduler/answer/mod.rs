//! What a sweep's facts come to: the answer, the table, the tests at the end.
//!
//! - `standing`: how the arms stand, for the verdict to judge; `extrapolation`: what runs that ended
//!   early say of their ends. `cost`: what it all cost.
//! - `progress`: how far it has got, and what it comes to at most.
//! - `table`: the paper's table; `testing`: the test of what stands in it, and the end.

mod cost;
mod extrapolation;
mod progress;
mod standing;
mod table;
mod testing;

pub use cost::run_equivalents;
pub use progress::{Extent, extent};
#[cfg(test)]
pub use standing::standing;
pub use standing::{Expected, best, best_of, expected, objective};
pub use table::table;
pub use testing::{conclude, test};
