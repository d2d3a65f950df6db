//! Runs as they are handed in: what the server is to know, and the checkpoints that it names.

use super::{
    error::TrainError,
    keep::Waypoint,
    member::{Member, Place},
    progress::Ended,
    setup::TrainingSetup,
    threads::pool,
};
use crate::{checkpoint::State, device::Machine};
use bytes::Bytes;
use floodgauge_protocol::{
    Digest,
    work::{self, BestEpoch, BranchEnd, FinishedBranch},
};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A run that ends in a state, or goes on from it.
pub(super) type Leaving = (Member, State, BranchEnd);

/// What to hand in of runs, each with its place in the answer, in their order. Made on all the
/// machine's threads: most of the time goes into the digests.
pub(super) fn hand_in(
    machine: &Machine,
    setup: &TrainingSetup,
    leaving: impl IntoIterator<Item = Leaving>,
) -> Result<Vec<(Place, Ended)>, TrainError> {
    let leaving: Vec<_> = leaving.into_iter().collect();
    if leaving.is_empty() {
        return Ok(vec![]);
    }
    let ended =
        |(member, state, end): Leaving| Ok((member.place(), ended(setup, &member, &state, end)?));
    pool(machine.threads())?.install(|| leaving.into_par_iter().map(ended).collect())
}

/// A run that ends in `state`, with its checkpoints.
fn ended(
    setup: &TrainingSetup,
    member: &Member,
    state: &State,
    end: BranchEnd,
) -> Result<Ended, TrainError> {
    let step = member.diverged_at.unwrap_or(state.step);
    let mut branch = finished(member, step, end);
    let mut files = Files { setup, blobs: BTreeMap::new() };
    let whole = (end != BranchEnd::Diverged).then_some(state);
    let best = member.best.here.as_ref();
    // A run that ends after its best epoch has one state for both.
    let before = best.filter(|(_, kept)| whole.is_none_or(|state| state.step != kept.step()));
    let (last, before) = rayon::join(
        || whole.map(file).transpose(),
        || before.map(|(_, kept)| file(&kept.state(setup))).transpose(),
    );
    branch.checkpoint = last?.map(|last| files.add(last));
    let checkpoint = before?.map(|before| files.add(before)).or(branch.checkpoint);
    branch.best = best
        .zip(checkpoint)
        .map(|((epoch, _), checkpoint)| BestEpoch { epoch: *epoch, checkpoint });
    branch.waypoints = files.waypoints(&member.watch.waypoints)?;
    Ok(Ended { branch, blobs: files.blobs })
}

/// A state as a checkpoint.
fn file(state: &State) -> Result<(Bytes, Digest), TrainError> {
    state.to_bytes().map_err(TrainError::Save)
}

/// What the server is to know of a run beside its states.
pub(super) fn finished(member: &Member, step: u64, end: BranchEnd) -> FinishedBranch {
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

/// The checkpoints of a run, each once.
struct Files<'a> {
    setup: &'a TrainingSetup,
    blobs: BTreeMap<Digest, Bytes>,
}

impl Files<'_> {
    /// Adds a checkpoint.
    fn add(&mut self, (bytes, digest): (Bytes, Digest)) -> Digest {
        self.blobs.insert(digest, bytes);
        digest
    }

    /// Adds the states at which levels can be woken.
    fn waypoints(&mut self, waypoints: &[Waypoint]) -> Result<Vec<work::Waypoint>, TrainError> {
        let handed_in = waypoints.iter().map(|waypoint| {
            let best = match &waypoint.best {
                Some((epoch, kept)) => {
                    let checkpoint = self.add(file(&kept.state(self.setup))?);
                    Some(BestEpoch { epoch: *epoch, checkpoint })
                }
                None => None,
            };
            let state = waypoint.state.state(self.setup);
            Ok(work::Waypoint { step: state.step, checkpoint: self.add(file(&state)?), best })
        });
        handed_in.collect()
    }
}
