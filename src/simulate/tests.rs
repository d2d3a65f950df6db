//! A small grid that is made up here.

use super::{
    RecordedGrid,
    calibration::{Bin, calibrate},
    score::{Contestant, score},
};
use floodgauge_protocol::{MetricName, SchedulerKind};
use serde_json::{Value, json};
use std::{io::Write as _, path::Path};

/// Three levels, two seeds, ten epochs of two steps; level 0.2 ends lowest, 0.3 is never reached.
fn grid() -> Value {
    let run = |seed: u32| {
        let curve = |arm: u32| -> Vec<f64> {
            (1..=10)
                .map(|epoch| 2.0 - f64::from([0, 3, 6, 0][arm as usize] * (epoch / 4)) / 10.0)
                .collect()
        };
        let curves: Vec<_> = (0..4).map(curve).collect();
        json!({
            "seed": seed, "steps_per_epoch": 2, "onset_step": [null, 6, 6, null],
            "train_loss": curves, "val_loss": curves, "val_error": curves,
        })
    };
    json!({ "task": "made up", "levels": [null, 0.1, 0.2, 0.3], "epochs": 10, "runs": [run(7), run(8)] })
}

/// The same with every level reached, of which 0.3 ends as plain does.
fn reached() -> Value {
    let mut grid = grid();
    for run in grid["runs"].as_array_mut().unwrap() {
        run["onset_step"][3] = json!(6);
    }
    grid
}

fn read(bytes: &[u8]) -> Result<Vec<RecordedGrid>, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    RecordedGrid::read(file.path()).map_err(|error| error.to_string())
}

#[test]
fn the_data_set_of_a_grid_is_read_by_any_name_that_people_gave_it() {
    let named = |data: Value| {
        let mut grid = grid();
        grid["recipe"] = json!({ "data": data });
        read(grid.to_string().as_bytes()).unwrap().remove(0).dataset
    };
    let classes = |data| named(data).and_then(|dataset| dataset.facts()).map(|facts| facts.classes);
    assert_eq!(classes(json!("spiral")), Some(2));
    assert_eq!(named(json!("wine")).map(|dataset| dataset.name.to_string()), Some("wine".into()));
    assert_eq!(classes(json!("wine")), None);
    for unnamed in [json!("Not a name!"), json!(7), Value::Null] {
        assert_eq!(named(unnamed), None);
    }
    assert_eq!(read(grid().to_string().as_bytes()).unwrap()[0].dataset, None);
    let mut odd = grid();
    odd["recipe"] = json!("by hand");
    assert_eq!(read(odd.to_string().as_bytes()).unwrap()[0].dataset, None);
}

#[test]
fn a_grid_is_read_gzipped_or_not_and_searched() {
    let text = reached().to_string();
    let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    for bytes in [text.clone().into_bytes(), packed.finish().unwrap()] {
        let grids = read(&bytes).unwrap();
        for kind in [SchedulerKind::Halving, SchedulerKind::Grid] {
            let contestant = Contestant::Scheduler(kind);
            let score = score(&grids[0], contestant, MetricName::val_loss(), 2, 3).unwrap();
            assert_eq!(score.picks, [Some(0.2)], "{kind:?}");
            assert_eq!((score.regret, score.seeds), (0.0, 2));
        }
        let score = |kind, seeds| {
            score(&grids[0], Contestant::Scheduler(kind), MetricName::val_loss(), seeds, 1)
        };
        let sha = score(SchedulerKind::Sha, 2).unwrap();
        assert_eq!(sha.picks, [Some(0.1)], "its first rung, of three epochs, is a tie");
        let score = score(SchedulerKind::Grid, 1).unwrap();
        assert_eq!(score.picks.len(), 2, "each seed is drawn");
        let cost = 1.0 + 3.0 * 0.7;
        assert!((score.cost - cost).abs() < 1e-12, "levels share the trunk for three epochs");
        assert_eq!(score.time, score.cost, "one worker");
    }
}

/// The grid whose arm 2 diverged with the first seed, in its seventh epoch.
fn with_a_diverged_arm() -> Value {
    let mut grid = grid();
    for curves in ["train_loss", "val_loss", "val_error"] {
        grid["runs"][0][curves][2].as_array_mut().unwrap().truncate(6);
    }
    grid
}

#[test]
fn an_arm_that_diverged_with_a_seed_ends_there_and_is_no_answer() {
    let diverged = with_a_diverged_arm();
    // As a file tells it whose curves all have the same length.
    let mut filled = diverged.clone();
    for curves in ["train_loss", "val_loss", "val_error"] {
        filled["runs"][0][curves][2].as_array_mut().unwrap().resize(10, json!("diverged"));
    }
    let [diverged, filled] =
        [diverged, filled].map(|grid| read(grid.to_string().as_bytes()).unwrap().remove(0));
    for kind in SchedulerKind::ALL {
        let scored = |grid| score(grid, Contestant::Scheduler(kind), MetricName::val_loss(), 2, 1);
        let of_diverged = scored(&diverged).unwrap();
        assert_ne!(of_diverged.picks, [Some(0.2)], "{kind:?}");
        assert!(of_diverged.regret.is_finite(), "{kind:?}");
        assert_eq!(scored(&filled), Some(of_diverged), "{kind:?}");
    }
    assert_eq!(diverged.objectives(MetricName::val_loss())[2], f64::INFINITY);
    let cost = |grid| {
        let picker = Contestant::Scheduler(SchedulerKind::Grid);
        score(grid, picker, MetricName::val_loss(), 2, 1).unwrap().cost
    };
    let whole = &read(grid().to_string().as_bytes()).unwrap()[0];
    assert!(cost(whole) - cost(&diverged) > 0.4 - 1e-9, "four of ten epochs less, at least");
}

#[test]
fn curves_that_end_early_otherwise_are_of_no_complete_grid() {
    let refused = |grid: &Value| read(grid.to_string().as_bytes()).unwrap_err();
    // The plain run, and an arm that is the plain run.
    for (arm, run) in [(0, 0), (3, 1)] {
        let mut short = with_a_diverged_arm();
        for curves in ["train_loss", "val_loss", "val_error"] {
            short["runs"][run][curves][arm].as_array_mut().unwrap().truncate(6);
        }
        assert!(refused(&short).contains("curves of 10 epochs"));
    }
    // Of a sweep whose scheduler prunes, and of one that is under way.
    let mut pruned = with_a_diverged_arm();
    pruned["spec"] = json!({ "scheduler": { "kind": "halving" } });
    assert!(refused(&pruned).contains("the scheduler `grid`"));
    pruned["spec"] = json!({ "scheduler": { "kind": "grid" } });
    assert!(read(pruned.to_string().as_bytes()).is_ok());
    pruned["export"] = json!({ "status": "cancelled" });
    assert!(refused(&pruned).contains("a completed sweep"));
}

#[test]
fn only_a_grid_that_tells_nothing_of_its_end_is_whole_without_a_word() {
    let with = |field: &str, value: Value| {
        let mut grid = with_a_diverged_arm();
        grid[field] = value;
        read(grid.to_string().as_bytes()).map(drop)
    };
    assert_eq!(with("task", json!("as recorded by others")), Ok(()));
    for field in ["export", "answer"] {
        assert_eq!(with(field, json!({ "status": "completed" })), Ok(()), "{field}");
        for other in [json!({ "status": "running" }), json!({ "status": null }), json!({})] {
            assert!(with(field, other.clone()).is_err(), "{field}: {other}");
        }
    }
    // As a server answers it.
    assert_eq!(with("status", json!("completed")), Ok(()));
    assert!(with("status", json!("running")).is_err());
}

#[test]
fn an_export_of_a_later_format_is_left_to_its_version() {
    let mut later = grid();
    later["export"] = json!({ "format": 99, "status": "completed" });
    let refused = |grid: &Value| read(grid.to_string().as_bytes()).unwrap_err();
    let words =
        "a later version of floodgauge wrote it, in format 99; this one reads formats up to 1";
    assert_eq!(refused(&later), words);
    // Whatever else is otherwise in it.
    (later["runs"], later["levels"]) = (json!({ "packed": "…" }), json!("as of runs"));
    assert_eq!(refused(&later), words);
    later["export"]["format"] = json!("2b");
    assert!(refused(&later).starts_with("not a recorded grid"), "{later}");
}

#[test]
fn what_is_measured_beside_the_metrics_that_are_compared_need_not_be_whole() {
    let mut grid = grid();
    for run in grid["runs"].as_array_mut().unwrap() {
        run["metrics"] = json!({ "lr": [[0.1, null], [null], [], ["diverged"]] });
    }
    let without = &read(super::tests::grid().to_string().as_bytes()).unwrap()[0];
    let with = &read(grid.to_string().as_bytes()).unwrap()[0];
    for contestant in Contestant::all() {
        let scored = |grid| score(grid, contestant, MetricName::val_loss(), 2, 1);
        assert_eq!(scored(with), scored(without), "{}", contestant.name());
    }
}

#[test]
fn a_grid_that_says_it_is_larger_than_is_read_is_refused_before_its_curves_are_held() {
    let mut large = grid();
    large["epochs"] = json!(u32::MAX);
    let refused = read(large.to_string().as_bytes()).unwrap_err();
    assert!(
        refused.starts_with("it is too large: 4294967295 epochs of 4 arms, 2 runs"),
        "{refused}"
    );
    // What its curves have, whatever it says.
    let at_most = |grid: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(grid.as_bytes()).unwrap();
        RecordedGrid::read_at_most(file.path(), 1000).map_err(|error| error.to_string())
    };
    let grid = grid().to_string();
    assert!(at_most(&grid).is_ok());
    let zeros = format!("\"val_loss\":[[{}", "0,".repeat(2000));
    let refused = at_most(&grid.replacen("\"val_loss\":[[", &zeros, 1)).unwrap_err();
    assert!(refused.contains("more than 1000 values of curves"), "{refused}");
}

#[test]
fn an_export_is_read_as_the_grid_that_it_is() {
    let mut export = grid();
    export["spec"] = json!({ "name": "x", "scheduler": { "kind": "grid" } });
    export["export"] = json!({ "format": 1, "status": "completed" });
    export["answer"] = json!({ "status": "completed", "verdict": "" });
    export["log"] = json!([{ "seq": 1, "event": { "type": "of_later_versions" } }]);
    let grids = read(export.to_string().as_bytes()).unwrap();
    assert_eq!((grids.len(), grids[0].runs.len()), (1, 2));
}

#[test]
fn seeds_that_the_grid_has_not_give_no_score() {
    let grids = read(grid().to_string().as_bytes()).unwrap();
    let halving = Contestant::all()[0];
    assert_eq!(score(&grids[0], halving, MetricName::val_loss(), 3, 1), None);
}

#[test]
fn picks_that_search_nothing_cost_plain_and_their_level() {
    let grids = read(grid().to_string().as_bytes()).unwrap();
    let score = |contestant| score(&grids[0], contestant, MetricName::val_loss(), 1, 1).unwrap();
    let lowest = score(Contestant::Lowest);
    assert_eq!((lowest.picks, lowest.cost), (vec![Some(0.1); 2], 1.0 + 0.7));
    assert_eq!(score(Contestant::Middle).regret, 0.0);
    let highest = score(Contestant::Highest);
    assert_eq!(
        (highest.picks, highest.cost),
        (vec![None; 2], 1.0),
        "plain, as 0.3 is never reached"
    );
}

#[test]
fn several_workers_end_sooner_at_the_same_cost() {
    let grids = read(grid().to_string().as_bytes()).unwrap();
    for contestant in Contestant::all() {
        let score =
            |workers| score(&grids[0], contestant, MetricName::val_loss(), 2, workers).unwrap();
        let (one, four) = (score(1), score(4));
        assert!(four.time < one.time, "{}", contestant.name());
        if contestant != Contestant::Scheduler(SchedulerKind::Asha) {
            assert_eq!((four.cost, four.picks), (one.cost, one.picks), "{}", contestant.name());
        }
    }
}

#[test]
fn a_grid_can_be_looked_at_through_windows() {
    let mut grid = grid();
    let levels: Vec<_> = (0..9).map(|i| (i > 0).then(|| f64::from(i) / 10.0)).collect();
    grid["levels"] = json!(levels);
    for run in grid["runs"].as_array_mut().unwrap() {
        run["onset_step"] = json!([null, 1, 1, 1, 1, 1, 1, 1, 1]);
        for curve in ["train_loss", "val_loss", "val_error"] {
            run[curve] = json!((0..9).map(|arm| vec![f64::from(arm); 10]).collect::<Vec<_>>());
        }
    }
    let windows = read(grid.to_string().as_bytes()).unwrap()[0].windows();
    let levels: Vec<Vec<f64>> =
        windows.iter().map(|grid| grid.levels.iter().flatten().copied().collect()).collect();
    let expected = [
        vec![0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
        vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        vec![0.1, 0.3, 0.5, 0.7],
        vec![0.3, 0.4, 0.5, 0.6],
    ];
    assert_eq!(levels, expected);
    assert_eq!(windows[0].task, "made up, without the lowest");
    assert_eq!(windows[0].objectives(MetricName::val_loss())[1], 3.0);
}

#[test]
fn other_methods_than_flooding_are_left_out_and_levels_put_in_order() {
    let mut grid = grid();
    grid["levels"] = json!([null, 0.2, 0.2, 0.1]);
    grid["arms"] = json!([
        { "method": "plain" }, { "method": "flood", "b": 0.2 }, { "method": "iflood", "b": 0.2 },
        { "method": "flood", "b": 0.1 }
    ]);
    let grids = read(grid.to_string().as_bytes()).unwrap();
    assert_eq!(grids[0].levels, [None, Some(0.1), Some(0.2)]);
}

#[test]
fn an_export_of_a_sweep_with_metrics_of_its_own_is_searched_for_them() {
    let mut grid = grid();
    for run in grid["runs"].as_array_mut().unwrap() {
        let run = run.as_object_mut().unwrap();
        let loss = run.remove("val_loss").unwrap();
        run.remove("val_error");
        run.insert("metrics".into(), json!({ "f1": loss }));
    }
    assert!(read(grid.to_string().as_bytes()).unwrap_err().contains("curves"), "it has no loss");
    grid["spec"] = json!({ "search": { "metrics": { "f1": "max" }, "evidence": "f1" } });
    let read = &read(grid.to_string().as_bytes()).unwrap()[0];
    let f1 = "f1".parse().unwrap();
    assert_eq!((read.declared().names(), read.evidence), ("f1".into(), Some(f1)));
    let grid = Contestant::Scheduler(SchedulerKind::Grid);
    let picks = score(read, grid, f1, 1, 1).unwrap().picks;
    assert!(!picks.contains(&Some(0.2)), "what is lowest is worst: {picks:?}");
}

#[test]
fn each_weight_decay_is_a_task_of_its_own() {
    let mut grid = grid();
    grid["runs"][0]["weight_decay"] = json!(0.0);
    grid["runs"][1]["weight_decay"] = json!(0.1);
    let grids = read(grid.to_string().as_bytes()).unwrap();
    let tasks: Vec<_> = grids.iter().map(|grid| grid.task.as_str()).collect();
    assert_eq!(tasks, ["made up, weight decay 0", "made up, weight decay 0.1"]);
    assert!(grids.iter().all(|grid| grid.runs.len() == 1));
}

#[test]
fn what_is_no_complete_grid_is_refused_with_the_reason() {
    type Spoil = fn(&mut Value);
    let cases: [(&str, Spoil, &str); 7] = [
        ("levels without plain", |g| g["levels"][0] = json!(0.05), "must begin with null"),
        ("a second plain", |g| g["levels"][2] = json!(null), "no other null"),
        ("levels that fall", |g| g["levels"][1] = json!(0.25), "must rise"),
        ("no run", |g| g["runs"] = json!([]), "no runs"),
        (
            "a curve cut short",
            |g| g["runs"][1]["val_loss"][2] = json!([1.0]),
            "seed 8 must have 4 curves",
        ),
        ("a missing onset", |g| g["runs"][0]["onset_step"] = json!([null]), "onset_step"),
        ("another shape", |g| g["epochs"] = json!("ten"), "not a recorded grid"),
    ];
    for (name, spoil, expected) in cases {
        let mut grid = grid();
        spoil(&mut grid);
        let error = read(grid.to_string().as_bytes()).unwrap_err();
        assert!(error.contains(expected), "{name}: {error}");
    }
    assert!(RecordedGrid::read(Path::new("/nowhere/grid.json")).is_err());
    assert!(read(b"\x1f\x8bnot gzip").is_err());
}

#[test]
fn answers_are_held_against_the_seeds_that_took_no_part() {
    let mut grid = reached();
    let mut third = grid["runs"][0].clone();
    third["seed"] = json!(9);
    // The level ends half as low as with the two other seeds.
    third["val_loss"][2] = json!(vec![1.35; 10]);
    grid["runs"].as_array_mut().unwrap().push(third);
    let grid = &read(grid.to_string().as_bytes()).unwrap()[0];
    let stated = |seeds| calibrate(grid, SchedulerKind::Grid, MetricName::val_loss(), seeds);
    let stated_of_two = stated(2).unwrap();
    assert_eq!(stated_of_two.intervals, 3, "each way to leave one out chooses a level");
    assert!(stated_of_two.covered < 3, "what two seeds agree on, the third is far from");
    let sum = |of: fn(&Bin) -> f64| stated_of_two.bins.iter().map(of).sum::<f64>();
    assert!((sum(|bin| bin.stated) - 3.0).abs() < 1e-6, "one arm is the best each time");
    assert!((sum(|bin| bin.seen) - 3.0).abs() < 1e-6);
    assert_eq!(stated(3), None, "no seed is left");
}
