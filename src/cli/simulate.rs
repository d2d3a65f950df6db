//! `floodgauge simulate`: schedulers on recorded grids, without training anything.

mod calibration;

use super::{Failure, print};
use crate::{
    config::numbers::whole,
    counting::count,
    simulate::{
        RecordedGrid,
        score::{Contestant, Score, score},
        summary::{Summary, summarise},
    },
};
use anyhow::Context as _;
use clap::{ValueEnum, builder::PossibleValue};
use floodgauge_protocol::{MetricName, Shown, text};
use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// More seeds, or workers, than anything is recorded of.
const MOST: u64 = 100_000;

/// The widest name of a task that a table shows whole.
const TASK_WIDTH: usize = 24;

/// Compare schedulers on recorded grids, without training anything
///
/// A recorded grid is what `GET /v1/sweeps/{id}/grid` answers for a completed sweep with the
/// scheduler `grid`, as a file, gzipped or not, or what `floodgauge export` writes of one. Arms that
/// diverged end there. A file that tells no status, such as a grid that others recorded, is taken to be of a
/// sweep that has completed. Cost and time are in run-equivalents. Regret is 0 for
/// the best arm over all seeds of the file, and 1 for an arm drawn at random. `lowest`, `middle` and
/// `highest` always take that level, or plain where it does better. `asha` depends on the order in which
/// results arrive, and so on `--workers`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  floodgauge simulate grids/*.json.gz --seeds 3")]
pub struct Args {
    /// The files
    #[arg(required = true, value_name = "GRID")]
    grids: Vec<PathBuf>,
    /// Only this scheduler; may be given several times
    #[arg(long, value_name = "NAME")]
    scheduler: Vec<Contestant>,
    /// Only this metric, such as `val_error`; without it all that the files have
    #[arg(long, value_name = "NAME")]
    metric: Option<MetricName>,
    /// How many seeds each search is given; all ways to draw them are tried
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = whole::<usize>(1..=MOST))]
    seeds: usize,
    /// On how many workers the time is told
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = whole::<usize>(1..=MOST))]
    workers: usize,
    /// On parts of each grid instead: without its lowest or highest quarter, thinned, its middle
    #[arg(long)]
    windows: bool,
    /// Instead of the costs, hold what answers state of intervals and probabilities against the seeds that
    /// took no part; asks for at least two seeds a search
    #[arg(long, conflicts_with = "windows")]
    calibration: bool,
    /// Print a list of scores as JSON
    #[arg(long)]
    json: bool,
}

impl ValueEnum for Contestant {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<Contestant>> = LazyLock::new(Contestant::all);
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

/// Runs `simulate`.
///
/// # Errors
/// [`Failure::BadInput`] for a file that can't be read, isn't a complete grid, or lacks seeds, the metric, or an
/// answer.
pub async fn run(args: Args) -> Result<(), Failure> {
    let contestants = match &args.scheduler[..] {
        [] => Contestant::all(),
        some => some.to_vec(),
    };
    let mut grids = vec![];
    for path in &args.grids {
        grids.extend(read(path)?);
    }
    check_seeds(&grids, args.seeds, args.calibration).map_err(Failure::BadInput)?;
    let metrics = metrics(&grids, args.metric)?;
    if args.windows {
        grids = grids.iter().flat_map(RecordedGrid::windows).collect();
    }
    if args.calibration {
        return calibration::print(&grids, &contestants, &metrics, args.seeds, args.json);
    }
    let mut scores = vec![];
    for &metric in &metrics {
        for grid in &grids {
            for &contestant in &contestants {
                let score = score(grid, contestant, metric, args.seeds, args.workers);
                scores.push(score.ok_or_else(|| {
                    let (task, has) = (text::escaped(&grid.task), grid.runs.len());
                    let words = format!("{task}: no answer with {} of its {has} seeds", args.seeds);
                    Failure::BadInput(words)
                })?);
            }
        }
    }
    if args.json {
        let text = serde_json::to_string(&scores).context("scores")?;
        return print::json(&text);
    }
    for metric in metrics {
        let of_metric: Vec<_> = scores.iter().filter(|s| s.metric == metric).collect();
        let seeds = if args.seeds == 1 { "1 seed".into() } else { format!("{} seeds", args.seeds) };
        let workers = match args.workers {
            0 | 1 => "1 worker".into(),
            workers => format!("{workers} workers"),
        };
        print::out(&format!("{}, {seeds} a search, {workers}\n", metric))?;
        print::out(&print::table(&means(&summarise(&of_metric))))?;
        print::out("")?;
        print::out(&print::table(&by_task(&of_metric, &contestants)))?;
        if let [_] = contestants[..] {
            print::out("")?;
            print::out(&print::table(&picks(&of_metric)))?;
        }
        print::out("")?;
    }
    Ok(())
}

/// The grids of a file, one of each weight decay.
fn read(path: &Path) -> Result<Vec<RecordedGrid>, Failure> {
    let read = RecordedGrid::read(path);
    read.map_err(|error| Failure::BadInput(format!("{}: {error}", path.display())))
}

/// Whether every grid has the seeds that are asked for.
fn check_seeds(grids: &[RecordedGrid], seeds: usize, calibration: bool) -> Result<(), String> {
    if calibration && seeds < 2 {
        return Err(
            "--calibration needs at least two seeds a search, since one gives no interval, and a \
                    grid with more seeds than that: add --seeds 2"
                .into(),
        );
    }
    // Of a calibration one seed at least takes no part.
    let needed = seeds + usize::from(calibration);
    let Some(grid) = grids.iter().find(|grid| grid.runs.len() < needed) else { return Ok(()) };
    let (task, has) = (text::escaped(&grid.task), count(grid.runs.len(), "seed"));
    let what = if calibration { "--calibration with " } else { "" };
    Err(format!("{task} has {has}: {what}--seeds {seeds} needs grids with at least {needed}"))
}

/// What is searched for: the metric that is asked for, which every grid must have, or all that can be
/// compared of those that every grid has.
fn metrics(grids: &[RecordedGrid], only: Option<MetricName>) -> Result<Vec<MetricName>, Failure> {
    let compared = |grid: &RecordedGrid, name| grid.declared().direction(name).is_some();
    let first = grids.first().map(RecordedGrid::declared);
    let all = first.into_iter().flat_map(|metrics| metrics.iter().map(|metric| metric.name));
    let common = all.filter(|name| grids.iter().all(|grid| compared(grid, *name)));
    let common: Vec<_> = common.collect();
    match only {
        None => Ok(common),
        Some(name) if common.contains(&name) => Ok(vec![name]),
        Some(name) => {
            let names: Vec<_> = common.iter().map(MetricName::as_str).collect();
            let names = names.join(", ");
            let words = format!("not every grid has the metric `{name}`: they have {names}");
            Err(Failure::BadInput(words))
        }
    }
}

/// A line for each contestant, over all tasks.
fn means(summaries: &[Summary]) -> Vec<Vec<String>> {
    let header = ["MEANS", "COST", "TIME", "REGRET", "WORST", "BEYOND THE GRID’S (90 %)"];
    let mut rows = vec![header.map(String::from).to_vec()];
    rows.extend(summaries.iter().map(|summary| {
        let beyond = match summary.beyond_grid {
            Some((mean, Some((low, high)))) => format!("{mean:+.3} ({low:+.3} to {high:+.3})"),
            Some((mean, None)) => format!("{mean:+.3}"),
            None => String::new(),
        };
        let figures = [summary.cost, summary.time].map(|figure| format!("{figure:.2}"));
        let regrets = [summary.regret, summary.worst_regret].map(|figure| format!("{figure:.3}"));
        let name = summary.scheduler.to_string();
        [vec![name], figures.to_vec(), regrets.to_vec(), vec![beyond]].concat()
    }));
    rows
}

/// The regret of each contestant, a line a task.
fn by_task(scores: &[&Score], contestants: &[Contestant]) -> Vec<Vec<String>> {
    let names = contestants.iter().map(|contestant| contestant.name().to_uppercase());
    let mut rows = vec![std::iter::once("REGRET".to_string()).chain(names).collect::<Vec<_>>()];
    rows.extend(scores.chunks(contestants.len()).map(|of_task| {
        let task = of_task.first().map_or("", |score| &score.task);
        let regrets = of_task.iter().map(|score| format!("{:.3}", score.regret));
        std::iter::once(short(task)).chain(regrets).collect()
    }));
    rows
}

/// What one contestant picked, a line a task.
fn picks(scores: &[&Score]) -> Vec<Vec<String>> {
    let mut rows = vec![["PICKS", "COST", "LEVEL OF EACH DRAW"].map(String::from).to_vec()];
    rows.extend(scores.iter().map(|score| {
        let picks = score.picks.iter().take(8).map(|pick| match pick {
            Some(level) => Shown(*level).to_string(),
            None => "plain".into(),
        });
        let more = if score.picks.len() > 8 { " …" } else { "" };
        let picks = picks.collect::<Vec<_>>().join(" ") + more;
        vec![short(&score.task), format!("{:.2}", score.cost), picks]
    }));
    rows
}

/// A task's name, cut to what fits beside its figures.
fn short(task: &str) -> String {
    console::truncate_str(&text::escaped(task), TASK_WIDTH, "…").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::Write as _;

    /// A grid with so many seeds.
    fn grid(seeds: u32) -> RecordedGrid {
        let curves = json!([[1.0], [1.0]]);
        let run = |seed| {
            json!({
                "seed": seed, "steps_per_epoch": 1, "onset_step": [null, null],
                "train_loss": curves, "val_loss": curves, "val_error": curves
            })
        };
        let grid = json!({
            "task": "digits", "levels": [null, 0.1], "epochs": 1,
            "runs": (0..seeds).map(run).collect::<Vec<_>>()
        });
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(grid.to_string().as_bytes()).unwrap();
        RecordedGrid::read(file.path()).unwrap().remove(0)
    }

    #[test]
    fn whatever_is_wrong_with_a_file_is_bad_input_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        let later = r#"{"export": {"format": 99}, "runs": []}"#;
        for (content, said) in [
            (None, "there is no such file"),
            (Some("name = \"x\""), "not a recorded grid"),
            (Some(r#"{"task": "x""#), "not a recorded grid: it breaks off"),
            (Some(later), "a later version of floodgauge wrote it, in format 99"),
        ] {
            if let Some(content) = content {
                std::fs::write(&path, content).unwrap();
            }
            let Failure::BadInput(told) = read(&path).unwrap_err() else { panic!("{said}") };
            assert!(told.starts_with(&format!("{}: ", path.display())), "{told}");
            assert!(told.contains(said), "{told}");
        }
    }

    #[test]
    fn a_metric_that_a_grid_lacks_is_bad_input() {
        let metrics = metrics(&[grid(2)], Some("f1".parse().unwrap()));
        let Failure::BadInput(told) = metrics.unwrap_err() else { panic!("another failure") };
        assert_eq!(told, "not every grid has the metric `f1`: they have val_loss, val_error");
    }

    #[test]
    fn too_few_seeds_are_told_with_what_is_needed() {
        let check = |seeds, calibration| check_seeds(&[grid(3)], seeds, calibration);
        assert_eq!(check(3, false), Ok(()));
        let expected = "digits has 3 seeds: --seeds 4 needs grids with at least 4";
        assert_eq!(check(4, false).unwrap_err(), expected);
        assert_eq!(check(2, true), Ok(()));
        assert!(check(1, true).unwrap_err().contains("add --seeds 2"));
        let expected =
            "digits has 3 seeds: --calibration with --seeds 3 needs grids with at least 4";
        assert_eq!(check(3, true).unwrap_err(), expected);
    }
}
