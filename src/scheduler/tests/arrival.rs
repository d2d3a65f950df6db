//! Asynchronous halving, and Hyperband.

use super::{super::policy::Rungs, *};

fn asha(seeds: &str) -> World {
    let text = format!(
        r#""search": {{"seeds": {seeds}}}, "scheduler": {{"kind": "asha", "first_rung": 9}}"#
    );
    World::new(spec(&text), smooth)
}

fn promotions(world: &World) -> Vec<(u16, u32)> {
    let decisions = world.log.iter().flat_map(|(_, decisions)| decisions);
    decisions
        .filter_map(|decision| match decision.action {
            Action::Promote { trial, rung } if trial.family == FamilyIx(0) => {
                Some((trial.arm.0, rung))
            }
            _ => None,
        })
        .collect()
}

fn completed(world: &World) -> Vec<u16> {
    let trials = world.sweep.facts().trials();
    let done = trials.filter(|(_, trial)| trial.status == TrialStatus::Completed);
    done.map(|(key, _)| key.arm.0).collect()
}

#[test]
fn an_arm_goes_on_as_soon_as_it_is_among_the_best_third_so_far() {
    let mut world = asha("[0]");
    while promotions(&world).is_empty() {
        let next = *world.open.keys().next().unwrap();
        world.train(next);
    }
    // Twenty-one runs in two stacks: plain and arms 1 to 9 come first.
    assert_eq!(promotions(&world), [(9, 0), (8, 0), (7, 0)], "a third of nine");
    world.run(|_| 0);
    assert_eq!(world.sweep.status(), SweepStatus::Completed);
    assert_eq!(world.sweep.best().best.unwrap().arm.b, Some(0.13));
}

#[test]
fn who_comes_first_may_change_who_goes_on_but_not_that_it_ends() {
    let mut straight = asha("[0]");
    straight.run(|_| 0);
    let mut backwards = asha("[0]");
    backwards.run(|open| open - 1);
    assert_ne!(promotions(&straight), promotions(&backwards));
    for world in [straight, backwards] {
        assert_eq!(world.sweep.status(), SweepStatus::Completed);
        assert!(completed(&world).len() >= 2, "plain and at least one more");
        let open = |(_, trial): &(TrialKey, &Trial)| trial.status == TrialStatus::Active;
        assert_eq!(world.sweep.facts().trials().filter(open).count(), 0);
    }
}

#[test]
fn a_promotion_waits_for_every_seed() {
    let mut world = asha("[0, 1]");
    while world.open.values().any(|segment| segment.family == FamilyIx(0)) {
        let of_first = world.open.iter().find(|(_, segment)| segment.family == FamilyIx(0));
        let next = *of_first.unwrap().0;
        world.train(next);
    }
    assert_eq!(promotions(&world), []);
    world.run(|_| 0);
    assert_eq!(world.sweep.best().difference.unwrap().seeds, 2);
}

#[test]
fn where_too_few_get_to_the_highest_rung_its_best_goes_on() {
    let text =
        r#""search": {"levels": [0.1, 0.2]}, "scheduler": {"kind": "asha", "first_rung": 3}"#;
    let mut world = World::new(spec(text), smooth);
    world.run(|_| 0);
    assert_eq!(completed(&world), [0, 2]);
    assert_eq!(promotions(&world), [(2, 0), (2, 1)]);
}

#[test]
fn hyperband_halves_each_bracket_by_itself() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "hyperband"}"#), smooth);
    assert_eq!(decision_epochs(world.sweep.facts().spec(), 3), [1, 3, 9, 27]);
    let facts = world.sweep.facts();
    let heats = Rungs::hyperband(facts.spec(), facts.space().arms.len() - 1).heats().to_vec();
    world.run(|_| 0);
    assert_eq!(world.sweep.status(), SweepStatus::Completed);
    let done = completed(&world);
    for heat in &heats {
        let survivors = heat.arms.iter().filter(|&&place| done.contains(&(place as u16 + 1)));
        assert!(survivors.count() >= 1, "{heat:?} in {done:?}");
    }
    let eager = &heats[0];
    let of_eager = |key: TrialKey| eager.arms.contains(&(key.arm.ix() - 1));
    assert!(world.prunings().iter().all(|&(key, rung)| rung > 0 || of_eager(key)));
}
