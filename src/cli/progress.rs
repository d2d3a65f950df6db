//! How far a sweep has got: a pure reducer over its log, which bars and lines are drawn from.

use super::{phases::Phases, stage::Stage};
use crate::{
    client::{LogEntry, api::SweepDetail},
    scheduler::{Action, Event, TrialEnd},
};
use floodgauge_protocol::{
    ArmIx, FamilyIx, SchedulerKind, Segment, SegmentId, SegmentKind, TrialKey, work::ReportRow,
};
use std::collections::{BTreeMap, BTreeSet};

/// How far a sweep has got.
#[derive(Debug)]
pub struct Progress {
    /// Whether the chosen arm is being tested.
    pub testing: bool,
    /// The epochs at which the rungs end, first to last.
    ends: Vec<u32>,
    /// The family of each segment.
    families: BTreeMap<SegmentId, FamilyIx>,
    /// The segments that a worker holds.
    claimed: BTreeSet<SegmentId>,
    trials: BTreeMap<TrialKey, TrialProgress>,
    /// The phases of a scheduler that has no rungs.
    phases: Option<Phases>,
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

/// How far a trial has got, and may get.
#[derive(Debug, Default)]
struct TrialProgress {
    epochs: u32,
    /// The last rung that it was sent to.
    rung: usize,
    /// Whether a segment has named it.
    sent: bool,
    /// Whether it ended where it is.
    ended: bool,
}

impl Progress {
    /// A sweep of which no entry has been read.
    pub fn new(sweep: &SweepDetail) -> Self {
        let mut ends = sweep.rungs.clone();
        if ends.last().is_none_or(|&last| last < sweep.summary.epochs) {
            ends.push(sweep.summary.epochs);
        }
        let phases = (sweep.summary.scheduler == SchedulerKind::Halving)
            .then(|| Phases::new(sweep.steps_per_epoch, sweep.summary.epochs));
        let arms = || sweep.arms_list.iter().map(|arm| arm.ix);
        let families = sweep.families.iter().map(|family| family.family);
        let trials = families.flat_map(|family| arms().map(move |arm| TrialKey::new(family, arm)));
        Self {
            testing: false,
            ends,
            families: BTreeMap::new(),
            claimed: BTreeSet::new(),
            trials: trials.map(|trial| (trial, TrialProgress::default())).collect(),
            phases,
        }
    }

    /// Whether a worker holds any of its work.
    pub fn is_claimed(&self) -> bool {
        !self.claimed.is_empty()
    }

    /// The parts of the sweep, first to last: the phases of `halving`, or else the rungs.
    pub fn stages(&self) -> Vec<Stage> {
        match &self.phases {
            Some(phases) => phases.stages(),
            None => self
                .rungs()
                .into_iter()
                .enumerate()
                .map(|(ix, rung)| self.stage(ix, &rung))
                .collect(),
        }
    }

    fn stage(&self, ix: usize, rung: &Rung) -> Stage {
        let Rung { ends_at, trials, done, total } = *rung;
        Stage {
            name: match self.ends.len() {
                1 => "training".into(),
                count => format!("rung {} of {count}", ix + 1),
            },
            done,
            total,
            waits: format!("waits; ends at epoch {ends_at}"),
            words: format!("epochs, {trials} trials to epoch {ends_at}"),
        }
    }

    /// The rungs, first to last.
    fn rungs(&self) -> Vec<Rung> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let mut rungs: Vec<_> =
            self.ends.iter().map(|&ends_at| Rung { ends_at, ..Rung::default() }).collect();
        for (ix, (rung, start)) in rungs.iter_mut().zip(starts).enumerate() {
            for trial in self.trials.values().filter(|trial| trial.sent && trial.rung >= ix) {
                let done = u64::from(trial.epochs.clamp(start, rung.ends_at) - start);
                let total = if trial.ended { done } else { u64::from(rung.ends_at - start) };
                rung.trials += 1;
                rung.done += done;
                rung.total += total;
            }
        }
        rungs
    }

    /// Takes an entry in.
    pub fn apply(&mut self, entry: &LogEntry) {
        match &entry.event {
            Event::Claimed { segment, .. } => _ = self.claimed.insert(*segment),
            Event::Reported { segment, rows, .. } => self.advance(*segment, rows),
            Event::Finished { segment, .. }
            | Event::Failed { segment, .. }
            | Event::Lost { segment, .. } => _ = self.claimed.remove(segment),
            Event::Extended { .. } => self.testing = false,
            Event::Submitted { .. }
            | Event::Nondeterminism { .. }
            | Event::Saved { .. }
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
                    known.rung = known.rung.max(*rung as usize + 1);
                }
            }
            Action::Wake { trial, epochs } => {
                let known = self.trials.entry(*trial).or_default();
                known.epochs = known.epochs.max(*epochs);
                self.phases.iter_mut().for_each(|phases| phases.wake(*trial, *epochs));
            }
            Action::Rest { trial } | Action::Prune { trial, .. } => self.end(*trial),
            Action::End { trial, end } if *end != TrialEnd::Completed => self.end(*trial),
            // How the sweep ended is its follower's to tell.
            Action::Fail | Action::Cancel | Action::Complete { .. } => {}
            Action::Retry { .. } | Action::Withdraw { .. } | Action::Grow { .. } => {}
            Action::Stop { .. } | Action::End { .. } => {}
        }
    }

    fn end(&mut self, trial: TrialKey) {
        self.trials.entry(trial).or_default().ended = true;
        self.phases.iter_mut().for_each(|phases| phases.end(trial));
    }

    fn open(&mut self, segment: &Segment) {
        if segment.kind == SegmentKind::Test {
            self.testing = true;
            return;
        }
        self.families.insert(segment.segment, segment.family);
        self.phases.iter_mut().for_each(|phases| phases.open(segment));
        for arm in segment.arms() {
            self.trials.entry(TrialKey::new(segment.family, arm)).or_default().sent = true;
        }
    }

    fn advance(&mut self, segment: SegmentId, rows: &[ReportRow]) {
        let Some(&family) = self.families.get(&segment) else { return };
        self.phases.iter_mut().for_each(|phases| phases.advance(family, rows));
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
            { "arms": arms, "epoch": 1, "step": 20, "train_loss": 1.0, "val_loss": 1.0, "val_error": 0.5 }] })
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
        assert_eq!(progress.rungs(), [first, Rung { ends_at: 9, ..Rung::default() }]);
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
        let rungs = progress.rungs();
        assert_eq!((rungs[0].done, rungs[0].total), (7, 7), "what diverged has nothing left to do");
        assert_eq!((rungs[1].trials, rungs[1].done, rungs[1].total), (2, 0, 12));
    }

    #[test]
    fn a_test_segment_is_no_part_of_a_rung() {
        let mut progress = Progress::new(&sweep(&[(0, 0.0)]));
        progress.apply(&entry(claimed(1), json!([enqueue(0, &[0], 180, 180)])));
        assert!(progress.testing);
        assert_eq!(progress.rungs()[1].trials, 0);
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
