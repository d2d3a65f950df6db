//! What whoever has a segment trained hears of it: on the way, and of its ends.

use bytes::Bytes;
use floodgauge_protocol::{
    Digest,
    work::{FinishedBranch, ReportRow, Stop},
};
use std::{collections::BTreeMap, time::Duration};

/// Who hears of a segment's progress.
pub trait Progress: Sync {
    /// Takes the rows of an epoch, one for each run that finished it, in the segment's order and
    /// within a branch by the first of its arms. Where memory is short some runs go first, and an
    /// epoch comes again with the rows of the others.
    /// Answers what is known by now to be stopped; a stop at a later epoch is remembered.
    /// Training waits for the answer.
    fn epoch(&mut self, rows: Vec<ReportRow>) -> Vec<Stop>;

    /// Asked at the end of each epoch, after its rows: true has the states that the runs are in
    /// made checkpoints, for [`Progress::saved`].
    fn saves(&self) -> bool {
        false
    }

    /// Takes the runs as they would have ended, had the segment been cut at the end of the epoch
    /// whose rows came last, and those that ended since the states were saved before. Runs that wait
    /// for memory are not among them.
    fn saved(&mut self, _runs: Vec<Ended>) {}

    /// Hears at the end of a trained segment what of its `whole` time was `work`: forward,
    /// backward, update and the evaluation's forward.
    fn spent(&mut self, work: Duration, whole: Duration) {
        tracing::debug!(?work, ?whole, "segment trained");
    }

    /// Asked before each step, from any thread: true gives up with
    /// [`TrainError::Abandoned`](super::TrainError::Abandoned), as on a lost lease or when the worker
    /// shuts down. Its segment is trained anew, by whoever claims it next.
    fn abandoned(&self) -> bool {
        false
    }
}

/// How a branch ended, with its state.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What to tell the server.
    pub branch: FinishedBranch,
    /// The checkpoints that it names.
    pub blobs: BTreeMap<Digest, Bytes>,
}
