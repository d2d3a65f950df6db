//! The pure core: events in, actions out.
//!
//! No IO, no clock, no log, no random numbers: the same events give the same actions, so a
//! sweep's state is rebuilt by replaying its log.
//!
//! - [`Event`], [`Action`], [`Decision`]: the language.
//! - [`Sweep`]: the state, and `step`.
//! - `policy`: what every scheduler has in common.
//! - `halving`: probes after their onset, and what they say of the levels between them: `response`,
//!   by a curve that `smooth` draws; levels beyond an end of those asked for, if the best lies there.
//! - [`Rungs`], `textbook`: textbook halving and Hyperband; a grid is halving with one rung.
//! - `asynchronous`: halving that lets arms go on as they come.
//! - [`bound()`]: what a sweep may cost.
//! - `trunk`: the plain run of a family, and how dormant arms are woken from it.
//! - `training`: the segments that bring trials to where they are to be.
//! - `save`: what workers save on their way.
//! - `pause`, `extend`: what users do to a sweep that runs, and to one that is done.
//! - `table`: the paper's table, and which arms stand in it; `testing`: the test at the end;
//!   `told`: what unfinished runs tell the verdict.
//! - [`Sifted`]: what of a report is new.

mod action;
mod asynchronous;
mod bound;
mod event;
mod extend;
mod halving;
mod pause;
mod policy;
mod response;
mod rungs;
mod save;
mod sift;
mod smooth;
mod standing;
mod status {
    //! Where sweeps and trials stand, in the HTTP surface's own shapes.
    pub use floodgauge_api::status::{SweepStatus, TrialStatus, UnknownStatus};
}
mod sweep;
mod table;
mod testing;
mod textbook;
mod told;
mod training;
mod trial;
mod trunk;

pub use action::{Action, AddedArm, Decision, TrialEnd};
pub use bound::bound;
pub use event::Event;
pub use floodgauge_api::{Phase, PlanBound};
pub use rungs::Rungs;
pub use sift::{BadReport, Sifted};
pub use status::{SweepStatus, TrialStatus, UnknownStatus};
pub use sweep::Sweep;
pub use trial::{Goal, Point, Trial};

/// The version of the decisions in this binary. A sweep keeps the version that it was
/// submitted under; any change that could alter a decision raises it.
pub const VERSION: u32 = 3;

#[cfg(test)]
mod tests;
