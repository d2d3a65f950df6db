//! Going on beyond an end of the levels.

use super::{extensions::Extended, *};

/// Twenty levels from 0.01 to 0.20, trained for 40 epochs, of which probes get 6.
fn sweep(lowest: f64, search: &str) -> Extended {
    Extended::lowest_at(lowest, &format!(r#""search": {{"extend": true{search}}}"#), 40)
}

/// The levels that were added, and why, in order.
fn added(world: &Extended) -> Vec<(Vec<f64>, &str)> {
    let decisions = world.log.iter().flat_map(|(_, decisions)| decisions);
    let grown = decisions.filter_map(|decision| match &decision.action {
        Action::Grow { arms } => {
            Some((arms.iter().filter_map(|arm| arm.b).collect(), decision.reason.as_str()))
        }
        _ => None,
    });
    grown.collect()
}

fn best(world: &Extended) -> f64 {
    world.sweep.best().best.unwrap().arm.b.unwrap()
}

fn hundredths(levels: std::ops::RangeInclusive<u32>) -> Vec<f64> {
    levels.map(|i| f64::from(i) / 100.0).collect()
}

#[test]
fn the_search_goes_on_above_until_the_best_lies_within() {
    let world = sweep(0.25, "");
    let (levels, why) = &added(&world)[0];
    assert_eq!(*levels, hundredths(21..=30));
    assert_eq!(
        *why,
        "the response of the probes is best at flood b=0.2, an end of the levels: 10 more added, from 0.21 to 0.3"
    );
    assert_eq!(added(&world).len(), 1);
    assert!((best(&world) - 0.25).abs() < 0.035, "{}", best(&world));
    let detail = world.sweep.facts().space().arms.len();
    assert_eq!(detail, 31);
    assert_eq!(world.sweep.run_equivalents().full_grid, 31.0);
}

#[test]
fn it_goes_on_twice_at_most_and_then_says_that_the_best_is_at_the_edge() {
    let world = sweep(0.48, "");
    let levels: Vec<_> = added(&world).into_iter().map(|(levels, _)| levels).collect();
    assert_eq!(levels, [hundredths(21..=30), hundredths(31..=40)]);
    assert_eq!(best(&world), 0.4);
    let verdict = world.sweep.best().verdict;
    assert!(verdict.contains("highest level of the grid"), "{verdict}");
}

#[test]
fn no_more_levels_are_added_than_were_asked_for() {
    let world = sweep(0.48, r#", "levels": [0.1, 0.12, 0.14]"#);
    let levels: Vec<_> = added(&world).into_iter().map(|(levels, _)| levels).collect();
    assert_eq!(levels, [[0.16], [0.18]]);
}

#[test]
fn below_the_lowest_level_it_goes_on_by_halves() {
    let world = sweep(0.006, r#", "levels": [0.02, 0.04, 0.06, 0.08, 0.1, 0.12]"#);
    let levels: Vec<_> = added(&world).into_iter().map(|(levels, _)| levels).collect();
    assert_eq!(levels[0], [0.0025, 0.005, 0.01]);
    assert!(best(&world) < 0.02);
}

#[test]
fn nothing_is_added_where_the_best_lies_within_or_nobody_asked() {
    assert_eq!(added(&sweep(0.1, "")), []);
    let unasked = Extended::lowest_at(0.25, r#""search": {}"#, 40);
    assert_eq!(added(&unasked), []);
    assert_eq!(best(&unasked), 0.2);
}

#[test]
fn levels_beyond_the_loss_of_untrained_models_are_not_added() {
    // What the plain runs of these tests log begins at 0.5.
    let world = sweep(0.9, r#", "levels": [0.36, 0.40, 0.44, 0.48]"#);
    assert_eq!(added(&world), []);
    assert_eq!(best(&world), 0.48);
}

#[test]
fn weight_decays_go_on_together_and_share_what_is_added() {
    let world = sweep(0.25, r#", "weight_decay": [0, 0.1], "seeds": [0, 1]"#);
    assert_eq!(added(&world).len(), 1, "the other finds the arms there");
    let probed = |family| {
        let trials = world.sweep.facts().trials().filter(|(key, _)| key.family == FamilyIx(family));
        trials.filter(|(key, trial)| key.arm.0 > 20 && trial.epochs() > 0).count()
    };
    assert_eq!((0..4).map(probed).collect::<Vec<_>>(), [probed(0); 4]);
    assert!(probed(0) >= 2);
}

#[test]
fn the_cost_stays_within_the_plan_and_a_replay_decides_alike() {
    for lowest in [0.0, 0.1, 0.25, 0.48] {
        let world = sweep(lowest, "");
        let spent = world.sweep.run_equivalents().spent;
        let Event::Submitted { spec } = &world.log[0].0 else { panic!("no submission") };
        let plan = bound(spec);
        assert!((plan.low..=plan.high).contains(&spent), "{spent} for {lowest}, of {plan:?}");
        let mut replayed = Sweep::new((**spec).clone());
        for (event, decisions) in &world.log {
            assert_eq!(replayed.step(event), *decisions);
        }
        assert_eq!(replayed, world.sweep);
    }
}

#[test]
fn a_search_that_went_on_can_be_extended_by_users() {
    let mut world = sweep(0.25, "");
    let before = world.sweep.facts().space().arms.len();
    world.extend(&[1], &[0.155], None);
    world.run();
    assert_eq!(world.sweep.facts().space().arms.len(), before + 1);
    assert_eq!(world.sweep.status(), SweepStatus::Completed);
}
