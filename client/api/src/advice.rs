//! What would tell more.

use floodgauge_protocol::SweepId;
use serde::{Deserialize, Serialize};

/// What stands for the sweep's id where it isn't known, as in logs.
pub const ANY_SWEEP: &str = "ID";

/// What would tell more: the sweep extended by something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Advice {
    /// Which of the fields below tells what to extend.
    pub kind: AdviceKind,
    /// How many further seeds; 0 for none.
    pub seeds: u32,
    /// Which further levels; empty for none.
    pub levels: Vec<f64>,
    /// How many epochs a full run should have; null to leave them.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub epochs: Option<u32>,
    /// The command that does it. In a sweep's log `ID` stands for its id.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "floodgauge extend 019b76da-a800-7000-8000-000000000000 --seeds 2")
    )]
    pub command: String,
    /// Why, in words.
    pub words: String,
}

/// What of a sweep is worth more training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AdviceKind {
    /// More seeds: the answer isn't sure yet.
    MoreSeeds,
    /// Levels beyond the edge of the grid, at which the best one lies.
    ExtendLevels,
    /// More epochs: no level was reached.
    MoreEpochs,
}

impl Advice {
    /// Further seeds.
    pub fn seeds(count: u32, words: String) -> Self {
        let command = format!("floodgauge extend {ANY_SWEEP} --seeds {count}");
        let kind = AdviceKind::MoreSeeds;
        Self { kind, seeds: count, levels: vec![], epochs: None, command, words }
    }

    /// Further levels.
    pub fn levels(levels: Vec<f64>, words: String) -> Self {
        let list = levels.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
        let command = format!("floodgauge extend {ANY_SWEEP} --levels {list}");
        let kind = AdviceKind::ExtendLevels;
        Self { kind, seeds: 0, levels, epochs: None, command, words }
    }

    /// Longer runs.
    pub fn epochs(epochs: u32, words: String) -> Self {
        let command = format!("floodgauge extend {ANY_SWEEP} --epochs {epochs}");
        let kind = AdviceKind::MoreEpochs;
        Self { kind, seeds: 0, levels: vec![], epochs: Some(epochs), command, words }
    }

    /// The same for a sweep whose id is known.
    pub fn to_sweep(mut self, sweep: SweepId) -> Self {
        let of = |id: &str| format!("floodgauge extend {id} ");
        self.command = self.command.replacen(&of(ANY_SWEEP), &of(&sweep.to_string()), 1);
        self
    }
}
