//! How far a sweep has got: what is done just now, and what it comes to at most.

use crate::scheduler::{
    facts::{Facts, gradients},
    status::{SweepStatus, TrialStatus},
};
use floodgauge_api::{Stage, StageCounts};
use floodgauge_protocol::SegmentKind;

/// How far a sweep has got, in full runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Extent {
    /// What is done just now, in words.
    pub phase: String,
    /// What was trained and counts towards its end.
    pub spent: f64,
    /// What that comes to at most.
    pub planned: f64,
    /// What nobody will train, as far as that is decided.
    pub pruned: f64,
    /// Whether it ever stood still, so that the time since its begin doesn't tell its pace.
    pub interrupted: bool,
}

/// How far a sweep has got. `widens` is the most that it costs, as told before it began, where levels may
/// be trained yet that nobody has asked for; none where what is asked for is all. `probes` says whether levels are
/// probed just now.
pub fn extent(facts: &Facts, stages: &[Stage], widens: Option<f64>, probes: bool) -> Extent {
    let full = f64::from(facts.spec().recipe.epochs.max(1));
    let cost = facts.cost();
    let spent = cost.trained().saturating_sub(cost.left_behind()) as f64 / full;
    let open = epochs_left(facts, |status| status == TrialStatus::Active) as f64 / full;
    let widens = widens.filter(|_| !facts.status().is_final());
    let left = match widens {
        _ if facts.status().is_final() => 0.0,
        // Of the probes not all go on, and levels that lie dormant may be woken.
        Some(bound) => (bound - spent).max(1.0 / full),
        None => open,
    };
    let is_decided = |status| match status {
        TrialStatus::Pruned => true,
        TrialStatus::Dormant => widens.is_none(),
        _ => false,
    };
    let pruned = epochs_left(facts, is_decided) as f64 / full;
    let phase = phase(facts, stages, probes);
    let interrupted = facts.is_interrupted();
    Extent { phase, spent, planned: spent + left, pruned, interrupted }
}

/// What the trials of some statuses lack of full runs, in epochs of one gradient a mini-batch.
fn epochs_left(facts: &Facts, counts: impl Fn(TrialStatus) -> bool) -> u64 {
    let full = facts.spec().recipe.epochs;
    let counted = facts.trials().filter(|(_, trial)| counts(trial.status));
    let left = counted.map(|(key, trial)| {
        u64::from(gradients(facts.space(), key.arm))
            * u64::from(full.saturating_sub(trial.epochs()))
    });
    left.sum()
}

fn phase(facts: &Facts, stages: &[Stage], probes: bool) -> String {
    match facts.status() {
        SweepStatus::Completed => return "done".into(),
        SweepStatus::Failed | SweepStatus::Cancelled => return "ended".into(),
        SweepStatus::Queued => return "not begun".into(),
        SweepStatus::Running | SweepStatus::Paused => {}
    }
    let open = || facts.segments().open();
    if open().next().is_none() {
        return "deciding".into();
    }
    if open().all(|segment| segment.kind == SegmentKind::Test) {
        return "testing the answer".into();
    }
    if probes {
        return "training plain, and probing levels".into();
    }
    // The first rung that somebody is still on the way to.
    let training = open().filter(|segment| segment.kind == SegmentKind::Train);
    let step = training.map(|segment| segment.to_step).min().unwrap_or(0);
    let ends_behind = |stage: &&Stage| match stage.counts {
        StageCounts::Rung { ends_at, .. } => step <= u64::from(ends_at) * facts.steps_per_epoch(),
        _ => false,
    };
    let rung = stages.iter().find(ends_behind).filter(|_| stages.len() > 1);
    rung.map_or_else(|| "training to the end".into(), |stage| stage.name.clone())
}
