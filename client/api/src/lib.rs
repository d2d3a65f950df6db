//! The shapes of Floodgauge's HTTP surface: what its server answers, and its clients read.
//!
//! Serde types only: no IO, no HTTP, no judgement. What users and workers send is in
//! [`floodgauge_protocol`], which this crate builds on.
//!
//! - [`sweeps`], [`trials`], [`curves`], [`grid`]: a sweep and what was measured of it.
//! - [`best`], [`outlook`], [`advice`], [`table`]: its answer; [`paste`]: that in a training script.
//! - [`plan`]: what a sweep would cost; [`stage`]: the parts that it is trained in.
//! - [`progress`]: how far it has got, and what it waits for.
//! - [`log`], [`line`]: what happened to it, and that in words.
//! - [`status`]: where sweeps and trials stand.
//! - [`datasets`]: what sweeps train on.
//! - [`access`]: tokens and sessions.
//! - [`problem`]: every answer that isn't the hoped-for one.
//!
//! With the feature `openapi` all of them tell their JSON schema, bounds and defaults included.

pub mod access;
pub mod advice;
pub mod best;
pub mod curves;
pub mod datasets;
pub mod grid;
pub mod line;
pub mod log;
pub mod outlook;
pub mod paste;
pub mod plan;
pub mod problem;
pub mod progress;
pub mod stage;
pub mod status;
pub mod sweeps;
pub mod table;
pub mod trials;

pub use access::{Limits, Scope, TokenId};
pub use advice::{Advice, AdviceKind};
pub use best::{Baseline, Best, BestArm, Difference, Finding, RunEquivalents, SweepBest};
pub use datasets::{DatasetItem, DatasetList, Kept};
pub use line::{LogLine, Tone};
pub use log::LogEntry;
pub use outlook::{ArmOutlook, Evidence, OtherMetric, Preference};
pub use paste::Paste;
pub use plan::{Phase, PlanBound, PlannedTime, SweepPlan};
pub use problem::{FieldError, Problem};
pub use progress::{Progress, Waiting, WaitsFor};
pub use stage::{Stage, StageCounts};
pub use status::{SweepStatus, TrialStatus};
pub use sweeps::{SweepDetail, SweepList, SweepQuery, SweepSummary, TroubledWorker};
pub use table::{Figure, SweepTable, Table, TableCell, TableRow};
pub use trials::{TrialItem, TrialList};
