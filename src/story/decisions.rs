//! What was decided, in words: a line a decision, but one for many trials that end alike.

use super::{Names, compared};
use crate::{
    counting::count,
    scheduler::{Action, Decision, Reason, TrialEnd},
};
use floodgauge_api::{LogLine, Tone};
use floodgauge_protocol::{SegmentId, TrialKey, work::Stop};
use std::collections::{HashMap, HashSet};

/// As many trials as end alike in one line.
const MANY: usize = 3;

/// The lines of an entry's decisions: those that compared many are told together first.
pub(super) fn lines(names: Names<'_>, decisions: &[Decision]) -> Vec<LogLine> {
    let mut alike: HashMap<(TrialEnd, &str), Vec<TrialKey>> = HashMap::new();
    for Decision { action, reason, .. } in decisions {
        if let Action::End { trial, end } = action {
            alike.entry((*end, reason)).or_default().push(*trial);
        }
    }
    alike.retain(|_, trials| trials.len() >= MANY);
    let mut done = HashSet::new();
    let mut lines = compared::lines(decisions);
    for decision @ Decision { action, reason, .. } in decisions {
        let many = match action {
            Action::End { end, .. } => alike.get_key_value(&(*end, reason.as_str())),
            _ => None,
        };
        match many {
            None => lines.push(line(names, decision)),
            Some((like, trials)) if done.insert(*like) => {
                lines.push(end_line(like.0, count(trials.len(), "trial"), reason, trials));
            }
            Some(_) => {}
        }
    }
    lines
}

fn line(names: Names<'_>, decision: &Decision) -> LogLine {
    let Decision { action, reason, why } = decision;
    let of_trial = |kind, trial: &TrialKey| {
        LogLine::new(kind, names.trial(*trial)).because(reason).about([trial.arm])
    };
    let of_segment = |kind, id: &SegmentId| {
        LogLine::new(kind, names.segment(*id)).because(reason).about(names.arms_of(*id))
    };
    match action {
        Action::Enqueue { segment } => {
            LogLine::new("queued", names.work(segment)).because(reason).about(segment.arms())
        }
        Action::Retry { segment } => {
            of_segment("retried", segment).in_tone(Tone::Bad).as_news(true)
        }
        Action::Withdraw { segment } => of_segment("withdrawn", segment),
        Action::Stop { segment, stop } => stopped(names, *segment, stop).because(reason),
        Action::Grow { arms } => LogLine::new("added", count(arms.len(), "arm"))
            .because(reason)
            .about(arms.iter().map(|added| added.ix))
            .as_news(true),
        Action::Promote { trial, .. } => of_trial("kept", trial).in_tone(Tone::Good),
        Action::Wake { trial, .. } => {
            // One that has all epochs in common with its trunk has nothing left to train.
            let trains = !matches!(why, Some(Reason::SharesTrunk { .. }));
            of_trial("woken", trial).as_news(trains)
        }
        Action::Resume { trial } => of_trial("resumed", trial).as_news(true),
        Action::Again { trial } => of_trial("again", trial),
        Action::AsBefore { trial, status } => LogLine::new("as before", names.trial(*trial))
            .because(&format!("{}: {reason}", status.as_str()))
            .about([trial.arm]),
        Action::Rest { trial } => of_trial("resting", trial),
        Action::Prune { trial, .. } => of_trial("pruned", trial),
        Action::End { trial, end } => end_line(*end, names.trial(*trial), reason, &[*trial]),
        Action::Complete { best } => {
            let best = best.best.as_ref().map(|arm| format!("best: {}", arm.arm));
            LogLine::new("completed", best.unwrap_or_else(|| "no answer".into()))
                .because(reason)
                .in_tone(Tone::Good)
        }
        Action::Fail => LogLine::new("failed", "the sweep").because(reason).in_tone(Tone::Bad),
        Action::Cancel => LogLine::new("cancelled", "the sweep").because(reason),
    }
}

fn stopped(names: Names<'_>, segment: SegmentId, stop: &Stop) -> LogLine {
    // At epoch 0 stands what ends wherever it is.
    let when = match stop.at_epoch {
        0 => format!("in segment {segment}, at once"),
        epoch => format!("after epoch {epoch}"),
    };
    let text = format!("{} {when}", names.arms(stop.arms.iter().copied()));
    LogLine::new("stopped", text).about(stop.arms.iter().copied())
}

fn end_line(end: TrialEnd, who: String, reason: &str, trials: &[TrialKey]) -> LogLine {
    let (kind, tone) = match end {
        TrialEnd::Completed => ("completed", Tone::Good),
        TrialEnd::Diverged => ("diverged", Tone::Bad),
        TrialEnd::Failed => ("failed", Tone::Bad),
    };
    LogLine::new(kind, who)
        .because(reason)
        .about(trials.iter().map(|trial| trial.arm))
        .in_tone(tone)
        .as_news(tone == Tone::Bad)
}
