//! Which level of a method goes on to the end.

use super::{
    end,
    probes::{ladders, reached, turn},
    response,
};
use crate::scheduler::{
    facts::{Criteria, Criterion, Reading},
    intent::Intent,
    policy::View,
    reason::{Comparison, Fate, Probed, Reason},
};
use floodgauge_protocol::{Arm, ArmIx, FamilyIx, Metric, TrialKey};

/// The rung at which probes are compared.
const RUNG: u32 = 0;

/// What a level of a ladder showed as a probe in each family.
pub(super) struct Response {
    /// Its place in the ladder.
    place: usize,
    /// What it showed of the objective, by family; none where it is the plain run.
    readings: Vec<Option<Reading>>,
    /// The mean objective over families, minimised.
    value: f64,
    /// The evidence against it, beside that of the other probes; in their standard deviations.
    pub score: f64,
}

/// Chooses of each ladder, prunes the other probes, and trains the choice to the end.
pub(super) fn choose(facts: View<'_>, ix: usize) -> Vec<Intent> {
    let (mut intents, mut finalists) = (vec![], vec![]);
    for ladder in ladders(facts.space()) {
        if let Some((chosen, responses)) = of_ladder(facts, ix, &ladder) {
            intents.extend(promote_or_prune(facts, ix, &ladder, responses, chosen));
            finalists.push(chosen);
        }
    }
    finalists.sort_unstable();
    intents.extend(end::train(facts, ix, &finalists));
    intents
}

/// The arm of a ladder at which the response is lowest, and what the probes showed.
pub(super) fn of_ladder(
    facts: View<'_>,
    ix: usize,
    ladder: &[ArmIx],
) -> Option<(ArmIx, Vec<Response>)> {
    let families = &facts.brackets()[ix].families;
    let reached = reached(facts, families, ladder);
    let mut responses = responses(facts, families, ladder);
    let place = |place: usize| reached.iter().position(|arm| *arm == ladder[place]);
    responses.retain(|response| place(response.place).is_some());
    let scored: Vec<_> =
        responses.iter().filter_map(|probe| Some((place(probe.place)?, probe.score))).collect();
    let turn = turn(facts, families, &reached);
    let lowest = response::lowest(reached.len(), &scored, turn)?;
    Some((reached[lowest], responses))
}

/// What the probes of a ladder showed; those that not every seed has are left out.
fn responses(facts: View<'_>, families: &[FamilyIx], ladder: &[ArmIx]) -> Vec<Response> {
    let Criteria { objective, evidence, .. } = *facts.criteria();
    let by_all = |arm: ArmIx, metric| -> Option<Vec<(Option<Reading>, f64)>> {
        families.iter().map(|&family| shown(facts, family, arm, metric)).collect()
    };
    let mut responses = vec![];
    let (mut values, mut besides) = (vec![vec![]; families.len()], vec![vec![]; families.len()]);
    for (place, &arm) in ladder.iter().enumerate() {
        let (Some(shown), Some(beside)) = (by_all(arm, objective), by_all(arm, evidence)) else {
            continue;
        };
        if shown.iter().all(|(reading, _)| reading.is_none()) {
            continue;
        }
        for (seed, (shown, beside)) in shown.iter().zip(&beside).enumerate() {
            values[seed].push(shown.1);
            besides[seed].push(beside.1);
        }
        let value = shown.iter().map(|(_, value)| value).sum::<f64>() / shown.len() as f64;
        let readings = shown.into_iter().map(|(reading, _)| reading).collect();
        responses.push(Response { place, readings, value, score: 0.0 });
    }
    let scores = match objective == evidence {
        true => response::scores(&values),
        false => response::joined(response::scores(&values), response::scores(&besides)),
    };
    for (probe, score) in responses.iter_mut().zip(scores) {
        probe.score = score;
    }
    responses
}

/// What a trial shows of a metric: as a probe, or as the plain run that it is where its level
/// was never reached. None for one that wasn't probed or ended badly.
fn shown(
    facts: View<'_>,
    family: FamilyIx,
    arm: ArmIx,
    metric: Criterion,
) -> Option<(Option<Reading>, f64)> {
    let trial = facts.trial(family, arm);
    let (criteria, steps) = (facts.criteria(), facts.steps_per_epoch());
    if trial.is_active()
        && let Some(reading) = response::reading(trial, criteria, metric, steps)
    {
        let value = reading.value;
        return Some((Some(reading), value));
    }
    let plain = facts.trial(family, ArmIx::PLAIN);
    let is_plain = plain.epochs() >= facts.full() && !facts.is_crossed(family, arm);
    let value = plain.minimised(metric, facts.full()).filter(|_| is_plain)?;
    Some((None, value.finite()?))
}

fn promote_or_prune(
    facts: View<'_>,
    ix: usize,
    ladder: &[ArmIx],
    mut responses: Vec<Response>,
    chosen: ArmIx,
) -> Vec<Intent> {
    let objective = facts.criteria().objective;
    responses.sort_by(|a, b| a.score.total_cmp(&b.score).then(a.place.cmp(&b.place)));
    let least = responses.first().map(|probe| probe.score);
    let tie = responses.get(1).map(|probe| probe.score) == least;
    let mut intents = vec![];
    for (rank, probe) in responses.iter().enumerate() {
        let arm = ladder[probe.place];
        let fate = match (arm == chosen, tie && least == Some(probe.score)) {
            (true, _) => Fate::Promoted,
            (false, true) => Fate::AtRest,
            (false, false) => Fate::Pruned,
        };
        for (&family, reading) in facts.brackets()[ix].families.iter().zip(&probe.readings) {
            // Where its level was never reached, it is the plain run.
            let Some(reading) = reading else { continue };
            let why = Reason::Probed(Probed {
                fate,
                comparison: Comparison {
                    metric: objective.metric,
                    value: objective.as_measured(Metric::from(probe.value)),
                    from_epoch: reading.epochs.start as u32 + 1,
                    to_epoch: reading.epochs.end as u32,
                    seeds: probe.readings.len() as u32,
                    rank: rank as u32 + 1,
                    count: responses.len() as u32,
                },
                chosen: Arm::new(chosen, facts.method(chosen)),
            });
            let trial = TrialKey::new(family, arm);
            intents.push(match fate {
                Fate::Promoted => Intent::Promote { trial, rung: RUNG, why },
                Fate::AtRest => Intent::Rest { trial, why },
                Fate::Pruned => Intent::Prune { trial, rung: RUNG, why },
            });
        }
    }
    intents
}

impl Response {
    /// Whether something tells probes apart.
    pub(super) fn differ(responses: &[Self]) -> bool {
        responses.iter().any(|probe| probe.score != responses[0].score)
    }
}
