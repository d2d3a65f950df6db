//! What is named best while a sweep runs, over recorded grids that are reported epoch by epoch.

use super::mirrored::files;
use floodgauge::{
    scheduler::{Action, Decision, Event, Sweep},
    simulate::{RecordedGrid, worker::VirtualWorker},
};
use floodgauge_protocol::{ArmIx, SchedulerKind, Segment, SegmentId, SweepSpec};
use serde_json::json;
use std::collections::BTreeMap;

const SEEDS: [u32; 3] = [0, 1, 2];

/// A search whose first segment in the queue is trained each time.
struct Search<'a> {
    grid: &'a RecordedGrid,
    sweep: Sweep,
    queue: BTreeMap<SegmentId, Segment>,
    /// What was named best after each thing that happened.
    named: Vec<Option<ArmIx>>,
}

impl<'a> Search<'a> {
    fn of(grid: &'a RecordedGrid, kind: SchedulerKind) -> Self {
        let steps = grid.runs[0].steps_per_epoch;
        let levels: Vec<f64> = grid.levels.iter().flatten().copied().collect();
        let spec: SweepSpec = serde_json::from_value(json!({
            "name": "recorded",
            "recipe": {
                "dataset": { "name": "recorded", "n_train": steps },
                "batch_size": 1,
                "epochs": grid.epochs,
            },
            "search": { "levels": levels, "seeds": SEEDS },
            "scheduler": { "kind": kind },
        }))
        .unwrap();
        let sweep = Sweep::new(spec.clone());
        let mut search = Self { grid, sweep, queue: BTreeMap::new(), named: vec![] };
        search.happens(&Event::Submitted { spec: Box::new(spec) });
        search
    }

    fn happens(&mut self, event: &Event) {
        for Decision { action, .. } in self.sweep.step(event) {
            if let Action::Enqueue { segment } = action {
                self.queue.insert(segment.segment, segment);
            }
        }
        self.named.push(self.sweep.best().best.map(|best| best.arm.ix));
    }

    fn run(mut self) -> Vec<Option<ArmIx>> {
        let attempt = 1;
        while let Some((segment, work)) = self.queue.pop_first() {
            let (worker, fingerprint) = ("w".to_owned(), "f".to_owned());
            self.happens(&Event::Claimed { segment, attempt, worker, fingerprint });
            let rows = VirtualWorker::new(&self.sweep, self.grid, work.family).rows(&work);
            for rows in rows.chunk_by(|a, b| a.epoch == b.epoch) {
                self.happens(&Event::Reported { segment, attempt, rows: rows.to_vec(), redone: 0 });
            }
            let branches = VirtualWorker::new(&self.sweep, self.grid, work.family).ends(&work);
            self.happens(&Event::Finished { segment, attempt, branches });
        }
        assert!(self.sweep.status().is_final());
        self.named
    }
}

#[test]
fn what_is_named_best_changes_once_at_most_and_is_not_taken_back() {
    for file in files() {
        let grid = RecordedGrid::read(&file).unwrap().remove(0);
        for kind in SchedulerKind::ALL {
            let mut named = Search::of(&grid, kind).run();
            let what = format!("{}, {}", grid.task, kind.as_str());
            let of_end = named.last().copied().flatten();
            assert!(of_end.is_some(), "{what}: no answer");
            let first = named.iter().position(Option::is_some).unwrap();
            assert!(first > named.len() / 4, "{what}: named after {first} of {}", named.len());
            let mut since = named.split_off(first);
            assert!(since.iter().all(Option::is_some), "{what}: taken back");
            since.dedup();
            assert!(since.len() <= 2, "{what}: {since:?}");
        }
    }
}
