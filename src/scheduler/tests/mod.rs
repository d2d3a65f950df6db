//! A player of workers drives the scheduler by made-up curves, in an order that a seed gives.

use super::*;
use floodgauge_protocol::{
    ArmIx, Branch, Digest, FamilyIx, Metric, Segment, SegmentId, SegmentKind, SweepSpec, TrialKey,
    work::{BestEpoch, BranchEnd, FinishedBranch, Minimum, ReportRow, TestMetrics, Waypoint},
};
use std::collections::BTreeMap;

mod halving;
mod reports;
mod sweeps;

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

/// A name for the state of an arm after an epoch.
fn checkpoint(arm: u16, epoch: u64) -> Digest {
    Digest([arm as u8, epoch as u8].repeat(16).try_into().unwrap())
}

/// A sweep, its log, and the segments that a worker could take.
struct World {
    sweep: Sweep,
    log: Vec<(Event, Vec<Decision>)>,
    open: BTreeMap<SegmentId, Segment>,
    curve: Curve,
    /// The epoch in which each arm's level is first crossed.
    crossing: fn(arm: u16) -> u64,
}

impl World {
    /// Every level is crossed by the first step of epoch 2.
    fn new(spec: SweepSpec, curve: Curve) -> Self {
        Self::crossed(spec, curve, |_| 2)
    }

    fn crossed(spec: SweepSpec, curve: Curve, crossing: fn(arm: u16) -> u64) -> Self {
        let sweep = Sweep::new(spec.clone());
        let mut world = Self { sweep, log: vec![], open: BTreeMap::new(), curve, crossing };
        world.event(Event::Submitted { spec: Box::new(spec) });
        world
    }

    fn event(&mut self, event: Event) -> Vec<Decision> {
        let decisions = self.sweep.step(&event);
        for decision in &decisions {
            assert!(!decision.reason.is_empty());
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

    /// The runs that a branch is by the end of `epoch`, with their onsets: those of its arms that
    /// ride, and each that crossed. Arms that were exposed enough are no longer there.
    fn runs(&self, branch: &Branch, epoch: u64) -> Vec<(Vec<ArmIx>, Option<u64>)> {
        let crossing = |arm: ArmIx| (self.crossing)(arm.0);
        let exposed = |arm: ArmIx| {
            let epochs = branch.exposure.filter(|_| arm.0 > 0).map_or(u64::MAX, u64::from);
            epoch >= crossing(arm).saturating_add(epochs)
        };
        let there = branch.arms.iter().copied().filter(|&arm| !exposed(arm));
        let (alone, riding): (Vec<_>, Vec<_>) =
            there.partition(|&arm| arm.0 > 0 && epoch >= crossing(arm));
        let riding = (!riding.is_empty()).then_some((riding, None));
        let spe = self.sweep.steps_per_epoch();
        let alone = alone.into_iter().map(|arm| (vec![arm], Some((crossing(arm) - 1) * spe)));
        riding.into_iter().chain(alone).collect()
    }

    /// How the runs of a segment end.
    fn ends(&self, segment: &Segment) -> Vec<FinishedBranch> {
        let spe = self.sweep.steps_per_epoch();
        let mut ends: BTreeMap<Vec<ArmIx>, FinishedBranch> = BTreeMap::new();
        for branch in &segment.branches {
            let mut last: BTreeMap<ArmIx, (Vec<ArmIx>, Option<u64>, u64)> = BTreeMap::new();
            for epoch in segment.from_step / spe + 1..=segment.to_step / spe {
                for (arms, onset) in self.runs(branch, epoch) {
                    arms.iter()
                        .for_each(|&arm| drop(last.insert(arm, (arms.clone(), onset, epoch))));
                }
            }
            for (arms, onset_step, epoch) in last.into_values() {
                let mut end = FinishedBranch {
                    onset_step,
                    checkpoint: Some(checkpoint(arms[0].0, epoch)),
                    ..FinishedBranch::new(arms.clone(), BranchEnd::Reached, epoch * spe)
                };
                end.best = self.best_of(segment, &arms, branch.best);
                if arms.contains(&ArmIx::PLAIN) {
                    let first = segment.from_step / spe + 1;
                    for epoch in first..=epoch {
                        let crossed = |arm: &u16| (self.crossing)(*arm) == epoch;
                        let Some(lowest) = (1..=20).find(crossed) else { continue };
                        let (step, loss) = ((epoch - 1) * spe, f64::from(lowest) / 100.0 - 0.005);
                        end.minima.push(Minimum { step, loss });
                        if branch.watch.iter().any(|arm| crossed(&arm.0)) {
                            let checkpoint = checkpoint(0, epoch - 1);
                            end.waypoints.push(Waypoint { step, checkpoint, best: None });
                        }
                    }
                }
                ends.insert(arms, end);
            }
        }
        ends.into_values().collect()
    }

    /// The best epoch of a segment's run, if it beats the one before.
    fn best_of(
        &self,
        segment: &Segment,
        arms: &[ArmIx],
        before: Option<Metric>,
    ) -> Option<BestEpoch> {
        let rows = self.rows(segment).into_iter().filter(|row| row.arms.contains(&arms[0]));
        let best = rows.min_by(|a, b| a.val_loss.order(b.val_loss))?;
        let beaten = before.is_some_and(|before| before.order(best.val_loss).is_le());
        let checkpoint = checkpoint(best.arms[0].0, best.epoch.into());
        (!beaten && best.val_loss != Metric::Diverged)
            .then_some(BestEpoch { epoch: best.epoch, checkpoint })
    }

    fn rows(&self, segment: &Segment) -> Vec<ReportRow> {
        if segment.kind == SegmentKind::Test {
            return vec![];
        }
        let spe = self.sweep.steps_per_epoch();
        let seed = self.sweep.plan().families[segment.family.ix()].seed;
        let mut rows = vec![];
        for epoch in segment.from_step / spe + 1..=segment.to_step / spe {
            for (arms, onset_step) in segment.branches.iter().flat_map(|b| self.runs(b, epoch)) {
                let value = (self.curve)(seed, arms[0].0, epoch as u32);
                rows.push(ReportRow {
                    arms,
                    epoch: epoch as u32,
                    step: epoch * spe,
                    train_loss: Metric::from(value / 2.0),
                    val_loss: Metric::from(value),
                    val_error: Metric::from(value / 10.0),
                    onset_step,
                });
            }
        }
        rows
    }

    fn claim(&mut self, segment: SegmentId, attempt: u32) {
        let (worker, fingerprint) = ("w".to_string(), "f".to_string());
        self.event(Event::Claimed { segment, attempt, worker, fingerprint });
    }

    fn report(&mut self, segment: SegmentId, attempt: u32, rows: &[ReportRow]) {
        let Sifted { new, redone, contradicting } = self.sweep.sift(segment, rows).unwrap();
        assert_eq!(contradicting, []);
        self.event(Event::Reported { segment, attempt, rows: new, redone });
    }

    fn finish(&mut self, segment: SegmentId, attempt: u32) -> Vec<Decision> {
        let work = self.open[&segment].clone();
        let test = TestMetrics { loss: Metric::Finite(0.5), error: Metric::Finite(0.1) };
        let tested = |branch: &Branch| FinishedBranch {
            onset_step: branch.onset_step,
            test: Some(test),
            ..FinishedBranch::new(branch.arms.clone(), BranchEnd::Reached, work.to_step)
        };
        let branches: Vec<_> = match work.kind {
            SegmentKind::Test => work.branches.iter().map(tested).collect(),
            SegmentKind::Train => self.ends(&work),
        };
        self.sweep.check_finish(segment, &branches).unwrap();
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
