//! What a step changes in the projections (pure).

use super::{DriverError, json};
use crate::{
    scheduler::{Action, Decision, Event, Sweep, Trial},
    store::{Effects, Grown, RowUpdate, TrialUpdate},
};
use floodgauge_protocol::{
    ArmIx, FamilyIx, SearchSpace, SegmentId, SweepSpec, TrialKey, work::ReportRow,
};
use std::{collections::BTreeMap, time::Duration};

/// The effects of the step from `before` to `after`.
pub fn of(before: &Sweep, after: &Sweep, event: &Event, decisions: &[Decision]) -> Effects {
    Effects {
        status: (before.status() != after.status()).then(|| after.status()),
        trials: changed_trials(before, after),
        ..of_work(&Before::of(before, event), after, event, decisions)
    }
}

/// What a sweep has become, if an event made it grow. So does an extension that trains what was there already, after
/// which the sweep goes on.
pub fn grown(
    event: &Event,
    before: (&SweepSpec, &SearchSpace),
    after: &Sweep,
) -> Result<Option<Grown>, DriverError> {
    let now = after.facts();
    let is_extended = matches!(event, Event::Extended { .. });
    if !is_extended && before == (now.spec(), now.space()) {
        return Ok(None);
    }
    Ok(Some(Grown { spec: json(now.spec())?, space: json(now.space())? }))
}

/// What the effects of an event want to know of the sweep before it.
pub struct Before {
    /// The family whose epochs the event reports: the step may end their segment.
    family: Option<FamilyIx>,
    /// The epochs of trials that have some and may be woken all the same, as they may by an extension; the
    /// others have none.
    epochs: BTreeMap<TrialKey, u32>,
}

impl Before {
    /// For an event that comes next.
    pub fn of(before: &Sweep, event: &Event) -> Self {
        let facts = before.facts();
        let family = match event {
            Event::Reported { segment, .. } => {
                facts.segments().get_open(*segment).map(|segment| segment.family)
            }
            _ => None,
        };
        let epochs = match event {
            Event::Extended { finish, .. } => {
                let finished = facts.trials().filter(|(key, _)| finish.contains(&key.arm));
                finished.map(|(key, trial)| (key, trial.epochs())).collect()
            }
            _ => BTreeMap::new(),
        };
        Self { family, epochs }
    }
}

/// What a step changes of epochs and segments.
pub fn of_work(
    Before { family, epochs }: &Before,
    after: &Sweep,
    event: &Event,
    decisions: &[Decision],
) -> Effects {
    let mut effects = Effects {
        hands_in: matches!(event, Event::Saved { .. } | Event::Finished { .. }),
        ..Effects::default()
    };
    match event {
        Event::Reported { rows, .. } => {
            if let &Some(family) = family {
                effects.rows_of = (!rows.is_empty()).then_some(family);
                effects.rows = rows.iter().flat_map(|row| row_updates(family, row)).collect();
            }
        }
        Event::Finished { segment, .. } => effects.close.push(*segment),
        Event::StartedOver { family, .. } => effects.start_over = Some(*family),
        Event::HandedBack { backoff_s, .. } => {
            effects.backoff = Duration::from_secs(backoff_s.unwrap_or(0).into());
        }
        _ => {}
    }
    for decision in decisions {
        match &decision.action {
            Action::Enqueue { segment } => effects.enqueue.push(segment.clone()),
            Action::Retry { segment } => effects.requeue.push(*segment),
            Action::Withdraw { segment } => push_new(&mut effects.close, *segment),
            Action::Wake { trial, .. } => {
                let had = epochs.get(trial).copied().unwrap_or(0);
                effects.rows.extend(shared_rows(after, *trial).skip(had as usize));
            }
            _ => {}
        }
    }
    effects
}

/// Every trial, for a new sweep.
pub fn all_trials(sweep: &Sweep) -> Vec<TrialUpdate> {
    sweep.facts().trials().map(|(key, trial)| update(key, trial)).collect()
}

fn changed_trials(before: &Sweep, after: &Sweep) -> Vec<TrialUpdate> {
    after
        .facts()
        .trials()
        .map(|(key, trial)| {
            let kept =
                Some(after.facts().kept(key)).filter(|kept| *kept != before.facts().kept(key));
            (TrialUpdate { kept, ..update(key, trial) }, before.facts().trial(key))
        })
        .filter(|(new, old)| old.map(|old| update(new.trial, old)).as_ref() != Some(new))
        .map(|(new, _)| new)
        .collect()
}

/// A trial as lists have it, but for what it keeps beside its newest checkpoint.
pub fn update(trial: TrialKey, state: &Trial) -> TrialUpdate {
    TrialUpdate {
        trial,
        status: state.status,
        epochs: state.epochs(),
        onset_step: state.onset_step,
        checkpoint: state.checkpoint,
        kept: None,
        reason: state.reason.as_ref().map(ToString::to_string),
    }
}

fn row_updates(family: FamilyIx, row: &ReportRow) -> impl Iterator<Item = RowUpdate> + '_ {
    row.arms.iter().map(move |&arm| RowUpdate {
        trial: TrialKey::new(family, arm),
        epoch: row.epoch,
        step: row.step,
        train_loss: row.train_loss,
        metrics: row.metrics.clone(),
        branch: row.arms[0],
        diagnostics: row.diagnostics,
    })
}

/// The epochs that a trial has from its trunk when it is woken.
fn shared_rows(after: &Sweep, key: TrialKey) -> impl Iterator<Item = RowUpdate> + '_ {
    let (steps, metrics) = (after.facts().steps_per_epoch(), &after.facts().criteria().metrics);
    let curve = after.facts().trial(key).into_iter().flat_map(|trial| &trial.curve);
    curve.zip(1..).map(move |(point, epoch)| RowUpdate {
        trial: key,
        epoch,
        step: u64::from(epoch) * steps,
        train_loss: point.train_loss,
        metrics: point.metrics(metrics),
        branch: ArmIx::PLAIN,
        diagnostics: point.diagnostics,
    })
}

fn push_new(segments: &mut Vec<SegmentId>, segment: SegmentId) {
    if !segments.contains(&segment) {
        segments.push(segment);
    }
}
