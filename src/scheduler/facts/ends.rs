//! How trials end.

use super::{Facts, Trial};
use crate::scheduler::{
    action::{Action, Decision, TrialEnd},
    reason::Reason,
    status::TrialStatus,
};
use floodgauge_protocol::TrialKey;

/// An active trial, to change it.
pub(super) fn active(facts: &mut Facts, key: TrialKey) -> Option<&mut Trial> {
    facts.trials.get_mut(&key).filter(|trial| trial.is_active())
}

/// Ends an active trial, and says so.
pub(super) fn end_trial(
    facts: &mut Facts,
    key: TrialKey,
    end: TrialEnd,
    why: Reason,
) -> Option<Decision> {
    active(facts, key)?.end(end, &why);
    Some(Decision::new(Action::End { trial: key, end }, why))
}

impl Trial {
    /// Ends the trial.
    pub(super) fn end(&mut self, end: TrialEnd, why: &Reason) {
        self.status = match end {
            TrialEnd::Completed => TrialStatus::Completed,
            TrialEnd::Diverged => TrialStatus::Diverged,
            TrialEnd::Failed => TrialStatus::Failed,
        };
        self.reason = Some(why.clone());
        self.until_again = None;
    }
}
