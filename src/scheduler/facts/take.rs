//! What an event changes.

use super::{
    Facts, Point, again,
    cost::epochs_of,
    failures, pause, save,
    taken::{News, Taken},
};
use crate::scheduler::{
    action::{Action, Decision, TrialEnd},
    event::Event,
    reason::Reason,
    status::SweepStatus,
};
use floodgauge_protocol::{
    SegmentId, TrialKey,
    work::{BranchEnd, FinishedBranch, ReportRow},
};
use std::sync::Arc;

impl Facts {
    /// Takes an event in. One that doesn't fit the state (a segment that is over, say) changes
    /// nothing.
    pub fn take(&mut self, event: &Event) -> Taken {
        match event {
            Event::Submitted { .. } => Taken { decisions: vec![], news: News::Submitted },
            Event::Claimed { segment, .. } => Taken::only(claim(self, *segment)),
            Event::Reported { segment, rows, redone, .. } => {
                self.cost.redo(u64::from(*redone));
                if let Some(queued) = self.segments.queued_mut(*segment).filter(|_| rows.is_empty())
                {
                    queued.repeats += 1;
                }
                report(self, *segment, rows)
            }
            Event::Nondeterminism { segment, rows, .. } => {
                if let Some(queued) = self.segments.queued_mut(*segment) {
                    queued.contradictions += 1;
                }
                let epochs = epochs_of(&self.space, rows);
                self.cost.redo(epochs);
                Taken::nothing()
            }
            Event::Saved { segment, branches, .. } => {
                save::save(self, *segment, branches);
                Taken::nothing()
            }
            Event::Finished { segment, branches, .. } => finish(self, *segment, branches),
            Event::Failed { segment, message, .. } => failures::fail(self, *segment, message),
            Event::HandedBack { segment, worker, message, backoff_s, .. } => {
                failures::hand_back(self, *segment, (worker, message), backoff_s.is_some())
            }
            Event::Expired { segment, .. } => {
                if let Some(queued) = self.segments.queued_mut(*segment) {
                    queued.expired = true;
                }
                Taken::nothing()
            }
            Event::Lost { segment, .. } => failures::lose(self, *segment),
            Event::Damaged { checkpoint } => again::lose_checkpoint(self, *checkpoint),
            Event::StartedOver { family, .. } => again::start_over(self, *family),
            Event::CancelRequested => Taken::only(failures::cancel(self)),
            Event::PauseRequested => Taken::only(pause::pause(self)),
            Event::Resumed => {
                pause::resume(self);
                Taken::nothing()
            }
            Event::Extended { .. } if self.status == SweepStatus::Completed => {
                Taken { decisions: vec![], news: News::Extended }
            }
            Event::Extended { .. } => Taken::nothing(),
        }
    }
}

fn claim(facts: &mut Facts, segment: SegmentId) -> Vec<Decision> {
    let Some(queued) = facts.segments.queued_mut(segment) else { return vec![] };
    queued.leased = true;
    (queued.repeats, queued.contradictions, queued.expired) = (0, 0, false);
    // What was said to an earlier holder about its epoch at hand is over with its lease.
    queued.stops.retain(|stop| stop.at_epoch > 0);
    facts.begun = true;
    match facts.status {
        SweepStatus::Queued => facts.status = SweepStatus::Running,
        // Its worker got it while the sweep was being paused.
        SweepStatus::Paused => return pause::hand_in(facts, segment).into_iter().collect(),
        _ => {}
    }
    vec![]
}

fn report(facts: &mut Facts, segment: SegmentId, rows: &[ReportRow]) -> Taken {
    let Some(family) = facts.segments.get(segment).map(|segment| segment.family) else {
        return Taken::nothing();
    };
    if let Some(queued) = facts.segments.queued_mut(segment).filter(|_| !rows.is_empty()) {
        queued.hand_backs = 0;
    }
    let epochs = epochs_of(&facts.space, rows);
    facts.cost.train(epochs);
    for row in rows {
        let point = Arc::new(Point::new(row, &facts.criteria.metrics));
        for &arm in &row.arms {
            if let Some(trial) = facts.trials.get_mut(&TrialKey::new(family, arm)) {
                trial.curve.push(point.clone());
                trial.onset_step = trial.onset_step.or(row.onset_step);
            }
        }
    }
    Taken { decisions: vec![], news: News::Reported(family) }
}

fn finish(facts: &mut Facts, segment: SegmentId, branches: &[FinishedBranch]) -> Taken {
    let Some(segment) = facts.segments.close(segment) else { return Taken::nothing() };
    let mut decisions = vec![];
    for branch in branches {
        save::keep(facts, segment.family, branch, true);
        for &arm in &branch.arms {
            let key = TrialKey::new(segment.family, arm);
            let Some(trial) = facts.trials.get_mut(&key) else { continue };
            if let Some(test) = branch.test {
                trial.tests.insert(segment.from_step, test);
            }
            if branch.end == BranchEnd::Diverged && trial.is_active() {
                let why = Reason::NotFinite { step: Some(branch.step) };
                trial.end(TrialEnd::Diverged, &why);
                let action = Action::End { trial: key, end: TrialEnd::Diverged };
                decisions.push(Decision::new(action, why));
            }
        }
    }
    Taken::closed(facts, decisions, segment)
}
