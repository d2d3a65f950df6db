//! The user's side of HTTP, which is a crate of its own; here with log entries in the scheduler's
//! language.

use crate::scheduler::{Decision, Event};

pub use floodgauge_client::*;

/// An entry of a sweep's log, as the event stream tells it.
pub type LogEntry = floodgauge_client::LogEntry<Event, Decision>;
