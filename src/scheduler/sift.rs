//! What of a report is new, what is known already, and what contradicts it.

use super::{
    sweep::Sweep,
    trial::{Point, Trial},
};
use floodgauge_protocol::{
    ArmIx, Metric, Segment, SegmentId, SegmentKind, TrialKey, work::ReportRow,
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
    /// Takes a report on an open segment apart. Rows beyond a stop are dropped.
    ///
    /// # Errors
    /// If a row names other arms than a branch of the segment, lies outside of it, or skips an epoch.
    pub fn sift(&self, segment: SegmentId, rows: &[ReportRow]) -> Result<Sifted, BadReport> {
        let bad = |row, message: String| BadReport { row, message };
        let Some(work) = self.segments.get(&segment).filter(|work| work.open) else {
            return Err(bad(0, format!("segment {segment} is over")));
        };
        let mut sifted = Sifted::default();
        let mut known: HashMap<ArmIx, u32> = HashMap::new();
        for (i, row) in rows.iter().enumerate() {
            self.check_row(&work.segment, row).map_err(|message| bad(i, message))?;
            let lead = row.arms[0];
            let trial = &self.trials[&TrialKey::new(work.segment.family, lead)];
            let known = known.entry(lead).or_insert(trial.epochs());
            let stopped =
                |arm| work.stops.iter().any(|s| s.arms.contains(arm) && row.epoch > s.at_epoch);
            if row.arms.iter().any(stopped) {
                continue;
            }
            if row.epoch <= *known {
                match trial.curve.get(row.epoch as usize - 1) {
                    Some(point) if !same_bits(point, &Point::from(row)) => {
                        sifted.contradicting.push(row.clone());
                    }
                    _ => sifted.redone += self.gradients(lead) as u32,
                }
            } else if row.epoch == *known + 1 {
                *known = row.epoch;
                sifted.new.push(row.clone());
            } else {
                return Err(bad(i, format!("epoch {} follows epoch {known}", row.epoch)));
            }
        }
        Ok(sifted)
    }

    fn check_row(&self, segment: &Segment, row: &ReportRow) -> Result<(), String> {
        if segment.kind != SegmentKind::Train {
            return Err("a test segment has no epochs to report".into());
        }
        if !segment.branches.iter().any(|branch| branch.arms == row.arms) {
            let arms: Vec<_> = row.arms.iter().map(ToString::to_string).collect();
            return Err(format!("no branch of the segment stands for arms [{}]", arms.join(", ")));
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
    /// Checks what a worker hands in: every branch of the segment once, with the epochs up
    /// to its step reported, and a checkpoint or test metrics as the segment asks for.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn check_finish(
        &self,
        segment: SegmentId,
        branches: &[floodgauge_protocol::work::FinishedBranch],
    ) -> Result<(), String> {
        use floodgauge_protocol::work::BranchEnd;
        let Some(segment) = self.open_segment(segment) else {
            return Err(format!("segment {segment} is over"));
        };
        for branch in &segment.branches {
            let mut found = branches.iter().filter(|handed| handed.arms == branch.arms);
            let (Some(handed), None) = (found.next(), found.next()) else {
                return Err(format!("arm {} must be handed in once", branch.arms[0]));
            };
            let trial = &self.trials[&TrialKey::new(segment.family, branch.arms[0])];
            let missing = match (segment.kind, handed.end) {
                (SegmentKind::Test, _) => handed.test.is_none().then_some("test metrics"),
                (_, BranchEnd::Diverged) => None,
                (_, BranchEnd::Stopped) if self.stops(segment.segment).is_empty() => {
                    Some("order to stop")
                }
                (_, BranchEnd::Stopped) => None,
                (_, BranchEnd::Reached) if handed.step != segment.to_step => Some("last step"),
                (_, BranchEnd::Reached) if !trial.reached(handed.step, self.steps_per_epoch) => {
                    Some("report of every epoch")
                }
                (_, BranchEnd::Reached) => handed.checkpoint.is_none().then_some("checkpoint"),
            };
            if let Some(missing) = missing {
                return Err(format!("arm {} has no {missing}", branch.arms[0]));
            }
        }
        if branches.len() != segment.branches.len() {
            return Err("more branches than the segment has".into());
        }
        Ok(())
    }
}

fn same_bits(a: &Point, b: &Point) -> bool {
    let bits = |metric: Metric| metric.finite().map(f64::to_bits);
    bits(a.train_loss) == bits(b.train_loss)
        && bits(a.val_loss) == bits(b.val_loss)
        && bits(a.val_error) == bits(b.val_error)
}
