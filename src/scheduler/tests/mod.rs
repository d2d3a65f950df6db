//! A player of workers drives the scheduler by made-up curves, in an order that a seed gives.

use super::{facts::MAX_LOSSES, reason::Fate, *};
use crate::simulate::{
    Measured, Truth,
    worker::{VirtualWorker, checkpoint},
};
use floodgauge_protocol::{
    ArmIx, Digest, FamilyIx, Metric, MetricName, MetricValues, Segment, SegmentId, SegmentKind,
    SweepSpec, TrialKey,
    work::{BranchEnd, FinishedBranch, ReportRow, TestMetrics},
};
use std::collections::BTreeMap;

mod arrival;
mod edges;
mod extensions;
mod finishes;
mod given_up;
mod halving;
mod pauses;
mod progress;
mod reports;
mod saves;
mod sweeps;
mod troubles;

type Curve = fn(seed: u32, arm: u16, epoch: u32) -> f64;

/// Validation loss by seed, arm and epoch: arm 13 ends lowest, whatever the seed.
fn smooth(seed: u32, arm: u16, epoch: u32) -> f64 {
    let distance = (f64::from(arm) - 13.0).abs() + if arm == 0 { 20.0 } else { 0.0 };
    1.0 + distance / 10.0 + f64::from(seed) / 100.0 + 1.0 / f64::from(epoch)
}

fn spec(text: &str) -> SweepSpec {
    let head = r#"{"name": "x", "recipe": {"dataset": {"name": "digits"}, "epochs": 27}"#;
    let spec: SweepSpec = serde_json::from_str(&format!("{head}, {text}}}")).unwrap();
    assert_eq!(spec.problems(), []);
    spec
}

/// What the workers of a world find.
#[derive(Clone, Copy)]
struct Curves {
    curve: Curve,
    /// The epoch in which each arm's level is first crossed, by its first step.
    crossing: Crossing,
    steps_per_epoch: u64,
}

#[derive(Clone, Copy)]
enum Crossing {
    OfArm(fn(arm: u16) -> u64),
    OfSeedAndArm(fn(seed: u32, arm: u16) -> u64),
}

impl Curves {
    fn crossed_in(&self, seed: u32, arm: u16) -> u64 {
        match self.crossing {
            Crossing::OfArm(crossing) => crossing(arm),
            Crossing::OfSeedAndArm(crossing) => crossing(seed, arm),
        }
    }
}

impl Truth for Curves {
    fn epoch(&self, seed: u32, arm: ArmIx, epoch: u32) -> Measured {
        let shares_trunk = arm != ArmIx::PLAIN && u64::from(epoch) < self.crossed_in(seed, arm.0);
        let value = (self.curve)(seed, if shares_trunk { 0 } else { arm.0 }, epoch);
        Measured {
            train_loss: Metric::from(value / 2.0),
            metrics: MetricValues::validation(Metric::from(value), Metric::from(value / 10.0)),
        }
    }

    fn onset_step(&self, seed: u32, arm: ArmIx) -> Option<u64> {
        let before = self.crossed_in(seed, arm.0).checked_sub(1)?;
        before.checked_mul(self.steps_per_epoch)
    }

    fn test(&self, _: u32, _: ArmIx) -> TestMetrics {
        TestMetrics { loss: Metric::Finite(0.5), error: Metric::Finite(0.1) }
    }
}

/// A sweep, its log, and the segments that a worker could take.
struct World {
    sweep: Sweep,
    log: Vec<(Event, Vec<Decision>)>,
    open: BTreeMap<SegmentId, Segment>,
    truth: Curves,
}

impl World {
    /// Every level is crossed by the first step of epoch 2.
    fn new(spec: SweepSpec, curve: Curve) -> Self {
        Self::crossed(spec, curve, |_| 2)
    }

    fn crossed(spec: SweepSpec, curve: Curve, crossing: fn(arm: u16) -> u64) -> Self {
        Self::with(spec, curve, Crossing::OfArm(crossing))
    }

    fn by_seed(spec: SweepSpec, curve: Curve, crossing: fn(seed: u32, arm: u16) -> u64) -> Self {
        Self::with(spec, curve, Crossing::OfSeedAndArm(crossing))
    }

    fn with(spec: SweepSpec, curve: Curve, crossing: Crossing) -> Self {
        let sweep = Sweep::new(spec.clone());
        let truth = Curves { curve, crossing, steps_per_epoch: sweep.facts().steps_per_epoch() };
        let mut world = Self { sweep, log: vec![], open: BTreeMap::new(), truth };
        world.event(Event::Submitted { spec: Box::new(spec) });
        world
    }

    fn event(&mut self, event: Event) -> Vec<Decision> {
        let decisions = self.sweep.step(&event);
        for decision in &decisions {
            assert_eq!(
                Some(&decision.reason),
                decision.why.as_ref().map(ToString::to_string).as_ref()
            );
            match &decision.action {
                Action::Enqueue { segment } => {
                    assert!(self.open.insert(segment.segment, segment.clone()).is_none());
                }
                Action::Withdraw { segment } => drop(self.open.remove(segment)),
                _ => {}
            }
        }
        self.log.push((event, decisions.clone()));
        decisions
    }

    fn rows(&self, segment: &Segment) -> Vec<ReportRow> {
        VirtualWorker::new(&self.sweep, &self.truth, segment.family).rows(segment)
    }

    fn claim(&mut self, segment: SegmentId, attempt: u32) {
        let (worker, fingerprint) = ("w".to_string(), "f".to_string());
        self.event(Event::Claimed { segment, attempt, worker, fingerprint });
    }

    fn report(&mut self, segment: SegmentId, attempt: u32, rows: &[ReportRow]) {
        let Sifted { new, redone, contradicting } = self.sweep.facts().sift(segment, rows).unwrap();
        assert_eq!(contradicting, []);
        self.event(Event::Reported { segment, attempt, rows: new, redone });
    }

    fn finish(&mut self, segment: SegmentId, attempt: u32) -> Vec<Decision> {
        let work = self.open[&segment].clone();
        let branches = VirtualWorker::new(&self.sweep, &self.truth, work.family).ends(&work);
        self.sweep.facts().check_finish(segment, &branches).unwrap();
        self.open.remove(&segment);
        self.event(Event::Finished { segment, attempt, branches })
    }

    fn train(&mut self, segment: SegmentId) -> Vec<Decision> {
        self.claim(segment, 1);
        self.report(segment, 1, &self.rows(&self.open[&segment]));
        self.finish(segment, 1)
    }

    /// Trains all there is, each time the open segment that `pick` points at.
    fn run(&mut self, mut pick: impl FnMut(usize) -> usize) {
        while !self.open.is_empty() {
            let next = *self.open.keys().nth(pick(self.open.len())).unwrap();
            self.train(next);
        }
    }

    fn prunings(&self) -> Vec<(TrialKey, u32)> {
        let decisions = self.log.iter().flat_map(|(_, decisions)| decisions);
        decisions
            .filter_map(|decision| match decision.action {
                Action::Prune { trial, rung } => Some((trial, rung)),
                _ => None,
            })
            .collect()
    }

    fn last_action(&self) -> &Action {
        &self.log.last().unwrap().1.last().unwrap().action
    }
}
