//! What is known of each arm.

use super::forecast::Forecast;
use crate::verdict::{
    ArmOutlook, Evidence,
    input::{Candidate, Standing},
};

/// Every arm, and what the model says of it.
pub fn outlooks(standing: &Standing, forecast: &Forecast) -> Vec<ArmOutlook> {
    let arms = standing.candidates.iter().enumerate();
    arms.map(|(position, arm)| {
        let mean = forecast.mean(position);
        let interval = mean.map(|mean| standing.objective.interval(mean.low, mean.high));
        ArmOutlook {
            arm: arm.described(),
            weight_decay: arm.weight_decay,
            evidence: evidence(arm),
            seeds: arm.seeds_at_end(),
            objective: arm.end_objective().map(|end| standing.objective.as_measured(end)),
            fitted: mean.map(|mean| standing.objective.number(mean.mean)),
            low: interval.map(|(low, _)| low),
            high: interval.map(|(_, high)| high),
            probability: forecast.probability(position),
        }
    })
    .collect()
}

/// How far an arm was trained.
fn evidence(arm: &Candidate) -> Evidence {
    if arm.seeds_at_end() > 0 {
        Evidence::Trained
    } else if arm.trials.iter().any(|trial| trial.epochs > 0) {
        Evidence::Probed
    } else {
        Evidence::Untrained
    }
}
