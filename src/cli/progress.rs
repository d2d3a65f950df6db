//! How far a sweep has got: a pure reducer over its log, which bars and lines are drawn from.

use super::{phases::Phases, stage::StageBar};
use crate::{
    client::{
        LogEntry,
        api::{Stage, StageCounts, SweepDetail},
    },
    scheduler::{Action, Event, TrialEnd, TrialStatus},
};
use floodgauge_protocol::{
    ArmIx, FamilyIx, Segment, SegmentId, SegmentKind, TrialKey, work::ReportRow,
};
use std::collections::{BTreeMap, BTreeSet};

/// How far a sweep has got.
#[derive(Debug)]
pub struct Progress {
    /// Whether the chosen arm is being tested.
    pub testing: bool,
    /// The parts that it is trained in, as the server names them.
    stages: Vec<Stage>,
    /// The family of each segment.
    families: BTreeMap<SegmentId, FamilyIx>,
    /// The segments that a worker holds.
    claimed: BTreeSet<SegmentId>,
    trials: BTreeMap<TrialKey, TrialProgress>,
    /// How far those stages have got that aren't rungs.
    phases: Phases,
}

/// How far a rung has got. Counts are in epochs of trials: an epoch that several trials share
/// counts once for each of them, since each has got that far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rung {
    /// The epoch at which it ends.
    pub ends_at: u32,
    /// Trials that were sent to it.
    pub trials: u64,
    /// Epochs done.
    pub done: u64,
    /// Epochs to do.
    pub total: u64,
}

impl Rung {
    fn bar(&self, name: &str) -> StageBar {
        let Self { ends_at, trials, done, total } = *self;
        StageBar {
            name: name.into(),
            done,
            total,
            waits: format!("waits; ends at epoch {ends_at}"),
            words: format!("epochs, {trials} trials to epoch {ends_at}"),
        }
    }
}

/// How far a trial has got, and may get.
#[derive(Debug, Default)]
struct TrialProgress {
    epochs: u32,
    /// The last rung that it was sent to.
    rung: u32,
    /// Whether a segment has named it.
    sent: bool,
    /// Whether it ended where it is.
    ended: bool,
}

impl Progress {
    /// A sweep of which no entry has been read.
    pub fn new(sweep: &SweepDetail) -> Self {
        let arms = || sweep.arms_list.iter().map(|arm| arm.ix);
        let families = sweep.families.iter().map(|family| family.family);
        let trials = families.flat_map(|family| arms().map(move |arm| TrialKey::new(family, arm)));
        Self {
            testing: false,
            stages: sweep.stages.clone(),
            families: BTreeMap::new(),
            claimed: BTreeSet::new(),
            trials: trials.map(|trial| (trial, TrialProgress::default())).collect(),
            phases: Phases::new(sweep.steps_per_epoch, sweep.summary.epochs),
        }
    }

    /// Whether a worker holds any of its work.
    pub fn is_claimed(&self) -> bool {
        !self.claimed.is_empty()
    }

    /// How far each stage has got, first to last.
    pub fn bars(&self) -> Vec<StageBar> {
        let mut start = 0;
        let bar = |Stage { name, counts }: &Stage| match *counts {
            StageCounts::Rung { rung, ends_at } => {
                let begins_at = std::mem::replace(&mut start, ends_at);
                self.rung(rung, begins_at, ends_at).bar(name)
            }
            StageCounts::Plain => self.phases.plain(name),
            StageCounts::Probes { added } => self.phases.probes(name, added),
            StageCounts::ToTheEnd => self.phases.to_the_end(name),
        };
        self.stages.iter().map(bar).collect()
    }

    fn rung(&self, ix: u32, begins_at: u32, ends_at: u32) -> Rung {
        let ends_at = ends_at.max(begins_at);
        let mut rung = Rung { ends_at, ..Rung::default() };
        for trial in self.trials.values().filter(|trial| trial.sent && trial.rung >= ix) {
            let done = u64::from(trial.epochs.clamp(begins_at, ends_at) - begins_at);
            let total = if trial.ended { done } else { u64::from(ends_at - begins_at) };
            rung.trials += 1;
            rung.done += done;
            rung.total += total;
        }
        rung
    }

    /// Takes an entry in.
    pub fn apply(&mut self, entry: &LogEntry) {
        match &entry.event {
            Event::Claimed { segment, .. } => _ = self.claimed.insert(*segment),
            Event::Reported { segment, rows, .. } => self.count_rows(*segment, rows),
            Event::Finished { segment, .. }
            | Event::Failed { segment, .. }
            | Event::HandedBack { segment, .. }
            | Event::Lost { segment, .. } => _ = self.claimed.remove(segment),
            Event::Extended { .. } => self.testing = false,
            Event::StartedOver { family, .. } => self.start_over(*family),
            Event::Submitted { .. }
            | Event::Nondeterminism { .. }
            | Event::Saved { .. }
            | Event::Expired { .. }
            | Event::Damaged { .. }
            | Event::CancelRequested
            | Event::PauseRequested
            | Event::Resumed => {}
        }
        for decision in &entry.decisions {
            self.decide(&decision.action);
        }
    }

    fn decide(&mut self, action: &Action) {
        match action {
            Action::Enqueue { segment } => self.open(segment),
            Action::Promote { trial, rung } => {
                // The baseline goes along with those that are left.
                for arm in [trial.arm, ArmIx::PLAIN] {
                    let key = TrialKey::new(trial.family, arm);
                    let known = self.trials.entry(key).or_default();
                    known.rung = known.rung.max(*rung + 1);
                }
            }
            Action::Wake { trial, epochs } => {
                let known = self.trials.entry(*trial).or_default();
                known.epochs = known.epochs.max(*epochs);
                self.phases.wake(*trial, *epochs);
            }
            Action::Again { trial } | Action::Resume { trial } => self.go_on(*trial),
            Action::AsBefore { trial, status } if *status != TrialStatus::Completed => {
                self.end(*trial);
            }
            Action::Rest { trial } | Action::Prune { trial, .. } => self.end(*trial),
            Action::End { trial, end } if *end != TrialEnd::Completed => self.end(*trial),
            // How the sweep ended is its follower's to tell.
            Action::Fail | Action::Cancel | Action::Complete { .. } => {}
            Action::Retry { .. } | Action::Withdraw { .. } | Action::Grow { .. } => {}
            Action::Stop { .. } | Action::End { .. } | Action::AsBefore { .. } => {}
        }
    }

    fn end(&mut self, trial: TrialKey) {
        self.trials.entry(trial).or_default().ended = true;
        self.phases.end(trial);
    }

    /// A trial that had ended is trained again; what was to be tested waits for it.
    fn go_on(&mut self, trial: TrialKey) {
        self.testing = false;
        self.trials.entry(trial).or_default().ended = false;
        self.phases.go_on(trial);
    }

    /// A family has no epochs any more.
    fn start_over(&mut self, family: FamilyIx) {
        let of_family = self.trials.iter_mut().filter(|(key, _)| key.family == family);
        of_family.for_each(|(_, trial)| trial.epochs = 0);
        self.phases.start_over(family);
    }

    fn open(&mut self, segment: &Segment) {
        if segment.kind == SegmentKind::Test {
            self.testing = true;
            return;
        }
        self.families.insert(segment.segment, segment.family);
        self.phases.open(segment);
        for arm in segment.arms() {
            self.trials.entry(TrialKey::new(segment.family, arm)).or_default().sent = true;
        }
    }

    fn count_rows(&mut self, segment: SegmentId, rows: &[ReportRow]) {
        let Some(&family) = self.families.get(&segment) else { return };
        self.phases.count_rows(family, rows);
        for row in rows {
            for &arm in &row.arms {
                let trial = self.trials.entry(TrialKey::new(family, arm)).or_default();
                trial.epochs = trial.epochs.max(row.epoch);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::sweep;
    use serde_json::{Value, json};

    const ID: &str = "01970000-0000-7000-8000-000000000000";

    fn entry(event: Value, decisions: Value) -> LogEntry {
        serde_json::from_value(json!({
            "sweep": ID, "seq": 1, "at": "2026-01-01T00:00:00Z", "event": event, "decisions": decisions
        }))
        .unwrap()
    }

    fn enqueue(segment: u32, arms: &[u16], from: u64, to: u64) -> Value {
        let kind = if from == to { "test" } else { "train" };
        json!({ "action": "enqueue", "reason": "next", "segment": { "segment": segment, "family": 0, "kind": kind,
            "from_step": from, "to_step": to, "branches": [{ "arms": arms, "start": { "from": "init" } }] } })
    }

    fn reported(segment: u32, arms: &[u16]) -> Value {
        json!({ "type": "reported", "segment": segment, "attempt": 1, "redone": 0, "rows": [
            { "arms": arms, "epoch": 1, "step": 20, "train_loss": 1.0, "metrics": { "val_loss": 1.0, "val_error": 0.5 } }] })
    }

    /// The rungs of the sweep, which end after epochs 3 and 9.
    fn rungs(progress: &Progress) -> [Rung; 2] {
        [progress.rung(0, 0, 3), progress.rung(1, 3, 9)]
    }

    fn claimed(attempt: u32) -> Value {
        json!({ "type": "claimed", "segment": 0, "attempt": attempt, "worker": "w", "fingerprint": "f" })
    }

    #[test]
    fn a_shared_epoch_counts_for_every_trial_that_it_stands_for() {
        let mut progress = Progress::new(&sweep(&[(0, 0.0)]));
        progress.apply(&entry(claimed(1), json!([enqueue(0, &[0, 1, 2], 0, 60)])));
        progress.apply(&entry(reported(0, &[0, 1, 2]), json!([])));
        let first = Rung { ends_at: 3, trials: 3, done: 3, total: 9 };
        assert_eq!(rungs(&progress), [first, Rung { ends_at: 9, ..Rung::default() }]);
        let bars: Vec<_> =
            progress.bars().into_iter().map(|bar| (bar.name, bar.done, bar.total)).collect();
        assert_eq!(bars, [("rung 1 of 2".into(), 3, 9), ("rung 2 of 2".into(), 0, 0)]);
    }

    #[test]
    fn a_rung_is_done_though_a_trial_diverged_in_it() {
        let mut progress = Progress::new(&sweep(&[(0, 0.0)]));
        progress.apply(&entry(claimed(1), json!([enqueue(0, &[0, 1, 2], 0, 60)])));
        progress.apply(&entry(reported(0, &[0, 1, 2]), json!([])));
        for arm in [0, 1] {
            let mut entry = entry(reported(0, &[arm]), json!([]));
            let Event::Reported { rows, .. } = &mut entry.event else { panic!("not a report") };
            rows[0].epoch = 3;
            progress.apply(&entry);
        }
        let finished = json!({ "type": "finished", "segment": 0, "attempt": 1, "branches": [] });
        progress.apply(&entry(finished, json!([
            { "action": "end", "trial": { "family": 0, "arm": 2 }, "end": "diverged", "reason": "a loss was infinite" },
            { "action": "promote", "trial": { "family": 0, "arm": 1 }, "rung": 0, "reason": "rank 1 of 1" },
            enqueue(1, &[0, 1], 60, 180),
        ])));
        let rungs = rungs(&progress);
        assert_eq!((rungs[0].done, rungs[0].total), (7, 7), "what diverged has nothing left to do");
        assert_eq!((rungs[1].trials, rungs[1].done, rungs[1].total), (2, 0, 12));
    }

    #[test]
    fn a_test_segment_is_no_part_of_a_rung() {
        let mut progress = Progress::new(&sweep(&[(0, 0.0)]));
        progress.apply(&entry(claimed(1), json!([enqueue(0, &[0], 180, 180)])));
        assert!(progress.testing);
        assert_eq!(rungs(&progress)[1].trials, 0);
    }

    #[test]
    fn work_is_claimed_from_its_claim_until_it_is_handed_in_or_lost() {
        let mut progress = Progress::new(&sweep(&[(0, 0.0)]));
        assert!(!progress.is_claimed());
        let finished = json!({ "type": "finished", "segment": 0, "attempt": 1, "branches": [] });
        let lost = json!({ "type": "lost", "segment": 0, "attempt": 1 });
        let failed = json!({ "type": "failed", "segment": 0, "attempt": 1, "message": "no" });
        for end in [finished, lost, failed] {
            progress.apply(&entry(claimed(1), json!([])));
            assert!(progress.is_claimed());
            progress.apply(&entry(end, json!([])));
            assert!(!progress.is_claimed());
        }
    }
}
