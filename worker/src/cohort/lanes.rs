//! The members of a cohort, spread over the machine's threads.

use super::{error::TrainError, group::Group, member::Member, setup::TrainingSetup, threads::pool};
use crate::{checkpoint::State, device::Machine};
use rayon::{ThreadPool, prelude::*};
use std::thread;

/// Groups side by side, and how many members they have room for together.
pub(super) struct Lanes<'a> {
    machine: &'a Machine,
    setup: &'a TrainingSetup,
    width: usize,
    lanes: Vec<Lane>,
}

/// A group and the threads that its tensor operations may use.
///
/// Groups share no pool: an operation that waits for its parts would otherwise pick up another
/// group's work in between.
struct Lane {
    group: Group,
    pool: ThreadPool,
}

impl<'a> Lanes<'a> {
    /// None yet, for at most `width` members at once.
    pub fn new(machine: &'a Machine, setup: &'a TrainingSetup, width: usize) -> Self {
        Self { machine, setup, width, lanes: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.lanes.iter().map(|lane| &lane.group)
    }

    pub fn groups_mut(&mut self) -> impl Iterator<Item = &mut Group> {
        self.lanes.iter_mut().map(|lane| &mut lane.group)
    }

    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.groups().flat_map(|group| &group.members)
    }

    /// How many more members there is room for.
    pub fn room(&self) -> usize {
        self.width.saturating_sub(self.members().count())
    }

    /// Whether no spread over the threads is better than this one.
    pub fn is_even(&self) -> bool {
        let sizes = || self.groups().map(|group| group.members.len());
        let (least, most) = (sizes().min(), sizes().max());
        self.lanes.len() >= sizes().sum::<usize>().min(self.machine.lanes())
            && most.unwrap_or_default() <= least.unwrap_or_default() + 1
    }

    /// Runs `work` on every group at once, each in its own threads.
    pub fn each<T: Send>(
        &mut self,
        work: impl Fn(&mut Group) -> Result<T, TrainError> + Sync,
    ) -> Result<Vec<T>, TrainError> {
        let work = &work;
        if let [Lane { group, pool }] = &mut self.lanes[..] {
            return Ok(vec![pool.install(|| work(group))?]);
        }
        thread::scope(|scope| {
            let running: Vec<_> = self
                .lanes
                .iter_mut()
                .map(|Lane { group, pool }| scope.spawn(move || pool.install(|| work(group))))
                .collect();
            running
                .into_iter()
                .map(|lane| lane.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    }

    /// The members, with their states after `step` steps.
    pub fn states(&mut self, step: u64) -> Result<Vec<(Member, State)>, TrainError> {
        let setup = self.setup;
        let members = self.each(|group| Ok(group.unstack(setup, step)))?;
        Ok(members.into_iter().flatten().collect())
    }

    /// Takes the members apart.
    pub fn clear(&mut self, step: u64) -> Result<Vec<(Member, State)>, TrainError> {
        let members = self.states(step);
        self.lanes.clear();
        members
    }

    /// Spreads members over the machine's threads, as evenly as can be, in their order, in place of
    /// those that are there.
    pub fn spread(&mut self, members: Vec<(Member, State)>) -> Result<(), TrainError> {
        let (machine, setup) = (self.machine, self.setup);
        let groups = machine.lanes().min(members.len());
        let mut rest = members.into_iter();
        let mut room = self.width;
        let mut parts = Vec::with_capacity(groups);
        for i in 0..groups {
            let size = rest.len().div_ceil(groups - i);
            let part: Vec<_> = rest.by_ref().take(size).collect();
            // What there is room for beyond the members is shared too.
            let own = room.div_ceil(groups - i);
            room -= own;
            parts.push((part, own));
        }
        let lane = |(part, room): (Vec<_>, _)| {
            let (members, states): (Vec<_>, Vec<_>) = part.into_iter().unzip();
            let group = Group::new(setup, members, &states, machine, room);
            Ok(Lane { group, pool: pool(machine.threads() / groups)? })
        };
        let lanes: Result<_, TrainError> =
            pool(groups)?.install(|| parts.into_par_iter().map(lane).collect());
        self.lanes = lanes?;
        Ok(())
    }
}
