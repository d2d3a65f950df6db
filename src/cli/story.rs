//! A sweep's log in words: a pure reducer, which `logs` prints. The page tells the same.

use super::words;
use crate::{
    client::{LogEntry, api::SweepDetail},
    scheduler::{Action, Decision, Event, TrialEnd},
};
use floodgauge_protocol::{
    ArmIx, Family, FamilyIx, Segment, SegmentId, SegmentKind, TrialKey, work::BranchEnd,
};
use std::collections::{BTreeMap, BTreeSet};

/// How a line strikes people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As things go.
    Plain,
    /// Something was gained.
    Good,
    /// Something went wrong.
    Bad,
}

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What kind of thing happened, in a word.
    pub kind: &'static str,
    /// To what.
    pub text: String,
    /// Why; empty where that needs no word.
    pub reason: String,
    /// How it strikes.
    pub tone: Tone,
    /// The arms that it concerns; none where it concerns the sweep.
    pub arms: BTreeSet<ArmIx>,
}

/// What has been told of a sweep, as far as further entries count on it.
#[derive(Debug)]
pub struct Story {
    names: BTreeMap<ArmIx, String>,
    families: Vec<Family>,
    steps_per_epoch: u64,
    segments: BTreeMap<SegmentId, Segment>,
}

/// As many trials as end alike in one line.
const MANY: usize = 3;

impl Story {
    /// A sweep of which no entry has been told.
    pub fn new(sweep: &SweepDetail) -> Self {
        Self {
            names: sweep.arms_list.iter().map(|arm| (arm.ix, arm.name.clone())).collect(),
            families: sweep.families.clone(),
            steps_per_epoch: sweep.steps_per_epoch.max(1),
            segments: BTreeMap::new(),
        }
    }

    /// The lines of the next entry; none for a report that changes nothing else.
    pub fn tell(&mut self, entry: &LogEntry) -> Vec<Line> {
        for decision in &entry.decisions {
            match &decision.action {
                Action::Enqueue { segment } => {
                    self.segments.insert(segment.segment, segment.clone());
                }
                Action::Grow { arms } => {
                    self.names.extend(arms.iter().map(|added| (added.ix, added.name.clone())));
                }
                _ => {}
            }
        }
        let mut lines: Vec<Line> = self.event(&entry.event).into_iter().collect();
        lines.extend(self.decisions(&entry.decisions));
        // A sweep's failure gives the reason of all that failed with it; once is enough.
        if let Some(Decision { action: Action::Fail, reason, .. }) = entry.decisions.last() {
            for line in &mut lines {
                if line.reason != *reason && reason.contains(&line.reason) {
                    line.reason.clear();
                }
            }
        }
        lines
    }

    fn event(&self, event: &Event) -> Option<Line> {
        Some(match event {
            Event::Submitted { spec } => {
                Line::new("submitted", format!("sweep `{}`", spec.name), "", Tone::Plain)
            }
            Event::Claimed { segment, attempt, worker, .. } => {
                let mut text = format!("{worker} took {}", self.segment(*segment));
                if *attempt > 1 {
                    text += &format!(", attempt {attempt}");
                }
                self.of_segment("claimed", *segment, text, "", Tone::Plain)
            }
            Event::Reported { redone: 0, .. } | Event::Saved { .. } => return None,
            Event::Reported { segment, redone, .. } => {
                let text = format!("{} of segment {segment} trained again", rows(*redone as usize));
                self.of_segment("redone", *segment, text, "", Tone::Plain)
            }
            Event::Nondeterminism { segment, rows: again, .. } => {
                let count = rows(again.len());
                let text = format!(
                    "{count} of segment {segment} came again with other bits; the first report stands"
                );
                self.of_segment("nondeterminism", *segment, text, "", Tone::Bad)
            }
            Event::Finished { segment, branches, .. } => {
                let ends: Vec<_> = branches.iter().map(|branch| branch.end).collect();
                let is_test =
                    self.segments.get(segment).is_some_and(|s| s.kind == SegmentKind::Test);
                let what = if is_test { tested(ends.len()) } else { ends_words(&ends) };
                let text = format!("segment {segment}: {what}");
                self.of_segment("finished", *segment, text, "", Tone::Plain)
            }
            Event::Failed { segment, message, .. } => {
                let text = self.segment(*segment);
                self.of_segment("failed", *segment, text, message, Tone::Bad)
            }
            Event::Lost { segment, .. } => {
                let text = format!("segment {segment}: its worker's lease expired");
                self.of_segment("lost", *segment, text, "", Tone::Bad)
            }
            Event::CancelRequested => {
                let text = "a user asked to end the sweep";
                Line::new("cancelling", text.into(), "", Tone::Plain)
            }
            Event::PauseRequested => {
                Line::new("pausing", "a user asked to pause the sweep".into(), "", Tone::Plain)
            }
            Event::Resumed => Line::new("resumed", "the sweep".into(), "", Tone::Plain),
            Event::Extended { seeds, levels, epochs, .. } => {
                let mut parts = Vec::new();
                if !seeds.is_empty() {
                    parts.push(format!("seeds {}", listed(seeds)));
                }
                if !levels.is_empty() {
                    parts.push(format!("levels {}", listed(levels)));
                }
                parts.extend(epochs.map(words::epochs));
                Line::new("extended", parts.join(", "), "", Tone::Plain)
            }
        })
    }

    /// A line a decision, but one for many trials that end alike.
    fn decisions(&self, decisions: &[Decision]) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut told: Vec<(TrialEnd, &str)> = Vec::new();
        for Decision { action, reason, .. } in decisions {
            let Action::End { end, .. } = action else {
                lines.push(self.decision(action, reason));
                continue;
            };
            let alike = ended(decisions, *end, reason);
            if alike.len() < MANY {
                lines.push(self.decision(action, reason));
            } else if !told.contains(&(*end, reason)) {
                told.push((*end, reason));
                let who = format!("{} trials", alike.len());
                lines.push(end_line(*end, who, reason, alike));
            }
        }
        lines
    }

    fn decision(&self, action: &Action, reason: &str) -> Line {
        let of_trial = |kind, trial: &TrialKey, tone| Line {
            arms: [trial.arm].into(),
            ..Line::new(kind, self.trial(*trial), reason, tone)
        };
        let of_segment = |kind, segment: SegmentId, tone| {
            self.of_segment(kind, segment, self.segment(segment), reason, tone)
        };
        match action {
            Action::Enqueue { segment } => of_segment("queued", segment.segment, Tone::Plain),
            Action::Retry { segment } => of_segment("retried", *segment, Tone::Bad),
            Action::Withdraw { segment } => of_segment("withdrawn", *segment, Tone::Plain),
            Action::Stop { segment, stop } => {
                // At epoch 0 stands what ends wherever it is.
                let when = match stop.at_epoch {
                    0 => format!("in segment {segment}, at once"),
                    epoch => format!("after epoch {epoch}"),
                };
                let text = format!("{} {when}", self.arms(stop.arms.iter().copied()));
                let arms = stop.arms.iter().copied().collect();
                Line { arms, ..Line::new("stopped", text, reason, Tone::Plain) }
            }
            Action::Grow { arms } => {
                let count = arms.len();
                let text = format!("{count} arm{}", if count == 1 { "" } else { "s" });
                let arms = arms.iter().map(|added| added.ix).collect();
                Line { arms, ..Line::new("added", text, reason, Tone::Plain) }
            }
            Action::Promote { trial, .. } => of_trial("kept", trial, Tone::Good),
            Action::Wake { trial, .. } => of_trial("woken", trial, Tone::Plain),
            Action::Rest { trial } => of_trial("resting", trial, Tone::Plain),
            Action::Prune { trial, .. } => of_trial("pruned", trial, Tone::Plain),
            Action::End { trial, end } => end_line(*end, self.trial(*trial), reason, vec![*trial]),
            Action::Complete { best } => {
                let words = best.best.as_ref().map(|arm| format!("best: {}", arm.arm));
                let words = words.unwrap_or_else(|| "no answer".into());
                Line::new("completed", words, reason, Tone::Good)
            }
            Action::Fail => Line::new("failed", "the sweep".into(), reason, Tone::Bad),
            Action::Cancel => Line::new("cancelled", "the sweep".into(), reason, Tone::Plain),
        }
    }

    fn of_segment(
        &self,
        kind: &'static str,
        segment: SegmentId,
        text: String,
        reason: &str,
        tone: Tone,
    ) -> Line {
        let arms = self.segments.get(&segment).into_iter().flat_map(Segment::arms).collect();
        Line { arms, ..Line::new(kind, text, reason, tone) }
    }

    /// `flood b=0.07, seed 0, weight decay 0`; the family only where there are several.
    fn trial(&self, trial: TrialKey) -> String {
        let name = self.arms([trial.arm]);
        self.family(trial.family).map_or(name.clone(), |family| format!("{name}, {family}"))
    }

    fn family(&self, family: FamilyIx) -> Option<String> {
        let several = self.families.len() > 1;
        let family = self.families.iter().find(|each| several && each.family == family)?;
        Some(format!("seed {}, weight decay {}", family.seed, family.weight_decay))
    }

    /// `segment 3: 7 arms, epochs 11–33`.
    fn segment(&self, id: SegmentId) -> String {
        let Some(segment) = self.segments.get(&id) else { return format!("segment {id}") };
        let of = self.family(segment.family).map_or_else(String::new, |family| family + ", ");
        let names = self.arms(segment.arms());
        if segment.kind == SegmentKind::Test {
            return format!("segment {id}: {of}test metrics of {names}");
        }
        let from = segment.from_step / self.steps_per_epoch + 1;
        let to = segment.to_step.div_ceil(self.steps_per_epoch);
        format!("segment {id}: {of}{names}, epochs {from}–{to}")
    }

    /// Up to two arms by name, more by their number.
    fn arms(&self, arms: impl IntoIterator<Item = ArmIx>) -> String {
        let arms: Vec<_> = arms.into_iter().collect();
        if arms.len() > 2 {
            return format!("{} arms", arms.len());
        }
        let name =
            |arm: &ArmIx| self.names.get(arm).cloned().unwrap_or_else(|| format!("arm {arm}"));
        arms.iter().map(name).collect::<Vec<_>>().join(" and ")
    }
}

impl Line {
    fn new(kind: &'static str, text: String, reason: &str, tone: Tone) -> Self {
        Self { kind, text, reason: reason.into(), tone, arms: BTreeSet::new() }
    }
}

/// The trials that decisions end in the same way for the same reason.
fn ended(decisions: &[Decision], how: TrialEnd, why: &str) -> Vec<TrialKey> {
    let alike = decisions.iter().filter_map(|decision| match &decision.action {
        Action::End { trial, end } if *end == how && decision.reason == why => Some(*trial),
        _ => None,
    });
    alike.collect()
}

fn end_line(end: TrialEnd, who: String, reason: &str, trials: Vec<TrialKey>) -> Line {
    let (kind, tone) = match end {
        TrialEnd::Completed => ("completed", Tone::Good),
        TrialEnd::Diverged => ("diverged", Tone::Bad),
        TrialEnd::Failed => ("failed", Tone::Bad),
    };
    let arms = trials.into_iter().map(|trial| trial.arm).collect();
    Line { arms, ..Line::new(kind, who, reason, tone) }
}

fn listed(all: &[impl ToString]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn rows(count: usize) -> String {
    format!("{count} row{}", if count == 1 { "" } else { "s" })
}

fn tested(count: usize) -> String {
    format!("{count} checkpoint{} tested", if count == 1 { "" } else { "s" })
}

/// `5 reached the end, 1 diverged`.
fn ends_words(ends: &[BranchEnd]) -> String {
    let kinds = [
        (BranchEnd::Reached, "reached the end"),
        (BranchEnd::Stopped, "stopped"),
        (BranchEnd::Diverged, "diverged"),
    ];
    let count = |end: BranchEnd| ends.iter().filter(|each| **each == end).count();
    let told = kinds.into_iter().filter(|(end, _)| count(*end) > 0);
    told.map(|(end, words)| format!("{} {words}", count(end))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::sweep;
    use serde_json::{Value, json};

    const ID: &str = "01970000-0000-7000-8000-000000000000";

    fn entry(event: Value, decisions: Value) -> LogEntry {
        serde_json::from_value(json!({ "sweep": ID, "seq": 1, "at": "2026-01-01T00:00:00Z",
                                       "event": event, "decisions": decisions }))
        .unwrap()
    }

    fn enqueue(segment: u32, arms: &[u16], from: u64, to: u64) -> Value {
        let kind = if from == to { "test" } else { "train" };
        json!({ "action": "enqueue", "reason": "next", "segment": {
            "segment": segment, "family": 1, "kind": kind, "from_step": from, "to_step": to,
            "branches": [{ "arms": arms, "start": { "from": "init" } }] } })
    }

    fn told(lines: &[Line]) -> Vec<String> {
        let tell = |line: &Line| match line.reason.as_str() {
            "" => format!("{}: {}", line.kind, line.text),
            reason => format!("{}: {} ({reason})", line.kind, line.text),
        };
        lines.iter().map(tell).collect()
    }

    #[test]
    fn segments_are_told_with_their_arms_family_and_epochs() {
        let mut story = Story::new(&sweep(&[(0, 0.0), (4, 0.001)]));
        let claimed = json!({ "type": "claimed", "segment": 0, "attempt": 2, "worker": "w",
                              "fingerprint": "f" });
        let lines = story.tell(&entry(
            claimed,
            json!([enqueue(0, &[0, 1, 2], 0, 60), enqueue(1, &[0, 2], 180, 180)]),
        ));
        let family = "seed 4, weight decay 0.001";
        assert_eq!(
            told(&lines),
            [
                format!("claimed: w took segment 0: {family}, 3 arms, epochs 1–3, attempt 2"),
                format!("queued: segment 0: {family}, 3 arms, epochs 1–3 (next)"),
                format!(
                    "queued: segment 1: {family}, test metrics of plain and flood b=0.2 (next)"
                ),
            ]
        );
        assert_eq!(lines[2].arms, [ArmIx(0), ArmIx(2)].into());
    }

    #[test]
    fn a_report_is_told_only_if_work_was_done_again() {
        let mut story = Story::new(&sweep(&[(0, 0.0), (4, 0.001)]));
        let reported = |redone: u32| json!({ "type": "reported", "segment": 0, "attempt": 1, "redone": redone, "rows": [] });
        assert!(story.tell(&entry(reported(0), json!([]))).is_empty());
        let lines = story.tell(&entry(reported(1), json!([])));
        assert_eq!(told(&lines), ["redone: 1 row of segment 0 trained again"]);
    }

    #[test]
    fn decisions_are_told_with_their_reasons_and_many_alike_as_one() {
        let mut story = Story::new(&sweep(&[(0, 0.0), (4, 0.001)]));
        let trial = |arm: u16| json!({ "family": 0, "arm": arm });
        let end = |arm: u16| json!({ "action": "end", "trial": trial(arm), "end": "completed", "reason": "all done" });
        let finished = json!({ "type": "finished", "segment": 0, "attempt": 1, "branches": [
            { "arms": [0], "end": "reached", "step": 60 },
            { "arms": [1], "end": "diverged", "step": 9 }] });
        let lines = story.tell(&entry(
            finished,
            json!([
                { "action": "prune", "trial": trial(1), "rung": 0, "reason": "rank 2 of 2" },
                end(0), end(1), end(2),
            ]),
        ));
        assert_eq!(
            told(&lines),
            [
                "finished: segment 0: 1 reached the end, 1 diverged",
                "pruned: flood b=0.1, seed 0, weight decay 0 (rank 2 of 2)",
                "completed: 3 trials (all done)",
            ]
        );
        assert_eq!(lines[2].arms.len(), 3);
    }

    #[test]
    fn a_failure_of_the_sweep_gives_its_reason_once() {
        let mut story = Story::new(&sweep(&[(0, 0.0), (4, 0.001)]));
        let failed = json!({ "type": "failed", "segment": 0, "attempt": 3, "message": "no data" });
        let lines = story.tell(&entry(
            failed,
            json!([{ "action": "fail", "reason": "every segment failed: no data" }]),
        ));
        assert_eq!(
            told(&lines),
            ["failed: segment 0", "failed: the sweep (every segment failed: no data)"]
        );
        assert!(lines.iter().all(|line| line.tone == Tone::Bad));
    }
}
