//! What one family of a sweep may cost, told before it is paid.

use super::rungs::Rungs;
use floodgauge_api::Phase;
use floodgauge_protocol::{Method, SearchSpace, SweepSpec};

/// What one family of a sweep costs, in full runs, and what is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilyBound {
    /// What it costs if no level is reached of those that share the trunk; at least 1, the plain run.
    pub low: f64,
    /// What it costs if every level is reached at once, and the dearest arms go on.
    pub high: f64,
    /// What is trained, in order: for one family, whereas each says how many families train it.
    pub phases: Vec<Phase>,
}

/// Textbook halving: of each bracket as many arms go on at each rung as may. The low bound has
/// the survivors among the arms that share the trunk, the high bound among the dearest.
pub(super) fn by_rungs(rungs: &Rungs, spec: &SweepSpec, space: &SearchSpace) -> FamilyBound {
    let full = f64::from(spec.recipe.epochs);
    let (mut low, mut high, mut phases) = (1.0, 1.0, vec![]);
    let mut before = 0;
    for (rung, &epochs) in rungs.epochs().iter().enumerate() {
        let share = f64::from(epochs - before) / full;
        let going: Vec<usize> = rungs.entrants(rung);
        let mut costs: Vec<f64> =
            (space.arms[1..].iter()).map(|arm| f64::from(arm.gradients_per_step())).collect();
        costs.sort_by(|a, b| b.total_cmp(a));
        let arms: usize = going.iter().sum();
        high += share * costs.iter().take(arms).sum::<f64>();
        if rung == 0 {
            low += share * cost(&alone(space));
        }
        let words = format!("rung {} of {}", rung + 1, rungs.epochs().len());
        phases.push(phase(space, words, epochs, arms));
        before = epochs;
    }
    FamilyBound { low, high, phases }
}

/// Asynchronous halving: every arm may get to the end, if each is the best when it comes.
pub(super) fn as_they_come(rungs: &Rungs, spec: &SweepSpec, space: &SearchSpace) -> FamilyBound {
    let first = f64::from(rungs.epochs()[0]) / f64::from(spec.recipe.epochs);
    let count = rungs.epochs().len();
    let of_rung = |(rung, &epochs): (usize, &u32)| {
        let words = format!("rung {} of {count}, each arm as it comes", rung + 1);
        phase(space, words, epochs, space.arms.len() - 1)
    };
    FamilyBound {
        low: 1.0 + first * cost(&alone(space)),
        high: cost(&space.arms),
        phases: rungs.epochs().iter().enumerate().map(of_rung).collect(),
    }
}

/// A part of a plan that is the same in every family.
pub(super) fn phase(space: &SearchSpace, words: String, epochs: u32, arms: usize) -> Phase {
    Phase { words, epochs, arms, families: space.families.len() }
}

/// The arms that never share the trunk.
fn alone(space: &SearchSpace) -> Vec<Method> {
    space.arms.iter().copied().filter(|arm| !arm.shares_trunk()).collect()
}

/// What training arms costs, each alone to the end, in full runs.
pub(super) fn cost(arms: &[Method]) -> f64 {
    arms.iter().map(|arm| f64::from(arm.gradients_per_step())).sum()
}

#[cfg(test)]
mod tests {
    use crate::scheduler::policy::bound;
    use floodgauge_protocol::SweepSpec;

    fn spec(rest: &str) -> SweepSpec {
        let head = r#"{"name": "x", "recipe": {"dataset": {"name": "digits"}, "epochs": 100}"#;
        serde_json::from_str(&format!("{head}, {rest}}}")).unwrap()
    }

    #[test]
    fn a_grid_may_share_the_trunk_to_the_end_or_train_every_arm() {
        let bound = bound(&spec(r#""scheduler": {"kind": "grid"}, "search": {"seeds": [0, 1]}"#));
        assert_eq!((bound.low, bound.high, bound.full_grid), (2.0, 42.0, 42.0));
        assert_eq!((bound.phases[0].arms, bound.phases[0].families), (20, 2));
    }

    #[test]
    fn halving_pays_plain_its_probes_and_one_to_the_end() {
        let bound = bound(&spec(r#""search": {"seeds": [0, 1, 2]}"#));
        // Five probes for 15 epochs each, a level between them to the end, and a quarter for another.
        assert_eq!((bound.low, bound.high), (3.0, 3.0 * (1.0 + 5.0 * 0.15 + 1.0 + 0.25)));
        assert_eq!(bound.phases.iter().map(|phase| phase.arms).collect::<Vec<_>>(), [4, 1, 1, 1]);
    }

    #[test]
    fn textbook_halving_is_bounded_by_its_rungs() {
        let bound = bound(&spec(r#""scheduler": {"kind": "sha"}"#));
        let arms: Vec<_> = bound.phases.iter().map(|phase| (phase.epochs, phase.arms)).collect();
        assert_eq!(arms, [(11, 20), (33, 6), (100, 2)]);
        let expected = 1.0 + 20.0 * 0.11 + 6.0 * 0.22 + 2.0 * 0.67;
        assert!((bound.high - expected).abs() < 1e-9, "{}", bound.high);
        assert_eq!(bound.low, 1.0);
    }

    #[test]
    fn arms_of_two_gradients_cost_twice() {
        let text = r#""search": {"levels": [0.1], "methods": ["flood", {"kind": "gradient_penalty", "lambda": [0.1]}]},
            "scheduler": {"kind": "grid"}"#;
        let bound = bound(&spec(text));
        assert_eq!((bound.low, bound.high, bound.full_grid), (3.0, 4.0, 4.0));
    }
}
