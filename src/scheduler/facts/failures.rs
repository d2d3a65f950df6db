//! Segments that end otherwise than by being handed in: failed, handed back, lost, cancelled.

use super::{Facts, ends::end_trial, taken::Taken};
use crate::scheduler::{
    action::{Action, Decision, TrialEnd},
    reason::Reason,
    status::{SweepStatus, TrialStatus},
};
use floodgauge_protocol::{SegmentId, SegmentKind, TrialKey, work::Stop};

/// How often a segment may fail before its trials are given up: twice may be a machine's trouble that
/// its worker doesn't know for one, three times is the segment's. Chosen, not measured.
pub const MAX_FAILURES: u32 = 3;

/// How often a segment may be lost before it counts as what kills its workers. Leases also end with
/// machines that are taken away, which says nothing of the segment, so it is far more often than it
/// may fail. Chosen, not measured.
pub const MAX_LOSSES: u32 = 20;

/// So often in a row a segment may be handed back without waiting: one or two bad machines, whose work
/// others take at once. Chosen, not measured.
const FREE_HAND_BACKS: u32 = 4;

/// The longest that a segment waits after a hand-back, in seconds: no longer than people who have mended
/// their machines wait for the next try. Chosen, not measured.
const MAX_BACKOFF_S: u32 = 600;

/// So many hand-backs of one segment in a row, none of which brought an epoch that wasn't known, count as one
/// failure, so that no log grows without end. With the waits between them that takes 31 hours, and a trial is
/// given up no sooner than after four days in which no machine could do its work. Chosen, not measured.
pub const HAND_BACKS_A_FAILURE: u32 = 200;

/// For how many seconds nobody is given a segment after so many hand-backs in a row: each time twice as long.
pub(super) fn backoff_after(hand_backs: u32) -> u32 {
    match hand_backs.checked_sub(FREE_HAND_BACKS + 1) {
        Some(doublings) => 1_u32.checked_shl(doublings).unwrap_or(MAX_BACKOFF_S).min(MAX_BACKOFF_S),
        None => 0,
    }
}

/// A worker gave a segment up.
pub(super) fn fail(facts: &mut Facts, segment: SegmentId, message: &str) -> Taken {
    let is_final = facts.status.is_final();
    let Some(queued) = facts.segments.queued_mut(segment) else { return Taken::nothing() };
    queued.leased = false;
    queued.failures += 1;
    let (failures, saved, message) = (queued.failures, queued.saved, message.to_string());
    if failures >= MAX_FAILURES || is_final {
        return give_up(facts, segment, &Reason::FailedTooOften { failures, message });
    }
    if saved {
        return withdraw(facts, segment, Reason::FromSaved { message: Some(message) });
    }
    let why = Reason::Retry { failures, at_most: MAX_FAILURES, message };
    Taken::only(vec![Decision::new(Action::Retry { segment }, why)])
}

/// A worker in trouble handed a segment back: others try. That says nothing of the segment, unless it `counts`
/// and happens again and again.
pub(super) fn hand_back(
    facts: &mut Facts,
    segment: SegmentId,
    (worker, message): (&str, &str),
    counts: bool,
) -> Taken {
    let is_final = facts.status.is_final();
    let Some(queued) = facts.segments.queued_mut(segment) else { return Taken::nothing() };
    queued.leased = false;
    queued.hand_backs += u32::from(counts);
    let times = queued.hand_backs;
    if counts && !is_final && times.is_multiple_of(HAND_BACKS_A_FAILURE) {
        let message = format!(
            "handed back {times} times in a row by workers in trouble, at last by {worker}: {message}"
        );
        return fail(facts, segment, &message);
    }
    let why = Reason::MachineTrouble { worker: worker.into(), message: message.into() };
    if queued.saved || is_final {
        return withdraw(facts, segment, why);
    }
    Taken::only(vec![Decision::new(Action::Retry { segment }, why)])
}

/// A lease expired.
pub(super) fn lose(facts: &mut Facts, segment: SegmentId) -> Taken {
    let Some(queued) = facts.segments.queued_mut(segment) else { return Taken::nothing() };
    queued.leased = false;
    queued.losses += 1;
    let (losses, saved) = (queued.losses, queued.saved);
    match (losses < MAX_LOSSES, saved) {
        (true, true) => withdraw(facts, segment, Reason::FromSaved { message: None }),
        (true, false) => Taken::nothing(),
        (false, _) => give_up(facts, segment, &Reason::LostTooOften { losses }),
    }
}

/// Ends a segment of which something was saved, whose arms go on from there in others, or of a sweep
/// that has ended.
fn withdraw(facts: &mut Facts, segment: SegmentId, why: Reason) -> Taken {
    let Some(closed) = facts.segments.close(segment) else { return Taken::nothing() };
    Taken::closed(facts, vec![Decision::new(Action::Withdraw { segment }, why)], closed)
}

/// Closes a segment for good; its trials end as failed.
fn give_up(facts: &mut Facts, segment: SegmentId, why: &Reason) -> Taken {
    let Some(closed) = facts.segments.close(segment) else { return Taken::nothing() };
    let mut decisions = vec![Decision::new(Action::Withdraw { segment }, why.clone())];
    if closed.kind == SegmentKind::Train {
        for arm in closed.arms() {
            let trial = TrialKey::new(closed.family, arm);
            decisions.extend(end_trial(facts, trial, TrialEnd::Failed, why.clone()));
        }
    }
    Taken::closed(facts, decisions, closed)
}

/// A user ended the sweep: what is queued is withdrawn, what is leased is handed in as it is.
pub(super) fn cancel(facts: &mut Facts) -> Vec<Decision> {
    if facts.status.is_final() {
        return vec![];
    }
    let mut decisions = vec![];
    let mut withdrawn = vec![];
    for (segment, queued) in facts.segments.all_queued_mut() {
        decisions.push(if queued.leased {
            let stop = Stop { arms: queued.segment.arms().collect(), at_epoch: 0 };
            queued.stops.push(stop.clone());
            Decision::new(Action::Stop { segment, stop }, Reason::CancelledInTraining)
        } else {
            withdrawn.push(segment);
            Decision::new(Action::Withdraw { segment }, Reason::CancelledInQueue)
        });
    }
    for segment in withdrawn {
        facts.segments.close(segment);
    }
    for trial in facts.trials.values_mut().filter(|trial| trial.is_active()) {
        trial.status = TrialStatus::Cancelled;
        trial.reason = Some(Reason::SweepCancelled);
    }
    facts.status = SweepStatus::Cancelled;
    decisions.push(Decision::new(Action::Cancel, Reason::Asked));
    decisions
}
