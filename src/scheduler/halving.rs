//! Halving that waits for onset.
//!
//! The levels of a method are ordered, and the objective is smooth along them. So only a few spread
//! levels, the *probes*, are trained beside the plain run, each for a share of a full run from the epoch
//! of its onset on; all others lie dormant. Where the plain run has shown which levels it reaches, and
//! where its validation loss turns, probes are added there. What a probe shows since its onset
//! is the *response*: compared at the same exposure it ranks levels as they end, where equal epochs
//! rank them upside down (those past their onset look worse than those before it). A smooth curve
//! through the probes of all seeds names the level that goes on to the end: a probe resumes from its
//! checkpoint, a level between probes is woken from the trunk.
//!
//! An error rate is coarse, and one window of it is mostly noise; so where it is the objective, the loss
//! counts as evidence beside it. Where the loss misleads, plain is the better of the two at the end.

use super::{
    action::{Action, Decision, TrialEnd},
    bound::Phase,
    response::{self, Reading},
    status::TrialStatus,
    sweep::Sweep,
    textbook::keys,
    trial::{Goal, Point, Trial},
};
use floodgauge_protocol::{
    ArmIx, FamilyIx, Method, Objective, ObjectiveMetric, Plan, SweepSpec, TrialKey,
};

/// Spread levels of a method that are probed; both ends are among them, since the best is often
/// there. One more is probed where the plain run turns.
const PROBES: usize = 4;

/// The share of a full run for which a probe is trained from its onset on.
const EXPOSURE: f64 = 0.15;

/// The rung of a bracket whose choice is trained to the end.
pub(super) const TO_THE_END: usize = 2;

/// How long a level is probed, in epochs from that of its onset on.
fn exposure(spec: &SweepSpec) -> u32 {
    let full = spec.recipe.epochs;
    let share = (f64::from(full) * EXPOSURE).round().max(2.0) as u32;
    spec.scheduler.first_rung.unwrap_or(share).min(full)
}

/// The arms of each method in the order of their levels; those without a level one by one.
fn ladders(plan: &Plan) -> Vec<Vec<ArmIx>> {
    let mut ladders: Vec<(&str, Vec<ArmIx>)> = vec![];
    for (&method, arm) in plan.arms.iter().zip(plan.arm_ids()) {
        if method == Method::Plain {
            continue;
        }
        let known = ladders.iter_mut().find(|(name, _)| *name == method.name());
        match known.filter(|_| method.level().is_some()) {
            Some((_, ladder)) => ladder.push(arm),
            None => ladders.push((method.name(), vec![arm])),
        }
    }
    let level = |arm: &ArmIx| plan.arms[arm.ix()].level().unwrap_or(0.0);
    for (_, ladder) in &mut ladders {
        ladder.sort_by(|a, b| level(a).total_cmp(&level(b)));
    }
    ladders.into_iter().map(|(_, ladder)| ladder).collect()
}

/// The least and the most that one family costs, in full runs, and what is trained.
pub(super) fn bound(
    spec: &SweepSpec,
    plan: &Plan,
    phase: impl Fn(String, u32, usize) -> Phase,
) -> (f64, f64, Vec<Phase>) {
    let share = f64::from(exposure(spec)) / f64::from(spec.recipe.epochs);
    let (mut low, mut high, mut coarse, mut more, mut ends) = (1.0, 1.0, 0, 0, 0);
    for ladder in ladders(plan) {
        let method = plan.arms[ladder[0].ix()];
        let cost = f64::from(method.gradients_per_step());
        let probes = ladder.len().min(PROBES);
        coarse += probes;
        ends += 1;
        if method.rides() {
            let most = ladder.len().min(PROBES + 1);
            more += most - probes.min(most);
            // One that goes on was a probe before, unless it lies between them.
            let pruned = if ladder.len() > most { most } else { most - 1 };
            high += cost * (pruned as f64 * share + 1.0);
        } else {
            // A run of its own may meet its onset at its very end, or in its first epoch.
            low += cost * ((probes - 1) as f64 * share + 1.0);
            high += cost * (probes + usize::from(ladder.len() > probes)) as f64;
        }
    }
    let phases = vec![
        phase("the plain run, and probes from their onset on".into(), exposure(spec), coarse),
        phase("probes where the plain run turns".into(), exposure(spec), more),
        phase("the chosen level of each method to the end".into(), spec.recipe.epochs, ends),
    ];
    (low, high, phases)
}

/// What a probe showed in each family.
struct Probe {
    position: usize,
    /// What it showed of the objective, by family; none where it is the plain run.
    readings: Vec<Option<Reading>>,
    /// The mean objective over families.
    value: f64,
    /// The evidence against it, beside that of the other probes.
    score: f64,
}

impl Sweep {
    /// Trains the probes of a bracket, and its plain runs to the end; all else lies dormant.
    pub(super) fn probe(&mut self, ix: usize) -> Vec<Decision> {
        let families = self.brackets[ix].families.clone();
        let probes: Vec<_> = ladders(&self.plan).iter().flat_map(|ladder| spread(ladder)).collect();
        let mut decisions = vec![];
        for family in families {
            let idle = |arm: &ArmIx| *arm != ArmIx::PLAIN && !probes.contains(arm);
            for arm in self.plan.arm_ids().filter(idle) {
                if let Some(trial) = self.trials.get_mut(&TrialKey::new(family, arm)) {
                    trial.status = TrialStatus::Dormant;
                    trial.reason =
                        Some("not trained: the levels beside it tell what it does".into());
                }
            }
            let arms: Vec<_> = [ArmIx::PLAIN].into_iter().chain(probes.iter().copied()).collect();
            // The plain run has no onset that could end it: with the same goal it is one branch
            // with the probes that ride on it.
            self.aim(family, &arms, self.probing());
            decisions.extend(self.advance(family, &arms));
        }
        decisions
    }

    /// The goal of a probe.
    fn probing(&self) -> Goal {
        Goal { epoch: self.spec.recipe.epochs, exposure: Some(exposure(&self.spec)) }
    }

    /// What follows once nothing of a bracket is open: more probes, its choice, its end.
    pub(super) fn after_probes(&mut self, ix: usize) -> Vec<Decision> {
        let mut decisions = vec![];
        if self.brackets[ix].rung == 0 {
            self.brackets[ix].rung = 1;
            decisions.extend(self.probe_more(ix));
            if self.is_open(ix) {
                return decisions;
            }
        }
        if self.brackets[ix].rung == 1 {
            self.brackets[ix].rung = TO_THE_END;
            let mut finalists = vec![];
            for ladder in ladders(&self.plan) {
                finalists.extend(self.choose(ix, &ladder, &mut decisions));
            }
            finalists.sort_unstable();
            decisions.extend(self.finish_with(ix, &finalists));
            if self.is_open(ix) {
                return decisions;
            }
        }
        decisions.extend(self.end_bracket(ix));
        decisions
    }

    fn is_open(&self, ix: usize) -> bool {
        let families = &self.brackets[ix].families;
        self.segments.values().any(|work| work.open && families.contains(&work.segment.family))
    }

    /// Adds probes where the plain runs have shown that they are worth it: spread over the levels
    /// that were reached, if some weren't, and one at the training loss where the validation loss turned.
    fn probe_more(&mut self, ix: usize) -> Vec<Decision> {
        let mut decisions = vec![];
        for ladder in ladders(&self.plan) {
            if !self.plan.arms[ladder[0].ix()].rides() {
                continue;
            }
            let reached = self.reached(ix, &ladder);
            let coarse = spread(&ladder);
            let mut probes: Vec<_> =
                reached.iter().copied().filter(|arm| coarse.contains(arm)).collect();
            let before = probes.len();
            for arm in spread(&reached) {
                if !probes.contains(&arm) && probes.len() < PROBES {
                    probes.push(arm);
                }
            }
            let turn = self.turn(ix, &reached).map(|place| reached[place.round() as usize]);
            probes.extend(turn.filter(|arm| !probes.contains(arm)));
            for family in self.brackets[ix].families.clone() {
                let mut woken = vec![];
                for &arm in &probes[before..] {
                    let why = "probed, as the plain run reached it";
                    let key = TrialKey::new(family, arm);
                    let wake = self.wake(key, self.probing(), why);
                    woken.extend(wake.is_some().then_some(arm));
                    decisions.extend(wake);
                }
                decisions.extend(self.advance(family, &woken));
            }
        }
        decisions
    }

    /// The levels of a ladder that have an effect with every seed, or, if there are none, with any.
    fn reached(&self, ix: usize, ladder: &[ArmIx]) -> Vec<ArmIx> {
        let families = &self.brackets[ix].families;
        let crossed = |family: &FamilyIx, arm: ArmIx| self.is_crossed(TrialKey::new(*family, arm));
        let by_all = |arm: &ArmIx| families.iter().all(|family| crossed(family, *arm));
        let by_any = |arm: &ArmIx| families.iter().any(|family| crossed(family, *arm));
        let everywhere: Vec<_> = ladder.iter().copied().filter(by_all).collect();
        match everywhere.is_empty() {
            true => ladder.iter().copied().filter(by_any).collect(),
            false => everywhere,
        }
    }

    /// The place among the reached levels of a riding ladder where the plain runs turn, as a mean
    /// over seeds.
    fn turn(&self, ix: usize, reached: &[ArmIx]) -> Option<f64> {
        let level = |arm: &ArmIx| self.plan.arms[arm.ix()].level().filter(|_| !reached.is_empty());
        let levels: Vec<f64> = reached.iter().filter_map(level).collect();
        let rides = |arm: &ArmIx| self.plan.arms[arm.ix()].rides();
        if levels.is_empty() || levels.len() != reached.len() || !reached.iter().all(rides) {
            return None;
        }
        let families = self.brackets[ix].families.iter();
        let plain = families.map(|&family| &self.trials[&TrialKey::new(family, ArmIx::PLAIN)]);
        let turns: Vec<f64> = plain
            .filter_map(|plain| response::turning_loss(&plain.curve))
            .map(|loss| response::place(loss, &levels))
            .collect();
        (!turns.is_empty()).then(|| turns.iter().sum::<f64>() / turns.len() as f64)
    }

    /// Prunes the probes of a ladder that others beat, and answers who goes on.
    fn choose(
        &mut self,
        ix: usize,
        ladder: &[ArmIx],
        decisions: &mut Vec<Decision>,
    ) -> Option<ArmIx> {
        let reached = self.reached(ix, ladder);
        let mut probes = self.responses(ix, ladder);
        let place = |position: usize| reached.iter().position(|arm| *arm == ladder[position]);
        probes.retain(|probe| place(probe.position).is_some());
        let scored: Vec<_> =
            probes.iter().filter_map(|p| Some((place(p.position)?, p.score))).collect();
        let lowest = response::lowest(reached.len(), &scored, self.turn(ix, &reached))?;
        let chosen = reached[lowest];
        self.settle_probes(ix, ladder, &mut probes, chosen, decisions);
        Some(chosen)
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
                    "{verb}: {metric} {:.4}{seeds} in epochs {from} to {to}, after its onset, is rank {} of {count} probes; {name} goes to the end",
                    probe.value,
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

    /// Whether a level has an effect at all.
    pub(super) fn is_crossed(&self, key: TrialKey) -> bool {
        !self.plan.arms[key.arm.ix()].rides() || self.onset(key).is_some()
    }

    /// Trains the chosen arms, and plain, to the end.
    pub(super) fn finish_with(&mut self, ix: usize, finalists: &[ArmIx]) -> Vec<Decision> {
        let arms: Vec<_> = [ArmIx::PLAIN].into_iter().chain(finalists.iter().copied()).collect();
        let goal = Goal::epoch(self.spec.recipe.epochs);
        let mut decisions = vec![];
        for family in self.brackets[ix].families.clone() {
            for &arm in finalists {
                let key = TrialKey::new(family, arm);
                let why = "the response of the probes is lowest here";
                decisions.extend(self.wake(key, goal, why));
                let alone = !self.plan.arms[arm.ix()].rides();
                let dormant = |t: &&mut Trial| alone && t.status == TrialStatus::Dormant;
                if let Some(trial) = self.trials.get_mut(&key).filter(dormant) {
                    trial.status = TrialStatus::Active;
                }
            }
            self.aim(family, &arms, goal);
            decisions.extend(self.advance(family, &arms));
        }
        self.brackets[ix].arms = arms;
        decisions
    }

    /// Ends what was trained to the end; levels that were never reached are the plain run.
    fn end_bracket(&mut self, ix: usize) -> Vec<Decision> {
        self.brackets[ix].done = true;
        let full = self.spec.recipe.epochs;
        let all: Vec<_> = self.plan.arm_ids().collect();
        let mut decisions = vec![];
        for key in keys(&self.brackets[ix].clone(), &all) {
            decisions.extend(self.ride_to_the_end(key));
            let rides = key.arm != ArmIx::PLAIN && !self.is_crossed(key);
            let done = |t: &&mut Trial| t.status == TrialStatus::Active && t.epochs() >= full;
            if let Some(trial) = self.trials.get_mut(&key).filter(done) {
                let reason = match rides {
                    true => "the training loss never fell below it: it is the plain run".into(),
                    false => format!("trained all {full} epochs"),
                };
                decisions.push(trial.end(key, TrialEnd::Completed, reason));
            }
            decisions.extend(self.leave(key));
        }
        decisions
    }

    /// Ends a probe that no choice could weigh.
    fn leave(&mut self, key: TrialKey) -> Option<Decision> {
        let active = |trial: &&mut Trial| trial.status == TrialStatus::Active;
        let trial = self.trials.get_mut(&key).filter(active)?;
        let whole = |point: &Point| point.val_loss.finite().and(point.val_error.finite()).is_some();
        if !trial.curve.iter().all(whole) {
            let reason = "a loss was not finite".to_string();
            return Some(trial.end(key, TrialEnd::Diverged, reason));
        }
        let reason = "pruned: with another seed it ended early, so nothing compares it".into();
        self.settle(key, 0, false, reason)
    }

    /// Gives a dormant arm the epochs of its trunk if these never crossed its level.
    fn ride_to_the_end(&mut self, key: TrialKey) -> Option<Decision> {
        let plain = self.trials.get(&TrialKey::new(key.family, ArmIx::PLAIN))?;
        let over = matches!(plain.status, TrialStatus::Active | TrialStatus::Completed)
            && plain.epochs() >= self.spec.recipe.epochs;
        if !over || self.is_crossed(key) {
            return None;
        }
        let (curve, checkpoint, saved_step, best) =
            (plain.curve.clone(), plain.checkpoint, plain.saved_step, plain.best);
        let trial =
            self.trials.get_mut(&key).filter(|trial| trial.status == TrialStatus::Dormant)?;
        trial.status = TrialStatus::Active;
        trial.curve = curve;
        (trial.checkpoint, trial.saved_step, trial.best) = (checkpoint, saved_step, best);
        let reason = "the training loss never fell below it".into();
        let epochs = self.spec.recipe.epochs;
        Some(Decision { action: Action::Wake { trial: key, epochs }, reason })
    }
}

/// At most [`PROBES`] of a ladder, from end to end as evenly as can be.
fn spread(ladder: &[ArmIx]) -> Vec<ArmIx> {
    let last = ladder.len().saturating_sub(1);
    let count = ladder.len().min(PROBES);
    let place = |i: usize| (i * last + (count - 1) / 2) / (count - 1).max(1);
    (0..count).map(|i| ladder[place(i)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_reach_from_end_to_end() {
        let spread = |n: u16| {
            let ladder: Vec<_> = (1..=n).map(ArmIx).collect();
            super::spread(&ladder).iter().map(|arm| arm.0).collect::<Vec<_>>()
        };
        assert_eq!(spread(20), [1, 7, 14, 20]);
        assert_eq!(spread(10), [1, 4, 7, 10]);
        assert_eq!(spread(5), [1, 2, 4, 5]);
        assert_eq!(spread(4), [1, 2, 3, 4]);
        assert_eq!(spread(3), [1, 2, 3]);
        assert_eq!(spread(2), [1, 2]);
        assert_eq!(spread(1), [1]);
        assert_eq!(spread(0), [0u16; 0]);
    }
}
