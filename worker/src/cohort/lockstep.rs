//! Takes a cohort from step to step, its members spread over threads.

use super::{
    Ended, Job, Progress, TrainError,
    group::{Group, Member},
    start::Plan,
};
use crate::{
    checkpoint::State,
    data::{Data, Samples},
    device::Machine,
    evaluate::Scores,
    seeds::{self, Purpose},
};
use floodgauge_protocol::{
    Metric,
    work::{BranchEnd, FinishedBranch, ReportRow, TestMetrics},
};
use rand::seq::SliceRandom;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::{collections::HashMap, thread};

/// A cohort between two steps.
pub(super) struct Lockstep<'a> {
    job: Job<'a>,
    plan: &'a Plan,
    data: &'a Data,
    machine: &'a Machine,
    lanes: Vec<Lane>,
    /// Steps done.
    step: u64,
    /// Orders to stop: arm to last epoch.
    stops: HashMap<usize, u32>,
    ended: Vec<Option<Ended>>,
}

/// A group and the threads that its tensor operations may use.
///
/// Groups share no pool: an operation that waits for its parts would otherwise pick up another
/// group's work in between.
struct Lane {
    group: Group,
    pool: ThreadPool,
}

impl<'a> Lockstep<'a> {
    pub fn new(
        machine: &'a Machine,
        job: Job<'a>,
        plan: &'a Plan,
        data: &'a Data,
        members: Vec<(Member, State)>,
    ) -> Result<Self, TrainError> {
        Ok(Self {
            job,
            plan,
            data,
            machine,
            ended: members.iter().map(|_| None).collect(),
            lanes: lanes(plan, members, machine)?,
            step: job.segment.from_step,
            stops: HashMap::new(),
        })
    }

    /// Trains to the segment's last step, or until no member is left.
    pub fn run(mut self, progress: &mut dyn Progress) -> Result<Vec<Ended>, TrainError> {
        let (last, per_epoch) = (self.job.segment.to_step, self.plan.steps_per_epoch);
        while self.step < last && !self.lanes.is_empty() {
            let epoch = self.step / per_epoch;
            let until = ((epoch + 1) * per_epoch).min(last);
            let scores = self.advance(epoch, until, progress)?;
            self.step = until;
            if until == (epoch + 1) * per_epoch {
                self.report(epoch as u32 + 1, &scores, progress);
            }
            self.retire()?;
        }
        for (member, state) in self.members() {
            self.end(member, state, BranchEnd::Reached)?;
        }
        Ok(self.ended.into_iter().flatten().collect())
    }

    /// Scores on the test set; nothing is trained.
    pub fn test(mut self) -> Result<Vec<Ended>, TrainError> {
        let (data, step) = (self.data, self.step);
        let scores = each(&mut self.lanes, |group| Ok(group.scores(&data.test, data.dim)))?;
        for (lane, scores) in self.lanes.iter().zip(scores) {
            for (member, score) in lane.group.members.iter().zip(scores) {
                let mut branch = self.finished(member, step, BranchEnd::Reached);
                branch.test = Some(TestMetrics { loss: score.loss(), error: score.error() });
                self.ended[member.branch] = Some(Ended { branch, checkpoint: None });
            }
        }
        Ok(self.ended.into_iter().flatten().collect())
    }

    /// Trains every group to `until`, within one epoch, and gives the members' validation scores
    /// where that ends the epoch.
    fn advance(
        &mut self,
        epoch: u64,
        until: u64,
        progress: &dyn Progress,
    ) -> Result<Vec<Vec<Scores>>, TrainError> {
        let (data, plan, steps) = (self.data, self.plan, self.step..until);
        let order = order(plan.seed, epoch, data.train.len());
        let ends_epoch = until == (epoch + 1) * plan.steps_per_epoch;
        each(&mut self.lanes, |group| {
            for step in steps.clone() {
                if progress.abandoned() {
                    return Err(TrainError::Abandoned);
                }
                let from = (step % plan.steps_per_epoch) as usize * plan.batch_size;
                let rows = from..(from + plan.batch_size).min(order.len());
                let (features, labels) = gather(&data.train, data.dim, &order[rows]);
                group.step(step, features, data.dim, &labels);
            }
            Ok(if ends_epoch { group.scores(&data.val, data.dim) } else { vec![] })
        })
    }

    /// Reports the rows of epoch number `epoch`, from 1, and notes what is to be stopped.
    fn report(&mut self, epoch: u32, scores: &[Vec<Scores>], progress: &mut dyn Progress) {
        let mut rows = Vec::new();
        for (lane, scores) in self.lanes.iter_mut().zip(scores) {
            for (member, scores) in lane.group.members.iter_mut().zip(scores) {
                if member.diverged_at.is_some() {
                    continue;
                }
                if scores.loss() == Metric::Diverged {
                    member.diverged_at = Some(self.step);
                }
                let batches = self.plan.steps_per_epoch as f64;
                rows.push(ReportRow {
                    arms: self.job.segment.branches[member.branch].arms.clone(),
                    epoch,
                    step: self.step,
                    train_loss: Metric::from(std::mem::take(&mut member.loss_sum) / batches),
                    val_loss: scores.loss(),
                    val_error: scores.error(),
                    onset_step: member.onset_step,
                    diagnostics: Some(member.diagnose(self.plan.steps_per_epoch)),
                });
            }
        }
        if rows.is_empty() {
            return;
        }
        for stop in progress.epoch(rows) {
            for arm in stop.arms {
                let at = self.stops.entry(arm.ix()).or_insert(stop.at_epoch);
                *at = stop.at_epoch.min(*at);
            }
        }
    }

    /// Ends the members that diverged or are to be stopped, and spreads the others anew.
    fn retire(&mut self) -> Result<(), TrainError> {
        let at_epoch_end = self.step.is_multiple_of(self.plan.steps_per_epoch);
        let epochs = self.step / self.plan.steps_per_epoch;
        let stopped = |member: &Member| {
            let arms = &self.job.segment.branches[member.branch].arms;
            let stop = |arm| self.stops.get(&arm).is_some_and(|&at| u64::from(at) <= epochs);
            at_epoch_end
                && self.step < self.job.segment.to_step
                && arms.iter().all(|arm| stop(arm.ix()))
        };
        let leaves = |member: &Member| member.diverged_at.is_some() || stopped(member);
        if !self.lanes.iter().flat_map(|lane| &lane.group.members).any(leaves) {
            return Ok(());
        }
        let (leaving, staying): (Vec<_>, Vec<_>) =
            self.members().into_iter().partition(|(member, _)| leaves(member));
        self.lanes = lanes(self.plan, staying, self.machine)?;
        for (member, state) in leaving {
            let end = match member.diverged_at {
                Some(_) => BranchEnd::Diverged,
                None => BranchEnd::Stopped,
            };
            self.end(member, state, end)?;
        }
        Ok(())
    }

    fn members(&self) -> Vec<(Member, State)> {
        self.lanes.iter().flat_map(|lane| lane.group.unstack(self.plan, self.step)).collect()
    }

    fn end(&mut self, member: Member, state: State, end: BranchEnd) -> Result<(), TrainError> {
        let step = member.diverged_at.unwrap_or(state.step);
        let mut branch = self.finished(&member, step, end);
        let mut checkpoint = None;
        if end != BranchEnd::Diverged {
            let (bytes, digest) = state.to_bytes().map_err(TrainError::Save)?;
            branch.checkpoint = Some(digest);
            checkpoint = Some(bytes);
        }
        self.ended[member.branch] = Some(Ended { branch, checkpoint });
        Ok(())
    }

    fn finished(&self, member: &Member, step: u64, end: BranchEnd) -> FinishedBranch {
        FinishedBranch {
            arms: self.job.segment.branches[member.branch].arms.clone(),
            end,
            step,
            onset_step: member.onset_step,
            checkpoint: None,
            test: None,
        }
    }
}

/// Spreads members over the machine's threads, as evenly as can be, in their order.
fn lanes(
    plan: &Plan,
    members: Vec<(Member, State)>,
    machine: &Machine,
) -> Result<Vec<Lane>, TrainError> {
    let groups = machine.threads().min(members.len());
    let mut lanes = Vec::with_capacity(groups);
    let mut rest = members.into_iter();
    for i in 0..groups {
        let size = rest.len().div_ceil(groups - i);
        let (members, states): (Vec<_>, Vec<_>) = rest.by_ref().take(size).unzip();
        let pool = ThreadPoolBuilder::new()
            .num_threads((machine.threads() / groups).max(1))
            .build()
            .map_err(|error| TrainError::Threads(std::io::Error::other(error)))?;
        let group = Group::stack(plan, members, &states, machine.device());
        lanes.push(Lane { group, pool });
    }
    Ok(lanes)
}

/// Runs `work` on every group at once, each in its own threads.
fn each<T: Send>(
    lanes: &mut [Lane],
    work: impl Fn(&mut Group) -> Result<T, TrainError> + Sync,
) -> Result<Vec<T>, TrainError> {
    let work = &work;
    thread::scope(|scope| {
        let running: Vec<_> = lanes
            .iter_mut()
            .map(|Lane { group, pool }| scope.spawn(move || pool.install(|| work(group))))
            .collect();
        running
            .into_iter()
            .map(|lane| lane.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// The order of an epoch's samples: a function of seed and epoch (from 0) alone.
fn order(seed: u32, epoch: u64, samples: usize) -> Vec<usize> {
    let mut order: Vec<_> = (0..samples).collect();
    order.shuffle(&mut seeds::stream(seed, Purpose::Batches, epoch));
    order
}

/// The features `[rows, dim]` and labels of some samples.
fn gather(samples: &Samples, dim: usize, rows: &[usize]) -> (Vec<f32>, Vec<u8>) {
    let mut features = Vec::with_capacity(rows.len() * dim);
    for &row in rows {
        features.extend_from_slice(&samples.features[row * dim..(row + 1) * dim]);
    }
    (features, rows.iter().map(|&row| samples.labels[row]).collect())
}
