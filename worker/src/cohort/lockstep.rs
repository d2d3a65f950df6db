//! Takes a cohort from step to step.

use super::{
    arm::Arm,
    batches::Batches,
    error::TrainError,
    hand_in::{Leaving, finished, hand_in},
    job::Job,
    lanes::Lanes,
    member::{Member, Place},
    metrics::measured,
    progress::{Ended, Progress},
    setup::TrainingSetup,
    start,
};
use crate::{checkpoint::State, data::Data, device::Machine, evaluate::Scores};
use floodgauge_protocol::{
    Metric,
    segment::last_epoch,
    work::{BranchEnd, ReportRow, TestMetrics},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, Instant},
};

/// A cohort between two steps.
///
/// Of what there is no room for, some waits: it joins where the others come past the step that it
/// is at, or is trained once they have ended.
pub(super) struct Lockstep<'a> {
    job: Job<'a>,
    setup: &'a TrainingSetup,
    data: &'a Data,
    machine: &'a Machine,
    lanes: Lanes<'a>,
    waiting: Vec<(Member, State)>,
    /// Steps done.
    step: u64,
    /// Orders to stop: arm to last epoch.
    stops: HashMap<usize, u32>,
    /// What forward, backward, update and the evaluation's forward took so far.
    work: Duration,
    /// The runs that ended, each with its place in the answer.
    ended: Vec<(Place, Ended)>,
    /// How many of them were handed in when states were saved.
    saved: usize,
}

impl<'a> Lockstep<'a> {
    pub fn new(
        machine: &'a Machine,
        job: Job<'a>,
        setup: &'a TrainingSetup,
        data: &'a Data,
        members: Vec<(Member, State)>,
    ) -> Self {
        Self {
            job,
            setup,
            data,
            machine,
            work: Duration::ZERO,
            ended: Vec::new(),
            saved: 0,
            lanes: Lanes::new(machine, setup, start::width(setup, machine, job.segment)),
            waiting: members,
            step: job.segment.from_step,
            stops: HashMap::new(),
        }
    }

    /// Trains to the segment's last step, or until no member is left. Says too what of its time was
    /// forward, backward, update and the evaluation's forward.
    pub fn run(
        mut self,
        progress: &mut dyn Progress,
    ) -> Result<(Vec<Ended>, Duration), TrainError> {
        let (last, per_epoch) = (self.job.segment.to_step, self.setup.steps_per_epoch);
        while self.admit()? {
            if self.step == last {
                let members = self.lanes.clear(self.step)?.into_iter();
                self.end(members.map(|(member, state)| (member, state, BranchEnd::Reached)))?;
                continue;
            }
            let epoch = self.step / per_epoch;
            let ends = (epoch + 1) * per_epoch;
            let until = self.next_waiting().map_or(last, |next| next.min(last)).min(ends);
            let scores = self.train_until(epoch, until, progress)?;
            self.step = until;
            if until == ends {
                self.report(epoch as u32 + 1, &scores, progress);
            }
            self.retire()?;
            let goes_on = self.step < last && !self.lanes.is_empty();
            if goes_on && self.step.is_multiple_of(per_epoch) && progress.saves() {
                progress.saved(self.save()?);
            }
        }
        let work = self.work;
        Ok((self.in_order(), work))
    }

    /// Scores on the test set; nothing is trained.
    pub fn test(mut self) -> Result<Vec<Ended>, TrainError> {
        let (data, step) = (self.data, self.step);
        while self.admit()? {
            let scores = self.lanes.each(|group| Ok(group.scores(&data.test, data.dim)))?;
            let scores = scores.into_iter().flatten();
            for ((member, _), score) in self.lanes.clear(step)?.into_iter().zip(scores) {
                let mut branch = finished(&member, step, BranchEnd::Reached);
                branch.test = Some(TestMetrics { loss: score.loss(), error: score.error() });
                self.ended.push((member.place(), Ended { branch, blobs: BTreeMap::new() }));
            }
        }
        Ok(self.in_order())
    }

    /// Takes in what waits at this step, as far as there is room; where nothing is trained, goes to
    /// the first step that something waits at. Says whether there is something to train.
    fn admit(&mut self) -> Result<bool, TrainError> {
        if self.lanes.members().next().is_none() {
            let Some(first) = self.waiting.iter().map(|(_, state)| state.step).min() else {
                return Ok(false);
            };
            self.step = first;
        }
        let here = |(_, state): &(Member, State)| state.step == self.step;
        let (mut joining, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(here);
        self.waiting = joining.split_off(self.lanes.room().min(joining.len()));
        self.waiting.extend(others);
        if !joining.is_empty() {
            let members = self.lanes.clear(self.step)?.into_iter().chain(joining).collect();
            self.lanes.spread(members)?;
        }
        Ok(true)
    }

    /// The next step after this one that something waits at and could join, if there is room.
    fn next_waiting(&self) -> Option<u64> {
        let steps = self.waiting.iter().map(|(_, state)| state.step);
        steps.filter(|&step| step > self.step && self.lanes.room() > 0).min()
    }

    /// Trains every group to `until`, within one epoch, and gives the members' validation scores
    /// where that ends the epoch.
    fn train_until(
        &mut self,
        epoch: u64,
        until: u64,
        progress: &dyn Progress,
    ) -> Result<Vec<Vec<Scores>>, TrainError> {
        let (data, setup, steps) = (self.data, self.setup, self.step..until);
        let segment = self.job.segment;
        let batches = Batches::of(setup, data, epoch);
        let ends_epoch = until == (epoch + 1) * setup.steps_per_epoch;
        let (first, last) = (self.job.segment.from_step, self.job.segment.to_step);
        let begins = steps.start.is_multiple_of(setup.steps_per_epoch) || steps.start == first;
        let found = self.lanes.each(|group| {
            group.work = Duration::ZERO;
            // Those that join within an epoch cut it, but what is kept has nothing to do with them.
            if begins {
                group.begin_epoch(steps.start);
            }
            let mut step = steps.start;
            while step < until {
                if progress.abandoned() {
                    return Err(TrainError::Abandoned);
                }
                step = group.train_steps(setup, step..until, &batches);
            }
            if ends_epoch || until == last {
                group.members.iter_mut().for_each(|member| member.end_epoch(setup));
            }
            if !ends_epoch {
                return Ok((vec![], group.work));
            }
            let began = Instant::now();
            let scores = group.scores(&data.val, data.dim);
            group.work += began.elapsed();
            group.keep_best(setup, segment, epoch as u32 + 1, until, &scores);
            Ok((scores, group.work))
        })?;
        let (scores, work): (_, Vec<_>) = found.into_iter().unzip();
        self.work += work.into_iter().max().unwrap_or_default();
        for group in self.lanes.groups_mut() {
            self.waiting.append(&mut group.waiting);
        }
        Ok(scores)
    }

    /// Reports the rows of epoch number `epoch`, from 1, and notes what is to be stopped.
    fn report(&mut self, epoch: u32, scores: &[Vec<Scores>], progress: &mut dyn Progress) {
        let mut rows = Vec::new();
        for (group, scores) in self.lanes.groups_mut().zip(scores) {
            for (member, scores) in group.members.iter_mut().zip(scores) {
                if member.diverged_at.is_some() {
                    continue;
                }
                if scores.loss() == Metric::Diverged {
                    member.diverged_at = Some(self.step);
                }
                let (train_loss, diagnostics) = member.close(self.setup.steps_per_epoch);
                let row = ReportRow {
                    arms: member.arm_ids(),
                    epoch,
                    step: self.step,
                    train_loss,
                    metrics: measured(scores, self.setup, self.step),
                    onset_step: member.onset_step,
                    diagnostics: Some(diagnostics),
                };
                rows.push((member.place(), row));
            }
        }
        if rows.is_empty() {
            return;
        }
        rows.sort_by_key(|(place, _)| *place);
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        for stop in progress.epoch(rows) {
            for arm in stop.arms {
                let at = self.stops.entry(arm.ix()).or_insert(stop.at_epoch);
                *at = stop.at_epoch.min(*at);
            }
        }
    }

    /// Ends the arms that diverged, are exposed enough or are to be stopped, and spreads the members anew over the
    /// threads where any left, or where forks made some groups larger than others.
    fn retire(&mut self) -> Result<(), TrainError> {
        let diverged = |member: &Member| member.diverged_at.is_some();
        let stops = self.to_stop();
        let exposed = self.exposed();
        let ends =
            |member: &Member| diverged(member) || exposed(member) || member.arms.iter().any(&stops);
        if !self.lanes.members().any(ends) && self.lanes.is_even() {
            return Ok(());
        }
        let (mut staying, mut leaving) = (Vec::new(), Vec::new());
        for (mut member, state) in self.lanes.clear(self.step)? {
            if diverged(&member) {
                leaving.push((member, state, BranchEnd::Diverged));
            } else if exposed(&member) {
                leaving.push((member, state, BranchEnd::Reached));
            } else if member.arms.iter().all(&stops) {
                leaving.push((member, state, BranchEnd::Stopped));
            } else {
                if let Some(stopped) = member.part(&stops) {
                    leaving.push((stopped, state.clone(), BranchEnd::Stopped));
                }
                staying.push((member, state));
            }
        }
        self.lanes.spread(staying)?;
        self.end(leaving)
    }

    /// Which arms are to stop here. At the segment's last step none are: they have reached it.
    fn to_stop(&self) -> impl Fn(&Arm) -> bool + use<> {
        let per_epoch = self.setup.steps_per_epoch;
        let here = self.step.is_multiple_of(per_epoch) && self.step < self.job.segment.to_step;
        let epochs = self.step / per_epoch;
        let due = self.stops.iter().filter(|&(_, &at)| here && u64::from(at) <= epochs);
        let due: HashSet<_> = due.map(|(&arm, _)| arm).collect();
        move |arm| due.contains(&arm.ix.ix())
    }

    /// Which members have trained as long past their onset as their branch asks.
    fn exposed(&self) -> impl Fn(&Member) -> bool + use<> {
        let (step, per_epoch) = (self.step, self.setup.steps_per_epoch);
        move |member| {
            let last = last_epoch(member.exposure, member.onset_step, per_epoch);
            last.is_some_and(|last| step >= last * per_epoch)
        }
    }

    fn end(&mut self, leaving: impl IntoIterator<Item = Leaving>) -> Result<(), TrainError> {
        self.ended.extend(hand_in(self.machine, self.setup, leaving)?);
        Ok(())
    }

    /// What the runs are now, and those that ended since the last time. What was handed in of a
    /// run's past isn't handed in again, and nothing of what waits.
    fn save(&mut self) -> Result<Vec<Ended>, TrainError> {
        let ended = self.ended.iter().skip(self.saved).map(|(_, ended)| ended);
        let whole = |ended: &&Ended| ended.branch.end != BranchEnd::Diverged;
        let mut runs: Vec<_> = ended.filter(whole).cloned().collect();
        self.saved = self.ended.len();
        let members = self.lanes.states(self.step)?.into_iter();
        let members = members.map(|(member, state)| (member, state, BranchEnd::Stopped));
        let now = hand_in(self.machine, self.setup, members)?;
        runs.extend(now.into_iter().map(|(_, ended)| ended));
        let members = self.lanes.groups_mut().flat_map(|group| &mut group.members);
        members.for_each(Member::forget_saved);
        Ok(runs)
    }

    fn in_order(mut self) -> Vec<Ended> {
        self.ended.sort_by_key(|(place, _)| *place);
        self.ended.into_iter().map(|(_, ended)| ended).collect()
    }
}
