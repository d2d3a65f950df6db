//! What the server answers, as far as this client reads it; fields that it doesn't know are
//! left to the body's text ([`Answer::body`]).

use crate::{
    scheduler::{Action, Decision, Event, PlanBound, SweepStatus, TrialStatus},
    verdict::{Best, Table},
};
use floodgauge_protocol::{ArmIx, At, Digest, Family, FamilyIx, Metric, ObjectiveMetric, SweepId};
use jiff::Timestamp;
use serde::Deserialize;

/// An answer, read and as it came.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// The body's text, for those who want every field of it.
    pub body: String,
    /// What was read from it.
    pub value: T,
}

/// A sweep in a list.
#[derive(Clone, Debug, Deserialize)]
pub struct SweepSummary {
    /// Its id.
    pub id: SweepId,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: SweepStatus,
    /// Its scheduler's name.
    pub scheduler: String,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When something last happened.
    pub updated_at: Timestamp,
    /// Its data set's name.
    pub dataset: String,
    /// How many arms it has, plain included.
    pub arms: u32,
    /// How many seeds it has.
    pub seeds: u32,
    /// Epochs of a full run.
    pub epochs: u32,
    /// What is compared.
    pub metric: ObjectiveMetric,
    /// When it is read.
    pub at: At,
    /// The answer so far.
    pub best: Option<Best>,
    /// Why the server can't replay its log, if it can't.
    #[serde(default)]
    pub replay_error: Option<String>,
}

/// A sweep with its plan.
#[derive(Clone, Debug, Deserialize)]
pub struct SweepDetail {
    /// What a list shows of it.
    #[serde(flatten)]
    pub summary: SweepSummary,
    /// Its arms, by index.
    pub arms_list: Vec<ArmInfo>,
    /// Its families, by index.
    pub families: Vec<Family>,
    /// Optimiser steps in an epoch.
    pub steps_per_epoch: u64,
    /// The epoch at which each rung ends.
    pub rungs: Vec<u32>,
    /// The newest place in its log.
    #[serde(default)]
    pub seq: u64,
    /// What it waits for, where that is a machine of a kind that doesn't ask for work.
    #[serde(default)]
    pub waits_for: Option<String>,
}

impl SweepDetail {
    /// Whether it compares several weight decays, so that an arm's name alone doesn't tell it.
    pub fn has_several_decays(&self) -> bool {
        self.families.windows(2).any(|pair| pair[0].weight_decay != pair[1].weight_decay)
    }
}

/// An arm of a sweep.
#[derive(Clone, Debug, Deserialize)]
pub struct ArmInfo {
    /// Its index.
    pub arm: ArmIx,
    /// Its name.
    pub name: String,
}

/// The table of a sweep.
#[derive(Clone, Debug, Deserialize)]
pub struct SweepTable {
    /// Where the sweep stands.
    pub status: SweepStatus,
    /// The table.
    #[serde(flatten)]
    pub table: Table,
}

/// What a sweep would train, and what that would cost.
#[derive(Clone, Debug, Deserialize)]
pub struct SweepPlan {
    /// Its name.
    pub name: String,
    /// Its scheduler's name.
    pub scheduler: String,
    /// How many arms it would have, plain included.
    pub arms: u32,
    /// How many seeds.
    pub seeds: u32,
    /// Epochs of a full run.
    pub epochs: u32,
    /// Its families.
    pub families: Vec<Family>,
    /// What it would cost, and what would be trained.
    pub run_equivalents: PlanBound,
    /// How long it would take.
    pub time: Option<PlannedTime>,
    /// The least cross-entropy of labels as noisy as the recipe's.
    pub noise_floor: Option<f64>,
}

/// How long a plan takes, in seconds of one worker.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct PlannedTime {
    /// The least.
    pub low_s: f64,
    /// The most.
    pub high_s: f64,
}

/// One page of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct Items<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; none on the last.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// A trial.
#[derive(Clone, Debug, Deserialize)]
pub struct Trial {
    /// Its family.
    pub family: FamilyIx,
    /// Its seed.
    pub seed: u32,
    /// Its weight decay.
    pub weight_decay: f64,
    /// Its arm's name.
    pub name: String,
    /// Its status.
    pub status: TrialStatus,
    /// Epochs reported.
    pub epochs: u32,
    /// The first step at which it departed from plain.
    pub onset_step: Option<u64>,
    /// Its objective so far.
    pub objective: Option<Metric>,
    /// Why it has its status.
    pub reason: Option<String>,
    /// Its newest checkpoint.
    pub checkpoint: Option<Digest>,
}

/// An entry of a sweep's log, as the event stream tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct LogEntry {
    /// The sweep.
    pub sweep: SweepId,
    /// Its place in the log, from 1.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// What the scheduler made of it.
    pub decisions: Vec<Decision>,
    /// All of it as it came, JSON.
    #[serde(skip)]
    pub body: String,
}

impl LogEntry {
    /// How the sweep ended, if this entry ended it.
    pub fn ending(&self) -> Option<SweepStatus> {
        self.decisions.iter().find_map(|decision| match decision.action {
            Action::Complete { .. } => Some(SweepStatus::Completed),
            Action::Fail => Some(SweepStatus::Failed),
            Action::Cancel => Some(SweepStatus::Cancelled),
            _ => None,
        })
    }
}
