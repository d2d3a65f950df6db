//! The test at a sweep's end, and the end. Test metrics never choose: what is tested was chosen by
//! validation.

use super::{
    standing::{best, chosen},
    table::{READ_OUTS, table_arms},
};
use crate::scheduler::{
    action::{Action, Decision},
    facts::Facts,
    reason::{Reason, Testing},
    status::{SweepStatus, TrialStatus},
};
use crate::verdict::Basis;
use floodgauge_protocol::{Arm, ArmIx, Branch, FamilyIx, SegmentKind, Start, TrialKey};
use std::collections::{BTreeMap, BTreeSet};

/// Test segments, one a seed and epoch, for all that the table shows and for the chosen arm and
/// its baseline; or the end, if nothing is left to test. What was tested before isn't again. The arm is chosen
/// by `basis`.
pub fn test(facts: &mut Facts, basis: Basis) -> Vec<Decision> {
    let Some((chosen, arm)) = chosen(facts, basis) else { return conclude(facts) };
    let mut states: BTreeSet<(FamilyIx, u64, ArmIx)> = BTreeSet::new();
    for (ix, bracket) in facts.brackets().iter().enumerate() {
        for at in READ_OUTS {
            let mut arms = table_arms(facts, bracket, at);
            if ix == chosen && at == facts.spec().search.objective.at {
                arms.extend([ArmIx::PLAIN, arm]);
            }
            for (&family, &arm) in
                bracket.families.iter().flat_map(|f| arms.iter().map(move |a| (f, a)))
            {
                let Some(trial) = facts.trial(TrialKey::new(family, arm)) else { continue };
                let done = trial.status == TrialStatus::Completed;
                let state = trial.state(at, facts.steps_per_epoch()).filter(|_| done);
                if let Some((step, _)) = state.filter(|(step, _)| !trial.tests.contains_key(step)) {
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
            .filter_map(|&arm| tested(facts, TrialKey::new(family, arm), step))
            .collect();
        let described = |&arm: &ArmIx| Arm::new(arm, facts.space().arms[arm.ix()]);
        let why = Reason::Testing(Testing {
            arms: branches.iter().map(|branch| described(&branch.arms[0])).collect(),
            epoch: step / facts.steps_per_epoch(),
            seed: facts.space().families[family.ix()].seed,
        });
        let kind = SegmentKind::Test;
        decisions.push(facts.enqueue(family, kind, (step, step), branches, why));
    }
    if decisions.is_empty() { conclude(facts) } else { decisions }
}

/// The branch that tests a trial's state at a step.
fn tested(facts: &Facts, key: TrialKey, step: u64) -> Option<Branch> {
    let trial = facts.trial(key)?;
    let states = READ_OUTS.iter().filter_map(|&at| trial.state(at, facts.steps_per_epoch()));
    let (_, digest) = states.into_iter().find(|(at, _)| *at == step)?;
    let branch = Branch::new(vec![key.arm], Start::Checkpoint { digest });
    Some(Branch { onset_step: trial.onset_step, ..branch })
}

/// The end, once nothing is open: the answer, or failure if no arm was trained to the end
/// with every seed.
pub fn conclude(facts: &mut Facts) -> Vec<Decision> {
    if facts.segments().open().next().is_some() {
        return vec![];
    }
    if chosen(facts, Basis::Measured).is_none() {
        facts.end(SweepStatus::Failed);
        let lost = facts.trials().filter(|(_, trial)| trial.status != TrialStatus::Completed);
        let first = lost.filter_map(|(_, trial)| trial.reason.as_ref()).next();
        let first = first.map(ToString::to_string);
        return vec![Decision::new(Action::Fail, Reason::NoAnswer { first })];
    }
    facts.end(SweepStatus::Completed);
    let best = best(facts);
    let why = Reason::Answered { verdict: best.verdict.clone() };
    vec![Decision::new(Action::Complete { best: Box::new(best) }, why)]
}
