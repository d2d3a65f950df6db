//! What probes and their choice may cost.

use super::{
    edge,
    probes::{SPREAD_PROBES_A_METHOD, exposure, ladders},
};
use crate::scheduler::policy::{FamilyBound, bound};
use floodgauge_protocol::{SearchSpace, SweepSpec};

/// The least and the most that one family costs, in full runs, and what is trained.
pub(super) fn of(spec: &SweepSpec, space: &SearchSpace) -> FamilyBound {
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
    FamilyBound { low, high, phases }
}
