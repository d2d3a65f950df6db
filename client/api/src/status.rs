//! Where sweeps and trials stand.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// The status of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SweepStatus {
    /// No worker has taken any of it yet.
    Queued,
    /// Being trained.
    Running,
    /// Nothing is given out until it is resumed.
    Paused,
    /// Done, with an answer.
    Completed,
    /// Given up.
    Failed,
    /// Ended by a user.
    Cancelled,
}

impl SweepStatus {
    /// The status as it stands in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed) || self.is_given_up()
    }

    /// Whether it ended without all that was asked for: it, or its extension, has no answer of its own.
    pub fn is_given_up(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled)
    }
}

/// The status of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TrialStatus {
    /// Not active: it shares the trunk or waits to be woken, and no segment names it.
    Dormant,
    /// Part of a segment that is queued or leased, or of a rung that others still have to reach.
    Active,
    /// Trained no further; others did better.
    Pruned,
    /// Trained to the end.
    Completed,
    /// A loss was NaN or infinite.
    Diverged,
    /// Its segment failed as often as it may.
    Failed,
    /// Its sweep was cancelled.
    Cancelled,
}

impl TrialStatus {
    /// The status as it stands in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dormant => "dormant",
            Self::Active => "active",
            Self::Pruned => "pruned",
            Self::Completed => "completed",
            Self::Diverged => "diverged",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl FromStr for SweepStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [
            Self::Queued,
            Self::Running,
            Self::Paused,
            Self::Completed,
            Self::Failed,
            Self::Cancelled,
        ];
        all.into_iter().find(|status| status.as_str() == text).ok_or(UnknownStatus)
    }
}

impl FromStr for TrialStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [
            Self::Dormant,
            Self::Active,
            Self::Pruned,
            Self::Completed,
            Self::Diverged,
            Self::Failed,
            Self::Cancelled,
        ];
        all.into_iter().find(|status| status.as_str() == text).ok_or(UnknownStatus)
    }
}

/// A text that is no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such status")]
pub struct UnknownStatus;
