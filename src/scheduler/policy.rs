//! What every scheduler has in common: brackets that go on once nothing of them is open, and the
//! answer at the end.

use super::{
    action::{Action, Decision},
    status::{SweepStatus, TrialStatus},
    sweep::{Sweep, Work},
    trial::Trial,
};
use floodgauge_protocol::{FamilyIx, SchedulerKind};

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
