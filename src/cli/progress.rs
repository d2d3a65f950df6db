//! How far a sweep has got: a pure reducer over its log, which bars and lines are drawn from.

use super::{phases::Phases, stage::Stage, words};
use crate::{
    client::{LogEntry, api::SweepDetail},
    scheduler::{Action, Decision, Event, TrialEnd},
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
    names: BTreeMap<u16, String>,
    seeds: usize,
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
            names: sweep.arms_list.iter().map(|arm| (arm.ix.0, arm.name.clone())).collect(),
            seeds: sweep.families.len(),
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

    /// Takes an entry in; answers what is worth telling, in words.
    pub fn apply(&mut self, entry: &LogEntry) -> Vec<String> {
        let mut news = Vec::new();
        match &entry.event {
            Event::Submitted { .. } | Event::Saved { .. } => {}
            Event::Claimed { segment, attempt, worker, .. } => {
                self.claimed.insert(*segment);
                if *attempt > 1 {
                    news.push(format!(
                        "worker {worker} takes segment {segment} up, attempt {attempt}"
                    ));
                }
            }
            Event::Reported { segment, rows, redone, .. } => {
                self.advance(*segment, rows);
                if *redone > 0 {
                    let were = if *redone == 1 { "was" } else { "were" };
                    let epochs = words::epochs(*redone);
                    news.push(format!("{epochs} {were} trained again, with the same bits"));
                }
            }
            Event::Nondeterminism { segment, rows, .. } => {
                let epochs = words::epochs(rows.len() as u32);
                news.push(format!(
                    "segment {segment} was trained again with other bits in {epochs}; the first report stands"
                ));
            }
            // Of a failure, what the scheduler makes of it says why.
            Event::Finished { segment, .. } | Event::Failed { segment, .. } => {
                self.claimed.remove(segment);
            }
            Event::Lost { segment, .. } => {
                self.claimed.remove(segment);
                news.push(format!(
                    "the worker of segment {segment} went silent; its work is given out again"
                ));
            }
            Event::CancelRequested => news.push("asked to end".into()),
            Event::PauseRequested => news.push("asked to pause".into()),
            Event::Resumed => news.push("resumed".into()),
            Event::Extended { seeds, levels, epochs, .. } => {
                self.testing = false;
                let mut more = vec![];
                more.extend((!seeds.is_empty()).then(|| format!("seeds {seeds:?}")));
                more.extend((!levels.is_empty()).then(|| format!("levels {levels:?}")));
                more.extend(epochs.map(words::epochs));
                news.push(format!("extended: {}", more.join(", ")));
            }
        }
        news.extend(self.decide(&entry.decisions));
        news
    }

    fn decide(&mut self, decisions: &[Decision]) -> Vec<String> {
        let mut news = Vec::new();
        let mut cuts: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        let mut ends: BTreeMap<&str, Vec<TrialKey>> = BTreeMap::new();
        for Decision { action, reason, .. } in decisions {
            match action {
                Action::Enqueue { segment } => self.open(segment),
                Action::Withdraw { .. } => {}
                Action::Grow { arms } => {
                    for added in arms {
                        self.names.insert(added.ix.0, added.name.clone());
                    }
                    news.push(reason.clone());
                }
                Action::Promote { trial, rung } => {
                    cuts.entry(*rung).or_default().0 += 1;
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
                    if self.ends.last().is_some_and(|last| epochs < last) {
                        news.push(format!("{}: {reason}", self.name(*trial)));
                    }
                }
                Action::Rest { trial } => self.end(*trial),
                Action::Prune { trial, rung } => {
                    cuts.entry(*rung).or_default().1 += 1;
                    self.end(*trial);
                }
                Action::End { trial, end } if *end != TrialEnd::Completed => {
                    ends.entry(reason).or_default().push(*trial);
                    self.end(*trial);
                }
                Action::Retry { segment } => news.push(format!("segment {segment}: {reason}")),
                // How the sweep ended is its follower's to tell.
                Action::Fail | Action::Cancel | Action::Complete { .. } => {}
                Action::Stop { .. } | Action::End { .. } => {}
            }
        }
        news.extend(ends.into_iter().map(|(reason, trials)| match trials[..] {
            [trial] => format!("{}: {reason}", self.name(trial)),
            _ => format!("{} trials: {reason}", trials.len()),
        }));
        news.extend(cuts.into_iter().map(|(rung, (kept, pruned))| {
            let (number, count) = (rung + 1, self.ends.len());
            let at = self.ends.get(rung as usize).copied().unwrap_or_default();
            let all = kept + pruned;
            if count == 1 {
                let go = if kept == 1 { "goes" } else { "go" };
                return format!("{kept} of {all} probes {go} on, the rest is pruned");
            }
            format!(
                "rung {number} of {count}, epoch {at}: {kept} of {all} go on, the rest is pruned"
            )
        }));
        news
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

    fn name(&self, trial: TrialKey) -> String {
        let arm =
            self.names.get(&trial.arm.0).cloned().unwrap_or_else(|| format!("arm {}", trial.arm));
        if self.seeds > 1 { format!("{arm} of family {}", trial.family) } else { arm }
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
        let news = progress.apply(&entry(finished, json!([
            { "action": "end", "trial": { "family": 0, "arm": 2 }, "end": "diverged", "reason": "a loss was infinite" },
            { "action": "promote", "trial": { "family": 0, "arm": 1 }, "rung": 0, "reason": "rank 1 of 1" },
            enqueue(1, &[0, 1], 60, 180),
        ])));
        assert_eq!(
            news,
            [
                "flood b=0.2: a loss was infinite",
                "rung 1 of 2, epoch 3: 1 of 1 go on, the rest is pruned"
            ]
        );
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
    fn what_ends_several_trials_is_told_once() {
        let mut progress = Progress::new(&sweep(&[(0, 0.0)]));
        let failed = json!({ "type": "failed", "segment": 0, "attempt": 3, "message": "no data" });
        let end = |arm: u16| json!({ "action": "end", "trial": { "family": 0, "arm": arm }, "end": "failed", "reason": "no data" });
        let news = progress.apply(&entry(failed, json!([end(0), end(1), end(2)])));
        assert_eq!(news, ["3 trials: no data"]);
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

    #[test]
    fn trouble_is_told_and_routine_is_not() {
        let mut progress = Progress::new(&sweep(&[(0, 0.0)]));
        assert!(progress.apply(&entry(claimed(1), json!([]))).is_empty());
        assert_eq!(progress.apply(&entry(claimed(2), json!([]))).len(), 1);
        let lost = json!({ "type": "lost", "segment": 0, "attempt": 1 });
        assert!(progress.apply(&entry(lost, json!([])))[0].contains("silent"));
    }
}
