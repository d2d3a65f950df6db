//! What a sweep cost, in epochs of one gradient a mini-batch.

use floodgauge_protocol::{ArmIx, SearchSpace, work::ReportRow};

/// Epochs trained; one of two gradients a mini-batch counts twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    trained: u64,
    redone: u64,
    left_behind: u64,
}

impl Cost {
    /// Epochs trained; one that several arms share counts once.
    pub fn trained(self) -> u64 {
        self.trained
    }

    /// Epochs reported again: trained once more after a crash, or sent once more.
    pub fn redone(self) -> u64 {
        self.redone
    }

    /// Those of the trained that a family left behind when it started over.
    pub fn left_behind(self) -> u64 {
        self.left_behind
    }

    /// Counts epochs that were trained.
    pub(super) fn train(&mut self, epochs: u64) {
        self.trained += epochs;
    }

    /// Counts epochs that were reported again.
    pub(super) fn redo(&mut self, epochs: u64) {
        self.redone += epochs;
    }

    /// Counts trained epochs that a family leaves behind.
    pub(super) fn leave_behind(&mut self, epochs: u64) {
        self.left_behind += epochs;
    }
}

/// What training `rows` costs, in epochs of one gradient a mini-batch.
pub fn epochs_of(space: &SearchSpace, rows: &[ReportRow]) -> u64 {
    let gradients = |row: &ReportRow| row.arms.first().map_or(1, |&arm| gradients(space, arm));
    rows.iter().map(|row| u64::from(gradients(row))).sum()
}

/// Gradients that an arm takes of each mini-batch.
pub fn gradients(space: &SearchSpace, arm: ArmIx) -> u32 {
    space.arms.get(arm.ix()).map_or(1, |arm| arm.gradients_per_step())
}
