//! What has to be trained a second time: because a checkpoint is damaged (its trials go back to an earlier
//! state and keep their epochs), or because a family starts over on another machine (it keeps nothing).
//!
//! What was decided stays decided. A trial that had ended is trained again to where it was, and is then
//! what it was before, so that the sweep has all that it had.

use super::{
    Before, Facts, Trial, Trunk,
    cost::gradients,
    enqueue::is_at_goal,
    taken::{News, Taken},
};
use crate::scheduler::{
    action::{Action, Decision},
    goal::Goal,
    reason::Reason,
    status::TrialStatus,
};
use floodgauge_protocol::{
    ArmIx, Digest, FamilyIx, Segment, SegmentKind, Start, TrialKey, work::Waypoint,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

/// A checkpoint is lost: trials that have it, and segments that start from it, go back to the last good
/// state.
pub(super) fn lose_checkpoint(facts: &mut Facts, checkpoint: Digest) -> Taken {
    if facts.status.is_final() {
        return Taken::nothing();
    }
    facts.trunks.values_mut().for_each(|trunk| trunk.forget(checkpoint));
    let had: BTreeSet<_> =
        facts.trials().filter(|(_, trial)| trial.has(checkpoint)).map(|(key, _)| key).collect();
    // A worker at one of them goes on from a later state, and wouldn't save again what is lost.
    let needs_it = |segment: &Segment| {
        let start = Start::Checkpoint { digest: checkpoint };
        segment.branches.iter().any(|branch| branch.start == start)
            || segment.arms().any(|arm| had.contains(&TrialKey::new(segment.family, arm)))
    };
    let (mut decisions, mut again) = withdraw(facts, &Reason::Damaged, needs_it);
    for key in had {
        let good = last_good(facts, key);
        let Some(trial) = facts.trials.get_mut(&key) else { continue };
        trial.go_back(good);
        // Only completed trials are tested; what was pruned is trained again if an extension asks for it.
        if trial.status == TrialStatus::Completed {
            decisions.push(trial.train_again(key, &Reason::Damaged));
        }
        again.entry(key.family).or_default().insert(key.arm);
    }
    reopen(facts, decisions, again, &Reason::Damaged)
}

/// Starts a family over: it has no epochs, and no machine.
pub(super) fn start_over(facts: &mut Facts, family: FamilyIx) -> Taken {
    if facts.status.is_final() || facts.bracket_of(family).is_none() {
        return Taken::nothing();
    }
    let why = Reason::StartedOver;
    let (mut decisions, _) = withdraw(facts, &why, |segment| segment.family == family);
    let left = trained_epochs(facts, family);
    facts.cost.leave_behind(left);
    facts.trunks.remove(&family);
    let mut again = BTreeMap::from([(family, BTreeSet::new())]);
    for (key, trial) in facts.trials.iter_mut().filter(|(key, _)| key.family == family) {
        let ended = !matches!(trial.status, TrialStatus::Active | TrialStatus::Failed);
        let decision = (ended && trial.epochs() > 0).then(|| trial.train_again(*key, &why));
        decisions.extend(decision);
        trial.forget_all();
        again.entry(family).or_default().insert(key.arm);
    }
    reopen(facts, decisions, again, &why)
}

/// Takes a trial that was trained again to its goal for what it was before.
pub(super) fn restore_ended(facts: &mut Facts, key: TrialKey) -> Option<Decision> {
    let steps_per_epoch = facts.steps_per_epoch;
    let trial = facts.trials.get_mut(&key)?;
    if !trial.is_active() || !is_at_goal(trial, steps_per_epoch) {
        return None;
    }
    let Before { status, reason } = trial.until_again.take()?;
    (trial.status, trial.reason) = (status, reason);
    Some(Decision::new(Action::AsBefore { trial: key, status }, Reason::TrainedAgain))
}

/// Lets brackets go on of which something is trained again. What was to be tested waits for that.
fn reopen(
    facts: &mut Facts,
    mut decisions: Vec<Decision>,
    mut again: BTreeMap<FamilyIx, BTreeSet<ArmIx>>,
    why: &Reason,
) -> Taken {
    let mut goes_on = false;
    for ix in 0..facts.brackets.len() {
        let of_bracket = |family: &FamilyIx| facts.brackets[ix].families.contains(family);
        let keys = again.iter().filter(|(family, _)| of_bracket(family));
        let mut keys = keys
            .flat_map(|(&family, arms)| arms.iter().map(move |&arm| TrialKey::new(family, arm)));
        if keys.any(|key| facts.trials[&key].is_active()) {
            facts.brackets[ix].done = false;
            goes_on = true;
        }
    }
    if goes_on {
        let tests = |segment: &Segment| segment.kind == SegmentKind::Test;
        decisions.extend(withdraw(facts, why, tests).0);
    }
    // What another segment trains goes on there.
    for segment in facts.segments.open() {
        let arms = again.entry(segment.family).or_default();
        arms.retain(|arm| !segment.arms().any(|trained| trained == *arm));
    }
    let again = again.into_iter().map(|(family, arms)| (family, arms.into_iter().collect()));
    Taken { decisions, news: News::Again(again.collect()) }
}

/// Ends open segments; answers that, and what they were to train.
fn withdraw(
    facts: &mut Facts,
    why: &Reason,
    which: impl Fn(&Segment) -> bool,
) -> (Vec<Decision>, BTreeMap<FamilyIx, BTreeSet<ArmIx>>) {
    let ids: Vec<_> =
        facts.segments.open().filter(|open| which(open)).map(|open| open.segment).collect();
    let mut arms: BTreeMap<FamilyIx, BTreeSet<ArmIx>> = BTreeMap::new();
    let mut decisions = vec![];
    for closed in ids.into_iter().filter_map(|id| facts.segments.close(id)) {
        arms.entry(closed.family).or_default().extend(closed.arms());
        decisions.push(Decision::new(Action::Withdraw { segment: closed.segment }, why.clone()));
    }
    (decisions, arms)
}

/// The last state of a trial's trunk that is one of the trial's too.
fn last_good(facts: &Facts, key: TrialKey) -> Option<Waypoint> {
    let trial = facts.trials.get(&key)?;
    if !facts.space.arms.get(key.arm.ix())?.shares_trunk() {
        return None;
    }
    let reported = u64::from(trial.epochs()) * facts.steps_per_epoch;
    let shared = trial.onset_step.unwrap_or(u64::MAX).min(reported);
    facts.trunks.get(&key.family).and_then(|trunk| trunk.before(shared)).copied()
}

/// What the epochs of a family cost; one that several trials share counts once.
fn trained_epochs(facts: &Facts, family: FamilyIx) -> u64 {
    let mut seen = HashSet::new();
    let of_family = facts.trials().filter(|(key, _)| key.family == family);
    let epochs = of_family.flat_map(|(key, trial)| trial.curve.iter().map(move |p| (key.arm, p)));
    let once = epochs.filter(|(_, point)| seen.insert(Arc::as_ptr(point)));
    once.map(|(arm, _)| u64::from(gradients(&facts.space, arm))).sum()
}

impl Trial {
    /// Whether a checkpoint is its newest or its best.
    fn has(&self, checkpoint: Digest) -> bool {
        self.checkpoint == Some(checkpoint)
            || self.best.is_some_and(|best| best.checkpoint == checkpoint)
    }

    /// Goes back to a state, or to the start; what was reported stays known.
    fn go_back(&mut self, to: Option<Waypoint>) {
        self.checkpoint = to.map(|state| state.checkpoint);
        self.saved_step = to.map_or(0, |state| state.step);
        self.best = to.and_then(|state| state.best);
    }

    /// Forgets all that was trained of it.
    fn forget_all(&mut self) {
        self.go_back(None);
        self.curve.clear();
        self.onset_step = None;
        self.tests.clear();
    }

    /// Aims at where it was, until it is there; then it is what it was.
    fn train_again(&mut self, key: TrialKey, why: &Reason) -> Decision {
        // What shared all of its trunk never had a goal of its own; what diverged had one that it never came
        // to, and needn't on a machine where it doesn't.
        if self.goal.epoch < self.epochs() || self.status == TrialStatus::Diverged {
            self.goal = Goal::epoch(self.epochs());
        }
        self.until_again = Some(Before { status: self.status, reason: self.reason.take() });
        (self.status, self.reason) = (TrialStatus::Active, Some(why.clone()));
        Decision::new(Action::Again { trial: key }, why.clone())
    }
}

impl Trunk {
    /// Forgets the states that a checkpoint belongs to.
    fn forget(&mut self, checkpoint: Digest) {
        self.retain(|waypoint| {
            waypoint.checkpoint != checkpoint
                && waypoint.best.is_none_or(|best| best.checkpoint != checkpoint)
        });
    }
}
