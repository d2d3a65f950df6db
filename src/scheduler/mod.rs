//! The pure core: events in, actions out.
//!
//! No IO, no clock, no log, no random numbers: the same events give the same actions, so a
//! sweep's state is rebuilt by replaying its log. Three rooms, and a step that goes through them:
//!
//! - [`facts`]: what happened. Trials, segments, trunks, cost; no policy in sight.
//! - [`policy`]: who is trained how far, who goes on, and why. One policy a scheduler.
//! - `answer`: what it comes to. How the arms stand, the table, the tests at the end.
//! - [`Sweep`]: facts and a policy; `step`.
//! - [`Event`], [`Intent`], [`Action`], [`Decision`], [`reason`]: the language. `words` makes sentences of
//!   reasons.

mod action;
mod answer;
mod event;
pub mod facts;
mod goal;
mod intent;
pub mod policy;
pub mod reason;
mod status {
    //! Where sweeps and trials stand, in the HTTP surface's own shapes.
    pub use floodgauge_api::status::{SweepStatus, TrialStatus, UnknownStatus};
}
mod sweep;
mod words;

pub use action::{Action, Decision, TrialEnd};
pub use answer::Extent;
pub use event::Event;
pub use facts::{BadReport, Sifted, Trial};
pub use floodgauge_api::{Phase, PlanBound};
pub use goal::Goal;
pub use intent::Intent;
pub use policy::{EXTENSION_VERSION, bound, current_version, decision_epochs, stages};
pub use reason::Reason;
pub use status::{SweepStatus, TrialStatus, UnknownStatus};
pub use sweep::Sweep;
pub use words::epochs;

#[cfg(test)]
mod tests;
