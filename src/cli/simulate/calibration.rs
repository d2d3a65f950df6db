//! What schedulers' answers state, and what seeds that took no part show.

use super::{Failure, print, short};
use crate::simulate::{
    RecordedGrid,
    calibration::{Calibration, calibrate},
    score::Contestant,
};
use anyhow::Context as _;
use floodgauge_protocol::{MetricName, text};
use serde::Serialize;

/// What one scheduler stated of one metric, over all tasks.
#[derive(Serialize)]
struct Stated {
    scheduler: &'static str,
    metric: MetricName,
    seeds: usize,
    tasks: Vec<(String, Calibration)>,
    all: Calibration,
}

/// Prints the tables, or all of it as JSON.
pub(super) fn print(
    grids: &[RecordedGrid],
    contestants: &[Contestant],
    metrics: &[MetricName],
    seeds: usize,
    json: bool,
) -> Result<(), Failure> {
    let mut stated = vec![];
    for contestant in contestants {
        // Idle picks state nothing.
        let Contestant::Scheduler(kind) = *contestant else { continue };
        for &metric in metrics {
            let (mut tasks, mut all) = (vec![], Calibration::default());
            for grid in grids {
                let of_task = calibrate(grid, kind, metric, seeds).ok_or_else(|| {
                    let (task, has) = (text::escaped(&grid.task), grid.runs.len());
                    Failure::BadInput(format!(
                        "{task}: with {seeds} of its {has} seeds, no seed is left or there is no answer"
                    ))
                })?;
                all.add(&of_task);
                tasks.push((grid.task.clone(), of_task));
            }
            let scheduler = kind.as_str();
            stated.push(Stated { scheduler, metric, seeds, tasks, all });
        }
    }
    if json {
        return print::json(&serde_json::to_string(&stated).context("calibration")?);
    }
    if stated.is_empty() {
        print::note(
            "no scheduler was named, and other picks state nothing: name one with --scheduler",
        );
    }
    for of in &stated {
        print::out(&format!("{}, {}, {seeds} seeds a search\n", of.scheduler, of.metric))?;
        print::out(&print::table(&intervals(of)))?;
        print::out("")?;
        print::out(&print::table(&probabilities(&of.all)))?;
        print::out("")?;
    }
    Ok(())
}

/// How many 90 % intervals cover, a line a task.
fn intervals(of: &Stated) -> Vec<Vec<String>> {
    let header = ["90 % INTERVALS", "COVER", "OF", "SHARE", "MEAN WIDTH", "SCORE"];
    let mut rows = vec![header.map(String::from).to_vec()];
    let tasks = of.tasks.iter().map(|(task, of)| (short(task), of));
    rows.extend(tasks.chain([("all".to_string(), &of.all)]).map(|(task, of)| {
        let n = f64::from(of.intervals);
        let figures = match of.intervals {
            0 => ["–"; 3].map(String::from),
            _ => [
                format!("{:.0} %", 100.0 * f64::from(of.covered) / n),
                format!("{:.3}", of.width / n),
                format!("{:.3}", of.score / n),
            ],
        };
        [task, of.covered.to_string(), of.intervals.to_string()]
            .into_iter()
            .chain(figures)
            .collect()
    }));
    rows
}

/// How often arms were the best, by what was stated.
fn probabilities(of: &Calibration) -> Vec<Vec<String>> {
    let header = ["STATED", "MEAN", "WAS BEST", "ARMS"];
    let mut rows = vec![header.map(String::from).to_vec()];
    rows.extend(of.bins.iter().filter(|bin| bin.count > 0).map(|bin| {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let n = f64::from(bin.count);
        vec![
            format!("{:.0} to {:.0} %", 100.0 * bin.from, 100.0 * bin.to),
            percent(bin.stated / n),
            percent(bin.seen / n),
            bin.count.to_string(),
        ]
    }));
    rows
}
