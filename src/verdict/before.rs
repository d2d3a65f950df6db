//! What is told of a sweep that was cancelled or failed: the answer that it had before it was extended, or none.

use super::{Best, Finding, RunEquivalents};
use floodgauge_api::SweepStatus;

/// The answer that a sweep completed with, once an extension of it was given up. Nothing more can be added to that
/// sweep; what it cost is what it cost in all.
pub fn before_extension(answer: Best, status: SweepStatus, cost: RunEquivalents) -> Best {
    let kind = status.as_str();
    let how = if status == SweepStatus::Cancelled { "was cancelled" } else { kind };
    let said = format!("This is the answer before the sweep was extended: the extension {how}.");
    let points: Vec<_> = std::iter::once(said).chain(answer.points).collect();
    // Answers of earlier releases have all in one.
    let sentence = match answer.sentence.is_empty() {
        true => answer.verdict,
        false => answer.sentence,
    };
    let verdict = [&sentence].into_iter().chain(&points).chain(&answer.against);
    Best {
        verdict: verdict.map(String::as_str).collect::<Vec<_>>().join(" "),
        sentence,
        points,
        advice: answer.advice.map(|advice| advice.since_given_up(kind)),
        run_equivalents: cost,
        before_extension: true,
        ..answer
    }
}

/// What is left of an answer that an earlier version stored of a sweep which was given up: it compared arms
/// that were trained to different epochs, or with different seeds.
pub fn without_answer(stored: Best) -> Best {
    let sentence = String::from(super::judge::GIVEN_UP);
    Best {
        finding: Finding::NoAnswer,
        best: None,
        baseline: None,
        difference: None,
        other_metric: None,
        advice: None,
        size_percent: None,
        verdict: sentence.clone(),
        sentence,
        points: vec![],
        against: vec![],
        ..stored
    }
}
