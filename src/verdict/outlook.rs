//! What is known of each arm.

use super::{ArmOutlook, leader::Standing, sure::Sureness};

/// Every arm, and what the model says of it.
pub fn of(standing: &Standing, sureness: &Sureness) -> Vec<ArmOutlook> {
    let arms = standing.candidates.iter().enumerate();
    arms.map(|(place, arm)| {
        let mean = sureness.mean(place);
        ArmOutlook {
            arm: arm.method.to_string(),
            method: arm.method.name().into(),
            b: arm.method.level(),
            weight_decay: arm.weight_decay,
            evidence: arm.evidence(),
            seeds: arm.seeds(),
            objective: arm.mean(),
            fitted: mean.map(|mean| mean.mean),
            low: mean.map(|mean| mean.low),
            high: mean.map(|mean| mean.high),
            probability: sureness.chance(place),
        }
    })
    .collect()
}
