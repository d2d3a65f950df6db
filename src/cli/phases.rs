//! How far the stages have got of a sweep without rungs that all arms reach at one epoch: the plain
//! run, probes from their onset on, probes that were added, and what goes to the end.

use super::stage::StageBar;
use crate::scheduler::facts::onset_epoch;
use floodgauge_protocol::{ArmIx, FamilyIx, Segment, TrialKey, work::ReportRow};
use std::collections::BTreeMap;

/// How far each trial has got.
#[derive(Debug)]
pub struct Phases {
    steps_per_epoch: u64,
    /// Epochs of a full run.
    full: u32,
    trials: BTreeMap<TrialKey, TrialPhase>,
}

/// How far a trial has got, and what it is trained for.
#[derive(Debug, Default)]
struct TrialPhase {
    epochs: u32,
    onset_step: Option<u64>,
    /// Whether it lay dormant before.
    woken: bool,
    /// Whether it ended where it is.
    ended: bool,
    probe: Option<ProbeGoal>,
    /// The epoch from which it goes to the end.
    to_the_end: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct ProbeGoal {
    /// Epochs from that of its onset on.
    exposure: u32,
    /// Whether it was added once the plain run had shown where it turns.
    added: bool,
}

impl Phases {
    /// The phases of a sweep of which nothing was read.
    pub fn new(steps_per_epoch: u64, full: u32) -> Self {
        Self { steps_per_epoch: steps_per_epoch.max(1), full, trials: BTreeMap::new() }
    }

    /// Takes in what is to be trained.
    pub fn open(&mut self, segment: &Segment) {
        for branch in &segment.branches {
            for &arm in &branch.arms {
                let trial = self.trials.entry(TrialKey::new(segment.family, arm)).or_default();
                trial.onset_step = trial.onset_step.or(branch.onset_step);
                match branch.exposure {
                    Some(exposure) => {
                        trial.probe.get_or_insert(ProbeGoal { exposure, added: trial.woken });
                    }
                    None => _ = trial.to_the_end.get_or_insert(trial.epochs),
                }
            }
        }
    }

    /// Takes in what was trained.
    pub fn count_rows(&mut self, family: FamilyIx, rows: &[ReportRow]) {
        for row in rows {
            for &arm in &row.arms {
                let trial = self.trials.entry(TrialKey::new(family, arm)).or_default();
                trial.epochs = trial.epochs.max(row.epoch);
                trial.onset_step = trial.onset_step.or(row.onset_step);
            }
        }
    }

    /// A dormant trial goes on from its trunk.
    pub fn wake(&mut self, trial: TrialKey, epochs: u32) {
        let trial = self.trials.entry(trial).or_default();
        (trial.woken, trial.ended) = (true, false);
        trial.epochs = trial.epochs.max(epochs);
    }

    /// A trial that had ended is trained again.
    pub fn go_on(&mut self, trial: TrialKey) {
        self.trials.entry(trial).or_default().ended = false;
    }

    /// A family has no epochs any more.
    pub fn start_over(&mut self, family: FamilyIx) {
        for (_, trial) in self.trials.iter_mut().filter(|(key, _)| key.family == family) {
            (trial.epochs, trial.onset_step) = (0, None);
            trial.to_the_end = trial.to_the_end.map(|_| 0);
        }
    }

    /// A trial is trained no further.
    pub fn end(&mut self, trial: TrialKey) {
        self.trials.entry(trial).or_default().ended = true;
    }

    /// How far the plain runs have got. Here and below counts are in epochs of trials.
    pub fn plain(&self, name: &str) -> StageBar {
        let plain = self.plain_tally();
        plain.bar(name, "waits", self.to_the_end_words(&plain))
    }

    /// How far the probes have got: those that lay dormant before, or the others.
    pub fn probes(&self, name: &str, added: bool) -> StageBar {
        let plain = self.plain_tally();
        let over = plain.total > 0 && plain.done == plain.total;
        let waits = match (added, over) {
            (false, true) => "no level was reached",
            (false, false) => "wait",
            (true, true) => "skipped",
            (true, false) => "wait for where the plain run turns",
        };
        let probes = Tally::of(self.each(false).filter_map(|trial| self.probed(trial, added)));
        let words = format!("epochs from their onset on, {}", probes.trials());
        probes.bar(name, waits, words)
    }

    /// How far those have got that go to the end.
    pub fn to_the_end(&self, name: &str) -> StageBar {
        let run = |trial: &TrialPhase| trial.to_the_end.map(|from| trial.run(from, self.full));
        let last = Tally::of(self.each(false).filter_map(run));
        last.bar(name, "waits for the probes", self.to_the_end_words(&last))
    }

    fn plain_tally(&self) -> Tally {
        Tally::of(self.each(true).map(|trial| trial.run(0, self.full)))
    }

    fn to_the_end_words(&self, tally: &Tally) -> String {
        format!("epochs, {} to epoch {}", tally.trials(), self.full)
    }

    /// The trials that were sent anywhere: the plain runs, or all others.
    fn each(&self, plain: bool) -> impl Iterator<Item = &TrialPhase> {
        let wanted = move |(key, trial): &(&TrialKey, &TrialPhase)| {
            (key.arm == ArmIx::PLAIN) == plain
                && (trial.probe.is_some() || trial.to_the_end.is_some())
        };
        self.trials.iter().filter(wanted).map(|(_, trial)| trial)
    }

    /// Epochs of a probe since its onset: done, and to do. None of one that is the plain run, since
    /// that never fell below its level.
    fn probed(&self, trial: &TrialPhase, added: bool) -> Option<(u64, u64)> {
        let probe = trial.probe.filter(|probe| probe.added == added)?;
        let before = match trial.onset_step {
            Some(step) => onset_epoch(step, self.steps_per_epoch) as u32,
            None if trial.ended || trial.epochs >= self.full => return None,
            None => return Some((0, probe.exposure.into())),
        };
        let total = probe.exposure.min(self.full.saturating_sub(before));
        let done = trial.epochs.saturating_sub(before).min(total);
        Some((done.into(), if trial.ended { done.into() } else { total.into() }))
    }
}

impl TrialPhase {
    /// Epochs from `start` to `end`: done, and to do.
    fn run(&self, start: u32, end: u32) -> (u64, u64) {
        let done = u64::from(self.epochs.clamp(start, end.max(start)) - start);
        (done, if self.ended { done } else { u64::from(end.saturating_sub(start)) })
    }
}

/// Sums over trials.
#[derive(Default)]
struct Tally {
    trials: u64,
    done: u64,
    total: u64,
}

impl Tally {
    fn of(trials: impl Iterator<Item = (u64, u64)>) -> Self {
        trials.fold(Self::default(), |sum, (done, total)| Self {
            trials: sum.trials + 1,
            done: sum.done + done,
            total: sum.total + total,
        })
    }

    fn trials(&self) -> String {
        if self.trials == 1 { "1 trial".into() } else { format!("{} trials", self.trials) }
    }

    fn bar(&self, name: &str, waits: &str, words: String) -> StageBar {
        let (done, total) = (self.done, self.total);
        StageBar { name: name.into(), done, total, waits: waits.into(), words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FAMILY: FamilyIx = FamilyIx(0);

    /// Ten epochs of ten steps each.
    fn phases() -> Phases {
        Phases::new(10, 10)
    }

    fn open(phases: &mut Phases, arms: &[u16], exposure: Option<u32>) {
        let segment = json!({ "segment": 0, "family": 0, "kind": "train", "from_step": 0, "to_step": 100,
            "branches": [{ "arms": arms, "start": { "from": "init" }, "exposure": exposure }] });
        phases.open(&serde_json::from_value(segment).unwrap());
    }

    fn train(phases: &mut Phases, arms: &[u16], epoch: u32, onset_step: Option<u64>) {
        let row = json!({ "arms": arms, "epoch": epoch, "step": epoch * 10, "train_loss": 1.0,
            "metrics": { "val_loss": 1.0, "val_error": 0.5 }, "onset_step": onset_step });
        phases.count_rows(FAMILY, &[serde_json::from_value(row).unwrap()]);
    }

    /// All bars, in the order of the stages.
    fn bars(phases: &Phases) -> [StageBar; 4] {
        let probes = |added| phases.probes("", added);
        [phases.plain(""), probes(false), probes(true), phases.to_the_end("")]
    }

    fn trial(arm: u16) -> TrialKey {
        TrialKey::new(FAMILY, ArmIx(arm))
    }

    /// Epochs done and to do, stage by stage.
    fn counts(phases: &Phases) -> Vec<(u64, u64)> {
        bars(phases).iter().map(|bar| (bar.done, bar.total)).collect()
    }

    #[test]
    fn a_probe_counts_from_its_onset_on() {
        let mut phases = phases();
        open(&mut phases, &[0, 1, 2], Some(3));
        train(&mut phases, &[0, 1, 2], 4, None);
        assert_eq!(counts(&phases), [(4, 10), (0, 6), (0, 0), (0, 0)], "all share the plain run");
        // Crossed in the fifth epoch, which is the first of three.
        train(&mut phases, &[2], 5, Some(42));
        train(&mut phases, &[0, 1], 5, None);
        assert_eq!(counts(&phases)[..2], [(5, 10), (1, 6)]);
        train(&mut phases, &[2], 7, Some(42));
        assert_eq!(counts(&phases)[1], (3, 6));
    }

    #[test]
    fn a_level_that_is_never_reached_has_nothing_to_do() {
        let mut phases = phases();
        open(&mut phases, &[0, 1], Some(3));
        train(&mut phases, &[0, 1], 10, None);
        assert_eq!(counts(&phases)[..2], [(10, 10), (0, 0)]);
        assert_eq!(bars(&phases)[1].waits, "no level was reached");
    }

    #[test]
    fn a_probe_whose_onset_is_late_ends_with_the_run() {
        let mut phases = phases();
        open(&mut phases, &[0, 1], Some(3));
        train(&mut phases, &[1], 10, Some(95));
        assert_eq!(counts(&phases)[1], (1, 1));
    }

    #[test]
    fn probes_that_are_added_and_levels_that_go_to_the_end_are_phases_of_their_own() {
        let mut phases = phases();
        open(&mut phases, &[0, 1], Some(3));
        train(&mut phases, &[1], 5, Some(25));
        train(&mut phases, &[0], 10, None);
        phases.wake(trial(2), 4);
        open(&mut phases, &[2], Some(3));
        train(&mut phases, &[2], 6, Some(45));
        assert_eq!(counts(&phases), [(10, 10), (3, 3), (2, 3), (0, 0)]);
        // The first probe goes on from where it is, a third level from where it is woken.
        phases.end(trial(2));
        open(&mut phases, &[1], None);
        phases.wake(trial(3), 6);
        open(&mut phases, &[3], None);
        train(&mut phases, &[3], 8, Some(65));
        assert_eq!(counts(&phases), [(10, 10), (3, 3), (2, 2), (2, 5 + 4)]);
        assert_eq!(bars(&phases)[3].words, "epochs, 2 trials to epoch 10");
    }

    #[test]
    fn work_that_is_given_out_again_counts_once() {
        let mut phases = phases();
        for _ in 0..2 {
            open(&mut phases, &[0, 1], Some(3));
            train(&mut phases, &[0, 1], 2, None);
        }
        assert_eq!(counts(&phases)[..2], [(2, 10), (0, 3)]);
    }
}
