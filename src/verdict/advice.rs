//! What would tell more.

use super::{
    Advice, Finding,
    judged::Judged,
    leader::{Edge, Standing},
};
use floodgauge_protocol::ArmIx;

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
