//! What of a report is new, what is known already, and what contradicts it.

use super::{Facts, Point, cost::gradients, segments::Queued};
use floodgauge_protocol::{
    ArmIx, Branch, MetricValues, Metrics, Segment, SegmentId, SegmentKind, TrialKey,
    work::ReportRow,
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

impl Facts {
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
        let Some(Queued { segment, stops, .. }) = self.segments.queued(segment) else {
            return Err(bad(0, format!("segment {segment} is over")));
        };
        let mut sifted = Sifted::default();
        let mut known: HashMap<ArmIx, u32> = HashMap::new();
        for (i, row) in rows.iter().enumerate() {
            check_row(self, segment, row).map_err(|message| bad(i, message))?;
            let stopped =
                |arm| stops.iter().any(|s| s.arms.contains(&arm) && s.discards(row.epoch));
            let (mut new, mut contradicting, mut same) = (vec![], vec![], false);
            for &arm in &row.arms {
                if stopped(arm) && !self.status.is_final() {
                    continue;
                }
                let trial = &self.trials[&TrialKey::new(segment.family, arm)];
                let known = known.entry(arm).or_insert(trial.epochs());
                if row.epoch == *known + 1 {
                    *known = row.epoch;
                    new.push(arm);
                } else if row.epoch > *known {
                    return Err(bad(i, format!("epoch {} follows epoch {known}", row.epoch)));
                } else {
                    let point = trial.curve.get(row.epoch as usize - 1);
                    let again = || Point::new(row, &self.criteria.metrics);
                    match point.is_none_or(|point| point.has_bits_of(&again())) {
                        true => same = true,
                        false => contradicting.push(arm),
                    }
                }
            }
            if same && new.is_empty() && contradicting.is_empty() {
                sifted.redone += gradients(&self.space, row.arms[0]);
            }
            let part = |arms| ReportRow { arms, ..row.clone() };
            sifted.contradicting.extend((!contradicting.is_empty()).then(|| part(contradicting)));
            sifted.new.extend((!new.is_empty()).then(|| part(new)));
        }
        Ok(sifted)
    }
}

fn check_row(facts: &Facts, segment: &Segment, row: &ReportRow) -> Result<(), String> {
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
    check_metrics(&facts.criteria.metrics, &row.metrics)?;
    if row.step != u64::from(row.epoch) * facts.steps_per_epoch {
        return Err(format!("epoch {} does not end at step {}", row.epoch, row.step));
    }
    if row.step <= segment.from_step || row.step > segment.to_step {
        let (from, to) = (segment.from_step, segment.to_step);
        return Err(format!("step {} is not in the segment, {from} to {to}", row.step));
    }
    check_onset(row.onset_step, row.step)
}

/// Whether an onset is among so many steps, which count from 0: a run tells of no later one.
pub(super) fn check_onset(onset: Option<u64>, steps: u64) -> Result<(), String> {
    match onset.filter(|onset| *onset >= steps) {
        Some(onset) => Err(format!("onset step {onset} is not among the first {steps} steps")),
        None => Ok(()),
    }
}

/// Whether some arms, in rising order, are all of one branch, whose arms rise too.
pub(super) fn stands_for(branch: &Branch, arms: &[ArmIx]) -> bool {
    let mut rest = branch.arms.iter();
    !arms.is_empty()
        && arms.is_sorted_by(|a, b| a < b)
        && arms.iter().all(|arm| rest.any(|of_branch| of_branch == arm))
}

/// Whether a row has the metrics of its sweep: each that can be compared, and none that isn't declared.
fn check_metrics(declared: &Metrics, reported: &MetricValues) -> Result<(), String> {
    if let Some((name, _)) = reported.iter().find(|(name, _)| declared.get(*name).is_none()) {
        let names = declared.names();
        return Err(format!("the sweep has no metric `{name}`; it has {names}"));
    }
    let mut compared = declared.compared();
    match compared.find(|metric| reported.get(metric.name).is_none()) {
        Some(missing) => Err(format!("metric `{}` is missing", missing.name)),
        None => Ok(()),
    }
}

#[cfg(test)]
impl Facts {
    /// Stops arms of a segment.
    pub fn stop(&mut self, segment: SegmentId, stops: Vec<floodgauge_protocol::work::Stop>) {
        if let Some(queued) = self.segments.queued_mut(segment) {
            queued.stops = stops;
        }
    }
}
