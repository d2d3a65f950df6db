//! What workers and the server say to each other about leased work.

use crate::{
    below::is_below,
    digest::Digest,
    ids::{ArmIx, LeaseId, SweepId},
    method::Method,
    metric::{Metric, MetricName, MetricValues},
    recipe::Recipe,
    segment::Segment,
    space::Family,
};
use serde::{Deserialize, Serialize};

/// The header that carries [`Lease::token`] on every request under a lease.
pub const LEASE_TOKEN_HEADER: &str = "floodgauge-lease-token";

/// The most rows that one report may hold.
pub const MAX_REPORT_ROWS: usize = 10_000;

/// Body of `POST /v1/work/claim`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// The worker's name, for people; 1 to 100 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub worker: String,
    /// What the worker's bits depend on: build, instruction set, cache sizes, device.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub fingerprint: String,
    /// How long to wait for work before an empty answer, in seconds; at most 30.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 30))]
    pub wait_s: u32,
}

/// A leased segment with all that is needed to train it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Assignment {
    /// The sweep that the work is of.
    pub sweep: SweepId,
    /// What the worker may speak under, and for how long.
    pub lease: Lease,
    /// The recipe, its split filled in.
    pub recipe: Recipe,
    /// The family of the segment.
    pub family: Family,
    /// The sweep's arms, by index.
    pub arms: Vec<Method>,
    /// What to train, from which step to which.
    pub segment: Segment,
    /// The trace that the sweep was submitted in, as a W3C `traceparent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// The right to work on a segment, until it expires or another worker takes it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lease {
    /// Its name, in the path of each request.
    pub lease: LeaseId,
    /// Its secret, in the header [`LEASE_TOKEN_HEADER`] of each request.
    pub token: String,
    /// How often the segment has been claimed; the fencing token.
    pub attempt: u32,
    /// Seconds after which it expires unless renewed by a report.
    pub ttl_s: u32,
}

impl std::fmt::Debug for Lease {
    /// Keeps the token out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease")
            .field("lease", &self.lease)
            .field("attempt", &self.attempt)
            .field("ttl_s", &self.ttl_s)
            .finish_non_exhaustive()
    }
}

/// The metrics of one run after one epoch: a row for each run, not for each arm.
///
/// Workers of release 0.1.0 have `val_loss` and `val_error` where now are `metrics`; such rows are read
/// as rows of these two metrics, for ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "StoredRow")]
pub struct ReportRow {
    /// The arms that the run stands for at the epoch's end, in rising order: those of a branch
    /// that still share it, or one of them that has forked, from that very epoch on.
    pub arms: Vec<ArmIx>,
    /// Epochs done, from 1.
    pub epoch: u32,
    /// Optimiser steps done.
    pub step: u64,
    /// Mean over the epoch's mini-batch losses, as met while training, never flooded.
    pub train_loss: Metric,
    /// The sweep's metrics after the epoch, by name. Of the built-in recipe: `val_loss`, the mean
    /// cross-entropy on the validation set, in nats; `val_error`, the share of it that is classified
    /// wrongly.
    pub metrics: MetricValues,
    /// The first step, counted from 0, at which the arm's method departed from plain: for
    /// flooding, whose mini-batch loss was below its level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset_step: Option<u64>,
    /// How the training went, beside its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Diagnostics>,
}

impl ReportRow {
    /// The value of a metric; diverged where the row has none of it.
    pub fn metric(&self, name: MetricName) -> Metric {
        self.metrics.get(name).unwrap_or(Metric::Diverged)
    }
}

/// A row as some release wrote it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRow {
    arms: Vec<ArmIx>,
    epoch: u32,
    step: u64,
    train_loss: Metric,
    #[serde(default)]
    metrics: MetricValues,
    /// Of release 0.1.0.
    #[serde(default)]
    val_loss: Option<Metric>,
    /// Of release 0.1.0.
    #[serde(default)]
    val_error: Option<Metric>,
    #[serde(default)]
    onset_step: Option<u64>,
    #[serde(default)]
    diagnostics: Option<Diagnostics>,
}

impl TryFrom<StoredRow> for ReportRow {
    type Error = String;

    fn try_from(row: StoredRow) -> Result<Self, String> {
        let StoredRow {
            arms, epoch, step, train_loss, mut metrics, onset_step, diagnostics, ..
        } = row;
        let beside =
            [(MetricName::val_loss(), row.val_loss), (MetricName::val_error(), row.val_error)];
        for (name, value) in beside {
            if value.is_some_and(|value| !metrics.insert(name, value)) {
                return Err(format!("`{name}` is there twice, once among `metrics`"));
            }
        }
        Ok(Self { arms, epoch, step, train_loss, metrics, onset_step, diagnostics })
    }
}

/// How an epoch's training went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Diagnostics {
    /// The norm, over all parameters, of the gradient `mean_i w_i ∇ℓ_i` of the epoch's last
    /// mini-batch, weights and all, before weight decay and any second gradient. For plain,
    /// flooding and the methods of two gradients it's the norm of the mini-batch loss's gradient.
    pub grad_norm: Metric,
    /// The share of the epoch's steps that ascended: whose samples' weights add up to below 0.
    /// One half for alternating steps.
    pub ascending: f64,
    /// Ascending steps since the start of the run.
    pub flooded_steps: u64,
}

/// Body of `POST /v1/work/{lease}/reports`. An empty one renews the lease.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// In rising order of epoch.
    pub rows: Vec<ReportRow>,
    /// What `finish` would say, had the segment been cut at the end of an epoch that is reported:
    /// should the worker be lost, its work goes on from there. Runs that ended before may be
    /// among them. Their checkpoints have been uploaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saved: Vec<FinishedBranch>,
}

/// What the server answers to a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportAnswer {
    /// Arms to stop. Rows beyond `at_epoch` are discarded, so late news changes no result.
    pub stop: Vec<Stop>,
    /// Seconds until the lease expires, from now.
    pub ttl_s: u32,
}

/// An order to stop some arms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stop {
    /// The arms, all in the leased segment.
    pub arms: Vec<ArmIx>,
    /// The last epoch to train; at once when it has passed. 0: the epoch at hand, whose rows and
    /// state are taken.
    pub at_epoch: u32,
}

impl Stop {
    /// Whether the row of an epoch comes too late to be taken.
    pub fn discards(&self, epoch: u32) -> bool {
        self.at_epoch > 0 && epoch > self.at_epoch
    }
}

/// Body of `POST /v1/work/{lease}/finish`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Finish {
    /// How every arm of the segment ended, each in one of these; arms of one branch of the
    /// segment may have parted, arms of several never come together.
    pub branches: Vec<FinishedBranch>,
}

/// How one run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FinishedBranch {
    /// The arms that it stands for, in rising order; several were never past their onset.
    pub arms: Vec<ArmIx>,
    /// Why it ended.
    pub end: BranchEnd,
    /// Optimiser steps done.
    pub step: u64,
    /// The first step at which the arm's method departed from plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset_step: Option<u64>,
    /// Its state at `step`, uploaded before; none for a diverged branch or a test segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Digest>,
    /// Its metrics on the test set, for a test segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestMetrics>,
    /// For a branch that trained plain to its end: the steps of this segment whose mini-batch loss
    /// was the least of the segment so far, in rising order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub minima: Vec<Minimum>,
    /// The best epoch, if it lies in this segment and beats [`Branch::best`](crate::Branch::best).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<BestEpoch>,
    /// Where dormant arms can be woken, in rising order of step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waypoints: Vec<Waypoint>,
}

impl FinishedBranch {
    /// A run that ended, with nothing else known of it.
    pub fn new(arms: Vec<ArmIx>, end: BranchEnd, step: u64) -> Self {
        Self {
            arms,
            end,
            step,
            onset_step: None,
            checkpoint: None,
            test: None,
            minima: vec![],
            best: None,
            waypoints: vec![],
        }
    }

    /// Every checkpoint that it names.
    pub fn checkpoints(&self) -> impl Iterator<Item = Digest> + '_ {
        let best = self.best.iter().chain(self.waypoints.iter().flat_map(|w| &w.best));
        let kept = best.map(|best| best.checkpoint);
        let waypoints = self.waypoints.iter().map(|waypoint| waypoint.checkpoint);
        self.checkpoint.into_iter().chain(kept).chain(waypoints)
    }
}

/// The epoch at which a run's objective was best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BestEpoch {
    /// Epochs done, from 1.
    pub epoch: u32,
    /// The state after them, uploaded before.
    pub checkpoint: Digest,
}

/// A state of a trunk at which dormant arms whose onset lies in the epoch that follows can be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Waypoint {
    /// Optimiser steps done.
    pub step: u64,
    /// The state after them, uploaded before.
    pub checkpoint: Digest,
    /// The trunk's best epoch until then, if it lies in the segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<BestEpoch>,
}

/// A step of plain training whose mini-batch loss was below that of each step before it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Minimum {
    /// The step, counted from 0.
    pub step: u64,
    /// Its mini-batch loss, in nats.
    pub loss: f64,
}

/// The onset step of flood level `level`: the first whose mini-batch loss was below it, compared
/// in 32 bits as training does. `minima` are the logs of a trunk's segments, one after another.
pub fn onset<'a>(minima: impl IntoIterator<Item = &'a Minimum>, level: f64) -> Option<u64> {
    let first = minima.into_iter().find(|minimum| is_below(minimum.loss, level));
    first.map(|minimum| minimum.step)
}

/// Why a branch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BranchEnd {
    /// It reached the segment's last step.
    Reached,
    /// It was cut at the end of an epoch: the server said to stop, or the worker is about to.
    Stopped,
    /// A loss was NaN or infinite.
    Diverged,
}

/// Metrics on the test set, whose labels are clean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TestMetrics {
    /// Mean cross-entropy, in nats.
    pub loss: Metric,
    /// Share classified wrongly.
    pub error: Metric,
}

/// The longest message of a failure or of trouble that is kept, in characters.
pub const MAX_MESSAGE_CHARS: usize = 2_000;

/// The most seconds after which a worker in trouble may say that it looks again.
pub const MAX_RETRY_S: u32 = 3_600;

/// Body of `POST /v1/work/{lease}/fail`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Fail {
    /// What went wrong, for people; cut at 2,000 characters.
    pub message: String,
    /// What failed. Workers of release 0.1.0 don't say, and mean the trials.
    #[serde(default, skip_serializing_if = "FailKind::is_trial")]
    #[cfg_attr(feature = "openapi", schema(default = "trial"))]
    pub kind: FailKind,
    /// Where the machine is in trouble: in how many seconds the worker asks for work again; at most
    /// 3,600 count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>, minimum = 0, maximum = 4_294_967_295_i64))]
    pub retry_in_s: Option<u32>,
}

/// What failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailKind {
    /// Training itself: it would fail elsewhere too. Tried again a few times, then the trials are given up.
    #[default]
    Trial,
    /// The machine: its disk, its memory, its network. Nothing is held against the trials, which others
    /// train.
    Machine,
}

impl FailKind {
    /// Whether training itself failed.
    pub fn is_trial(&self) -> bool {
        *self == Self::Trial
    }
}

/// Body of `POST /v1/work/trouble`: a worker that holds no lease says that its machine is in trouble, and
/// that it asks for no work until it is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Trouble {
    /// The worker's name, as in its claims; 1 to 100 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub worker: String,
    /// What is wrong, for people; cut at 2,000 characters.
    pub message: String,
    /// In how many seconds it looks again; at most 3,600 count.
    #[cfg_attr(feature = "openapi", schema(value_type = u64, minimum = 0, maximum = 4_294_967_295_i64))]
    pub retry_in_s: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(metrics: &str) -> Result<ReportRow, serde_json::Error> {
        let text = format!(r#"{{"arms":[0,7],"epoch":3,"step":60,"train_loss":1.9,{metrics}}}"#);
        serde_json::from_str(&text)
    }

    #[test]
    fn a_row_of_0_1_0_is_one_of_two_named_metrics() {
        let of_0_1_0 = row(r#""val_loss":"diverged","val_error":0.7"#).unwrap();
        assert_eq!(of_0_1_0, row(r#""metrics":{"val_loss":"diverged","val_error":0.7}"#).unwrap());
        assert_eq!(of_0_1_0.metric(MetricName::val_error()), Metric::Finite(0.7));
    }

    #[test]
    fn a_failure_of_0_1_0_is_one_of_its_trials_and_is_told_as_then() {
        let text = r#"{"message":"astray"}"#;
        let fail: Fail = serde_json::from_str(text).unwrap();
        assert_eq!(fail.kind, FailKind::Trial);
        assert_eq!(serde_json::to_string(&fail).unwrap(), text);
    }

    #[test]
    fn no_metric_of_a_row_is_there_twice() {
        let error = row(r#""val_loss":1.0,"metrics":{"val_loss":1.0}"#).unwrap_err().to_string();
        assert!(error.starts_with("`val_loss` is there twice"), "{error}");
    }
}
