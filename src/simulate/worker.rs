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

/// Where an arm's run ends because a loss wasn't finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The last epoch that is reported.
    pub epochs: u32,
    /// The step at which it ends: at the end of that epoch or in the next.
    pub step: u64,
}

/// The curves of every trial of a sweep.
pub trait Truth {
    /// The metrics of an arm after an epoch, from 1. Before its onset they are those of plain.
    fn epoch(&self, seed: u32, arm: ArmIx, epoch: u32) -> Measured;

    /// The first step at which the plain run of a seed is below the arm's level. The levels of
    /// higher arms come no later.
    fn onset_step(&self, seed: u32, arm: ArmIx) -> Option<u64>;

    /// Where an arm diverges, behind its onset; none if it is trained to the end.
    fn divergence(&self, _seed: u32, _arm: ArmIx) -> Option<Divergence> {
        None
    }

    /// The test metrics of an arm.
    fn test(&self, seed: u32, arm: ArmIx) -> TestMetrics;
}

/// The arms of one run, and its onset.
type ArmsWithOnset = (Vec<ArmIx>, Option<u64>);

/// What is known beforehand of an arm in a branch.
struct Course {
    arm: ArmIx,
    onset: Option<u64>,
    /// The last epoch that is reported of it; none if it goes on to the segment's end.
    last: Option<u64>,
    /// The step at which it diverges, unless it was exposed enough before.
    diverges: Option<u64>,
}

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
        let courses: Vec<_> = segment.branches.iter().map(|branch| self.courses(branch)).collect();
        let mut rows = vec![];
        for epoch in epochs(segment, per_epoch) {
            for (arms, onset_step) in courses.iter().flat_map(|of| runs(of, epoch, per_epoch)) {
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

    /// How the arms of a branch go.
    fn courses(&self, branch: &Branch) -> Vec<Course> {
        let per_epoch = self.sweep.facts().steps_per_epoch();
        let course = |&arm: &ArmIx| {
            let onset = self.onset(arm);
            let exposed = last_epoch(branch.exposure, onset, per_epoch);
            let end = self.truth.divergence(self.seed, arm);
            let reported = end.map(|end| u64::from(end.epochs));
            let in_time = |step: &u64| exposed.is_none_or(|last| *step <= last * per_epoch);
            Course {
                arm,
                onset,
                last: exposed.into_iter().chain(reported).min(),
                diverges: end.map(|end| end.step).filter(in_time),
            }
        };
        branch.arms.iter().map(course).collect()
    }

    fn onset(&self, arm: ArmIx) -> Option<u64> {
        if arm == ArmIx::PLAIN { None } else { self.truth.onset_step(self.seed, arm) }
    }

    /// How the runs end that a branch is at the end of a segment: the arms that share the trunk, and each that crossed.
    fn trained(&self, segment: &Segment, branch: &Branch) -> Vec<FinishedBranch> {
        let per_epoch = self.sweep.facts().steps_per_epoch();
        let (from, to) = (segment.from_step / per_epoch, segment.to_step / per_epoch);
        let (mut shared, mut ends) = (vec![], vec![]);
        for Course { arm, onset, last, diverges } in self.courses(branch) {
            let in_segment = segment.from_step + 1..=segment.to_step;
            if let Some(step) = diverges.filter(|step| in_segment.contains(step)) {
                ends.push(FinishedBranch {
                    onset_step: onset,
                    ..FinishedBranch::new(vec![arm], BranchEnd::Diverged, step)
                });
            } else if let Some(crossed) = onset.filter(|&onset| onset < to * per_epoch) {
                let until = last.map_or(to, |last| last.min(to));
                if until > from.max(crossed / per_epoch) {
                    ends.push(self.reached(segment, branch, (vec![arm], onset), until as u32));
                }
            } else {
                shared.push(arm);
            }
        }
        if !shared.is_empty() && to > from {
            ends.push(self.reached(segment, branch, (shared, None), to as u32));
        }
        ends.sort_by_key(|end| end.arms[0]);
        ends
    }

    /// The end of a run that is handed in after an epoch.
    fn reached(
        &self,
        segment: &Segment,
        branch: &Branch,
        (arms, onset_step): ArmsWithOnset,
        epoch: u32,
    ) -> FinishedBranch {
        let (minima, waypoints) = match arms.contains(&ArmIx::PLAIN) {
            true => self.trunk(segment, branch),
            false => (vec![], vec![]),
        };
        let step = u64::from(epoch) * self.sweep.facts().steps_per_epoch();
        FinishedBranch {
            onset_step,
            checkpoint: Some(checkpoint(self.seed, arms[0], epoch)),
            best: self.best(segment, branch, arms[0], epoch),
            minima,
            waypoints,
            ..FinishedBranch::new(arms, BranchEnd::Reached, step)
        }
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

/// The runs that a branch is in an epoch: its arms that share the trunk, and each that crossed. Arms that were
/// exposed enough, or have diverged, are no longer there.
fn runs(courses: &[Course], epoch: u32, per_epoch: u64) -> Vec<ArmsWithOnset> {
    let done = u64::from(epoch);
    let (mut shared, mut alone) = (vec![], vec![]);
    for Course { arm, onset, last, .. } in courses {
        match onset.filter(|&onset| onset < done * per_epoch) {
            _ if last.is_some_and(|last| last < done) => {}
            Some(onset) => alone.push((vec![*arm], Some(onset))),
            None => shared.push(*arm),
        }
    }
    let shared = (!shared.is_empty()).then_some((shared, None));
    shared.into_iter().chain(alone).collect()
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
