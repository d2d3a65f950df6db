//! The answer of a sweep: best b, and how sure.

use crate::{
    advice::Advice,
    outlook::{ArmOutlook, OtherMetric},
    paste::Paste,
    status::SweepStatus,
};
use floodgauge_protocol::{Arm, At, Direction, Metric, MetricName, SweepId, work::TestMetrics};
use serde::{Deserialize, Serialize};

/// The answer so far or, once the sweep has completed, at all.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SweepBest {
    /// The id of the sweep that it is the answer of.
    pub sweep: SweepId,
    /// Where the sweep stands; until it has ended, the answer may still change.
    pub status: SweepStatus,
    /// The answer as far as it is known.
    #[serde(flatten)]
    pub best: Best,
    /// What trains as the best arm does, to be pasted into a training script; null until the sweep has
    /// completed, where plain is best, and where it takes more than a line. Of an answer before an extension it is
    /// for as many epochs as runs had then.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub paste: Option<Paste>,
}

/// The best arm so far or, once the sweep has completed, at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Best {
    /// The metric that was compared.
    pub metric: MetricName,
    /// Which way it is better.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub direction: Direction,
    /// Where on a curve it was read: at the end, or at the best epoch.
    pub at: At,
    /// The arm with the best objective; none before anything was reported.
    pub best: Option<BestArm>,
    /// The plain run beside it.
    pub baseline: Option<Baseline>,
    /// Best minus baseline, paired by seed; none where one of them is missing.
    pub difference: Option<Difference>,
    /// What the sweep cost so far, in full runs of one seed.
    pub run_equivalents: RunEquivalents,
    /// What the answer comes to, for programs.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub finding: Finding,
    /// Every arm of each weight decay, in order: what is known of it, and how likely it is the best.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub probabilities: Vec<ArmOutlook>,
    /// What another metric (the error for the loss, the loss for the error; of others the first that isn't
    /// the objective) says, read alike; null before an arm was trained to the end, and where there is none.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub other_metric: Option<OtherMetric>,
    /// The least cross-entropy, in nats, that any model can have on labels as noisy as the recipe's;
    /// null without label noise. It bounds the validation loss, not the training loss.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub noise_floor: Option<f64>,
    /// How the sweep is best extended, once it has ended, or what a new one should have where it can't be; null
    /// where nothing is worth it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub advice: Option<Advice>,
    /// How far the best arm's objective is from plain's, in percent of plain's: as is expected of other seeds or, where
    /// nothing tells, as measured. Negative where it is lower.
    /// Null where plain is best or missing, and where either is negative or plain's is 0, so that a share means nothing.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub size_percent: Option<f64>,
    /// The answer in one sentence; empty in answers of earlier releases, which have `verdict` alone.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub sentence: String,
    /// What else is to be known, a short point each: how sure it is, what was estimated, what was never reached.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub points: Vec<String>,
    /// What speaks against the answer, a short point each: another metric or the test data disagrees, early stopping
    /// alone does as well, seeds diverged, the level is at an end of the grid.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub against: Vec<String>,
    /// All of it in words, for people: `sentence`, `points` and `against`; programs read `finding`.
    pub verdict: String,
    /// Whether it is the answer before an extension that was cancelled or failed. What it cost is what the sweep
    /// cost in all.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub before_extension: bool,
}

impl Best {
    /// The same with the sweep's id in the advice.
    pub fn of_sweep(self, sweep: SweepId) -> Self {
        Self { advice: self.advice.map(|advice| advice.to_sweep(sweep)), ..self }
    }

    /// The same of a sweep that can't be extended, since its checkpoints were dropped.
    pub fn without_checkpoints(self) -> Self {
        Self { advice: self.advice.map(Advice::in_a_new_sweep), ..self }
    }
}

/// What an answer comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The sweep still runs.
    #[default]
    Pending,
    /// The best arm does better than plain, beyond the doubt that its interval leaves.
    Helps,
    /// No arm does better than plain by more than these seeds could hide.
    DoesNotHelp,
    /// With these seeds it can't be told.
    Uncertain,
    /// With one seed there is nothing to tell how sure it is.
    OneSeed,
    /// The training loss never fell below any level: all arms are the plain run.
    NeverReached,
    /// Every best epoch precedes every onset: by early stopping, all arms are the plain run.
    BestPrecedesOnset,
    /// The plain run does no better than guessing: nothing that it is compared with tells of flooding.
    TrainingFailed,
    /// The sweep ended with nothing to compare, or was cancelled or failed before it had an answer.
    NoAnswer,
}

impl Finding {
    /// All of them, in the order in which they are declared.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Helps,
        Self::DoesNotHelp,
        Self::Uncertain,
        Self::OneSeed,
        Self::NeverReached,
        Self::BestPrecedesOnset,
        Self::TrainingFailed,
        Self::NoAnswer,
    ];

    /// The finding in a few words, for lists and beside an answer.
    pub fn words(self) -> &'static str {
        match self {
            Self::Pending => "no answer yet",
            Self::Helps => "helps",
            Self::DoesNotHelp => "does not help",
            Self::Uncertain => "too close to tell",
            Self::OneSeed => "one seed",
            Self::NeverReached => "nothing to flood",
            Self::BestPrecedesOnset => "best before onset",
            Self::TrainingFailed => "training failed",
            Self::NoAnswer => "no answer",
        }
    }
}

/// The arm with the best objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BestArm {
    /// The arm that came out best.
    #[serde(flatten)]
    pub arm: Arm,
    /// The weight decay of its families.
    pub weight_decay: f64,
    /// Its objective, a mean over seeds.
    pub objective: Metric,
    /// How likely it comes out best of all arms with as many other seeds; null with one seed, until
    /// the sweep has ended, and where all arms are the same run.
    pub probability: Option<f64>,
    /// Its test metrics after the epoch at which the objective is read, means over seeds; null
    /// until the sweep has completed.
    pub test: Option<TestMetrics>,
}

/// The plain run with the best arm's weight decay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Baseline {
    /// Its objective, a mean over seeds.
    pub objective: Metric,
    /// Its test metrics after the epoch at which the objective is read, means over seeds; null
    /// until the sweep has completed.
    pub test: Option<TestMetrics>,
}

/// A mean difference, paired by seed, with a two-sided interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Difference {
    /// The mean as measured. Where the best arm is better than plain, it is negative for a metric that is
    /// better when lower, and positive for one that is better when higher.
    pub mean: f64,
    /// The mean to expect of other seeds: drawn towards what neighbouring levels show, since the
    /// arm was chosen on the very seeds that it is judged by; null with one seed.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub expected: Option<f64>,
    /// The interval's lower end: where the mean over as many other seeds is to be expected, the
    /// choice of the arm allowed for; null with one seed.
    pub low: Option<f64>,
    /// The interval's upper end; null with one seed.
    pub high: Option<f64>,
    /// The interval's confidence, a share from 0 to 1.
    pub level: f64,
    /// How many seeds were paired.
    pub seeds: u32,
}

impl Difference {
    /// The difference that is told: the mean to expect of other seeds, which the interval is about, or with one
    /// seed the mean as measured.
    pub fn stated(&self) -> f64 {
        self.expected.unwrap_or(self.mean)
    }
}

/// What a sweep cost, in full runs of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunEquivalents {
    /// Epochs trained; one that several arms share counts once.
    pub spent: f64,
    /// What every arm trained alone to the end would cost.
    pub full_grid: f64,
    /// Epochs that arms had without training, since they shared them.
    pub saved_by_sharing: f64,
    /// Epochs that pruned arms had still before them.
    pub saved_by_pruning: f64,
    /// Epochs reported again, mostly since they were trained again after a crash; not in `spent`.
    pub redone: f64,
    /// Epochs that families left behind when they started over on another kind of machine; part of
    /// `spent`, and of nothing else.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub left_behind: f64,
}
