//! Which level of a method goes on to the end.

use crate::scheduler::{
    action::{Action, Decision},
    response::{self, Reading},
    status::TrialStatus,
    sweep::Sweep,
    trial::Trial,
};
use floodgauge_protocol::{ArmIx, Metric, Objective, ObjectiveMetric, TrialKey};

/// What a probe showed in each family.
pub(super) struct Probe {
    position: usize,
    /// What it showed of the objective, by family; none where it is the plain run.
    readings: Vec<Option<Reading>>,
    /// The mean objective over families.
    value: f64,
    /// The evidence against it, beside that of the other probes.
    pub score: f64,
}

impl Sweep {
    /// Prunes the probes of a ladder that others beat, and answers who goes on.
    pub(super) fn settle_ladder(
        &mut self,
        ix: usize,
        ladder: &[ArmIx],
        decisions: &mut Vec<Decision>,
    ) -> Option<ArmIx> {
        let (chosen, mut probes) = self.choice(ix, ladder)?;
        self.settle_probes(ix, ladder, &mut probes, chosen, decisions);
        Some(chosen)
    }

    /// The arm of a ladder at which the response is lowest, and the probes that tell.
    pub(super) fn choice(&self, ix: usize, ladder: &[ArmIx]) -> Option<(ArmIx, Vec<Probe>)> {
        let reached = self.reached(ix, ladder);
        let mut probes = self.responses(ix, ladder);
        let place = |position: usize| reached.iter().position(|arm| *arm == ladder[position]);
        probes.retain(|probe| place(probe.position).is_some());
        let scored: Vec<_> =
            probes.iter().filter_map(|p| Some((place(p.position)?, p.score))).collect();
        let lowest = response::lowest(reached.len(), &scored, self.turn(ix, &reached))?;
        Some((reached[lowest], probes))
    }

    /// What the probes of a ladder showed; those of which not every seed tells are left out.
    fn responses(&self, ix: usize, ladder: &[ArmIx]) -> Vec<Probe> {
        let sought = self.spec.search.objective.metric;
        let loss = ObjectiveMetric::ValLoss;
        let families = &self.brackets[ix].families;
        let told = |arm: ArmIx, metric| -> Option<Vec<(Option<Reading>, f64)>> {
            let shown = |&family| self.shown(TrialKey::new(family, arm), metric);
            families.iter().map(shown).collect()
        };
        let mut probes = vec![];
        let (mut values, mut losses) = (vec![vec![]; families.len()], vec![vec![]; families.len()]);
        for (position, &arm) in ladder.iter().enumerate() {
            let (Some(shown), Some(beside)) = (told(arm, sought), told(arm, loss)) else {
                continue;
            };
            if shown.iter().all(|(reading, _)| reading.is_none()) {
                continue;
            }
            for (seed, (shown, beside)) in shown.iter().zip(&beside).enumerate() {
                values[seed].push(shown.1);
                losses[seed].push(beside.1);
            }
            let value = shown.iter().map(|(_, value)| value).sum::<f64>() / shown.len() as f64;
            let readings = shown.into_iter().map(|(reading, _)| reading).collect();
            probes.push(Probe { position, readings, value, score: 0.0 });
        }
        let scores = match sought {
            ObjectiveMetric::ValLoss => response::scores(&values),
            ObjectiveMetric::ValError => {
                response::joined(response::scores(&values), response::scores(&losses))
            }
        };
        for (probe, score) in probes.iter_mut().zip(scores) {
            probe.score = score;
        }
        probes
    }

    /// What a trial shows of a metric: as a probe, or as the plain run that it is where its level
    /// was never reached. None for one that wasn't probed or ended badly.
    fn shown(&self, key: TrialKey, metric: ObjectiveMetric) -> Option<(Option<Reading>, f64)> {
        let trial = &self.trials[&key];
        let sought = self.spec.search.objective;
        if trial.status == TrialStatus::Active
            && let Some(reading) = response::reading(trial, sought, metric, self.steps_per_epoch)
        {
            let value = reading.value;
            return Some((Some(reading), value));
        }
        let plain = &self.trials[&TrialKey::new(key.family, ArmIx::PLAIN)];
        let whole = plain.epochs() >= self.spec.recipe.epochs;
        let rides = whole && !self.is_crossed(key);
        let objective = Objective { metric, ..sought };
        let value = plain.objective(objective, self.spec.recipe.epochs).filter(|_| rides)?;
        Some((None, value.finite()?))
    }

    fn settle_probes(
        &mut self,
        ix: usize,
        ladder: &[ArmIx],
        probes: &mut [Probe],
        chosen: ArmIx,
        decisions: &mut Vec<Decision>,
    ) {
        let metric = self.spec.search.objective.metric.as_str();
        let name = self.plan.arms[chosen.ix()].to_string();
        probes.sort_by(|a, b| a.score.total_cmp(&b.score).then(a.position.cmp(&b.position)));
        let least = probes.first().map(|probe| probe.score);
        let count = probes.len();
        for (rank, probe) in probes.iter().enumerate() {
            let arm = ladder[probe.position];
            let ties = least == Some(probe.score) && probes.get(1).map(|p| p.score) == least;
            let seeds = match probe.readings.len() {
                1 => String::new(),
                seeds => format!(" as a mean over {seeds} seeds"),
            };
            let families = self.brackets[ix].families.clone();
            for (family, reading) in families.into_iter().zip(&probe.readings) {
                // Where it was never reached, it rides, and is the plain run.
                let Some(reading) = reading else { continue };
                let (from, to) = (reading.epochs.start + 1, reading.epochs.end);
                let verb = match (arm == chosen, ties) {
                    (true, _) => "promoted",
                    (false, true) => "at rest, as nothing tells it from the one that goes on",
                    (false, false) => "pruned",
                };
                let reason = format!(
                    "{verb}: {metric} {}{seeds} in epochs {from} to {to}, after its onset, is rank {} of {count} probes; {name} goes to the end",
                    Metric::from(probe.value),
                    rank + 1,
                );
                let key = TrialKey::new(family, arm);
                decisions.extend(match (arm == chosen, ties) {
                    (false, true) => self.rest(key, reason),
                    (kept, _) => self.settle(key, 0, kept, reason),
                });
            }
        }
    }

    /// Lets a probe lie dormant again.
    fn rest(&mut self, key: TrialKey, reason: String) -> Option<Decision> {
        let active = |trial: &&mut Trial| trial.status == TrialStatus::Active;
        let trial = self.trials.get_mut(&key).filter(active)?;
        trial.status = TrialStatus::Dormant;
        trial.reason = Some(reason.clone());
        Some(Decision { action: Action::Rest { trial: key }, reason })
    }
}
