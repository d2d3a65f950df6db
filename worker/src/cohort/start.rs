//! The members of a segment: the states that its branches start from, and how many there is memory
//! for at once.

use super::{arm::Arm, batches, error::TrainError, job::Job, member::Member, setup::TrainingSetup};
use crate::{
    checkpoint::State,
    device::Machine,
    memory::{Footprint, Holding},
};
use bytes::Bytes;
use floodgauge_protocol::{ArmIx, Branch, Digest, Segment, segment::Start};
use std::collections::HashMap;

/// The members of the job's segment with the states that they start from, in its order.
pub(super) fn members(
    setup: &TrainingSetup,
    job: Job<'_>,
    checkpoints: &HashMap<Digest, Bytes>,
) -> Result<Vec<(Member, State)>, TrainError> {
    let segment = job.segment;
    let steps = |at| TrainError::Steps { at, from: segment.from_step, to: segment.to_step };
    if segment.to_step < segment.from_step {
        return Err(steps(segment.from_step));
    }
    let mut members = Vec::with_capacity(segment.branches.len());
    for (branch, spec) in segment.branches.iter().enumerate() {
        let state = match spec.start {
            Start::Init => setup.init(),
            Start::Checkpoint { digest } => {
                let bytes = checkpoints.get(&digest).ok_or(TrainError::Missing(digest))?;
                State::from_bytes(bytes, &setup.layout)
                    .map_err(|source| TrainError::Checkpoint { digest, source })?
            }
        };
        if state.step != segment.from_step {
            return Err(steps(state.step));
        }
        let watch = methods(job, &spec.watch)?.into_iter().map(|arm| arm.method).collect();
        let arms = arms(job, branch, spec)?;
        members.push((Member::new(branch, arms, watch, state.tally, spec), state));
    }
    Ok(members)
}

/// How many members `machine` has memory for at once, of those that train in `segment`.
pub(super) fn width(setup: &TrainingSetup, machine: &Machine, segment: &Segment) -> usize {
    let blocks = machine.block() > 1;
    let footprint =
        Footprint::of(&setup.architecture, &setup.layout, setup.dim, setup.batch_size, blocks);
    let branches = &segment.branches;
    let holding = Holding {
        branches: branches.len(),
        arms: branches.iter().map(|branch| branch.arms.len()).sum(),
        dormant: branches.iter().map(|branch| branch.watch.len()).sum(),
    };
    let batches = machine.lanes() * batches::bytes_held(setup.batch_size * setup.dim);
    let memory = machine.memory().saturating_sub(batches as u64);
    let width = footprint.width(memory, holding);
    if width < holding.arms {
        tracing::debug!(width, arms = holding.arms, "memory bounds the stack");
    }
    width
}

/// Arms of the sweep with their methods.
fn methods(job: Job<'_>, arms: &[ArmIx]) -> Result<Vec<Arm>, TrainError> {
    let known = job.arms.len();
    let arm = |ix: &ArmIx| match job.arms.get(ix.ix()) {
        Some(&method) => Ok(Arm { ix: *ix, method }),
        None => Err(TrainError::UnknownArm { arm: ix.ix(), arms: known }),
    };
    arms.iter().map(arm).collect()
}

/// The arms of a branch, once it is sure that one run can stand for them all.
fn arms(job: Job<'_>, branch: usize, spec: &Branch) -> Result<Vec<Arm>, TrainError> {
    let arms = methods(job, &spec.arms)?;
    let share = spec.onset_step.is_none() && arms.iter().all(|arm| arm.method.shares_trunk());
    if arms.len() == 1 || (arms.len() > 1 && share) {
        return Ok(arms);
    }
    Err(TrainError::Arms { branch, arms: arms.len() })
}
