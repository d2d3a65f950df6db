//! What is probed, and what that may cost.

use super::edge;
use crate::scheduler::Phase;
use floodgauge_protocol::{ArmIx, Method, Plan, SweepSpec};

/// Spread levels of a method that are probed; both ends are among them, since the best is often
/// there. One more is probed where the plain run turns.
pub(super) const PROBES: usize = 4;

/// The share of a full run for which a probe is trained from its onset on.
const EXPOSURE: f64 = 0.15;

/// How long a level is probed, in epochs from that of its onset on.
pub(super) fn exposure(spec: &SweepSpec) -> u32 {
    let full = spec.recipe.epochs;
    let share = (f64::from(full) * EXPOSURE).round().max(2.0) as u32;
    spec.scheduler.first_rung.unwrap_or(share).min(full)
}

/// The arms of each method in the order of their levels; those without a level one by one.
pub(super) fn ladders(plan: &Plan) -> Vec<Vec<ArmIx>> {
    let mut ladders: Vec<(&str, Vec<ArmIx>)> = vec![];
    for (&method, arm) in plan.arms.iter().zip(plan.arm_ids()) {
        if method == Method::Plain {
            continue;
        }
        let known = ladders.iter_mut().find(|(name, _)| *name == method.name());
        match known.filter(|_| method.level().is_some()) {
            Some((_, ladder)) => ladder.push(arm),
            None => ladders.push((method.name(), vec![arm])),
        }
    }
    let level = |arm: &ArmIx| plan.arms[arm.ix()].level().unwrap_or(0.0);
    for (_, ladder) in &mut ladders {
        ladder.sort_by(|a, b| level(a).total_cmp(&level(b)));
    }
    ladders.into_iter().map(|(_, ladder)| ladder).collect()
}

/// The least and the most that one family costs, in full runs, and what is trained.
pub(in crate::scheduler) fn bound(
    spec: &SweepSpec,
    plan: &Plan,
    phase: impl Fn(String, u32, usize) -> Phase,
) -> (f64, f64, Vec<Phase>) {
    let share = f64::from(exposure(spec)) / f64::from(spec.recipe.epochs);
    let (mut low, mut high) = (1.0, 1.0);
    let (mut coarse, mut more, mut beyond, mut ends) = (0, 0, 0, 0);
    for ladder in ladders(plan) {
        let method = plan.arms[ladder[0].ix()];
        let cost = f64::from(method.gradients_per_step());
        let probes = ladder.len().min(PROBES);
        coarse += probes;
        ends += 1;
        if method.rides() {
            let most = ladder.len().min(PROBES + 1);
            more += most - probes.min(most);
            // A level alone has no distance at which others could follow.
            let added = if spec.search.extend && ladder.len() > 1 { edge::MOST } else { 0 };
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
    (low, high, phases)
}

/// At most [`PROBES`] of a ladder, from end to end as evenly as can be.
pub(super) fn spread(ladder: &[ArmIx]) -> Vec<ArmIx> {
    let last = ladder.len().saturating_sub(1);
    let count = ladder.len().min(PROBES);
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
