//! Halving that waits for onset.

use super::*;
use crate::{scheduler::reason::Cause, verdict::AdviceKind};
use floodgauge_protocol::MetricName;
use proptest::prelude::*;

/// Levels are crossed one after another, the higher the earlier: level 0.20 in epoch 2, 0.01 in
/// epoch 21.
fn one_by_one(arm: u16) -> u64 {
    22 - u64::from(arm)
}

/// The closer to arm 11, which no probe is, the lower in the end; only exposure brings it out.
fn valley(seed: u32, arm: u16, epoch: u32) -> f64 {
    let since = f64::from(epoch) - one_by_one(arm) as f64;
    let settled = if arm == 0 { 0.0 } else { (since / 4.0).clamp(0.0, 1.0) };
    let depth = 1.0 - ((f64::from(arm) - 11.0) / 20.0).powi(2);
    // Arms that are past their onset look worse at first.
    let jump = if arm > 0 && since < 2.0 { 0.5 } else { 0.0 };
    3.0 + jump - settled * depth + f64::from(seed) / 100.0
}

fn run(text: &str, curve: Curve, crossing: fn(u16) -> u64) -> World {
    let mut world = World::crossed(spec(text), curve, crossing);
    world.run(|_| 0);
    world
}

fn arms_with(world: &World, family: u16, status: TrialStatus) -> Vec<u16> {
    let trials = world
        .sweep
        .facts()
        .trials()
        .filter(|(key, trial)| key.family == FamilyIx(family) && trial.status == status);
    trials.map(|(key, _)| key.arm.0).collect()
}

#[test]
fn a_level_between_probes_is_found_woken_and_trained_to_the_end() {
    let world = run(r#""search": {}"#, valley, one_by_one);
    assert_eq!(world.sweep.status(), SweepStatus::Completed);
    assert_eq!(world.sweep.best().best.unwrap().arm.b, Some(0.11));
    assert_eq!(arms_with(&world, 0, TrialStatus::Completed), [0, 11]);
    assert_eq!(arms_with(&world, 0, TrialStatus::Pruned), [1, 7, 14, 20]);
    assert_eq!(arms_with(&world, 0, TrialStatus::Dormant).len(), 15);
    let woken = world.sweep.facts().trial(TrialKey::new(FamilyIx(0), ArmIx(11))).unwrap();
    let plain = world.sweep.facts().trial(TrialKey::new(FamilyIx(0), ArmIx::PLAIN)).unwrap();
    assert_eq!(woken.curve[..10], plain.curve[..10], "it shares the trunk until epoch 11");
    assert_eq!((woken.epochs(), woken.onset_step), (27, Some(200)));
    // Plain, four probes for four epochs each, and the chosen level from epoch 11 on.
    assert_eq!(world.sweep.run_equivalents().spent, (27.0 + 4.0 * 4.0 + 17.0) / 27.0);
}

#[test]
fn a_probe_that_wins_goes_on_from_its_checkpoint() {
    fn rising(_: u32, arm: u16, epoch: u32) -> f64 {
        2.0 - f64::from(arm) / 20.0 + 0.001 * f64::from(epoch)
    }
    let world = run(r#""search": {}"#, rising, one_by_one);
    assert_eq!(world.sweep.best().best.unwrap().arm.b, Some(0.20), "no vertex at an end");
    assert_eq!(arms_with(&world, 0, TrialStatus::Completed), [0, 20]);
    let spent = 27.0 + 3.0 * 4.0 + 26.0;
    assert_eq!(world.sweep.run_equivalents().spent, spent / 27.0, "nothing is trained twice");
}

#[test]
fn levels_that_are_never_reached_are_the_plain_run_at_no_cost() {
    fn never(_: u16) -> u64 {
        u64::MAX
    }
    let world = run(r#""search": {}"#, smooth, never);
    assert_eq!(world.sweep.run_equivalents().spent, 1.0);
    assert_eq!(arms_with(&world, 0, TrialStatus::Completed).len(), 21);
    assert!(world.sweep.best().verdict.contains("never fell below any flood level"));
    fn upper_half(arm: u16) -> u64 {
        if arm > 10 { one_by_one(arm) } else { u64::MAX }
    }
    let world = run(r#""search": {}"#, valley, upper_half);
    assert_eq!(
        arms_with(&world, 0, TrialStatus::Pruned),
        [14, 17, 20],
        "spread over those reached"
    );
    let low = world.sweep.facts().trial(TrialKey::new(FamilyIx(0), ArmIx(3))).unwrap();
    assert_eq!(low.reason, Some(Reason::AllEpochs { epochs: 27, is_plain: true }));
    assert_eq!(low.epochs(), 27);
}

#[test]
fn nothing_is_pruned_in_an_exact_tie() {
    let world = run(r#""search": {}"#, |_, _, _| 1.0, one_by_one);
    assert_eq!(world.prunings(), [], "all probes tie");
    let rested = |(key, trial): (TrialKey, &Trial)| {
        (trial.status == TrialStatus::Dormant && trial.epochs() > 0).then_some(key.arm.0)
    };
    let at_rest: Vec<_> = world.sweep.facts().trials().filter_map(rested).collect();
    let finished = arms_with(&world, 0, TrialStatus::Completed);
    assert_eq!((at_rest.len(), finished.len()), (3, 2), "one goes on for all: {at_rest:?}");
    let why = world.sweep.facts().trial(TrialKey::new(FamilyIx(0), ArmIx(at_rest[0]))).unwrap();
    let Some(Reason::Probed(probed)) = &why.reason else { panic!("{:?}", why.reason) };
    assert_eq!(probed.fate, Fate::AtRest);
}

#[test]
fn nothing_is_pruned_while_it_shares_the_trunk() {
    /// With seed 1 the lower half is never reached.
    fn upper_half(seed: u32, arm: u16) -> u64 {
        if seed == 0 || arm > 10 { one_by_one(arm) } else { u64::MAX }
    }
    let spec = spec(r#""search": {"seeds": [0, 1]}"#);
    let mut world = World::by_seed(spec, valley, upper_half);
    world.run(|_| 0);
    let pruned = |family| arms_with(&world, family, TrialStatus::Pruned);
    assert!(pruned(1).iter().all(|arm| *arm > 10), "{:?}", pruned(1));
    let shared = world.sweep.facts().trial(TrialKey::new(FamilyIx(1), ArmIx(1))).unwrap();
    assert_eq!((shared.status, shared.onset_step), (TrialStatus::Completed, None));
}

#[test]
fn every_seed_has_a_say_and_the_chosen_level_alone_goes_on() {
    let world = run(r#""search": {"seeds": [0, 1, 2]}"#, valley, one_by_one);
    for family in 0..3 {
        assert_eq!(arms_with(&world, family, TrialStatus::Completed), [0, 11]);
        assert_eq!(arms_with(&world, family, TrialStatus::Pruned), [1, 7, 14, 20]);
        assert_eq!(arms_with(&world, family, TrialStatus::Dormant).len(), 15);
    }
    let best = world.sweep.best();
    assert_eq!(best.best.unwrap().arm.b, Some(0.11));
    assert_eq!(best.difference.unwrap().seeds, 3);
    let each = 27.0 + 4.0 * 4.0 + 17.0;
    assert_eq!(best.run_equivalents.spent, 3.0 * each / 27.0);
    assert!(best.run_equivalents.spent < 0.12 * best.run_equivalents.full_grid);
}

#[test]
fn a_probe_is_added_where_the_plain_run_turns() {
    /// Plain is lowest in epoch 9, where its training loss is half of 0.18; else as `valley`.
    fn turning(seed: u32, arm: u16, epoch: u32) -> f64 {
        let plain = 0.18 + (f64::from(epoch) - 9.0).abs() / 10.0;
        if arm == 0 { plain } else { valley(seed, arm, epoch) }
    }
    let world = run(r#""search": {}"#, turning, one_by_one);
    let probed = world.sweep.facts().trial(TrialKey::new(FamilyIx(0), ArmIx(9))).unwrap();
    assert_eq!((probed.status, probed.epochs()), (TrialStatus::Pruned, 12 + 4));
    assert_eq!(arms_with(&world, 0, TrialStatus::Completed), [0, 10]);
}

#[test]
fn the_error_rate_is_searched_with_the_loss_beside_it() {
    let text = r#""search": {"objective": {"metric": "val_error"}}"#;
    let world = run(text, valley, one_by_one);
    assert_eq!(arms_with(&world, 0, TrialStatus::Completed), [0, 11]);
    let pruned = world.sweep.facts().trial(TrialKey::new(FamilyIx(0), ArmIx(20))).unwrap();
    let Some(Reason::Probed(probed)) = &pruned.reason else { panic!("{:?}", pruned.reason) };
    assert_eq!((probed.fate, probed.comparison.metric), (Fate::Pruned, MetricName::val_error()));
}

#[test]
fn a_few_levels_are_all_probed() {
    for levels in ["[0.1]", "[0.05, 0.1]", "[0.05, 0.1, 0.15]"] {
        let world = run(&format!(r#""search": {{"levels": {levels}}}"#), smooth, |_| 2);
        assert_eq!(world.sweep.status(), SweepStatus::Completed);
        assert_eq!(arms_with(&world, 0, TrialStatus::Dormant), [0u16; 0]);
        assert_eq!(arms_with(&world, 0, TrialStatus::Completed).len(), 2);
    }
}

#[test]
fn every_method_has_a_finalist_and_two_gradients_cost_twice() {
    fn crossing(arm: u16) -> u64 {
        if arm > 3 { 1 } else { 2 }
    }
    let text = r#""search": {"levels": [0.05, 0.1, 0.15],
        "methods": ["flood", "softad", {"kind": "alternating", "lr": [[0.1, 0.05]]}]}"#;
    let world = run(text, smooth, crossing);
    assert_eq!(arms_with(&world, 0, TrialStatus::Completed), [0, 3, 6, 7]);
    assert_eq!(world.sweep.best().best.unwrap().arm.name, "alternating ε₁=0.1 ε₂=0.05");
    let cost = world.sweep.run_equivalents();
    assert_eq!(cost.full_grid, 7.0 + 2.0);
    let (flood, softad) = (2.0 * 4.0 + 26.0, 2.0 * 4.0 + 27.0);
    assert_eq!(cost.spent, (27.0 + flood + softad + 2.0 * 27.0) / 27.0);
    // What the two pruned of each method would have gone on for.
    assert_eq!(cost.saved_by_pruning, (2.0 * 22.0 + 2.0 * 23.0) / 27.0);
}

#[test]
fn an_arm_off_the_trunk_is_judged_from_its_own_onset_on() {
    let text = r#""search": {"levels": [0.05, 0.1], "methods": ["iflood"]}"#;
    let world = run(text, smooth, |_| 10);
    assert_eq!(arms_with(&world, 0, TrialStatus::Completed), [0, 2]);
    let pruned = world.sweep.facts().trial(TrialKey::new(FamilyIx(0), ArmIx(1))).unwrap();
    assert_eq!((pruned.status, pruned.epochs()), (TrialStatus::Pruned, 9 + 4));
    let Some(Reason::Probed(probed)) = &pruned.reason else { panic!("{:?}", pruned.reason) };
    assert_eq!((probed.comparison.from_epoch, probed.comparison.to_epoch), (12, 13));
}

#[test]
fn a_plain_run_that_diverges_leaves_the_levels_that_it_had_reached() {
    fn wild(seed: u32, arm: u16, epoch: u32) -> f64 {
        if arm == 1 { f64::NAN } else { valley(seed, arm, epoch) }
    }
    let world = run(r#""search": {}"#, wild, one_by_one);
    assert_eq!(world.sweep.status(), SweepStatus::Completed);
    assert_eq!(world.sweep.best().best.unwrap().arm.b, Some(0.11));
}

/// Of five levels, four are probed, and the one in the middle should be best by them: at its own end it isn't.
fn pothole(seed: u32, arm: u16, epoch: u32) -> f64 {
    let depth = [0.0, 0.5, 0.84, 0.82, 0.95, 0.5][usize::from(arm)];
    let noise = f64::from((7 * seed + 13 * u32::from(arm) + 5 * epoch) % 11) / 1_000.0
        + f64::from((5 * seed + 3 * u32::from(arm)) % 7) / 200.0;
    3.0 - depth + f64::from(seed) / 100.0 + noise
}

const FIVE_LEVELS: &str =
    r#""search": {"levels": {"from": 0.01, "to": 0.05, "step": 0.01}, "seeds": [0, 1]}"#;

/// The arms that go on since more is expected of them, each with what was said of it with the first seed.
fn promising(world: &World) -> Vec<(u16, &'static str)> {
    let decisions = world.log.iter().flat_map(|(_, decisions)| decisions);
    let of = |decision: &Decision| match (&decision.action, decision.why.as_ref()?) {
        (Action::Resume { trial }, Reason::Promising(_)) => Some((*trial, "resumed")),
        (Action::Wake { trial, .. }, Reason::Woken(woken)) if woken.cause == Cause::Promising => {
            Some((*trial, "woken"))
        }
        _ => None,
    };
    let of_first = decisions.filter_map(of).filter(|(trial, _)| trial.family == FamilyIx(0));
    of_first.map(|(trial, how)| (trial.arm.0, how)).collect()
}

#[test]
fn a_pruned_probe_that_should_do_better_than_the_choice_goes_on_to_the_end() {
    let world = run(FIVE_LEVELS, pothole, |_| 15);
    assert_eq!(promising(&world), [(4, "resumed")]);
    for family in 0..2 {
        assert_eq!(arms_with(&world, family, TrialStatus::Completed), [0, 3, 4]);
    }
    assert_eq!(world.sweep.best().best.unwrap().arm.b, Some(0.04));
    let spent = world.sweep.run_equivalents().spent;
    assert!(spent <= bound(&spec(FIVE_LEVELS)).high, "{spent}");
}

#[test]
fn levels_beyond_an_end_leave_no_more_for_another_arm_than_the_plan_says() {
    for levels in ["[0.01, 0.02]", "[0.01, 0.02, 0.03]", "[0.01, 0.02, 0.03, 0.04, 0.05]"] {
        let text = format!(r#""search": {{"levels": {levels}, "seeds": [0, 1], "extend": true}}"#);
        for crossing in [2, 8, 15, 22] {
            let crossed: fn(u16) -> u64 = match crossing {
                2 => |_| 2,
                8 => |_| 8,
                15 => |_| 15,
                _ => |_| 22,
            };
            let world = run(&text, pothole_everywhere, crossed);
            let spent = world.sweep.run_equivalents().spent;
            let plan = bound(&spec(&text));
            assert!(spent <= plan.high + 1e-9, "{levels}, {crossing}: {spent} of {plan:?}");
        }
    }
}

/// The higher the better, but for what lies between probes.
fn pothole_everywhere(seed: u32, arm: u16, epoch: u32) -> f64 {
    let noise = f64::from((7 * seed + 13 * u32::from(arm) + 5 * epoch) % 11) / 1_000.0;
    let hole = if arm % 3 == 2 { 0.05 } else { 0.0 };
    3.0 - f64::from(arm) / 10.0 + hole + f64::from(seed) / 100.0 + noise
}

#[test]
fn none_goes_on_beyond_what_the_sweep_may_cost() {
    let world = run(FIVE_LEVELS, pothole, |_| 2);
    assert_eq!(promising(&world), []);
    assert_eq!(arms_with(&world, 0, TrialStatus::Completed), [0, 3]);
    // The answer says so: it names one that wasn't trained to the end, and is much more likely to be the best.
    let best = world.sweep.best();
    let chance = |b: f64| {
        let of = best.probabilities.iter().find(|of| of.arm.b == Some(b));
        of.and_then(|of| of.probability).unwrap()
    };
    let advice = best.advice.as_ref().unwrap();
    assert_eq!(advice.kind, AdviceKind::ExtendLevels);
    let [level] = advice.levels[..] else { panic!("{:?}", advice.levels) };
    assert!([0.04, 0.05].contains(&level), "neither is trained with every seed: {level}");
    assert!(chance(level) > 2.0 * chance(0.03), "{level}: {}", chance(level));
    assert!(best.verdict.contains(&format!("flood b={level} is more likely")), "{}", best.verdict);
}

#[test]
fn a_bar_is_never_full_while_an_arm_may_yet_go_on() {
    let mut world = World::crossed(spec(FIVE_LEVELS), pothole, |_| 15);
    while let Some(&segment) = world.open.keys().next() {
        let extent = world.sweep.extent();
        assert!(
            extent.spent < extent.planned || extent.phase == "testing the answer",
            "{extent:?}"
        );
        world.train(segment);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn decisions_do_not_depend_on_the_order_of_arrival_and_cost_is_bounded(
        picks in proptest::collection::vec(0usize..100, 60), seeds in 1u32..4, decays in 1usize..3,
    ) {
        let seeds: Vec<u32> = (0..seeds).collect();
        let decays = &[0.0, 0.1][..decays];
        let text = format!(r#""search": {{"seeds": {seeds:?}, "weight_decay": {decays:?}}}"#);
        let straight = run(&text, valley, one_by_one);
        let mut shuffled = World::crossed(spec(&text), valley, one_by_one);
        let mut picks = picks.into_iter().cycle();
        shuffled.run(|open| picks.next().unwrap() % open);
        prop_assert_eq!(straight.prunings().len(), shuffled.prunings().len());
        prop_assert_eq!(straight.sweep.best(), shuffled.sweep.best());
        prop_assert!(straight.sweep.facts().trials().eq(shuffled.sweep.facts().trials()));
        let plan = bound(straight.sweep.facts().spec());
        let spent = straight.sweep.run_equivalents().spent;
        prop_assert!(plan.low <= spent && spent <= plan.high, "{spent} is not within {plan:?}");
    }

    #[test]
    fn a_replayed_log_gives_the_same_decisions_and_the_same_state(
        picks in proptest::collection::vec(0usize..100, 60)
    ) {
        let spec = spec(r#""search": {"seeds": [0, 1]}"#);
        let mut world = World::crossed(spec, valley, one_by_one);
        let mut picks = picks.into_iter().cycle();
        world.run(|open| picks.next().unwrap() % open);
        let mut replayed = Sweep::new(world.sweep.facts().spec().clone());
        for (event, decisions) in &world.log {
            let text = serde_json::to_string(event).unwrap();
            let event: Event = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&replayed.step(&event), decisions);
        }
        prop_assert_eq!(replayed, world.sweep);
    }
}
