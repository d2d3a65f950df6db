//! How far a sweep says that it has got.

use super::*;

/// Trains a sweep epoch by epoch; answers how far it said it was, from its submission on.
fn extents(rest: &str) -> Vec<Extent> {
    let mut world = World::new(spec(rest), smooth);
    let mut extents = vec![world.sweep.extent()];
    while let Some(&segment) = world.open.keys().next() {
        world.claim(segment, 1);
        for row in world.rows(&world.open[&segment]) {
            world.report(segment, 1, &[row]);
            extents.push(world.sweep.extent());
        }
        world.finish(segment, 1);
        extents.push(world.sweep.extent());
    }
    assert_eq!(world.sweep.status(), SweepStatus::Completed);
    let (last, cost) = (extents.last().unwrap(), world.sweep.run_equivalents());
    assert_eq!((last.spent, last.planned), (cost.spent, cost.spent));
    assert_eq!(last.pruned, cost.saved_by_pruning, "all is decided");
    extents
}

const SWEEPS: [&str; 6] = [
    r#""search": {"seeds": [0, 1]}"#,
    r#""search": {"levels": {"from": 0.01, "to": 0.05, "step": 0.01}, "extend": true}"#,
    r#""scheduler": {"kind": "grid"}"#,
    r#""scheduler": {"kind": "sha"}, "search": {"seeds": [0, 1]}"#,
    r#""scheduler": {"kind": "hyperband"}"#,
    r#""scheduler": {"kind": "asha"}"#,
];

#[test]
fn what_is_spent_never_falls_and_what_is_planned_never_rises() {
    for rest in SWEEPS {
        let extents = extents(rest);
        for pair in extents.windows(2) {
            let [before, after] = pair else { unreachable!() };
            assert!(after.spent >= before.spent, "{rest}: {pair:?}");
            assert!(after.planned <= before.planned + 1e-9, "{rest}: {pair:?}");
            assert!(after.pruned >= before.pruned - 1e-9, "{rest}: {pair:?}");
            assert!(after.spent <= after.planned, "{rest}: {pair:?}");
        }
    }
}

#[test]
fn nothing_is_saved_before_it_is_decided() {
    for rest in SWEEPS {
        assert_eq!(extents(rest)[0].pruned, 0.0, "{rest}");
    }
}

#[test]
fn each_part_is_told_in_turn() {
    let phases = |rest| {
        let mut phases: Vec<_> = extents(rest).into_iter().map(|extent| extent.phase).collect();
        phases.dedup();
        phases
    };
    let probing = "training plain, and probing levels";
    let halving = [r#"not begun"#, probing, "training to the end", "testing the answer", "done"];
    assert_eq!(phases(SWEEPS[0]), halving);
    let grid = ["not begun", "training to the end", "testing the answer", "done"];
    assert_eq!(phases(SWEEPS[2]), grid);
    let sha =
        ["not begun", "rung 1 of 3", "rung 2 of 3", "rung 3 of 3", "testing the answer", "done"];
    assert_eq!(phases(SWEEPS[3]), sha);
}
