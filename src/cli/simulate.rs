//! `floodgauge simulate`: schedulers on recorded grids, without training anything.

use super::{Failure, print};
use crate::simulate::{
    RecordedGrid,
    score::{Score, score},
};
use anyhow::Context as _;
use clap::ValueEnum;
use floodgauge_protocol::{ObjectiveMetric, SchedulerKind};
use std::path::PathBuf;

/// Compare schedulers on recorded grids, without training anything
///
/// A recorded grid is what `GET /v1/sweeps/{id}/grid` answers for a finished sweep with the
/// scheduler `grid`, as a file, gzipped or not. Cost is in run-equivalents. Regret is 0 for the
/// best arm over all seeds of the file, and 1 for an arm drawn at random.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  floodgauge simulate grids/*.json.gz --seeds 3")]
pub struct Args {
    /// The files
    #[arg(required = true, value_name = "GRID")]
    grids: Vec<PathBuf>,
    /// Only this scheduler; may be given several times
    #[arg(long, value_name = "NAME")]
    scheduler: Vec<Scheduler>,
    /// Only this metric; without it both
    #[arg(long)]
    metric: Option<Metric>,
    /// How many seeds each search is given; all ways to draw them are tried
    #[arg(long, default_value_t = 1, value_name = "N")]
    seeds: usize,
    /// On how many workers the time is told
    #[arg(long, default_value_t = 1, value_name = "N")]
    workers: usize,
    /// Print a list of scores as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scheduler {
    Halving,
    Grid,
    Sha,
    Asha,
    Hyperband,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Metric {
    ValLoss,
    ValError,
}

/// Runs `simulate`.
///
/// # Errors
/// If a file can't be read, isn't a complete grid, or has too few seeds.
pub async fn run(args: Args) -> Result<(), Failure> {
    let schedulers: Vec<SchedulerKind> = match &args.scheduler[..] {
        [] => Scheduler::value_variants().iter().map(|&scheduler| kind(scheduler)).collect(),
        some => some.iter().map(|&scheduler| kind(scheduler)).collect(),
    };
    let metrics = match args.metric {
        Some(Metric::ValLoss) => vec![ObjectiveMetric::ValLoss],
        Some(Metric::ValError) => vec![ObjectiveMetric::ValError],
        None => vec![ObjectiveMetric::ValLoss, ObjectiveMetric::ValError],
    };
    let mut grids = vec![];
    for path in &args.grids {
        let read = RecordedGrid::read(path);
        grids.extend(read.with_context(|| path.display().to_string()).map_err(Failure::from)?);
    }
    let mut scores = vec![];
    for &metric in &metrics {
        for grid in &grids {
            for &kind in &schedulers {
                let score = score(grid, kind, metric, args.seeds, args.workers);
                scores.push(score.with_context(|| {
                    let (task, has) = (&grid.task, grid.runs.len());
                    format!("{task}: no answer with {} of its {has} seeds", args.seeds)
                })?);
            }
        }
    }
    if args.json {
        let text = serde_json::to_string(&scores).context("scores")?;
        return print::out(&text);
    }
    for metric in metrics {
        let of_metric: Vec<_> = scores.iter().filter(|s| s.metric == metric.as_str()).collect();
        print::out(&format!("{}, {} of the seeds", metric.as_str(), args.seeds))?;
        print::out(&print::table(&rows(&of_metric, &schedulers)))?;
        print::out("")?;
    }
    Ok(())
}

fn kind(scheduler: Scheduler) -> SchedulerKind {
    match scheduler {
        Scheduler::Halving => SchedulerKind::Halving,
        Scheduler::Sha => SchedulerKind::Sha,
        Scheduler::Asha => SchedulerKind::Asha,
        Scheduler::Hyperband => SchedulerKind::Hyperband,
        Scheduler::Grid => SchedulerKind::Grid,
    }
}

/// A line for each task and scheduler, and one for each scheduler's means.
fn rows(scores: &[&Score], schedulers: &[SchedulerKind]) -> Vec<Vec<String>> {
    let header = ["TASK", "SCHEDULER", "COST", "TIME", "REGRET", "WORST", "PICKS"];
    let mut rows = vec![header.map(String::from).to_vec()];
    let row = |score: &Score| {
        let picks = score.picks.iter().take(5).map(|pick| match pick {
            Some(level) => format!("{level}"),
            None => "plain".into(),
        });
        let mut picks = picks.collect::<Vec<_>>().join(" ");
        if score.picks.len() > 5 {
            picks.push_str(" …");
        }
        vec![
            score.task.clone(),
            score.scheduler.into(),
            format!("{:.2}", score.cost),
            format!("{:.2}", score.time),
            format!("{:.3}", score.regret),
            format!("{:.3}", score.worst_regret),
            picks,
        ]
    };
    rows.extend(scores.iter().map(|score| row(score)));
    for kind in schedulers {
        let own: Vec<_> = scores.iter().filter(|s| s.scheduler == kind.as_str()).collect();
        let mean = |of: fn(&Score) -> f64| {
            own.iter().map(|s| of(s)).sum::<f64>() / own.len().max(1) as f64
        };
        rows.push(vec![
            format!("mean of {}", own.len()),
            kind.as_str().into(),
            format!("{:.2}", mean(|s| s.cost)),
            format!("{:.2}", mean(|s| s.time)),
            format!("{:.3}", mean(|s| s.regret)),
            format!("{:.3}", own.iter().map(|s| s.worst_regret).fold(0.0, f64::max)),
            String::new(),
        ]);
    }
    rows
}
