//! Arms compared after an epoch that they reached, as means over seeds.

use super::View;
use crate::scheduler::{
    facts::Bracket,
    reason::{Comparison, RungOf},
};
use floodgauge_protocol::{ArmIx, Metric};

/// Some arms of a bracket after an epoch with their objectives, minimised; best first. Equal means keep
/// the order of the arms.
pub fn rank(
    facts: View<'_>,
    bracket: &Bracket,
    arms: &[ArmIx],
    epoch: u32,
) -> Vec<(ArmIx, Metric)> {
    let objective = facts.criteria().objective;
    let mean = |arm| {
        Metric::mean(bracket.families.iter().map(|&family| {
            let trial = facts.trial(family, arm);
            match trial.is_active() {
                true => trial.at_rung(objective, epoch),
                false => Metric::Diverged,
            }
        }))
    };
    let mut ranked: Vec<_> = arms.iter().map(|&arm| (arm, mean(arm))).collect();
    ranked.sort_by(|a, b| a.1.order(b.1));
    ranked
}

/// The comparison of the arm at `place` of those that are ranked after an epoch.
pub fn comparison(
    facts: View<'_>,
    bracket: &Bracket,
    ranked: &[(ArmIx, Metric)],
    place: usize,
    rung: RungOf,
) -> Comparison {
    let objective = facts.criteria().objective;
    Comparison {
        metric: objective.metric,
        value: objective.as_measured(ranked[place].1),
        from_epoch: rung.epoch,
        to_epoch: rung.epoch,
        seeds: bracket.families.len() as u32,
        rank: place as u32 + 1,
        count: ranked.len() as u32,
    }
}
