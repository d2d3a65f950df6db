//! Why the scheduler decided as it did, as data: what was compared, where it stood among what, over
//! which epochs and seeds. [`words`](super::words) makes sentences of it, and nothing reads those.

use floodgauge_protocol::{Arm, Metric, MetricName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why something was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// Arms are trained towards their goal.
    Training(Training),
    /// Arms that were trained to the end are tested.
    Testing(Testing),
    /// Arms were compared after an epoch that all of them reached.
    AtRung(AtRung),
    /// Arms were compared as they came to a rung.
    Arrived(Arrived),
    /// Probes were compared, each after its onset.
    Probed(Probed),
    /// Others were better when they came to the rung.
    Overtaken {
        /// The rung at which it ends.
        rung: RungOf,
    },
    /// With another seed it ended early, so that nothing compares it.
    NothingToCompare,
    /// A dormant trial goes on from its trunk.
    Woken(Woken),
    /// A dormant trial was the plain run to its end, or is as far as that was trained.
    SharesTrunk {
        /// Whether it was added by an extension.
        added: bool,
    },
    /// Levels beside it tell what it does.
    LeftToNeighbours,
    /// It was added, and nobody asked for it yet.
    NotTrained,
    /// It belongs to a seed that was added, and did worse than others with the seeds before.
    BeatenWithOtherSeeds,
    /// Other seeds are expected to do best with it, though not every seed has trained it.
    Promising(Promising),
    /// The best lies at an end of the levels: there are more now.
    BeyondAnEnd(BeyondAnEnd),
    /// It was trained for all its epochs.
    AllEpochs {
        /// How many these are.
        epochs: u32,
        /// Whether its level was never reached, so that it is the plain run.
        is_plain: bool,
    },
    /// A loss was NaN or infinite.
    NotFinite {
        /// After this optimiser step, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<u64>,
    },
    /// A segment failed, and is tried again.
    Retry {
        /// How often it has failed.
        failures: u32,
        /// How often it may fail.
        at_most: u32,
        /// What the worker said, at last.
        message: String,
    },
    /// A checkpoint is lost or damaged: what needs it is trained again from the last good state.
    Damaged,
    /// A family starts over on another kind of machine.
    StartedOver,
    /// A trial that had ended was trained again to where it was.
    TrainedAgain,
    /// A segment ended early, and its trials go on from what it saved.
    FromSaved {
        /// What ended it: the worker's message, or nothing where the worker was lost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A worker handed a segment back since its machine is in trouble; others try.
    MachineTrouble {
        /// The name that the worker gave itself.
        worker: String,
        /// What the worker said of its trouble.
        message: String,
    },
    /// A segment failed as often as it may.
    FailedTooOften {
        /// How often workers gave it up.
        failures: u32,
        /// What the worker said, at last.
        message: String,
    },
    /// A segment's workers were lost as often as may be.
    LostTooOften {
        /// How often its lease expired.
        losses: u32,
    },
    /// A worker hands in what it has, since the sweep is paused.
    Paused,
    /// A worker hands in what it has, since the sweep was cancelled.
    CancelledInTraining,
    /// No worker had taken it when the sweep was cancelled.
    CancelledInQueue,
    /// The sweep was cancelled.
    SweepCancelled,
    /// A user asked for it.
    Asked,
    /// A user asked for it, of a sweep whose log before can't be replayed by this server.
    AskedUnreplayed,
    /// No arm was trained to the end with every seed.
    NoAnswer {
        /// Why the first of them wasn't, in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first: Option<String>,
    },
    /// The answer, which the action carries.
    Answered {
        /// The answer in words, as its `verdict` has them.
        verdict: String,
    },
}

/// What was compared, and where it stood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// The metric by which arms are compared: that of the sweep's objective.
    pub metric: MetricName,
    /// Its value, a mean over seeds; `diverged` where one of them has no finite value.
    pub value: Metric,
    /// The first epoch that it was read over, from 1.
    pub from_epoch: u32,
    /// The last epoch that it was read over.
    pub to_epoch: u32,
    /// How many seeds it is a mean over.
    pub seeds: u32,
    /// Its place among those compared; 1 is the best.
    pub rank: u32,
    /// How many were compared.
    pub count: u32,
}

/// A rung among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RungOf {
    /// Which rung, from 0.
    pub rung: u32,
    /// How many rungs there are.
    pub count: u32,
    /// The epoch, from 1, after which arms are compared.
    pub epoch: u32,
}

/// What became of an arm that was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It goes on.
    Promoted,
    /// It ends.
    Pruned,
    /// It lies dormant again, since nothing tells it from the one that goes on.
    AtRest,
}

/// A comparison at a rung that all arms of a bracket have reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AtRung {
    /// Whether it goes on or ends; `at_rest` never is.
    pub fate: Fate,
    /// The rung that it leaves, or ends at.
    pub rung: RungOf,
    /// Its value after the rung's epoch, and its rank among the arms that compete there.
    pub comparison: Comparison,
    /// How many may go on; those that diverged don't, so it may be fewer.
    pub kept: u32,
    /// How many had the same value, itself among them.
    pub tied: u32,
    /// Epochs, and parts of one, since the step of its onset with this seed; 0 before it.
    pub exposure: f64,
}

/// A comparison with those that had come to a rung so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Arrived {
    /// The rung that it leaves.
    pub rung: RungOf,
    /// Its value after the rung's epoch, and its rank among those that had come there.
    pub comparison: Comparison,
    /// Whether it goes on as the best of the highest rung, since nothing else could.
    pub as_the_last: bool,
}

/// A comparison of probes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Probed {
    /// Whether it goes on, ends, or rests since it ties with the best.
    pub fate: Fate,
    /// The objective since its onset, and its rank by the evidence of all seeds.
    pub comparison: Comparison,
    /// The arm that goes to the end.
    pub chosen: Arm,
}

/// What is expected of an arm that not every seed has trained, beside the best of those that each has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Promising {
    /// The metric by which arms are compared: that of the sweep's objective.
    pub metric: MetricName,
    /// Its mean over other seeds to expect.
    pub expected: Metric,
    /// The best arm of those that every seed has trained.
    pub leader: Arm,
    /// The mean over other seeds to expect of that one.
    pub of_leader: Metric,
}

/// Levels that were added since the best lies at an end of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BeyondAnEnd {
    /// The arm at the end: the highest or the lowest level of its method.
    #[serde(flatten)]
    pub arm: Arm,
    /// The levels beyond it, in nats, rising.
    pub levels: Vec<f64>,
}

/// How a dormant trial goes on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Woken {
    /// Whether it is woken as a probe, as the choice, or for an extension.
    pub cause: Cause,
    /// Its onset, in epochs and parts of one from the start.
    pub onset: f64,
    /// The epochs that it has in common with its trunk.
    pub epochs: u32,
}

/// Why a dormant trial is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The plain run reached its level, and it is probed.
    Reached,
    /// It is probed, beyond an end of the levels.
    BeyondAnEnd,
    /// The response of the probes is best there.
    Chosen,
    /// Other seeds are expected to do best there.
    Promising,
    /// An extension added it.
    Added,
    /// An extension asked for its level again, to be trained to the end.
    Asked,
}

/// What a segment trains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Training {
    /// The part of the sweep that it belongs to.
    pub purpose: Purpose,
    /// How many arms it stands for.
    pub arms: u32,
    /// In how many runs: arms that share the trunk are one.
    pub runs: u32,
    /// The seed of its family.
    pub seed: u32,
    /// Epochs done before: 0 from the start.
    pub from_epoch: u64,
    /// Epochs done after it, unless it is cut.
    pub to_epoch: u64,
}

/// What arms are trained for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Purpose {
    /// To compare them at a rung.
    Rung {
        /// The rung, from 0.
        rung: u32,
        /// How many there are.
        count: u32,
    },
    /// To compare them as they come.
    Asynchronous,
    /// For the plain run, and its first probes.
    PlainAndProbes,
    /// For further probes.
    MoreProbes,
    /// For the answer.
    ToTheEnd,
    /// For what an extension added.
    Extension,
}

/// What a segment tests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Testing {
    /// The arms that stand in the table, or are the answer, with that state.
    pub arms: Vec<Arm>,
    /// The epoch, from 1, after which their state was kept.
    pub epoch: u64,
    /// The seed of their family.
    pub seed: u32,
}
