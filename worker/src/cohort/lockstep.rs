//! Takes a cohort from step to step, its members spread over threads.

use super::{
    Ended, Job, Progress, TrainError,
    fork::Arm,
    group::{Group, Member},
    keep::Files,
    start::Plan,
};
use crate::{
    augment::Augmentation,
    checkpoint::State,
    data::Data,
    device::Machine,
    evaluate::Scores,
    seeds::{self, Purpose},
};
use floodgauge_protocol::{
    ArmIx, Metric,
    segment::last_epoch,
    work::{BranchEnd, FinishedBranch, ReportRow, TestMetrics},
};
use rand::seq::SliceRandom;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    thread,
    time::{Duration, Instant},
};

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
    /// What forward, backward, update and the evaluation's forward took so far.
    work: Duration,
    /// The runs that ended, each with its place in the answer.
    ended: Vec<((usize, Option<ArmIx>), Ended)>,
    /// How many of them were told when states were saved.
    told: usize,
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
            work: Duration::ZERO,
            ended: Vec::new(),
            told: 0,
            lanes: lanes(plan, members, machine)?,
            step: job.segment.from_step,
            stops: HashMap::new(),
        })
    }

    /// Trains to the segment's last step, or until no member is left. Says too what of its time was
    /// forward, backward, update and the evaluation's forward.
    pub fn run(
        mut self,
        progress: &mut dyn Progress,
    ) -> Result<(Vec<Ended>, Duration), TrainError> {
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
            let goes_on = self.step < last && !self.lanes.is_empty();
            if goes_on && self.step.is_multiple_of(per_epoch) && progress.saves() {
                progress.saved(self.save()?);
            }
        }
        for (member, state) in self.members() {
            self.end(&member, state, BranchEnd::Reached)?;
        }
        let work = self.work;
        Ok((self.in_order(), work))
    }

    /// Scores on the test set; nothing is trained.
    pub fn test(mut self) -> Result<Vec<Ended>, TrainError> {
        let (data, step) = (self.data, self.step);
        let scores = each(&mut self.lanes, |group| Ok(group.scores(&data.test, data.dim)))?;
        for (lane, scores) in self.lanes.iter().zip(scores) {
            for (member, score) in lane.group.members.iter().zip(scores) {
                let mut branch = self.finished(member, step, BranchEnd::Reached);
                branch.test = Some(TestMetrics { loss: score.loss(), error: score.error() });
                self.ended.push((member.place(), Ended { branch, blobs: BTreeMap::new() }));
            }
        }
        Ok(self.in_order())
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
        let metric = self.job.segment.metric;
        let order = order(plan.seed, epoch, data.train.len());
        let augmentation = augmentation(plan, data, epoch);
        let ends_epoch = until == (epoch + 1) * plan.steps_per_epoch;
        let found = each(&mut self.lanes, |group| {
            let mut work = Duration::ZERO;
            group.depart(steps.start);
            for step in steps.clone() {
                if progress.abandoned() {
                    return Err(TrainError::Abandoned);
                }
                let from = (step % plan.steps_per_epoch) as usize * plan.batch_size;
                let rows = from..(from + plan.batch_size).min(order.len());
                let (features, labels) = gather(data, augmentation.as_ref(), &order[rows]);
                let began = Instant::now();
                group.step(plan, step, features, data.dim, &labels);
                work += began.elapsed();
            }
            group.members.iter_mut().for_each(Member::arrive);
            if !ends_epoch {
                return Ok((vec![], work));
            }
            let began = Instant::now();
            let scores = group.scores(&data.val, data.dim);
            work += began.elapsed();
            group.keep_best(metric, epoch as u32 + 1, until, &scores);
            Ok((scores, work))
        })?;
        let (scores, work): (_, Vec<_>) = found.into_iter().unzip();
        self.work += work.into_iter().max().unwrap_or_default();
        Ok(scores)
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
                let (train_loss, diagnostics) = member.close(self.plan.steps_per_epoch);
                let row = ReportRow {
                    arms: member.arm_ids(),
                    epoch,
                    step: self.step,
                    train_loss,
                    val_loss: scores.loss(),
                    val_error: scores.error(),
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
        if !self.any(ends) && self.is_even() {
            return Ok(());
        }
        let (mut staying, mut leaving) = (Vec::new(), Vec::new());
        for (mut member, state) in self.members() {
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
        self.lanes = lanes(self.plan, staying, self.machine)?;
        for (member, state, end) in leaving {
            self.end(&member, state, end)?;
        }
        Ok(())
    }

    /// Which arms are to stop here. At the segment's last step none are: they have reached it.
    fn to_stop(&self) -> impl Fn(&Arm) -> bool + use<> {
        let per_epoch = self.plan.steps_per_epoch;
        let here = self.step.is_multiple_of(per_epoch) && self.step < self.job.segment.to_step;
        let epochs = self.step / per_epoch;
        let due = self.stops.iter().filter(|&(_, &at)| here && u64::from(at) <= epochs);
        let due: HashSet<_> = due.map(|(&arm, _)| arm).collect();
        move |arm| due.contains(&arm.ix.ix())
    }

    /// Which members have trained as long past their onset as their branch asks.
    fn exposed(&self) -> impl Fn(&Member) -> bool + use<> {
        let (step, per_epoch) = (self.step, self.plan.steps_per_epoch);
        move |member| {
            let last = last_epoch(member.exposure, member.onset_step, per_epoch);
            last.is_some_and(|last| step >= last * per_epoch)
        }
    }

    fn any(&self, is: impl Fn(&Member) -> bool) -> bool {
        self.lanes.iter().flat_map(|lane| &lane.group.members).any(is)
    }

    /// Whether no spread over the threads is better than this one.
    fn is_even(&self) -> bool {
        let sizes = self.lanes.iter().map(|lane| lane.group.members.len());
        let (least, most) = (sizes.clone().min(), sizes.clone().max());
        let all: usize = sizes.sum();
        self.lanes.len() >= all.min(self.machine.threads())
            && most.unwrap_or_default() <= least.unwrap_or_default() + 1
    }

    fn members(&self) -> Vec<(Member, State)> {
        self.lanes.iter().flat_map(|lane| lane.group.unstack(self.plan, self.step)).collect()
    }

    fn end(&mut self, member: &Member, state: State, end: BranchEnd) -> Result<(), TrainError> {
        let ended = self.handed(member, &state, end)?;
        self.ended.push((member.place(), ended));
        Ok(())
    }

    /// A run that ends in `state`, with its checkpoints.
    fn handed(&self, member: &Member, state: &State, end: BranchEnd) -> Result<Ended, TrainError> {
        let step = member.diverged_at.unwrap_or(state.step);
        let mut branch = self.finished(member, step, end);
        let mut files = Files::new(self.plan);
        if end != BranchEnd::Diverged {
            branch.checkpoint = Some(files.add(state)?);
        }
        branch.best = files.best(member.best.here.as_ref())?;
        branch.waypoints = files.waypoints(&member.watch.waypoints)?;
        Ok(Ended { branch, blobs: files.blobs })
    }

    /// What the runs are now, and those that ended since the last time. What is told of a run's
    /// past isn't told again.
    fn save(&mut self) -> Result<Vec<Ended>, TrainError> {
        let ended = self.ended.iter().skip(self.told).map(|(_, ended)| ended);
        let whole = |ended: &&Ended| ended.branch.end != BranchEnd::Diverged;
        let mut runs: Vec<_> = ended.filter(whole).cloned().collect();
        self.told = self.ended.len();
        for (member, state) in self.members() {
            runs.push(self.handed(&member, &state, BranchEnd::Stopped)?);
        }
        let members = self.lanes.iter_mut().flat_map(|lane| &mut lane.group.members);
        members.for_each(Member::forget);
        Ok(runs)
    }

    fn in_order(mut self) -> Vec<Ended> {
        self.ended.sort_by_key(|(place, _)| *place);
        self.ended.into_iter().map(|(_, ended)| ended).collect()
    }

    fn finished(&self, member: &Member, step: u64, end: BranchEnd) -> FinishedBranch {
        FinishedBranch {
            arms: member.arm_ids(),
            end,
            step,
            onset_step: member.onset_step,
            checkpoint: None,
            test: None,
            best: None,
            waypoints: vec![],
            minima: if member.onset_step.is_none() { member.minima.clone() } else { vec![] },
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

/// How an epoch changes training images, where it does.
fn augmentation(plan: &Plan, data: &Data, epoch: u64) -> Option<Augmentation> {
    let (augment, seed) = (plan.augment, plan.seed);
    let image = data.image.filter(|_| !augment.is_none());
    image.map(|image| Augmentation { augment, image, seed, epoch })
}

/// The features `[rows, dim]` and labels of some training samples.
fn gather(data: &Data, augmentation: Option<&Augmentation>, rows: &[usize]) -> (Vec<f32>, Vec<u8>) {
    let (samples, dim) = (&data.train, data.dim);
    let mut features = Vec::with_capacity(rows.len() * dim);
    for &row in rows {
        let sample = &samples.features[row * dim..(row + 1) * dim];
        match augmentation {
            Some(augmentation) => augmentation.extend(&mut features, sample, row),
            None => features.extend_from_slice(sample),
        }
    }
    (features, rows.iter().map(|&row| samples.labels[row]).collect())
}
