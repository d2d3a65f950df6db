//! What a step changes in the projections (pure).

use crate::{
    scheduler::{Action, Decision, Event, Sweep, Trial},
    store::{Effects, RowUpdate, TrialUpdate},
};
use floodgauge_protocol::{FamilyIx, SegmentId, TrialKey, work::ReportRow};

/// The effects of the step from `before` to `after`.
pub fn of(before: &Sweep, after: &Sweep, event: &Event, decisions: &[Decision]) -> Effects {
    let mut effects = Effects {
        status: (before.status() != after.status()).then(|| after.status()),
        trials: changed_trials(before, after),
        ..Effects::default()
    };
    match event {
        Event::Reported { segment, rows, .. } => {
            if let Some(segment) = before.open_segment(*segment) {
                effects.rows =
                    rows.iter().flat_map(|row| row_updates(segment.family, row)).collect();
            }
        }
        Event::Finished { segment, .. } => effects.close.push(*segment),
        _ => {}
    }
    for decision in decisions {
        match &decision.action {
            Action::Enqueue { segment } => effects.enqueue.push(segment.clone()),
            Action::Retry { segment } => effects.requeue.push(*segment),
            Action::Withdraw { segment } => push_new(&mut effects.close, *segment),
            _ => {}
        }
    }
    effects
}

/// Every trial, for a new sweep.
pub fn all_trials(sweep: &Sweep) -> Vec<TrialUpdate> {
    sweep.trials().map(|(key, trial)| update(key, trial)).collect()
}

fn changed_trials(before: &Sweep, after: &Sweep) -> Vec<TrialUpdate> {
    after
        .trials()
        .map(|(key, trial)| (update(key, trial), before.trial(key).map(|old| update(key, old))))
        .filter(|(new, old)| old.as_ref() != Some(new))
        .map(|(new, _)| new)
        .collect()
}

fn update(trial: TrialKey, state: &Trial) -> TrialUpdate {
    TrialUpdate {
        trial,
        status: state.status,
        epochs: state.epochs(),
        onset_step: state.onset_step,
        checkpoint: state.checkpoint,
        reason: state.reason.clone(),
    }
}

fn row_updates(family: FamilyIx, row: &ReportRow) -> impl Iterator<Item = RowUpdate> + '_ {
    row.arms.iter().map(move |&arm| RowUpdate {
        trial: TrialKey::new(family, arm),
        epoch: row.epoch,
        step: row.step,
        train_loss: row.train_loss,
        val_loss: row.val_loss,
        val_error: row.val_error,
        branch: row.arms[0],
    })
}

fn push_new(segments: &mut Vec<SegmentId>, segment: SegmentId) {
    if !segments.contains(&segment) {
        segments.push(segment);
    }
}
