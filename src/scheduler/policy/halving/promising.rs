//! What goes on to the end though the probes didn't choose it: other seeds are expected to do best with it.

use super::cost;
use crate::scheduler::{
    answer::Expected,
    intent::Intent,
    policy::View,
    reason::{Promising, Purpose, Reason},
    status::TrialStatus,
};
use floodgauge_protocol::{Arm, ArmIx, Metric, TrialKey};

/// An arm that goes on to the end.
pub(super) struct Next {
    /// The arm, which not every seed has trained.
    pub arm: ArmIx,
    why: Reason,
}

/// The arm of a bracket that other seeds are expected to do best with, if not every seed has trained it to the
/// end, each can, and no family costs more than `most` full runs in the mean.
pub(super) fn next(facts: View<'_>, ix: usize, most: f64) -> Option<Next> {
    let Expected { leader, means } = facts.expected(ix)?;
    let of_leader = *means.get(&leader)?;
    // A tie goes to the lowest arm, as everywhere.
    let (arm, expected) = means
        .into_iter()
        .filter(|(arm, _)| can_go_on(facts, ix, *arm))
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    if expected >= of_leader || !cost::allows(facts, ix, arm, most) {
        return None;
    }
    let objective = facts.criteria().objective;
    let measured = |minimised: f64| objective.as_measured(Metric::from(minimised));
    let why = Reason::Promising(Promising {
        metric: objective.metric,
        expected: measured(expected),
        leader: Arm::new(leader, facts.method(leader)),
        of_leader: measured(of_leader),
    });
    Some(Next { arm, why })
}

/// Whether some seed has more to train of an arm, and none ended it otherwise.
fn can_go_on(facts: View<'_>, ix: usize, arm: ArmIx) -> bool {
    let families = &facts.brackets()[ix].families;
    let status = |&family| facts.trial(family, arm).status;
    let goes_on = |status| matches!(status, TrialStatus::Pruned | TrialStatus::Dormant);
    families.iter().map(status).any(goes_on)
        && families.iter().map(status).all(|s| goes_on(s) || s == TrialStatus::Completed)
}

impl Next {
    /// Trains it to the end with every seed of a bracket.
    pub fn train(self, facts: View<'_>, ix: usize) -> Vec<Intent> {
        let Self { arm, why } = self;
        let purpose = Purpose::ToTheEnd;
        let of_family = |&family| {
            let go_on = Intent::GoOn { trial: TrialKey::new(family, arm), why: why.clone() };
            [go_on, Intent::EnqueueToGoals { family, arms: vec![arm], purpose }]
        };
        facts.brackets()[ix].families.iter().flat_map(of_family).collect()
    }
}
