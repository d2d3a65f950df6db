//! What is most worth to be tried once a sweep has ended.

use super::{judgement::Judgement, words::named};
use crate::{
    beyond::{Edge, advised, advised_above_loss},
    verdict::{Advice, Finding, input::Candidate},
};

/// How many more seeds are advised after one: three give a first interval. The words say two.
const SEEDS_AFTER_ONE: u32 = 2;

/// The lowest level worth trying, as a share of the training loss that plain training ends at. Chosen, not
/// measured.
const MIN_SHARE_OF_LOSS: f64 = 0.1;

/// The advice, or none where nothing is worth it.
pub fn advise(judgement: &Judgement<'_>) -> Option<Advice> {
    let standing = judgement.standing;
    let lead = judgement.lead.filter(|lead| standing.ended && lead.finished())?;
    if judgement.finding == Finding::NeverReached {
        return Some(reach(judgement));
    }
    if matches!(
        judgement.finding,
        Finding::BestPrecedesOnset | Finding::TrainingFailed | Finding::NoAnswer
    ) {
        return None;
    }
    if let Some((arm, level)) = worth_finishing(judgement) {
        let [arm, lead] = [arm, lead].map(|arm| named(standing, arm));
        let words = format!("Train {arm} with every seed: that decides between it and {lead}.");
        return Some(Advice::levels(vec![level], words));
    }
    if let Some(edge) = standing.edge(lead).filter(|_| !lead.is_plain()) {
        let which = match edge {
            Edge::Highest => "highest",
            Edge::Lowest => "lowest",
        };
        let words = format!("The best level is the {which} of the grid: try some beyond it.");
        let mut levels = advised(&standing.levels, edge);
        levels.retain(|level| can_matter(judgement, *level));
        if !levels.is_empty() {
            return Some(Advice::levels(levels, words));
        }
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

/// The arm that it would tell most about to train it with every seed: the most probable of those that
/// weren't, where it is at least as probable as the leader. With its level.
fn worth_finishing<'a>(judgement: &Judgement<'a>) -> Option<(&'a Candidate, f64)> {
    let of_lead = judgement.probability?;
    let (arm, probability) = judgement.unfinished?;
    let level = arm.method.level()?;
    (probability >= of_lead).then_some((arm, level))
}

/// Whether a level beyond an end can show anything: far below the loss at which plain training ends hardly
/// a mini-batch falls, and at the loss of a guess nothing is learned.
fn can_matter(judgement: &Judgement<'_>, level: f64) -> bool {
    let loss = judgement.plain.and_then(Candidate::train_loss);
    loss.is_none_or(|loss| level >= MIN_SHARE_OF_LOSS * loss)
        && judgement.standing.guessing.is_none_or(|loss| level < loss)
}

/// Levels that the training loss does reach or, where nothing tells them, runs of twice as many epochs.
fn reach(judgement: &Judgement<'_>) -> Advice {
    let standing = judgement.standing;
    let loss = judgement.plain.and_then(Candidate::train_loss).filter(|loss| *loss > 0.0);
    let mut levels =
        loss.map(|loss| advised_above_loss(&standing.levels, loss)).unwrap_or_default();
    levels.retain(|level| can_matter(judgement, *level));
    match levels {
        levels if !levels.is_empty() => {
            let words = "No level was reached: try some above the training loss at its end.";
            Advice::levels(levels, words.into())
        }
        _ => {
            let epochs = standing.epochs.saturating_mul(2);
            Advice::epochs(epochs, "No level was reached: train for longer.".into())
        }
    }
}
