//! What happened, in words.

use super::{Names, lease_expired};
use crate::{counting::count, scheduler::Event};
use floodgauge_api::{LogLine, Tone};
use floodgauge_protocol::{
    ArmIx, SegmentId, SegmentKind,
    work::{BranchEnd, FinishedBranch},
};

/// The line of an event; none where it changes nothing that people look for.
pub(super) fn line(names: Names<'_>, event: &Event) -> Option<LogLine> {
    Some(match event {
        Event::Submitted { spec } => LogLine::new("submitted", format!("sweep `{}`", spec.name)),
        Event::Claimed { segment, attempt, worker, .. } => {
            claimed(names, *segment, *attempt, worker)
        }
        Event::Reported { redone: 0, .. } | Event::Saved { .. } => return None,
        Event::Reported { segment, redone, .. } => {
            let rows = count(*redone as usize, "row");
            LogLine::new("redone", format!("{rows} of segment {segment} trained again"))
                .about(names.arms_of(*segment))
                .as_news(true)
        }
        Event::Nondeterminism { segment, rows, .. } => {
            let again = count(rows.len(), "row");
            let text = format!(
                "{again} of segment {segment} came again with other bits; the first report stands"
            );
            LogLine::new("nondeterminism", text)
                .about(rows.iter().flat_map(|row| row.arms.iter().copied()))
                .in_tone(Tone::Bad)
                .as_news(true)
        }
        Event::Finished { segment, branches, .. } => finished(names, *segment, branches),
        // What is made of a failure is news, and says why.
        Event::Failed { segment, message, .. } => LogLine::new("failed", names.segment(*segment))
            .because(message)
            .about(names.arms_of(*segment))
            .in_tone(Tone::Bad),
        Event::HandedBack { segment, worker, message, retry_in_s, backoff_s, .. } => {
            let text = format!("{worker} handed back {}", names.segment(*segment));
            let mut why = format!("{message}; next try in {retry_in_s} s");
            if let Some(seconds @ 1..) = backoff_s {
                why += &format!("; it came back too often, so nobody is given it for {seconds} s");
            }
            LogLine::new("handed back", text)
                .because(&why)
                .about(names.arms_of(*segment))
                .in_tone(Tone::Bad)
                .as_news(true)
        }
        Event::Expired { segment, worker, .. } => {
            let expired = lease_expired(worker);
            let text = format!("{expired}; segment {segment} waits for another");
            LogLine::new("expired", text)
                .about(names.arms_of(*segment))
                .in_tone(Tone::Bad)
                .as_news(true)
        }
        Event::Lost { segment, .. } => {
            LogLine::new("lost", format!("segment {segment}: its worker's lease expired"))
                .about(names.arms_of(*segment))
                .in_tone(Tone::Bad)
                .as_news(true)
        }
        Event::Damaged { checkpoint } => {
            let text = format!("checkpoint {checkpoint} is lost or damaged");
            LogLine::new("damaged", text).in_tone(Tone::Bad).as_news(true)
        }
        Event::StartedOver { family, fingerprint } => {
            let text = format!(
                "{} starts over on another kind of machine: no worker with fingerprint \
                 `{fingerprint}` has asked for work for too long (serve --start-over-after)",
                names.family(*family).unwrap_or_else(|| "the seed".into())
            );
            LogLine::new("started over", text).in_tone(Tone::Bad).as_news(true)
        }
        Event::CancelRequested => asked("cancelling", "a user asked to end the sweep"),
        Event::PauseRequested => asked("pausing", "a user asked to pause the sweep"),
        Event::Resumed => asked("resumed", "a user let the sweep go on"),
        Event::Extended { seeds, levels, finish, epochs, .. } => {
            asked("extended", &extended(names, (&seeds[..], &levels[..], *epochs), finish))
                .about(finish.iter().copied())
        }
    })
}

fn claimed(names: Names<'_>, segment: SegmentId, attempt: u32, worker: &str) -> LogLine {
    let is_again = attempt > 1;
    let mut text = format!("{worker} took {}", names.segment(segment));
    if is_again {
        text += &format!(", attempt {attempt}");
    }
    LogLine::new("claimed", text).about(names.arms_of(segment)).as_news(is_again)
}

fn finished(names: Names<'_>, segment: SegmentId, branches: &[FinishedBranch]) -> LogLine {
    let is_test = names.get(segment).is_some_and(|segment| segment.kind == SegmentKind::Test);
    let what = match is_test {
        true => format!("{} tested", count(branches.len(), "checkpoint")),
        false => ends(branches),
    };
    LogLine::new("finished", format!("segment {segment}: {what}"))
        .about(branches.iter().flat_map(|branch| branch.arms.iter().copied()))
}

/// `5 reached the end, 1 diverged`.
fn ends(branches: &[FinishedBranch]) -> String {
    let kinds = [
        (BranchEnd::Reached, "reached the end"),
        (BranchEnd::Stopped, "stopped"),
        (BranchEnd::Diverged, "diverged"),
    ];
    let counted = kinds.into_iter().filter_map(|(end, words)| {
        let count = branches.iter().filter(|branch| branch.end == end).count();
        (count > 0).then(|| format!("{count} {words}"))
    });
    counted.collect::<Vec<_>>().join(", ")
}

fn asked(kind: &str, text: &str) -> LogLine {
    LogLine::new(kind, text).as_news(true)
}

/// `a user added seeds 3, 4; levels 0.15; epochs up to 200, and asked for flood b=0.2 to the end with every seed`.
fn extended(
    names: Names<'_>,
    (seeds, levels, epochs): (&[u32], &[f64], Option<u32>),
    finish: &[ArmIx],
) -> String {
    let mut parts = vec![];
    if !seeds.is_empty() {
        parts.push(format!("seeds {}", listed(seeds)));
    }
    if !levels.is_empty() {
        parts.push(format!("levels {}", listed(levels)));
    }
    parts.extend(epochs.map(|epochs| format!("epochs up to {epochs}")));
    let mut all = vec![];
    if !parts.is_empty() {
        all.push(format!("added {}", parts.join("; ")));
    }
    if !finish.is_empty() {
        let arms = names.arms(finish.iter().copied());
        all.push(format!("asked for {arms} to the end with every seed"));
    }
    format!("a user {}", all.join(", and "))
}

fn listed(all: &[impl ToString]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
