//! The pure core: events in, actions out.
//!
//! No IO, no clock, no log, no random numbers: the same events give the same actions, so a
//! sweep's state is rebuilt by replaying its log.

mod action;
mod event;

pub use action::{Action, Decision, TrialEnd};
pub use event::Event;

/// The version of the decisions in this binary. A sweep keeps the version that it was
/// submitted under; any change that could alter a decision raises it.
pub const VERSION: u32 = 1;
