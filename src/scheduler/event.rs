//! What happened to a sweep: the scheduler's only input.

use floodgauge_protocol::{
    ArmIx, Digest, FamilyIx, SegmentId, SweepSpec,
    work::{FinishedBranch, ReportRow},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One entry of a sweep's event log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A user asked for the sweep. Always the first event.
    Submitted {
        /// The sweep, its split filled in.
        spec: Box<SweepSpec>,
    },
    /// A worker took a segment.
    Claimed {
        /// By its index in the sweep, from 0, in the order in which segments were queued.
        segment: SegmentId,
        /// How often it has been claimed, from 1; later events of the same claim repeat it.
        attempt: u32,
        /// The name that the worker gave itself; several may have one.
        worker: String,
        /// What the worker's bits depend on.
        fingerprint: String,
    },
    /// A worker reported epochs that weren't known before.
    Reported {
        /// The segment that the worker holds a lease on.
        segment: SegmentId,
        /// Which of the segment's claims reported, from 1.
        attempt: u32,
        /// The epochs; each branch's in rising order.
        rows: Vec<ReportRow>,
        /// Rows of the same report that were known already, bit for bit: work redone.
        redone: u32,
    },
    /// A worker reported an epoch again with other bits; the first report stands.
    Nondeterminism {
        /// The segment that trained these epochs once more.
        segment: SegmentId,
        /// Which of the segment's claims reported, from 1.
        attempt: u32,
        /// The rows that differ from what is known.
        rows: Vec<ReportRow>,
    },
    /// A worker uploaded the states of its runs, for the case that it is lost.
    Saved {
        /// The segment, which is still being trained.
        segment: SegmentId,
        /// Which of the segment's claims saved, from 1.
        attempt: u32,
        /// What the runs are at the end of an epoch.
        branches: Vec<FinishedBranch>,
    },
    /// A worker handed in a segment.
    Finished {
        /// The segment, which is over with this.
        segment: SegmentId,
        /// Which of the segment's claims finished, from 1.
        attempt: u32,
        /// How each branch ended.
        branches: Vec<FinishedBranch>,
    },
    /// A worker gave a segment up.
    Failed {
        /// Tried again, or withdrawn where some of it was saved, or it has failed too often.
        segment: SegmentId,
        /// Which of the segment's claims failed, from 1.
        attempt: u32,
        /// What the worker said.
        message: String,
    },
    /// A worker handed a segment back since its machine is in trouble. That is no failure of the segment.
    HandedBack {
        /// Given out again, or withdrawn where some of it was saved.
        segment: SegmentId,
        /// Which of the segment's claims was handed back, from 1.
        attempt: u32,
        /// The name that the worker gave itself; several may have one.
        worker: String,
        /// What the worker said of its trouble.
        message: String,
        /// In how many seconds it asks for work again.
        retry_in_s: u32,
        /// For how many seconds nobody is given the segment, since it came back too often before. A hand-back
        /// without it is from before they were counted, and isn't.
        #[serde(default, alias = "waits_s", skip_serializing_if = "Option::is_none")]
        backoff_s: Option<u32>,
    },
    /// A lease expired, and nobody has taken its segment over yet. Its worker may still come back.
    Expired {
        /// Given to the next worker that asks.
        segment: SegmentId,
        /// Which of the segment's claims expired, from 1.
        attempt: u32,
        /// The name that the worker gave itself; several may have one.
        worker: String,
    },
    /// A lease expired and its segment was taken from its worker.
    Lost {
        /// Given out again, or withdrawn where some of it was saved, or it was lost too often.
        segment: SegmentId,
        /// Which of the segment's claims was lost, from 1.
        attempt: u32,
    },
    /// The bytes of a checkpoint turned out to be lost or damaged; what needs it is trained again.
    Damaged {
        /// Which one; several trials may have it.
        checkpoint: Digest,
    },
    /// A family starts over on another kind of machine, since none of its own has been there for long.
    /// What it had stays in the log and in the cost, and is no part of the answer.
    StartedOver {
        /// By its index in the sweep, from 0.
        family: FamilyIx,
        /// The kind of machine that it was trained on, as the worker's `claimed` event named it.
        fingerprint: String,
    },
    /// A user asked to end the sweep.
    CancelRequested,
    /// A user asked to give out nothing more of the sweep for now.
    PauseRequested,
    /// A user let a paused sweep go on.
    Resumed,
    /// A user added to a completed sweep.
    Extended {
        /// The seeds that are new.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        seeds: Vec<u32>,
        /// The levels that are new.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        levels: Vec<f64>,
        /// Arms that the sweep had, at levels that were asked for again: every family trains them to the end.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        finish: Vec<ArmIx>,
        /// Epochs of a full run from now on, if they are more than before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epochs: Option<u32>,
        /// The version of how it goes on; logs of version 0.1.0 have none, and mean 3.
        #[serde(default = "first_extension_version")]
        version: u32,
    },
}

fn first_extension_version() -> u32 {
    3
}

impl Event {
    /// The segment that the event is of; none of what users do, and of what is no segment's.
    pub fn segment(&self) -> Option<SegmentId> {
        match self {
            Self::Claimed { segment, .. }
            | Self::Reported { segment, .. }
            | Self::Nondeterminism { segment, .. }
            | Self::Saved { segment, .. }
            | Self::Finished { segment, .. }
            | Self::Failed { segment, .. }
            | Self::HandedBack { segment, .. }
            | Self::Expired { segment, .. }
            | Self::Lost { segment, .. } => Some(*segment),
            Self::Submitted { .. }
            | Self::Damaged { .. }
            | Self::StartedOver { .. }
            | Self::CancelRequested
            | Self::PauseRequested
            | Self::Resumed
            | Self::Extended { .. } => None,
        }
    }

    /// The event's name, as in its `type` field and in the event stream.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Submitted { .. } => "submitted",
            Self::Claimed { .. } => "claimed",
            Self::Reported { .. } => "reported",
            Self::Nondeterminism { .. } => "nondeterminism",
            Self::Saved { .. } => "saved",
            Self::Finished { .. } => "finished",
            Self::Failed { .. } => "failed",
            Self::HandedBack { .. } => "handed_back",
            Self::Expired { .. } => "expired",
            Self::Lost { .. } => "lost",
            Self::Damaged { .. } => "damaged",
            Self::StartedOver { .. } => "started_over",
            Self::CancelRequested => "cancel_requested",
            Self::PauseRequested => "pause_requested",
            Self::Resumed => "resumed",
            Self::Extended { .. } => "extended",
        }
    }
}
