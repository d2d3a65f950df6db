//! Which way a metric is better must not matter: recorded grids and their mirror images, whose metrics
//! are negated and better when higher, are searched with the same decisions and the mirrored answer.

use flate2::read::GzDecoder;
use floodgauge::{
    scheduler::{Action, Decision, reason::Reason},
    simulate::{RecordedGrid, trial},
    verdict::Best,
};
use floodgauge_protocol::{At, Direction, Metric, MetricName, Objective, SchedulerKind};
use serde_json::{Value, json};
use std::{fs::File, io::Write as _, path::PathBuf};

/// Seeds that each search is given: three, for an interval.
const SEEDS: [u32; 3] = [0, 1, 2];

/// The recorded grids.
pub fn files() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/grids");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut grids: Vec<_> = files.filter(|path| path.extension() == Some("gz".as_ref())).collect();
    grids.sort();
    grids
}

/// The grid of a file, and its mirror image.
fn grid_and_mirror(path: &PathBuf) -> (RecordedGrid, RecordedGrid) {
    let mut grid: Value =
        serde_json::from_reader(GzDecoder::new(File::open(path).unwrap())).unwrap();
    for run in grid["runs"].as_array_mut().unwrap() {
        for metric in ["val_loss", "val_error"] {
            negate(&mut run[metric]);
        }
    }
    grid["metrics"] = json!({ "val_loss": "max", "val_error": { "direction": "max" } });
    grid["evidence"] = json!("val_loss");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(grid.to_string().as_bytes()).unwrap();
    let only = |path| RecordedGrid::read(path).unwrap().remove(0);
    (only(path), only(file.path()))
}

fn negate(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(negate),
        Value::Number(number) => *value = json!(-number.as_f64().unwrap()),
        _ => {}
    }
}

fn turned(value: Metric) -> Metric {
    Direction::Max.minimised(value)
}

fn turned_number(value: Option<f64>) -> Option<f64> {
    value.map(|value| -value)
}

/// A decision as it would be if lower were better, without words.
fn mirrored(decision: &Decision) -> Decision {
    let Decision { mut action, mut why, .. } = decision.clone();
    match &mut action {
        Action::Enqueue { segment } => {
            assert_eq!(segment.direction, Direction::Max);
            segment.direction = Direction::Min;
            for branch in &mut segment.branches {
                branch.best = branch.best.map(turned);
            }
        }
        Action::Complete { best } => **best = answer(best),
        _ => {}
    }
    let comparison = match why.as_mut() {
        Some(Reason::AtRung(of)) => Some(&mut of.comparison),
        Some(Reason::Arrived(of)) => Some(&mut of.comparison),
        Some(Reason::Probed(of)) => Some(&mut of.comparison),
        _ => None,
    };
    if let Some(comparison) = comparison {
        comparison.value = turned(comparison.value);
    }
    wordless(Decision { action, why, reason: String::new() })
}

fn wordless(mut decision: Decision) -> Decision {
    decision.reason.clear();
    if let Some(Reason::Answered { verdict }) = &mut decision.why {
        verdict.clear();
    }
    if let Action::Complete { best } = &mut decision.action {
        without_words(best);
    }
    decision
}

/// Clears what is for people: words, and the size as a share, which nothing below 0 has.
fn without_words(best: &mut Best) {
    best.verdict.clear();
    best.sentence.clear();
    best.points.clear();
    best.against.clear();
    best.size_percent = None;
}

/// An answer as it would be if lower were better.
fn answer(best: &Best) -> Best {
    let mut best = best.clone();
    assert_eq!(best.direction, Direction::Max);
    best.direction = Direction::Min;
    if let Some(arm) = &mut best.best {
        arm.objective = turned(arm.objective);
    }
    if let Some(plain) = &mut best.baseline {
        plain.objective = turned(plain.objective);
    }
    if let Some(difference) = &mut best.difference {
        difference.mean = -difference.mean;
        difference.expected = turned_number(difference.expected);
        let (low, high) = (difference.low, difference.high);
        (difference.low, difference.high) = (turned_number(high), turned_number(low));
    }
    for arm in &mut best.probabilities {
        arm.objective = arm.objective.map(turned);
        arm.fitted = turned_number(arm.fitted);
        (arm.low, arm.high) = (turned_number(arm.high), turned_number(arm.low));
    }
    if let Some(other) = &mut best.other_metric {
        (other.objective, other.of_best) = (turned(other.objective), turned(other.of_best));
    }
    best
}

/// JSON, in which numbers are equal if they are so to the last bit; and 0 is −0.
fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn a_metric_turned_around_gives_the_same_decisions_and_the_mirrored_answer() {
    let files = files();
    assert_eq!(files.len(), 6);
    for file in &files {
        let (grid, mirror) = grid_and_mirror(file);
        for kind in SchedulerKind::ALL {
            for metric in [MetricName::val_loss(), MetricName::val_error()] {
                for at in [At::Last, At::Best] {
                    let objective = Objective { metric, at };
                    let search = |grid| trial::search(grid, kind, objective, &SEEDS, 2).unwrap();
                    let (of_grid, of_mirror) = (search(&grid), search(&mirror));
                    let name = format!("{}, {}, {metric}, {at:?}", grid.task, kind.as_str());
                    let expected: Vec<_> = of_grid.decisions.into_iter().map(wordless).collect();
                    let got: Vec<_> = of_mirror.decisions.iter().map(mirrored).collect();
                    assert_eq!(got.len(), expected.len(), "{name}");
                    for (got, expected) in got.iter().zip(&expected) {
                        assert_eq!(json_of(got), json_of(expected), "{name}");
                    }
                    let (mut got, mut expected) = (answer(&of_mirror.best), of_grid.best);
                    let sentence = &got.verdict;
                    assert!(!sentence.contains("lowest val"), "{name}: {sentence}");
                    if got.best.as_ref().is_some_and(|best| !best.arm.is_plain()) {
                        // What is expected best needn't have been measured to be.
                        let most = ["the highest val", "is expected to do best"];
                        let says = most.iter().any(|most| sentence.contains(most));
                        assert!(says, "{name}: {sentence}");
                        assert!(sentence.contains("above plain"), "{name}: {sentence}");
                    }
                    without_words(&mut got);
                    without_words(&mut expected);
                    assert_eq!(json_of(&got), json_of(&expected), "{name}");
                    assert_eq!(of_mirror.level, of_grid.level, "{name}");
                }
            }
        }
    }
}
