//! What probes and their choice may cost.

use super::{
    edge,
    probes::{SPREAD_PROBES_A_METHOD, exposure, ladders},
};
use crate::scheduler::policy::{FamilyBound, View, bound};
use floodgauge_protocol::{ArmIx, FamilyIx, SearchSpace, SweepSpec};

/// What a family may spend beyond all else on an arm that the probes didn't choose, in full runs: with one method,
/// of which five levels are probed, three runs in all. Chosen, not measured.
const PROMISING_SHARE: f64 = 0.25;

/// Whether all seeds of a bracket can train an arm to the end, beside what they have trained, at `most` full runs a
/// family. What was trained again after a loss doesn't count: who was lost decides nothing.
pub(super) fn allows(facts: View<'_>, ix: usize, arm: ArmIx, most: f64) -> bool {
    let families = &facts.brackets()[ix].families;
    let had: u64 = families.iter().map(|&family| trained(facts, family)).sum();
    let more: u64 = families.iter().map(|&family| left(facts, family, arm)).sum();
    (had + more) as f64 <= most * f64::from(facts.full()) * families.len() as f64
}

/// What a family has trained, in epochs of one gradient a mini-batch; epochs that arms share with the plain
/// run count once.
fn trained(facts: View<'_>, family: FamilyIx) -> u64 {
    let plain = u64::from(facts.trial(family, ArmIx::PLAIN).epochs());
    let others = facts.space().arm_ids().filter(|arm| *arm != ArmIx::PLAIN);
    let own = others.map(|arm| gradients(facts, arm) * u64::from(facts.own_epochs(family, arm)));
    plain + own.sum::<u64>()
}

/// What a family has to train of an arm until its end, likewise.
fn left(facts: View<'_>, family: FamilyIx, arm: ArmIx) -> u64 {
    let from = facts.trial(family, arm).epochs().max(facts.shared_epochs(family, arm));
    gradients(facts, arm) * u64::from(facts.full().saturating_sub(from))
}

fn gradients(facts: View<'_>, arm: ArmIx) -> u64 {
    facts.method(arm).gradients_per_step().into()
}

/// The least and the most that one family costs, in full runs, and what is trained; with an arm that the probes didn't
/// choose, if that is taken.
pub(super) fn of(spec: &SweepSpec, space: &SearchSpace, takes_promising: bool) -> FamilyBound {
    let phase = |words: String, epochs, arms| bound::phase(space, words, epochs, arms);
    let share = f64::from(exposure(spec)) / f64::from(spec.recipe.epochs);
    let (mut low, mut high) = (1.0, 1.0);
    let (mut coarse, mut more, mut beyond, mut ends) = (0, 0, 0, 0);
    for ladder in ladders(space) {
        let method = space.arms[ladder[0].ix()];
        let cost = f64::from(method.gradients_per_step());
        let probes = ladder.len().min(SPREAD_PROBES_A_METHOD);
        coarse += probes;
        ends += 1;
        if method.shares_trunk() {
            let most = ladder.len().min(SPREAD_PROBES_A_METHOD + 1);
            more += most - probes.min(most);
            // A level alone has no distance at which others could follow.
            let added =
                if spec.search.extend && ladder.len() > 1 { edge::MAX_PROBES_A_METHOD } else { 0 };
            beyond += added;
            // One that goes on was a probe before, unless it lies between them.
            let between = ladder.len() > most || added > 0;
            let pruned = if between { most + added } else { most - 1 };
            high += cost * (pruned as f64 * share + 1.0);
        } else {
            // A run of its own may meet its onset at its very end, or in its first epoch.
            low += cost * ((probes - 1) as f64 * share + 1.0);
            high += cost * (probes + usize::from(ladder.len() > probes)) as f64;
        }
    }
    let mut phases = vec![
        phase("the plain run, and probes from their onset on".into(), exposure(spec), coarse),
        phase("probes where the plain run turns".into(), exposure(spec), more),
    ];
    if beyond > 0 {
        let words = "probes beyond an end of the levels, if the best lies there".into();
        phases.push(phase(words, exposure(spec), beyond));
    }
    let words = "the chosen level of each method to the end".into();
    phases.push(phase(words, spec.recipe.epochs, ends));
    // Of a level alone there is no other.
    if takes_promising && coarse > ends {
        high += PROMISING_SHARE;
        let words = "another to the end, if it should do better and the bound allows it".into();
        phases.push(phase(words, spec.recipe.epochs, 1));
    }
    FamilyBound { low, high, phases }
}
