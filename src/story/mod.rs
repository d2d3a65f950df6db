//! A sweep's log in words: the one place that makes the lines of an entry, which the page and the
//! terminal show as they are.
//!
//! An entry and its [`Names`], what its sweep's arms, families and segments are, give the lines: no
//! entry before has to be read again. Pure.
//!
//! - `names`: what the lines name.
//! - `events`: what happened; `decisions`: what was made of it, with the reasons that the scheduler put
//!   into words; `compared`: many decisions in one line.

mod compared;
mod decisions;
mod events;
mod names;

pub use names::Names;

use crate::scheduler::{Action, Decision, Event};
use floodgauge_api::{LogLine, Tone};
use floodgauge_protocol::SegmentId;

/// The lines of an entry; none for a report that changes nothing else.
pub fn lines(names: Names<'_>, event: &Event, decisions: &[Decision]) -> Vec<LogLine> {
    let mut lines: Vec<LogLine> = events::line(names, event).into_iter().collect();
    lines.extend(decisions::lines(names, decisions));
    // A sweep's failure gives the reason of all that failed with it; once is enough.
    if let Some(Decision { action: Action::Fail, reason, .. }) = decisions.last() {
        for line in &mut lines {
            if line.reason != *reason && reason.contains(&line.reason) {
                line.reason.clear();
            }
        }
    }
    lines
}

/// That a worker's lease expired, as it is said wherever it is said.
pub fn lease_expired(worker: &str) -> String {
    format!("the lease of worker {worker} expired")
}

/// The segments that the lines of an entry tell more of than its decisions do.
pub fn named_segments<'a>(
    event: &Event,
    decisions: &'a [Decision],
) -> impl Iterator<Item = SegmentId> + use<'a> {
    let decided = decisions.iter().filter_map(|decision| match &decision.action {
        Action::Retry { segment } | Action::Withdraw { segment } => Some(*segment),
        _ => None,
    });
    event.segment().into_iter().chain(decided)
}

/// The line of an entry that this version can't read.
pub fn unread() -> LogLine {
    LogLine::new("unread", "an entry that this server can't read").in_tone(Tone::Bad)
}

#[cfg(test)]
mod tests;
