//! The state of a sweep, and the step that an event makes it take.

use super::{
    action::{Action, Decision, TrialEnd},
    event::Event,
    rungs::Rungs,
    status::{SweepStatus, TrialStatus},
    trial::{Point, Trial},
    trunk::Trunk,
};
use floodgauge_protocol::{
    ArmIx, Digest, FamilyIx, SchedulerKind, SearchSpace, Segment, SegmentId, SegmentKind,
    SweepSpec, TrialKey,
    work::{BranchEnd, FinishedBranch, ReportRow, Stop},
};
use std::collections::{BTreeMap, BTreeSet};

/// How often a segment may fail before its trials are given up.
pub const MAX_FAILURES: u32 = 3;

/// How often a segment may be lost before it counts as what kills its workers.
pub const MAX_LOSSES: u32 = 20;

/// A sweep as its log tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    pub(super) spec: SweepSpec,
    pub(super) plan: SearchSpace,
    /// Levels of each method that it was submitted with.
    pub(super) asked_levels: usize,
    pub(super) rungs: Rungs,
    pub(super) steps_per_epoch: u64,
    pub(super) status: SweepStatus,
    /// Whether a worker has taken any of it.
    pub(super) begun: bool,
    pub(super) trials: BTreeMap<TrialKey, Trial>,
    pub(super) segments: BTreeMap<SegmentId, Work>,
    pub(super) brackets: Vec<Bracket>,
    pub(super) trunks: BTreeMap<FamilyIx, Trunk>,
    /// Epochs trained, one that several arms share counted once, one of two gradients a
    /// mini-batch counted twice.
    pub(super) trained_epochs: u64,
    /// Epochs reported again, counted alike: trained once more after a crash, or sent once more.
    pub(super) redone_epochs: u64,
}

/// A segment and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Work {
    pub segment: Segment,
    pub open: bool,
    pub leased: bool,
    /// Whether a worker saved some of it: then its trials go on from there, and what it started
    /// from may be gone.
    pub saved: bool,
    pub failures: u32,
    pub losses: u32,
    pub stops: Vec<Stop>,
}

impl Work {
    /// A segment that waits for a worker.
    pub fn new(segment: Segment) -> Self {
        Self {
            segment,
            open: true,
            leased: false,
            saved: false,
            failures: 0,
            losses: 0,
            stops: vec![],
        }
    }
}

/// The families of one weight decay, whose arms compete as means over seeds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bracket {
    pub families: Vec<FamilyIx>,
    /// The rung that is being trained.
    pub rung: usize,
    /// The arms that are trained to it.
    pub arms: Vec<ArmIx>,
    /// For asynchronous halving: the rung that each arm was let on to last.
    pub reaching: BTreeMap<ArmIx, usize>,
    /// How often levels were added beyond an end of a method's.
    pub rounds: BTreeMap<&'static str, usize>,
    pub done: bool,
    /// Whether what is trained was added after the bracket was done.
    pub extended: bool,
}

impl Sweep {
    /// A sweep before its first event, `Submitted`; the spec is that event's.
    pub fn new(spec: SweepSpec) -> Self {
        let plan = SearchSpace::of(&spec);
        let mut brackets: Vec<Bracket> = vec![];
        for (i, family) in plan.families.iter().enumerate() {
            let first =
                plan.families[..i].iter().position(|f| f.weight_decay == family.weight_decay);
            match first.and_then(|first| {
                brackets
                    .iter_mut()
                    .find(|bracket| bracket.families.contains(&FamilyIx(first as u16)))
            }) {
                Some(bracket) => bracket.families.push(family.family),
                None => brackets.push(Bracket {
                    families: vec![family.family],
                    rung: 0,
                    arms: plan.arm_ids().collect(),
                    reaching: BTreeMap::new(),
                    rounds: BTreeMap::new(),
                    done: false,
                    extended: false,
                }),
            }
        }
        Self {
            asked_levels: spec.search.levels.expand().map_or(0, |levels| levels.len()),
            rungs: Rungs::of(&spec, plan.arms.len() - 1),
            steps_per_epoch: spec.recipe.steps_per_epoch(),
            status: SweepStatus::Queued,
            begun: false,
            trials: plan.trials().map(|trial| (trial, Trial::new())).collect(),
            segments: BTreeMap::new(),
            trunks: BTreeMap::new(),
            brackets,
            trained_epochs: 0,
            redone_epochs: 0,
            plan,
            spec,
        }
    }

    /// Takes an event in and answers what to do. Events that don't fit the state (a segment
    /// that is over, say) change nothing.
    pub fn step(&mut self, event: &Event) -> Vec<Decision> {
        match event {
            Event::Submitted { .. } => self.start(),
            Event::CancelRequested => self.cancel(),
            Event::Nondeterminism { rows, .. } => {
                self.redone_epochs += self.cost(rows);
                vec![]
            }
            Event::Claimed { segment, .. } => self.claim(*segment),
            Event::PauseRequested => self.pause(),
            Event::Resumed => self.resume(),
            Event::Extended { seeds, levels, epochs } => self.extend(seeds, levels, *epochs),
            Event::Reported { segment, rows, redone, .. } => {
                self.redone_epochs += u64::from(*redone);
                self.take_rows(*segment, rows);
                vec![]
            }
            Event::Saved { segment, branches, .. } => self.save(*segment, branches),
            Event::Finished { segment, branches, .. } => self.finish(*segment, branches),
            Event::Failed { segment, message, .. } => self.fail(*segment, message),
            Event::Lost { segment, .. } => self.lose(*segment),
        }
    }

    fn claim(&mut self, segment: SegmentId) -> Vec<Decision> {
        let Some(work) = self.open_work(segment) else { return vec![] };
        work.leased = true;
        // What was said to an earlier holder about its epoch at hand is over with its lease.
        work.stops.retain(|stop| stop.at_epoch > 0);
        self.begun = true;
        match self.status {
            SweepStatus::Queued => self.status = SweepStatus::Running,
            // Its worker got it while the sweep was being paused.
            SweepStatus::Paused => return self.drain(segment).into_iter().collect(),
            _ => {}
        }
        vec![]
    }

    fn cancel(&mut self) -> Vec<Decision> {
        if self.status.is_final() {
            return vec![];
        }
        let mut decisions = vec![];
        for (&id, work) in self.segments.iter_mut().filter(|(_, work)| work.open) {
            if work.leased {
                let arms = work.segment.arms().collect();
                let stop = Stop { arms, at_epoch: 0 };
                work.stops.push(stop.clone());
                let reason = "the sweep was cancelled; the worker hands in what it has".into();
                decisions.push(Decision { action: Action::Stop { segment: id, stop }, reason });
            } else {
                work.open = false;
                let reason = "the sweep was cancelled before a worker took this".into();
                decisions.push(Decision { action: Action::Withdraw { segment: id }, reason });
            }
        }
        for trial in self.trials.values_mut().filter(|t| t.status == TrialStatus::Active) {
            trial.status = TrialStatus::Cancelled;
            trial.reason = Some("the sweep was cancelled".into());
        }
        self.status = SweepStatus::Cancelled;
        decisions.push(Decision { action: Action::Cancel, reason: "a user asked for it".into() });
        decisions
    }

    /// What training `rows` costs, in epochs of one gradient a mini-batch.
    fn cost(&self, rows: &[ReportRow]) -> u64 {
        let gradients = |row: &ReportRow| row.arms.first().map_or(1, |&arm| self.gradients(arm));
        rows.iter().map(|row| u64::from(gradients(row))).sum()
    }

    /// Gradients that an arm takes of each mini-batch.
    pub(super) fn gradients(&self, arm: ArmIx) -> u32 {
        self.plan.arms.get(arm.ix()).map_or(1, |arm| arm.gradients_per_step())
    }

    fn take_rows(&mut self, segment: SegmentId, rows: &[ReportRow]) {
        let Some(work) = self.segments.get(&segment) else { return };
        let family = work.segment.family;
        self.trained_epochs += self.cost(rows);
        for row in rows {
            for &arm in &row.arms {
                if let Some(trial) = self.trials.get_mut(&TrialKey::new(family, arm)) {
                    trial.curve.push(Point::from(row));
                    trial.onset_step = trial.onset_step.or(row.onset_step);
                }
            }
        }
    }

    fn finish(&mut self, segment: SegmentId, branches: &[FinishedBranch]) -> Vec<Decision> {
        let Some(work) = self.close(segment) else { return vec![] };
        let family = work.family;
        let mut decisions = vec![];
        for branch in branches {
            self.keep(family, branch, true);
            for &arm in &branch.arms {
                let key = TrialKey::new(family, arm);
                let Some(trial) = self.trials.get_mut(&key) else { continue };
                if let Some(test) = branch.test {
                    trial.tests.insert(work.from_step, test);
                }
                if branch.end == BranchEnd::Diverged && trial.status == TrialStatus::Active {
                    let reason = format!("a loss was not finite after step {}", branch.step);
                    decisions.push(trial.end(key, TrialEnd::Diverged, reason));
                }
            }
        }
        decisions.extend(self.after(&work));
        decisions
    }

    fn fail(&mut self, segment: SegmentId, message: &str) -> Vec<Decision> {
        let Some(work) = self.open_work(segment) else { return vec![] };
        work.leased = false;
        work.failures += 1;
        let failures = work.failures;
        let saved = work.saved;
        if failures < MAX_FAILURES && !self.status.is_final() {
            if saved {
                return self.recut(segment, &format!("failed: {message}"));
            }
            let reason = format!("failed, {failures} of at most {MAX_FAILURES} times: {message}");
            return vec![Decision { action: Action::Retry { segment }, reason }];
        }
        self.give_up(segment, &format!("failed {failures} times, at last: {message}"))
    }

    fn lose(&mut self, segment: SegmentId) -> Vec<Decision> {
        let Some(work) = self.open_work(segment) else { return vec![] };
        work.leased = false;
        work.losses += 1;
        if work.losses < MAX_LOSSES {
            return match work.saved {
                true => self.recut(segment, "its worker was lost"),
                false => vec![],
            };
        }
        let reason = format!("its workers were lost {MAX_LOSSES} times");
        self.give_up(segment, &reason)
    }

    /// Closes a segment for good; its trials end as failed.
    fn give_up(&mut self, segment: SegmentId, reason: &str) -> Vec<Decision> {
        let Some(work) = self.close(segment) else { return vec![] };
        let mut decisions =
            vec![Decision { action: Action::Withdraw { segment }, reason: reason.into() }];
        if work.kind == SegmentKind::Train {
            for arm in work.arms() {
                let key = TrialKey::new(work.family, arm);
                let active = |trial: &&mut Trial| trial.status == TrialStatus::Active;
                if let Some(trial) = self.trials.get_mut(&key).filter(active) {
                    decisions.push(trial.end(key, TrialEnd::Failed, reason.into()));
                }
            }
        }
        decisions.extend(self.after(&work));
        decisions
    }

    /// What follows once a segment is over.
    pub(super) fn after(&mut self, segment: &Segment) -> Vec<Decision> {
        if self.status.is_final() {
            return vec![];
        }
        match segment.kind {
            SegmentKind::Train => {
                let arms: Vec<_> = segment.arms().collect();
                let of_family = |bracket: &&Bracket| bracket.families.contains(&segment.family);
                let extended = self.brackets.iter().find(of_family).is_some_and(|b| b.extended);
                let mut decisions = match self.spec.scheduler.kind {
                    SchedulerKind::Asha if !extended => self.promote(segment.family, &arms),
                    _ => self.advance(segment.family, &arms),
                };
                decisions.extend(self.climb(segment.family));
                decisions
            }
            SegmentKind::Test => self.conclude(),
        }
    }

    fn open_work(&mut self, segment: SegmentId) -> Option<&mut Work> {
        self.segments.get_mut(&segment).filter(|work| work.open)
    }

    pub(super) fn close(&mut self, segment: SegmentId) -> Option<Segment> {
        let work = self.open_work(segment)?;
        work.open = false;
        work.leased = false;
        Some(work.segment.clone())
    }

    /// The sweep as submitted, its split filled in.
    pub fn spec(&self) -> &SweepSpec {
        &self.spec
    }

    /// Its arms and families.
    pub fn plan(&self) -> &SearchSpace {
        &self.plan
    }

    /// Its rungs.
    pub fn rungs(&self) -> &Rungs {
        &self.rungs
    }

    /// Mini-batches in an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.steps_per_epoch
    }

    /// Where it stands.
    pub fn status(&self) -> SweepStatus {
        self.status
    }

    /// A trial.
    pub fn trial(&self, trial: TrialKey) -> Option<&Trial> {
        self.trials.get(&trial)
    }

    /// The checkpoints that a trial keeps beside its newest: of its best epoch and, for a trunk,
    /// those at which dormant arms can be woken, also by an extension of the completed sweep.
    pub fn kept(&self, trial: TrialKey) -> BTreeSet<Digest> {
        let best = self.trials.get(&trial).and_then(|state| state.best);
        let given_up = matches!(self.status, SweepStatus::Failed | SweepStatus::Cancelled);
        let is_trunk = trial.arm == ArmIx::PLAIN && !given_up;
        let trunk = self.trunks.get(&trial.family).filter(|_| is_trunk);
        let waypoints = trunk.into_iter().flat_map(Trunk::checkpoints);
        waypoints.chain(best.map(|best| best.checkpoint)).collect()
    }

    /// All trials, by family, then arm.
    pub fn trials(&self) -> impl Iterator<Item = (TrialKey, &Trial)> {
        self.trials.iter().map(|(key, trial)| (*key, trial))
    }

    /// A segment that isn't over yet.
    pub fn open_segment(&self, segment: SegmentId) -> Option<&Segment> {
        self.segments.get(&segment).filter(|work| work.open).map(|work| &work.segment)
    }

    /// Which arms of a segment are to be stopped.
    pub fn stops(&self, segment: SegmentId) -> &[Stop] {
        self.segments.get(&segment).map_or(&[], |work| &work.stops)
    }
}

impl Trial {
    /// Ends the trial, and says so.
    pub(super) fn end(&mut self, key: TrialKey, end: TrialEnd, reason: String) -> Decision {
        self.status = match end {
            TrialEnd::Completed => TrialStatus::Completed,
            TrialEnd::Diverged => TrialStatus::Diverged,
            TrialEnd::Failed => TrialStatus::Failed,
        };
        self.reason = Some(reason.clone());
        Decision { action: Action::End { trial: key, end }, reason }
    }

    /// Ends the trial after all its `epochs`; one that `rides` was the plain run all along.
    pub(super) fn complete(&mut self, key: TrialKey, rides: bool, epochs: u32) -> Decision {
        let reason = match (rides, epochs) {
            (true, _) => "the training loss never fell below it: it is the plain run".into(),
            (false, 1) => "trained its only epoch".into(),
            (false, _) => format!("trained all {epochs} epochs"),
        };
        self.end(key, TrialEnd::Completed, reason)
    }
}
