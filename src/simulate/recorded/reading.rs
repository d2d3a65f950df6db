//! A recorded grid from a file, by whatever hand it was made.

use super::{RecordedGrid, RecordedRun, ends};
use crate::{
    export::{
        ExportError, Run,
        curves::Wanted,
        document::{Document, Request},
    },
    simulate::GridError,
};
use floodgauge_protocol::{
    Dataset, Method, MetricName, MetricSpec, Metrics, SchedulerKind, Search, Shown,
};
use serde::Deserialize;
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

/// What the training loss is called beside the metrics.
const TRAIN_LOSS: &str = "train_loss";

/// What a file says beside its curves.
const FIELDS: [&str; 11] = [
    "task", "status", "levels", "arms", "epochs", "metrics", "evidence", "spec", "export",
    "answer", "recipe",
];

/// What matters here of the sweep in an export.
#[derive(Debug, Default, Deserialize)]
struct ExportedSpec {
    recipe: Option<ExportedRecipe>,
    #[serde(default)]
    search: ExportedSearch,
    scheduler: Option<ExportedScheduler>,
}

#[derive(Debug, Deserialize)]
struct ExportedRecipe {
    dataset: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
struct ExportedSearch {
    #[serde(default)]
    metrics: BTreeMap<MetricName, MetricSpec>,
    evidence: Option<MetricName>,
}

#[derive(Debug, Deserialize)]
struct ExportedScheduler {
    #[serde(default)]
    kind: SchedulerKind,
}

/// Reads a file with at most so many values of curves; a grid of each weight decay.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<RecordedGrid>, GridError> {
    // Once for what it says of itself, so that it is known what its curves may cost.
    let count = Cell::new(0);
    let head = Request { fields: &FIELDS, curves: Wanted::Count(&count), most: u64::MAX };
    let (mut grid, may_end_early) = grid_of(Document::open(path, head)?)?;
    check_head(&grid, count.get(), most)?;
    let names = curves(&grid.declared).collect();
    let request = Request { fields: &[], curves: Wanted::Simulated(&names), most };
    let runs = Document::open(path, request)?.take_runs()?;
    grid.runs = runs.into_iter().map(recorded).collect::<Result<_, _>>()?;
    let mut grid = flooded(grid);
    check_arms(&mut grid, may_end_early)?;
    Ok(by_weight_decay(grid))
}

/// The grid without its runs, and whether curves that end early are of arms that diverged: of other schedulers'
/// sweeps, and of those that are under way, they are of arms that were trained no further.
fn grid_of(mut head: Document) -> Result<(RecordedGrid, bool), GridError> {
    // Grids that others recorded, and those of 0.1.0, tell no status: they are taken as whole.
    let mut told = ["export", "answer"]
        .into_iter()
        .filter_map(|field| head.value(field).map(|of| of.get("status")))
        .chain(head.value("status").map(Some));
    let has_ended = told.all(|status| status.is_some_and(|status| status == "completed"));
    let ExportedSpec { recipe, search, scheduler } = head.field("spec")?.unwrap_or_default();
    // Of a data set that can't be read it isn't known how many classes it has; the search needs no more of it.
    let exported = recipe.and_then(|recipe| serde_json::from_value(recipe.dataset?).ok());
    let named = || {
        let name = head.value("recipe")?.get("data")?.as_str()?;
        Some(Dataset::named(name.parse().ok()?))
    };
    let dataset = exported.or_else(named);
    let is_grid = scheduler.is_none_or(|scheduler| scheduler.kind == SchedulerKind::Grid);
    let own: BTreeMap<MetricName, MetricSpec> = head.field("metrics")?.unwrap_or_default();
    let metrics = if own.is_empty() { search.metrics } else { own };
    let grid = RecordedGrid {
        task: head.needed("task")?,
        levels: head.needed("levels")?,
        arms: head.field("arms")?.unwrap_or_default(),
        dataset,
        epochs: head.needed("epochs")?,
        declared: Search { metrics: metrics.clone(), ..Search::default() }.metrics(),
        metrics,
        evidence: head.field("evidence")?.or(search.evidence),
        runs: vec![],
        by_seed: HashMap::new(),
    };
    Ok((grid, has_ended && is_grid))
}

/// What a file says of itself, before its curves are read.
fn check_head(grid: &RecordedGrid, runs: u64, most: u64) -> Result<(), GridError> {
    if runs == 0 || grid.epochs == 0 {
        return Err(GridError::Content("it has no runs".into()));
    }
    let (epochs, arms) = (grid.epochs, grid.levels.len().max(grid.arms.len()) as u64);
    let columns = curves(&grid.declared).count() as u64;
    let values = [arms, runs, columns].into_iter().fold(u64::from(epochs), u64::saturating_mul);
    if values > most {
        return Err(GridError::Content(format!(
            "it is too large: {epochs} epochs of {arms} arms, {runs} runs and {columns} curves each are more \
             than {most} values"
        )));
    }
    Ok(())
}

/// The names of the curves that must be whole: the training loss, and each metric that can be compared. Whatever
/// else was measured may be missing here and there.
fn curves(declared: &Metrics) -> impl Iterator<Item = String> {
    let compared = declared.compared().map(|metric| metric.name.as_str().to_owned());
    [TRAIN_LOSS.to_owned()].into_iter().chain(compared)
}

/// A run of a file, its metrics by their names.
fn recorded(run: Run) -> Result<RecordedRun, GridError> {
    let Run { seed, weight_decay, mut columns, setting } = run;
    let train_loss = columns.remove(TRAIN_LOSS).unwrap_or_default();
    let named = columns.into_iter().map(|(name, column)| {
        let name = name
            .parse()
            .map_err(|_| GridError::Content(format!("no metric is called `{name}`")))?;
        Ok((name, column))
    });
    let metrics = named.collect::<Result<_, GridError>>()?;
    let mut test = setting.test_last;
    Ok(RecordedRun {
        seed,
        weight_decay,
        steps_per_epoch: setting.steps_per_epoch,
        onset_step: setting.onset_step,
        train_loss,
        metrics,
        test_loss: test.remove("loss").unwrap_or_default(),
        test_error: test.remove("error").unwrap_or_default(),
        ends: vec![],
    })
}

/// Plain and the flooded arms alone, in the order of their levels, where the file tells which they are: a sweep may
/// have had other methods beside them, and levels added later.
fn flooded(grid: RecordedGrid) -> RecordedGrid {
    let count = grid.arms.len();
    let tells = count == grid.levels.len() && count > 0;
    if !tells || !grid.runs.iter().all(|run| run.has_arms(&grid.declared, count)) {
        return grid;
    }
    let level = |(at, method): (usize, &Method)| match method {
        Method::Flood { b } => Some((*b, at)),
        _ => None,
    };
    let mut arms: Vec<(f64, usize)> =
        grid.arms.iter().enumerate().skip(1).filter_map(level).collect();
    arms.sort_by(|a, b| a.0.total_cmp(&b.0));
    grid.part(&arms.into_iter().map(|(_, arm)| arm).collect::<Vec<_>>())
}

/// Whether every arm was trained to its end, and what that was.
fn check_arms(grid: &mut RecordedGrid, may_end_early: bool) -> Result<(), GridError> {
    let refused = |words: String| Err(GridError::Content(words));
    let levels = grid.levels.get(1..).unwrap_or_default();
    if grid.levels.first() != Some(&None) || levels.iter().any(Option::is_none) {
        return refused(
            "levels must begin with null, the plain run, and have no other null".into(),
        );
    }
    if levels.is_empty() || !levels.is_sorted_by(|a, b| a < b) {
        return refused("levels must rise, and there must be one".into());
    }
    let arms = grid.levels.len();
    let mut seen = BTreeSet::new();
    for run in &mut grid.runs {
        let seed = run.seed;
        if !seen.insert((seed, run.weight_decay.to_bits())) {
            return refused(format!("it has two runs of seed {seed}"));
        }
        if run.onset_step.len() != arms || run.steps_per_epoch == 0 {
            return refused(format!("seed {seed} must have an onset_step for each level"));
        }
        let ends = match run.has_arms(&grid.declared, arms) {
            true => ends::of(run, &grid.declared, grid.epochs, may_end_early),
            false => None,
        };
        let Some(ends) = ends else {
            return refused(format!(
                "seed {seed} must have {arms} curves of {} epochs, as a completed sweep with the scheduler \
                 `grid` has; an arm that diverged may end early",
                grid.epochs
            ));
        };
        run.ends = ends;
    }
    Ok(())
}

/// Arms compete within a weight decay.
fn by_weight_decay(mut grid: RecordedGrid) -> Vec<RecordedGrid> {
    let mut runs = std::mem::take(&mut grid.runs);
    runs.sort_by(|a, b| a.weight_decay.total_cmp(&b.weight_decay));
    let mut grids: Vec<RecordedGrid> = vec![];
    for run in runs {
        let last = grids.last().and_then(|grid| grid.runs.first());
        if last.is_none_or(|last| last.weight_decay != run.weight_decay) {
            grids.push(grid.clone());
        }
        if let Some(grid) = grids.last_mut() {
            grid.by_seed.insert(run.seed, grid.runs.len());
            grid.runs.push(run);
        }
    }
    if grids.len() > 1 {
        for grid in &mut grids {
            let decay = grid.runs.first().map_or(0.0, |run| run.weight_decay);
            grid.task = format!("{}, weight decay {}", grid.task, Shown(decay));
        }
    }
    grids
}

impl From<ExportError> for GridError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Io(error) => Self::Io(error),
            ExportError::Foreign(words) | ExportError::Damaged(words) => Self::Format(words),
            other => Self::Content(other.to_string()),
        }
    }
}
