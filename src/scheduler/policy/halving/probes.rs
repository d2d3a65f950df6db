//! What is probed.

use super::response;
use crate::scheduler::{
    goal::Goal,
    intent::Intent,
    policy::View,
    reason::{Cause, Purpose, Reason},
};
use floodgauge_protocol::{ArmIx, FamilyIx, Method, SearchSpace, SweepSpec, TrialKey, ladder};

/// Spread levels of a method that are probed; both ends are among them, since the best is often
/// there. One more is probed where the plain run turns. Of 3 to 8 that were tried: docs/results.md, *How
/// `halving` came to be*.
pub(super) const SPREAD_PROBES_A_METHOD: usize = 4;

/// The share of a full run for which a probe is trained from its onset on. Of 4 to 20 % that were tried:
/// docs/results.md, *How `halving` came to be*.
const EXPOSURE_SHARE: f64 = 0.15;

/// The fewest epochs of that: with one there would be no later part to read. Chosen, not measured.
const MIN_EXPOSURE_EPOCHS: f64 = 2.0;

/// How long a level is probed, in epochs from that of its onset on.
pub(super) fn exposure(spec: &SweepSpec) -> u32 {
    let full = spec.recipe.epochs;
    let share = (f64::from(full) * EXPOSURE_SHARE).round().max(MIN_EXPOSURE_EPOCHS) as u32;
    spec.scheduler.first_rung.unwrap_or(share).min(full)
}

/// The arms of each method in the order of their levels; those without a level one by one.
pub(super) fn ladders(space: &SearchSpace) -> Vec<Vec<ArmIx>> {
    let arms = space.arm_ids().zip(space.arms.iter().copied());
    ladder::ladders(arms.filter(|(_, method)| *method != Method::Plain))
}

/// The plain runs of a bracket and their first probes; all else lies dormant.
pub(super) fn first(facts: View<'_>, ix: usize) -> Vec<Intent> {
    let probes: Vec<_> = ladders(facts.space()).iter().flat_map(|ladder| spread(ladder)).collect();
    let mut intents = vec![];
    for &family in &facts.brackets()[ix].families {
        let is_idle = |arm: &ArmIx| *arm != ArmIx::PLAIN && !probes.contains(arm);
        for arm in facts.space().arm_ids().filter(is_idle) {
            let (trial, why) = (TrialKey::new(family, arm), Reason::LeftToNeighbours);
            intents.push(Intent::LieDormant { trial, why });
        }
        // The plain run has no onset that could end it: with the same goal it is one branch
        // with the probes that share it.
        let arms: Vec<_> = [ArmIx::PLAIN].into_iter().chain(probes.iter().copied()).collect();
        intents.push(Intent::SetGoal { family, arms: arms.clone(), goal: goal(facts) });
        let purpose = Purpose::PlainAndProbes;
        intents.push(Intent::EnqueueToGoals { family, arms, purpose });
    }
    intents
}

/// Probes where the plain runs have shown that they are worth it: spread over the levels
/// that were reached, if some weren't, and one at the training loss where the validation loss turned.
pub(super) fn more(facts: View<'_>, ix: usize) -> Vec<Intent> {
    let families = &facts.brackets()[ix].families;
    let mut intents = vec![];
    for ladder in ladders(facts.space()) {
        if !facts.method(ladder[0]).shares_trunk() {
            continue;
        }
        let reached = reached(facts, families, &ladder);
        let coarse = spread(&ladder);
        let mut probes: Vec<_> =
            reached.iter().copied().filter(|arm| coarse.contains(arm)).collect();
        let before = probes.len();
        for arm in spread(&reached) {
            if !probes.contains(&arm) && probes.len() < SPREAD_PROBES_A_METHOD {
                probes.push(arm);
            }
        }
        let turn = turn(facts, families, &reached).map(|place| reached[place.round() as usize]);
        probes.extend(turn.filter(|arm| !probes.contains(arm)));
        intents.extend(wake(facts, ix, &probes[before..], Cause::Reached));
    }
    intents
}

/// Wakes arms of every family as probes, where they lie dormant and the plain run crossed them.
pub(super) fn wake(facts: View<'_>, ix: usize, probes: &[ArmIx], cause: Cause) -> Vec<Intent> {
    if probes.is_empty() {
        return vec![];
    }
    let goal = goal(facts);
    let mut intents = vec![];
    for &family in &facts.brackets()[ix].families {
        let woken = |&arm: &ArmIx| Intent::Wake { trial: TrialKey::new(family, arm), goal, cause };
        intents.extend(probes.iter().map(woken));
        let (arms, purpose) = (probes.to_vec(), Purpose::MoreProbes);
        intents.push(Intent::EnqueueToGoals { family, arms, purpose });
    }
    intents
}

/// The goal of a probe.
fn goal(facts: View<'_>) -> Goal {
    Goal { epoch: facts.full(), exposure: Some(exposure(facts.spec())) }
}

/// The levels of a ladder that have an effect with every seed, or, if there are none, with any.
pub(super) fn reached(facts: View<'_>, families: &[FamilyIx], ladder: &[ArmIx]) -> Vec<ArmIx> {
    let crossed = |family: &FamilyIx, arm: ArmIx| facts.is_crossed(*family, arm);
    let by_all = |arm: &ArmIx| families.iter().all(|family| crossed(family, *arm));
    let by_any = |arm: &ArmIx| families.iter().any(|family| crossed(family, *arm));
    let everywhere: Vec<_> = ladder.iter().copied().filter(by_all).collect();
    match everywhere.is_empty() {
        true => ladder.iter().copied().filter(by_any).collect(),
        false => everywhere,
    }
}

/// The place among the reached levels of a ladder that shares the trunk where the plain runs turn,
/// as a mean over seeds.
pub(super) fn turn(facts: View<'_>, families: &[FamilyIx], reached: &[ArmIx]) -> Option<f64> {
    let levels: Vec<f64> = reached.iter().filter_map(|&arm| facts.method(arm).level()).collect();
    let shares_trunk = |arm: &ArmIx| facts.method(*arm).shares_trunk();
    if levels.is_empty() || levels.len() != reached.len() || !reached.iter().all(shares_trunk) {
        return None;
    }
    let evidence = facts.criteria().evidence;
    let turns: Vec<f64> = (families.iter())
        .filter_map(|&family| {
            response::turning_loss(&facts.trial(family, ArmIx::PLAIN).curve, evidence)
        })
        .map(|loss| response::place(loss, &levels))
        .collect();
    (!turns.is_empty()).then(|| turns.iter().sum::<f64>() / turns.len() as f64)
}

/// At most [`SPREAD_PROBES_A_METHOD`] of a ladder, from end to end as evenly as can be.
pub(super) fn spread(ladder: &[ArmIx]) -> Vec<ArmIx> {
    let last = ladder.len().saturating_sub(1);
    let count = ladder.len().min(SPREAD_PROBES_A_METHOD);
    let place = |i: usize| (i * last + (count - 1) / 2) / (count - 1).max(1);
    (0..count).map(|i| ladder[place(i)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_reach_from_end_to_end() {
        let spread = |n: u16| {
            let ladder: Vec<_> = (1..=n).map(ArmIx).collect();
            super::spread(&ladder).iter().map(|arm| arm.0).collect::<Vec<_>>()
        };
        assert_eq!(spread(20), [1, 7, 14, 20]);
        assert_eq!(spread(10), [1, 4, 7, 10]);
        assert_eq!(spread(5), [1, 2, 4, 5]);
        assert_eq!(spread(4), [1, 2, 3, 4]);
        assert_eq!(spread(3), [1, 2, 3]);
        assert_eq!(spread(2), [1, 2]);
        assert_eq!(spread(1), [1]);
        assert_eq!(spread(0), [0u16; 0]);
    }
}
