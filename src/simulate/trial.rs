//! One sweep over a recorded grid, in virtual time.

use super::{RecordedGrid, worker::VirtualWorker};
use crate::{
    scheduler::{Action, Decision, Event, Sweep},
    verdict::Best,
};
use floodgauge_protocol::{
    Dataset, MetricName, Objective, SchedulerKind, Segment, SegmentId, SweepSpec, work::ReportRow,
};
use std::collections::BTreeMap;

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The level that was chosen; none is plain.
    pub level: Option<f64>,
    /// Epochs trained, in full runs.
    pub cost: f64,
    /// The answer as `GET /v1/sweeps/{id}/best` would give it at the end.
    pub best: Best,
    /// When it ended on so many workers that each train one run-epoch at a time, in full runs.
    pub time: f64,
    /// Every decision on the way, in order.
    pub decisions: Vec<Decision>,
}

/// Lets a scheduler search a grid with some of its seeds on `workers` workers. None if it came to
/// no answer.
pub fn run(
    grid: &RecordedGrid,
    kind: SchedulerKind,
    metric: MetricName,
    seeds: &[u32],
    workers: usize,
) -> Option<Outcome> {
    search(grid, kind, at_the_end(metric), seeds, workers)
}

/// The same on one worker, with an answer that is of `others` other seeds, to be held against them.
pub fn run_for(
    grid: &RecordedGrid,
    kind: SchedulerKind,
    metric: MetricName,
    seeds: &[u32],
    others: u32,
) -> Option<Outcome> {
    answered(grid, kind, at_the_end(metric), seeds, 1, |sweep| sweep.best_of(others))
}

fn at_the_end(metric: MetricName) -> Objective {
    Objective { metric, ..Objective::default() }
}

/// The same for an objective that may be read at best epochs.
pub fn search(
    grid: &RecordedGrid,
    kind: SchedulerKind,
    objective: Objective,
    seeds: &[u32],
    workers: usize,
) -> Option<Outcome> {
    answered(grid, kind, objective, seeds, workers, Sweep::best)
}

fn answered(
    grid: &RecordedGrid,
    kind: SchedulerKind,
    objective: Objective,
    seeds: &[u32],
    workers: usize,
    answer: impl Fn(&Sweep) -> Best,
) -> Option<Outcome> {
    let spec = spec(grid, kind, objective, seeds)?;
    let mut sweep = Sweep::new(spec.clone());
    let mut queue: BTreeMap<SegmentId, Segment> = BTreeMap::new();
    let mut taken = vec![];
    let mut enqueue = |queue: &mut BTreeMap<_, _>, decisions: Vec<Decision>| {
        for decision in &decisions {
            if let Action::Enqueue { segment } = &decision.action {
                queue.insert(segment.segment, segment.clone());
            }
        }
        taken.extend(decisions);
    };
    enqueue(&mut queue, sweep.step(&Event::Submitted { spec: Box::new(spec) }));
    // By when each worker is free, in epochs of one run: what it then hands in.
    let mut busy: BTreeMap<(u64, SegmentId), (Segment, Vec<ReportRow>)> = BTreeMap::new();
    let mut now = 0;
    loop {
        while busy.len() < workers.max(1)
            && let Some((segment, work)) = queue.pop_first()
        {
            let (worker, fingerprint) = ("virtual".to_string(), "virtual".to_string());
            sweep.step(&Event::Claimed { segment, attempt: 1, worker, fingerprint });
            let rows = VirtualWorker::new(&sweep, grid, work.family).rows(&work);
            busy.insert((now + rows.len() as u64, segment), (work, rows));
        }
        let Some(((at, _), (work, rows))) = busy.pop_first() else { break };
        now = at;
        let branches = VirtualWorker::new(&sweep, grid, work.family).ends(&work);
        let (segment, attempt) = (work.segment, 1);
        sweep.step(&Event::Reported { segment, attempt, rows, redone: 0 });
        debug_assert_eq!(sweep.facts().check_finish(segment, &branches), Ok(()));
        enqueue(&mut queue, sweep.step(&Event::Finished { segment, attempt, branches }));
    }
    let best = answer(&sweep);
    Some(Outcome {
        level: best.best.as_ref()?.arm.b,
        cost: best.run_equivalents.spent,
        best,
        time: now as f64 / f64::from(grid.epochs),
        decisions: taken,
    })
}

/// A sweep over the grid's levels. Of the recipe only epochs and steps matter to a scheduler, and how many classes its
/// data has to the answer.
fn spec(
    grid: &RecordedGrid,
    kind: SchedulerKind,
    objective: Objective,
    seeds: &[u32],
) -> Option<SweepSpec> {
    let steps = grid.runs.first()?.steps_per_epoch;
    let levels: Vec<f64> = grid.levels.iter().flatten().copied().collect();
    let mut spec: SweepSpec = serde_json::from_value(serde_json::json!({
        "name": "simulated",
        "recipe": {
            "dataset": { "name": "simulated", "n_train": steps },
            "batch_size": 1,
            "epochs": grid.epochs,
        },
        "search": { "levels": levels, "seeds": seeds, "objective": objective },
        "scheduler": { "kind": kind },
    }))
    .ok()?;
    (spec.search.metrics, spec.search.evidence) = (grid.metrics.clone(), grid.evidence);
    if let Some(dataset) = &grid.dataset {
        let n_train = spec.recipe.dataset.n_train;
        spec.recipe.dataset = Dataset { n_train, ..dataset.clone() };
    }
    Some(spec)
}
