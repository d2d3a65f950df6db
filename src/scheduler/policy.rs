//! What every scheduler has in common: brackets that go on once nothing of them is open, the test at
//! the end, and the answer.

use super::{
    action::{Action, Decision},
    status::{SweepStatus, TrialStatus},
    sweep::{Sweep, Work},
    trial::Trial,
};
use floodgauge_protocol::{
    ArmIx, At, Branch, FamilyIx, SchedulerKind, SegmentKind, Start, TrialKey,
};
use std::collections::BTreeMap;

impl Sweep {
    /// The first work of every bracket.
    pub(super) fn start(&mut self) -> Vec<Decision> {
        let brackets = 0..self.brackets.len();
        brackets
            .flat_map(|ix| match self.spec.scheduler.kind {
                SchedulerKind::Halving => self.probe(ix),
                SchedulerKind::Asha => self.start_asynchronously(ix),
                SchedulerKind::Grid | SchedulerKind::Sha | SchedulerKind::Hyperband => {
                    self.first_rung(ix)
                }
            })
            .collect()
    }

    /// What follows in a family's bracket once nothing of it is open.
    pub(super) fn climb(&mut self, family: FamilyIx) -> Vec<Decision> {
        let Some(ix) = self.brackets.iter().position(|b| b.families.contains(&family)) else {
            return vec![];
        };
        let bracket = &self.brackets[ix];
        let open = |work: &Work| work.open && bracket.families.contains(&work.segment.family);
        if bracket.done || self.segments.values().any(open) {
            return vec![];
        }
        let mut decisions = match self.spec.scheduler.kind {
            _ if bracket.extended => self.close_extension(ix),
            SchedulerKind::Halving => self.after_probes(ix),
            SchedulerKind::Asha => self.after_promotions(ix),
            SchedulerKind::Grid | SchedulerKind::Sha | SchedulerKind::Hyperband => {
                self.next_rung(ix)
            }
        };
        if self.brackets.iter().all(|bracket| bracket.done) {
            decisions.extend(self.enqueue_test());
        }
        decisions
    }

    /// What a family is trained for.
    pub(super) fn purpose(&self, family: FamilyIx) -> String {
        let bracket = self.brackets.iter().find(|bracket| bracket.families.contains(&family));
        let rung = bracket.map_or(0, |bracket| bracket.rung);
        if bracket.is_some_and(|bracket| bracket.extended) {
            return "extension".into();
        }
        match (self.spec.scheduler.kind, rung) {
            (SchedulerKind::Halving, 0) => "the plain run and its probes".into(),
            (SchedulerKind::Halving, 1) => "more probes".into(),
            (SchedulerKind::Halving, _) => "to the end".into(),
            (SchedulerKind::Asha, _) => "asynchronous halving".into(),
            _ => format!("rung {} of {}", rung + 1, self.rungs.epochs().len()),
        }
    }

    /// Test segments for the chosen arm and its baseline, one a seed and epoch; or the end, if
    /// there is nothing to test. Tested is the epoch at which the objective is read: the last, or
    /// each trial's best.
    fn enqueue_test(&mut self) -> Vec<Decision> {
        let Some((bracket, arm)) = self.chosen() else { return self.conclude() };
        let mut arms = vec![ArmIx::PLAIN, arm];
        arms.dedup();
        let mut decisions = vec![];
        for family in self.brackets[bracket].families.clone() {
            let mut by_step: BTreeMap<u64, Vec<Branch>> = BTreeMap::new();
            for &arm in &arms {
                if let Some((step, branch)) = self.tested(TrialKey::new(family, arm)) {
                    by_step.entry(step).or_default().push(branch);
                }
            }
            for (step, branches) in by_step {
                let names: Vec<_> = branches
                    .iter()
                    .map(|branch| self.plan.arms[branch.arms[0].ix()].to_string())
                    .collect();
                let reason = format!(
                    "test metrics of {} after epoch {}, seed {}",
                    names.join(" and "),
                    step / self.steps_per_epoch,
                    self.plan.families[family.ix()].seed,
                );
                let kind = SegmentKind::Test;
                decisions.push(self.enqueue(family, kind, (step, step), branches, reason));
            }
        }
        if decisions.is_empty() { self.conclude() } else { decisions }
    }

    /// The state of a trial that is tested, and its step; none if it wasn't trained to the end, or
    /// was tested before.
    fn tested(&self, key: TrialKey) -> Option<(u64, Branch)> {
        let untested =
            |trial: &&Trial| trial.status == TrialStatus::Completed && trial.test.is_none();
        let trial = self.trials.get(&key).filter(untested)?;
        let (step, digest) = match self.spec.search.objective.at {
            At::Last => (trial.saved_step, trial.checkpoint?),
            At::Best => {
                let best = trial.best?;
                (u64::from(best.epoch) * self.steps_per_epoch, best.checkpoint)
            }
        };
        let branch = Branch::new(vec![key.arm], Start::Checkpoint { digest });
        Some((step, Branch { onset_step: trial.onset_step, ..branch }))
    }

    /// The end, once nothing is open: the answer, or failure if no arm was trained to the end
    /// with every seed.
    pub(super) fn conclude(&mut self) -> Vec<Decision> {
        if self.segments.values().any(|work| work.open) {
            return vec![];
        }
        if self.chosen().is_none() {
            self.status = SweepStatus::Failed;
            let lost = |trial: &&Trial| trial.status != TrialStatus::Completed;
            let why = self.trials.values().filter(lost).find_map(|trial| trial.reason.clone());
            let why = why.map(|why| format!("; the first reason: {why}")).unwrap_or_default();
            let reason = format!("no arm was trained to the end with every seed{why}");
            return vec![Decision { action: Action::Fail, reason }];
        }
        self.status = SweepStatus::Completed;
        let best = self.best();
        let reason = best.verdict.clone();
        vec![Decision { action: Action::Complete { best: Box::new(best) }, reason }]
    }
}
