//! What is most worth to be tried once a sweep has ended.

use super::judgement::Judgement;
use crate::{
    beyond::{Edge, for_advice, for_advice_above_loss},
    verdict::{Advice, Finding, input::Standing},
};

/// How many more seeds are advised after one: three give a first interval. The words say two.
const SEEDS_AFTER_ONE: u32 = 2;

/// The advice, or none where nothing is worth it.
pub fn advise(judgement: &Judgement<'_>) -> Option<Advice> {
    let standing = judgement.standing;
    let lead = judgement.lead.filter(|lead| standing.ended && lead.finished())?;
    if judgement.finding == Finding::NeverReached {
        return Some(reach(standing));
    }
    if matches!(judgement.finding, Finding::BestPrecedesOnset | Finding::TrainingFailed) {
        return None;
    }
    if let Some(edge) = standing.edge(lead).filter(|_| !lead.is_plain()) {
        let which = match edge {
            Edge::Highest => "highest",
            Edge::Lowest => "lowest",
        };
        let words = format!("The best level is the {which} of the grid: try some beyond it.");
        let levels = for_advice(&standing.levels, edge);
        return (!levels.is_empty()).then(|| Advice::levels(levels, words));
    }
    match judgement.finding {
        Finding::OneSeed => {
            let words = "One seed can't say how sure the answer is: two more would.";
            Some(Advice::seeds(SEEDS_AFTER_ONE, words.into()))
        }
        Finding::Uncertain => judgement.more_seeds.map(|seeds| {
            let more = if seeds == 1 { "one more seed" } else { &format!("{seeds} more seeds") };
            Advice::seeds(seeds, format!("About {more} should settle whether it helps."))
        }),
        _ => None,
    }
}

/// Levels that the training loss does reach or, where nothing tells them, runs of twice as many epochs.
fn reach(standing: &Standing) -> Advice {
    let loss = standing.train_loss.filter(|loss| *loss > 0.0);
    let levels = loss.map(|loss| for_advice_above_loss(&standing.levels, loss));
    match levels.filter(|levels| !levels.is_empty()) {
        Some(levels) => {
            let words = "No level was reached: try some above the training loss at its end.";
            Advice::levels(levels, words.into())
        }
        None => {
            let epochs = standing.epochs.saturating_mul(2);
            Advice::epochs(epochs, "No level was reached: train for longer.".into())
        }
    }
}
