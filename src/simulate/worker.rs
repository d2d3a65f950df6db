//! What a worker reports of a segment whose curves are known.

use crate::scheduler::Sweep;
use floodgauge_protocol::{
    ArmIx, Branch, Digest, FamilyIx, Metric, MetricValues, Segment, SegmentKind,
    below::highest_below,
    segment::last_epoch,
    work::{BestEpoch, BranchEnd, FinishedBranch, Minimum, ReportRow, TestMetrics, Waypoint},
};
use std::collections::BTreeMap;

/// What an epoch of a run measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The mean training loss over the epoch.
    pub train_loss: Metric,
    /// The sweep's metrics after it.
    pub metrics: MetricValues,
}

/// The curves of every trial of a sweep.
pub trait Truth {
    /// The metrics of an arm after an epoch, from 1. Before its onset they are those of plain.
    fn epoch(&self, seed: u32, arm: ArmIx, epoch: u32) -> Measured;

    /// The first step at which the plain run of a seed is below the arm's level. The levels of
    /// higher arms come no later.
    fn onset_step(&self, seed: u32, arm: ArmIx) -> Option<u64>;

    /// The test metrics of an arm.
    fn test(&self, seed: u32, arm: ArmIx) -> TestMetrics;
}

/// The arms of one run, and its onset.
type ArmsWithOnset = (Vec<ArmIx>, Option<u64>);

/// A worker that knows the curves.
#[derive(Clone, Copy)]
pub struct VirtualWorker<'a> {
    sweep: &'a Sweep,
    truth: &'a dyn Truth,
    seed: u32,
}

impl<'a> VirtualWorker<'a> {
    /// A worker for a family of a sweep.
    pub fn new(sweep: &'a Sweep, truth: &'a dyn Truth, family: FamilyIx) -> Self {
        let seed = sweep.facts().space().families[family.ix()].seed;
        Self { sweep, truth, seed }
    }

    /// The rows of a segment, epoch by epoch; none for a test.
    pub fn rows(&self, segment: &Segment) -> Vec<ReportRow> {
        let per_epoch = self.sweep.facts().steps_per_epoch();
        let mut rows = vec![];
        for epoch in epochs(segment, per_epoch) {
            for (arms, onset_step) in segment.branches.iter().flat_map(|b| self.runs(b, epoch)) {
                let Measured { train_loss, metrics } = self.truth.epoch(self.seed, arms[0], epoch);
                rows.push(ReportRow {
                    arms,
                    epoch,
                    step: u64::from(epoch) * per_epoch,
                    train_loss,
                    metrics,
                    onset_step,
                    diagnostics: None,
                });
            }
        }
        rows
    }

    /// How the runs of a segment end.
    pub fn ends(&self, segment: &Segment) -> Vec<FinishedBranch> {
        let tested = |branch: &Branch| FinishedBranch {
            onset_step: branch.onset_step,
            test: Some(self.truth.test(self.seed, branch.arms[0])),
            ..FinishedBranch::new(branch.arms.clone(), BranchEnd::Reached, segment.to_step)
        };
        match segment.kind {
            SegmentKind::Test => segment.branches.iter().map(tested).collect(),
            SegmentKind::Train => {
                segment.branches.iter().flat_map(|branch| self.trained(segment, branch)).collect()
            }
        }
    }

    /// The runs that a branch is in an epoch: its arms that share the trunk, and each that crossed. Arms that
    /// were exposed enough are no longer there.
    fn runs(&self, branch: &Branch, epoch: u32) -> Vec<ArmsWithOnset> {
        let per_epoch = self.sweep.facts().steps_per_epoch();
        let done = u64::from(epoch);
        let (mut shared, mut alone) = (vec![], vec![]);
        for &arm in &branch.arms {
            let onset = self.onset(arm).filter(|&onset| onset < done * per_epoch);
            let last = last_epoch(branch.exposure, onset, per_epoch);
            match onset {
                _ if last.is_some_and(|last| last < done) => {}
                Some(_) => alone.push((vec![arm], onset)),
                None => shared.push(arm),
            }
        }
        let shared = (!shared.is_empty()).then_some((shared, None));
        shared.into_iter().chain(alone).collect()
    }

    fn onset(&self, arm: ArmIx) -> Option<u64> {
        if arm == ArmIx::PLAIN { None } else { self.truth.onset_step(self.seed, arm) }
    }

    fn trained(&self, segment: &Segment, branch: &Branch) -> Vec<FinishedBranch> {
        let per_epoch = self.sweep.facts().steps_per_epoch();
        let mut last: BTreeMap<ArmIx, (ArmsWithOnset, u32)> = BTreeMap::new();
        for epoch in epochs(segment, per_epoch) {
            for run in self.runs(branch, epoch) {
                let place = last.iter().find(|(_, (known, _))| known.0 == run.0).map(|(at, _)| *at);
                for arm in &run.0 {
                    last.retain(|_, (known, _)| !known.0.contains(arm) || known.0 == run.0);
                }
                last.insert(place.unwrap_or(run.0[0]), (run, epoch));
            }
        }
        last.into_values()
            .map(|((arms, onset_step), epoch)| {
                let (minima, waypoints) = match arms.contains(&ArmIx::PLAIN) {
                    true => self.trunk(segment, branch),
                    false => (vec![], vec![]),
                };
                FinishedBranch {
                    onset_step,
                    checkpoint: Some(checkpoint(self.seed, arms[0], epoch)),
                    best: self.best(segment, branch, arms[0], epoch),
                    minima,
                    waypoints,
                    ..FinishedBranch::new(arms, BranchEnd::Reached, u64::from(epoch) * per_epoch)
                }
            })
            .collect()
    }

    /// The best epoch of an arm's run in a segment, if it beats the one before.
    fn best(
        &self,
        segment: &Segment,
        branch: &Branch,
        arm: ArmIx,
        until: u32,
    ) -> Option<BestEpoch> {
        let minimised = |value| segment.direction.minimised(value);
        let value = |epoch| {
            let measured = self.truth.epoch(self.seed, arm, epoch).metrics;
            minimised(measured.get(segment.metric).unwrap_or(Metric::Diverged))
        };
        let epochs =
            epochs(segment, self.sweep.facts().steps_per_epoch()).filter(|&epoch| epoch <= until);
        let epoch = epochs.min_by(|&a, &b| value(a).order(value(b)))?;
        let best = value(epoch);
        let beaten = branch.best.is_some_and(|before| minimised(before).order(best).is_le());
        (!beaten && best != Metric::Diverged)
            .then(|| BestEpoch { epoch, checkpoint: checkpoint(self.seed, arm, epoch) })
    }

    /// What the plain run logs and keeps in a segment.
    fn trunk(&self, segment: &Segment, branch: &Branch) -> (Vec<Minimum>, Vec<Waypoint>) {
        let per_epoch = self.sweep.facts().steps_per_epoch();
        // By step, the lowest level that is crossed there.
        let mut crossed: BTreeMap<u64, (f64, bool)> = BTreeMap::new();
        for (method, arm) in
            self.sweep.facts().space().arms.iter().zip(self.sweep.facts().space().arm_ids())
        {
            let (Some(level), Some(step)) = (method.level(), self.onset(arm)) else { continue };
            if step >= segment.from_step && step < segment.to_step {
                let entry = crossed.entry(step).or_insert((level, false));
                entry.0 = entry.0.min(level);
                entry.1 |= branch.watch.contains(&arm);
            }
        }
        let minima =
            crossed.iter().map(|(&step, (level, _))| Minimum { step, loss: highest_below(*level) });
        let mut waypoints: Vec<Waypoint> = vec![];
        for (&onset, _) in crossed.iter().filter(|(_, (_, watched))| *watched) {
            let epoch = onset / per_epoch;
            let (step, checkpoint) =
                (epoch * per_epoch, checkpoint(self.seed, ArmIx::PLAIN, epoch as u32));
            if waypoints.last().is_none_or(|last| last.step < step) {
                waypoints.push(Waypoint { step, checkpoint, best: None });
            }
        }
        (minima.collect(), waypoints)
    }
}

/// A name for the state of an arm after an epoch.
pub fn checkpoint(seed: u32, arm: ArmIx, epoch: u32) -> Digest {
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&seed.to_le_bytes());
    digest[4..6].copy_from_slice(&arm.0.to_le_bytes());
    digest[6..10].copy_from_slice(&epoch.to_le_bytes());
    Digest(digest)
}

/// The epochs of a segment, from 1.
fn epochs(segment: &Segment, per_epoch: u64) -> std::ops::RangeInclusive<u32> {
    (segment.from_step / per_epoch) as u32 + 1..=(segment.to_step / per_epoch) as u32
}
