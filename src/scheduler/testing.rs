//! The test at a sweep's end. Test metrics never choose: what is tested was chosen by validation.

use super::{action::Decision, status::TrialStatus, sweep::Sweep, table::READ_OUTS};
use floodgauge_protocol::{ArmIx, Branch, FamilyIx, SegmentKind, Start, TrialKey};
use std::collections::{BTreeMap, BTreeSet};

impl Sweep {
    /// Test segments, one a seed and epoch, for all that the table shows and for the chosen arm and
    /// its baseline; or the end, if nothing is left to test. What was tested before isn't again.
    pub(super) fn enqueue_test(&mut self) -> Vec<Decision> {
        let Some((chosen, arm)) = self.chosen() else { return self.conclude() };
        let mut states: BTreeSet<(FamilyIx, u64, ArmIx)> = BTreeSet::new();
        for (ix, bracket) in self.brackets.iter().enumerate() {
            for at in READ_OUTS {
                let mut arms = self.table_arms(bracket, at);
                if ix == chosen && at == self.spec.search.objective.at {
                    arms.extend([ArmIx::PLAIN, arm]);
                }
                for (&family, &arm) in
                    bracket.families.iter().flat_map(|f| arms.iter().map(move |a| (f, a)))
                {
                    let trial = &self.trials[&TrialKey::new(family, arm)];
                    let done = trial.status == TrialStatus::Completed;
                    let state = trial.state(at, self.steps_per_epoch).filter(|_| done);
                    if let Some((step, _)) =
                        state.filter(|(step, _)| !trial.tests.contains_key(step))
                    {
                        states.insert((family, step, arm));
                    }
                }
            }
        }
        let mut segments: BTreeMap<(FamilyIx, u64), Vec<ArmIx>> = BTreeMap::new();
        for (family, step, arm) in states {
            segments.entry((family, step)).or_default().push(arm);
        }
        let mut decisions = vec![];
        for ((family, step), arms) in segments {
            let branches: Vec<_> = arms
                .iter()
                .filter_map(|&arm| self.tested(TrialKey::new(family, arm), step))
                .collect();
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
        if decisions.is_empty() { self.conclude() } else { decisions }
    }

    /// The branch that tests a trial's state at a step.
    fn tested(&self, key: TrialKey, step: u64) -> Option<Branch> {
        let trial = self.trials.get(&key)?;
        let states = READ_OUTS.iter().filter_map(|&at| trial.state(at, self.steps_per_epoch));
        let (_, digest) = states.into_iter().find(|(at, _)| *at == step)?;
        let branch = Branch::new(vec![key.arm], Start::Checkpoint { digest });
        Some(Branch { onset_step: trial.onset_step, ..branch })
    }
}
