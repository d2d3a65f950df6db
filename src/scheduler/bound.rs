//! What a sweep may cost, told before it is paid.

use super::{Phase, PlanBound, halving, rungs::Rungs};
use floodgauge_protocol::{Method, Plan, SchedulerKind, SweepSpec};

/// The bounds and phases of a sweep with this spec.
pub fn bound(spec: &SweepSpec) -> PlanBound {
    let plan = Plan::of(spec);
    let families = plan.families.len();
    let cost = |arms: &[Method]| arms.iter().map(|arm| f64::from(arm.gradients_per_step())).sum();
    let own: Vec<Method> = plan.arms.iter().copied().filter(|arm| !arm.rides()).collect();
    let all: f64 = cost(&plan.arms);
    let full = spec.recipe.epochs;
    let phase = |words: String, epochs: u32, arms: usize| Phase { words, epochs, arms, families };
    let (low, high, phases) = match spec.scheduler.kind {
        SchedulerKind::Halving => halving::bound(spec, &plan, phase),
        SchedulerKind::Grid => {
            let words = "every arm to the end".to_string();
            (1.0 + cost(&own), all, vec![phase(words, full, plan.arms.len() - 1)])
        }
        SchedulerKind::Asha => {
            let rungs = Rungs::of(spec, plan.arms.len() - 1);
            let first = f64::from(rungs.epochs()[0]) / f64::from(full);
            let count = rungs.epochs().len();
            let phases = rungs.epochs().iter().enumerate().map(|(rung, &epochs)| {
                let words = format!("rung {} of {count}, each arm as it comes", rung + 1);
                phase(words, epochs, plan.arms.len() - 1)
            });
            (1.0 + first * cost(&own), all, phases.collect())
        }
        SchedulerKind::Sha | SchedulerKind::Hyperband => by_rungs(spec, &plan, phase),
    };
    let families = families as f64;
    PlanBound { low: low * families, high: high * families, full_grid: all * families, phases }
}

/// Textbook halving: of each bracket as many arms go on at each rung as may. The low bound has
/// the survivors among the arms that ride, the high bound among the dearest.
fn by_rungs(
    spec: &SweepSpec,
    plan: &Plan,
    phase: impl Fn(String, u32, usize) -> Phase,
) -> (f64, f64, Vec<Phase>) {
    let rungs = Rungs::of(spec, plan.arms.len() - 1);
    let full = f64::from(spec.recipe.epochs);
    let (mut low, mut high, mut phases) = (1.0, 1.0, vec![]);
    let mut before = 0;
    for (rung, &epochs) in rungs.epochs().iter().enumerate() {
        let share = f64::from(epochs - before) / full;
        let going: Vec<usize> = rungs.entrants(rung);
        let mut costs: Vec<f64> =
            (plan.arms[1..].iter()).map(|arm| f64::from(arm.gradients_per_step())).collect();
        costs.sort_by(|a, b| b.total_cmp(a));
        let arms: usize = going.iter().sum();
        high += share * costs.iter().take(arms).sum::<f64>();
        if rung == 0 {
            let own = plan.arms.iter().filter(|arm| !arm.rides());
            low += share * own.map(|arm| f64::from(arm.gradients_per_step())).sum::<f64>();
        }
        let words = format!("rung {} of {}", rung + 1, rungs.epochs().len());
        phases.push(phase(words, epochs, arms));
        before = epochs;
    }
    (low, high, phases)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(rest: &str) -> SweepSpec {
        let head = r#"{"name": "x", "recipe": {"dataset": {"name": "digits"}, "epochs": 100}"#;
        serde_json::from_str(&format!("{head}, {rest}}}")).unwrap()
    }

    #[test]
    fn a_grid_may_ride_to_the_end_or_train_every_arm() {
        let bound = bound(&spec(r#""scheduler": {"kind": "grid"}, "search": {"seeds": [0, 1]}"#));
        assert_eq!((bound.low, bound.high, bound.full_grid), (2.0, 42.0, 42.0));
        assert_eq!((bound.phases[0].arms, bound.phases[0].families), (20, 2));
    }

    #[test]
    fn halving_pays_plain_its_probes_and_one_to_the_end() {
        let bound = bound(&spec(r#""search": {"seeds": [0, 1, 2]}"#));
        // Five probes for 15 epochs each, and a level between them to the end.
        assert_eq!((bound.low, bound.high), (3.0, 3.0 * (1.0 + 5.0 * 0.15 + 1.0)));
        assert_eq!(bound.phases.iter().map(|phase| phase.arms).collect::<Vec<_>>(), [4, 1, 1]);
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
