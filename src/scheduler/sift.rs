//! What of a report is new, what is known already, and what contradicts it.

use super::{
    sweep::Sweep,
    trial::{Point, Trial},
};
use floodgauge_protocol::{
    ArmIx, Branch, Metric, Segment, SegmentId, SegmentKind, TrialKey,
    segment::last_epoch,
    work::{BranchEnd, FinishedBranch, ReportRow},
};
use std::collections::HashMap;

/// A report taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sifted {
    /// Rows not known before, in the order given.
    pub new: Vec<ReportRow>,
    /// What the rows known already, with the same bits, cost: one each, or two where each
    /// mini-batch has two gradients.
    pub redone: u32,
    /// Rows known already, with other bits.
    pub contradicting: Vec<ReportRow>,
}

/// A report that can't come from training its segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {row}: {message}")]
pub struct BadReport {
    /// Which row, from 0.
    pub row: usize,
    /// What is wrong with it.
    pub message: String,
}

impl Sweep {
    /// Takes a report on an open segment apart, arm by arm: those of a row that are new stay one
    /// row. Epochs of arms that were to stop before are dropped, so that late news changes no
    /// decision; once the sweep is cancelled there are none to change, and rows are kept as long
    /// as they come.
    ///
    /// # Errors
    /// If the arms of a row don't share a branch of the segment, or the row lies outside of it or
    /// skips an epoch.
    pub fn sift(&self, segment: SegmentId, rows: &[ReportRow]) -> Result<Sifted, BadReport> {
        let bad = |row, message: String| BadReport { row, message };
        let Some(work) = self.segments.get(&segment).filter(|work| work.open) else {
            return Err(bad(0, format!("segment {segment} is over")));
        };
        let mut sifted = Sifted::default();
        let mut known: HashMap<ArmIx, u32> = HashMap::new();
        for (i, row) in rows.iter().enumerate() {
            self.check_row(&work.segment, row).map_err(|message| bad(i, message))?;
            let stopped =
                |arm| work.stops.iter().any(|s| s.arms.contains(&arm) && s.discards(row.epoch));
            let (mut new, mut contradicting, mut same) = (vec![], vec![], false);
            for &arm in &row.arms {
                if stopped(arm) && !self.status.is_final() {
                    continue;
                }
                let trial = &self.trials[&TrialKey::new(work.segment.family, arm)];
                let known = known.entry(arm).or_insert(trial.epochs());
                if row.epoch == *known + 1 {
                    *known = row.epoch;
                    new.push(arm);
                } else if row.epoch > *known {
                    return Err(bad(i, format!("epoch {} follows epoch {known}", row.epoch)));
                } else {
                    let point = trial.curve.get(row.epoch as usize - 1);
                    match point.is_none_or(|point| same_bits(point, &Point::from(row))) {
                        true => same = true,
                        false => contradicting.push(arm),
                    }
                }
            }
            if same && new.is_empty() && contradicting.is_empty() {
                sifted.redone += self.gradients(row.arms[0]);
            }
            let part = |arms| ReportRow { arms, ..row.clone() };
            sifted.contradicting.extend((!contradicting.is_empty()).then(|| part(contradicting)));
            sifted.new.extend((!new.is_empty()).then(|| part(new)));
        }
        Ok(sifted)
    }

    fn check_row(&self, segment: &Segment, row: &ReportRow) -> Result<(), String> {
        if segment.kind != SegmentKind::Train {
            return Err("a test segment has no epochs to report".into());
        }
        if !segment.branches.iter().any(|branch| stands_for(branch, &row.arms)) {
            let arms: Vec<_> = row.arms.iter().map(ToString::to_string).collect();
            return Err(format!("no branch of the segment stands for arms [{}]", arms.join(", ")));
        }
        if row.epoch == 0 {
            return Err("epochs count from 1".into());
        }
        if row.step != u64::from(row.epoch) * self.steps_per_epoch {
            return Err(format!("epoch {} does not end at step {}", row.epoch, row.step));
        }
        if row.step <= segment.from_step || row.step > segment.to_step {
            let (from, to) = (segment.from_step, segment.to_step);
            return Err(format!("step {} is not in the segment, {from} to {to}", row.step));
        }
        Ok(())
    }
}

impl Trial {
    /// Whether the trial reported every epoch up to a step.
    pub(super) fn reached(&self, step: u64, steps_per_epoch: u64) -> bool {
        u64::from(self.epochs()) * steps_per_epoch >= step
    }
}

impl Sweep {
    /// Checks what a worker hands in: every arm of the segment once, with the epochs up to the
    /// step of its run reported, and a checkpoint or test metrics as the segment asks for.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn check_finish(
        &self,
        segment: SegmentId,
        branches: &[FinishedBranch],
    ) -> Result<(), String> {
        let Some(segment) = self.open_segment(segment) else {
            return Err(format!("segment {segment} is over"));
        };
        for arm in segment.arms() {
            if branches.iter().flat_map(|handed| &handed.arms).filter(|&&a| a == arm).count() != 1 {
                return Err(format!("arm {arm} must be handed in once"));
            }
        }
        branches.iter().try_for_each(|handed| self.check_run(segment, handed))
    }

    /// Checks one run that is handed in.
    pub(super) fn check_run(
        &self,
        segment: &Segment,
        handed: &FinishedBranch,
    ) -> Result<(), String> {
        let whole = segment.branches.iter().find(|branch| stands_for(branch, &handed.arms));
        let Some(branch) = whole else {
            return Err("a run stands for arms of no branch, or of several".into());
        };
        match self.missing(segment, branch, handed) {
            Some(missing) => Err(format!("arm {} has no {missing}", handed.arms[0])),
            None => Ok(()),
        }
    }

    /// What a run lacks to be handed in.
    fn missing(
        &self,
        segment: &Segment,
        branch: &Branch,
        handed: &FinishedBranch,
    ) -> Option<&'static str> {
        let per_epoch = self.steps_per_epoch;
        let last = last_epoch(branch.exposure, handed.onset_step, per_epoch);
        let to_step = last.map_or(segment.to_step, |last| (last * per_epoch).min(segment.to_step));
        let reported = |arm: &ArmIx| {
            let trial = self.trials.get(&TrialKey::new(segment.family, *arm));
            trial.is_some_and(|trial| trial.reached(handed.step, per_epoch))
        };
        let epoch = (handed.step / per_epoch) as u32;
        let late = |arm| {
            self.stops(segment.segment)
                .iter()
                .any(|stop| stop.arms.contains(arm) && stop.discards(epoch))
        };
        let discarded = handed.arms.iter().all(late);
        match (segment.kind, handed.end) {
            (SegmentKind::Test, _) => handed.test.is_none().then_some("test metrics"),
            (_, BranchEnd::Diverged) => None,
            // What came after its last epoch was dropped, and nobody goes on from there.
            (_, BranchEnd::Stopped) if discarded => None,
            (_, BranchEnd::Stopped)
                if handed.step <= segment.from_step
                    || handed.step > to_step
                    || !handed.step.is_multiple_of(per_epoch) =>
            {
                Some("epoch to show for it")
            }
            (_, BranchEnd::Reached) if handed.step != to_step => Some("last step"),
            _ if !handed.arms.iter().all(reported) => Some("report of every epoch"),
            _ => handed.checkpoint.is_none().then_some("checkpoint"),
        }
    }
}

/// Whether some arms, in rising order, are all of one branch.
fn stands_for(branch: &Branch, arms: &[ArmIx]) -> bool {
    !arms.is_empty()
        && arms.is_sorted_by(|a, b| a < b)
        && arms.iter().all(|arm| branch.arms.contains(arm))
}

fn same_bits(a: &Point, b: &Point) -> bool {
    let bits = |metric: Metric| metric.finite().map(f64::to_bits);
    bits(a.train_loss) == bits(b.train_loss)
        && bits(a.val_loss) == bits(b.val_loss)
        && bits(a.val_error) == bits(b.val_error)
}
