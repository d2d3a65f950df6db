//! What would tell more.

use super::{
    best::Finding,
    judged::Judged,
    leader::{Edge, Standing},
};
use floodgauge_protocol::{ArmIx, SweepId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What stands for the sweep's id where it isn't known, as in logs.
const ANY_SWEEP: &str = "ID";

/// What would tell more: the sweep extended by something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Advice {
    /// What to extend.
    pub kind: AdviceKind,
    /// How many further seeds; 0 for none.
    pub seeds: u32,
    /// Which further levels; empty for none.
    pub levels: Vec<f64>,
    /// How many epochs a full run should have; null to leave them.
    #[schema(required)]
    pub epochs: Option<u32>,
    /// The command that does it. In a sweep's log `ID` stands for its id.
    #[schema(example = "floodgauge extend 019b76da-a800-7000-8000-000000000000 --seeds 2")]
    pub command: String,
    /// Why, in words.
    pub words: String,
}

/// What to extend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// How many levels are advised beyond the grid.
const BEYOND: u32 = 4;

/// What is most worth to be tried once a sweep has ended.
pub fn of(judged: &Judged<'_>) -> Option<Advice> {
    let standing = judged.standing;
    let lead = judged.lead.filter(|lead| standing.ended && lead.finished)?;
    if judged.finding == Finding::NeverReached {
        return Some(reach(standing));
    }
    if judged.finding == Finding::BestPrecedesOnset {
        return None;
    }
    if let Some(edge) = standing.edge(lead).filter(|_| lead.arm != ArmIx::PLAIN) {
        let (which, levels) = match edge {
            Edge::Highest => ("highest", above(&standing.levels)),
            Edge::Lowest => ("lowest", below(&standing.levels)),
        };
        let words = format!("The best level is the {which} of the grid: try some beyond it.");
        return Some(Advice::levels(levels, words));
    }
    match judged.finding {
        Finding::OneSeed => {
            let words = "One seed can't say how sure the answer is: two more would.";
            Some(Advice::seeds(2, words.into()))
        }
        Finding::Uncertain => judged.more_seeds.map(|seeds| {
            let would = if seeds == 1 { "1 more seed" } else { &format!("{seeds} more seeds") };
            Advice::seeds(seeds, format!("About {would} would tell whether it helps."))
        }),
        _ => None,
    }
}

/// Levels that the training loss does reach or, where nothing tells them, longer runs.
fn reach(standing: &Standing) -> Advice {
    let most = standing.levels.last().copied().unwrap_or(0.0);
    let from = standing.train_loss.filter(|loss| *loss > 0.0).map(|loss| (1.25 * loss).max(most));
    match from {
        Some(from) => {
            let levels = (0..BEYOND).map(|i| short(from * 1.25f64.powi(i as i32))).collect();
            let words = "No level was reached: try some above the training loss at its end.";
            Advice::levels(levels, words.into())
        }
        None => {
            let epochs = standing.epochs.saturating_mul(2);
            Advice::epochs(epochs, "No level was reached: train for longer.".into())
        }
    }
}

/// Levels above the highest, spaced as the grid is there.
fn above(levels: &[f64]) -> Vec<f64> {
    let [.., before, last] = levels else { return vec![] };
    let step = if is_geometric(levels) { None } else { Some(last - before) };
    let ratio = last / before;
    let beyond = |i: u32| match step {
        Some(step) => last + f64::from(i) * step,
        None => last * ratio.powi(i as i32),
    };
    (1..=BEYOND).map(|i| short(beyond(i))).collect()
}

/// Levels below the lowest, halved each.
fn below(levels: &[f64]) -> Vec<f64> {
    let Some(first) = levels.first() else { return vec![] };
    (1..=BEYOND.div_ceil(2)).rev().map(|i| short(first / 2f64.powi(i as i32))).collect()
}

/// Whether the levels are rather evenly spaced in the logarithm than evenly.
fn is_geometric(levels: &[f64]) -> bool {
    let [first, second, .., before, last] = levels else { return false };
    *first > 0.0 && (second / first - last / before).abs() < 0.1 * (last / before - 1.0)
}

/// To four significant digits, as people write levels.
fn short(level: f64) -> f64 {
    format!("{level:.3e}").parse().unwrap_or(level)
}
