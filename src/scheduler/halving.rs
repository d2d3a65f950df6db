//! Halving that waits for onset.
//!
//! The levels of a method are ordered, and the objective is smooth along them. So of each weight
//! decay's first seed only a few spread levels, the *probes*, are trained beside the plain run,
//! each for a share of a full run from the epoch of its onset on. Their mean objective over the
//! second half of that exposure is the *response*: compared at the same exposure it ranks levels
//! as they end, where equal epochs rank them upside down (those past their onset look worse than
//! those before it). A parabola through the best probe and its neighbours names the level that
//! goes on to the end: a probe resumes from its checkpoint, a level between probes is woken from the
//! trunk. The other seeds train that level and the plain run alone.

use super::{
    action::{Action, Decision, TrialEnd},
    response::{self, Probe},
    status::TrialStatus,
    sweep::Sweep,
    textbook::keys,
    trial::Goal,
};
use floodgauge_protocol::{ArmIx, At, FamilyIx, Method, Metric, ObjectiveMetric, TrialKey};

/// Levels of a method that are probed; both ends are among them, since the best is often there.
const PROBES: usize = 4;

/// The share of a full run for which a probe is trained from its onset on.
const EXPOSURE: f64 = 0.15;

impl Sweep {
    /// How long a level is probed, in epochs from that of its onset on.
    fn exposure(&self) -> u32 {
        let full = self.spec.recipe.epochs;
        let share = (f64::from(full) * EXPOSURE).round().max(2.0) as u32;
        self.spec.scheduler.first_rung.unwrap_or(share).min(full)
    }

    /// The arms of each method in the order of their levels; those without a level one by one.
    fn ladders(&self) -> Vec<Vec<ArmIx>> {
        let mut ladders: Vec<(&str, Vec<ArmIx>)> = vec![];
        for (&method, arm) in self.plan.arms.iter().zip(self.plan.arm_ids()) {
            if method == Method::Plain {
                continue;
            }
            let known = ladders.iter_mut().find(|(name, _)| *name == method.name());
            match known.filter(|_| method.level().is_some()) {
                Some((_, ladder)) => ladder.push(arm),
                None => ladders.push((method.name(), vec![arm])),
            }
        }
        ladders.into_iter().map(|(_, ladder)| ladder).collect()
    }

    /// Trains the probes of a bracket, and its plain run to the end; all else lies dormant.
    pub(super) fn probe(&mut self, ix: usize) -> Vec<Decision> {
        let families = self.brackets[ix].families.clone();
        let probes: Vec<_> = self.ladders().iter().flat_map(|ladder| spread(ladder)).collect();
        let dormant: Vec<_> = self.plan.arm_ids().filter(|arm| *arm != ArmIx::PLAIN).collect();
        for key in families.iter().flat_map(|&f| dormant.iter().map(move |&a| TrialKey::new(f, a)))
        {
            let probed = key.family == families[0] && probes.contains(&key.arm);
            if let Some(trial) = self.trials.get_mut(&key).filter(|_| !probed) {
                trial.status = TrialStatus::Dormant;
                trial.reason = Some("not trained: the levels beside it tell what it does".into());
            }
        }
        let (full, exposure) = (self.spec.recipe.epochs, self.exposure());
        let arms: Vec<_> = [ArmIx::PLAIN].into_iter().chain(probes).collect();
        // The plain run has no onset that could end it: with the same goal it is one branch with
        // the probes that ride on it.
        let goal = Goal { epoch: full, exposure: Some(exposure) };
        self.aim(families[0], &arms, goal);
        self.advance(families[0], &arms)
    }

    /// What follows the probes of a bracket; after that, its end.
    pub(super) fn after_probes(&mut self, ix: usize) -> Vec<Decision> {
        if self.brackets[ix].rung > 0 {
            return self.end_bracket(ix);
        }
        let first = self.brackets[ix].families[0];
        let mut decisions = vec![];
        let mut finalists = vec![];
        for ladder in self.ladders() {
            finalists.extend(self.choose(first, &ladder, &mut decisions));
        }
        finalists.sort_unstable();
        decisions.extend(self.finish_with(ix, &finalists));
        self.brackets[ix].rung = 1;
        let open = self
            .segments
            .values()
            .any(|work| work.open && self.brackets[ix].families.contains(&work.segment.family));
        if !open {
            decisions.extend(self.end_bracket(ix));
        }
        decisions
    }

    /// Prunes the probes of a ladder that others beat, and answers who goes on.
    fn choose(
        &mut self,
        family: FamilyIx,
        ladder: &[ArmIx],
        decisions: &mut Vec<Decision>,
    ) -> Vec<ArmIx> {
        let probes: Vec<_> = ladder
            .iter()
            .enumerate()
            .filter_map(|(position, &arm)| self.response(TrialKey::new(family, arm), position))
            .collect();
        let crossed = |position: usize| self.is_crossed(TrialKey::new(family, ladder[position]));
        let Some(best) = response::lowest(&probes) else { return vec![] };
        let vertex = response::vertex(&probes).filter(|&vertex| crossed(vertex));
        let mut chosen = vec![vertex.unwrap_or(best.position)];
        // An error rate is coarse: one window of it is mostly noise, so that a second may well win.
        if self.spec.search.objective.metric == ObjectiveMetric::ValError {
            let second = response::next(&probes, chosen[0]);
            chosen.extend(second.map(|probe| probe.position));
        }
        // Nothing tells which of several that tie is the best.
        let tied = || probes.iter().filter(|probe| probe.value == best.value);
        chosen.extend(tied().filter(|_| tied().count() > 1).map(|probe| probe.position));
        chosen.sort_unstable();
        chosen.dedup();
        self.settle_probes(family, ladder, &probes, &chosen, decisions);
        chosen.into_iter().map(|position| ladder[position]).collect()
    }

    fn settle_probes(
        &mut self,
        family: FamilyIx,
        ladder: &[ArmIx],
        probes: &[Probe],
        chosen: &[usize],
        decisions: &mut Vec<Decision>,
    ) {
        let metric = self.spec.search.objective.metric.as_str();
        let full = self.spec.recipe.epochs;
        let names: Vec<_> =
            chosen.iter().map(|&p| self.plan.arms[ladder[p].ix()].to_string()).collect();
        for (rank, probe) in response::ranked(probes).iter().enumerate() {
            let kept = chosen.contains(&probe.position);
            let reason = format!(
                "{}: {metric} {:.4} in epochs {} to {}, after its onset, is rank {} of {} probes; {} to the end",
                if kept { "promoted" } else { "pruned" },
                probe.value,
                probe.epochs.start + 1,
                probe.epochs.end,
                rank + 1,
                probes.len(),
                if names.len() == 1 {
                    format!("{} goes", names[0])
                } else {
                    format!("{} go", names.join(" and "))
                },
            );
            let key = TrialKey::new(family, ladder[probe.position]);
            decisions.extend(self.settle(key, 0, kept, reason));
        }
        for &position in chosen {
            let key = TrialKey::new(family, ladder[position]);
            let why = "the response of the probes is lowest here";
            decisions.extend(self.wake(key, Goal::epoch(full), why));
        }
    }

    /// What a probe tells: its mean objective over the second half of its exposure. None for one
    /// that wasn't probed, ended badly, or still rides.
    fn response(&self, key: TrialKey, position: usize) -> Option<Probe> {
        let trial = self.trials.get(&key).filter(|t| t.status == TrialStatus::Active)?;
        let onset = trial.onset_step?;
        let epochs = response::window((onset / self.steps_per_epoch) as usize, trial.curve.len())?;
        let objective = self.spec.search.objective;
        let values = trial.curve[epochs.clone()].iter().map(|p| p.metric(objective.metric));
        let value = match objective.at {
            At::Last => Metric::mean(values),
            At::Best => values.min_by(|a, b| a.order(*b))?,
        };
        Some(Probe { position, epochs, value: value.finite()? })
    }

    /// Whether a level has an effect at all.
    fn is_crossed(&self, key: TrialKey) -> bool {
        !self.plan.arms[key.arm.ix()].rides() || self.onset(key).is_some()
    }

    /// Trains the chosen arms to the end: on the first seed from where they are, on the others
    /// beside the plain run from the start.
    fn finish_with(&mut self, ix: usize, finalists: &[ArmIx]) -> Vec<Decision> {
        let families = self.brackets[ix].families.clone();
        let arms: Vec<_> = [ArmIx::PLAIN].into_iter().chain(finalists.iter().copied()).collect();
        let goal = Goal::epoch(self.spec.recipe.epochs);
        let mut decisions = vec![];
        for &family in &families {
            for &arm in finalists {
                let key = TrialKey::new(family, arm);
                let dormant = |t: &&mut super::Trial| t.status == TrialStatus::Dormant;
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
            let done =
                |t: &&mut super::Trial| t.status == TrialStatus::Active && t.epochs() >= full;
            if let Some(trial) = self.trials.get_mut(&key).filter(done) {
                let reason = match rides {
                    true => "the training loss never fell below it: it is the plain run".into(),
                    false => format!("trained all {full} epochs"),
                };
                decisions.push(trial.end(key, TrialEnd::Completed, reason));
            }
        }
        decisions
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
