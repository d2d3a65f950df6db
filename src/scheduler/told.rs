//! What runs that ended early tell of their ends: evidence for the verdict, not for decisions.

use super::{status::TrialStatus, sweep::Sweep, trial::Trial};
use crate::verdict::Extrapolation;
use floodgauge_protocol::{At, Metric, TrialKey};

/// How much of the difference between two probes may be wrong about the difference of their ends.
const FURTHER: f64 = 0.5;

/// How much of what a run moves after its probe may be its own.
const LATER: f64 = 0.3;

impl Sweep {
    /// What a run that ended early says of its end: what it had some epochs after its onset, moved as
    /// the best run of its method in its family moved from as many epochs after its own onset
    /// until its end. The further it was from that run, the less sure is how far it would be.
    pub(super) fn told_by(&self, key: TrialKey) -> Option<Extrapolation> {
        let trial = self.trials.get(&key).filter(|t| t.status != TrialStatus::Completed)?;
        let exposed = self.onset_epoch(trial)?;
        let exposure = trial.curve.len().checked_sub(exposed)?;
        let objective = self.spec.search.objective;
        let seen = self.window(trial, exposure)?;
        let name = self.plan.arms[key.arm.ix()].name();
        let whole = self.trials.iter().filter(|(other, trial)| {
            let alike = self.plan.arms[other.arm.ix()].name() == name;
            alike && other.family == key.family && trial.status == TrialStatus::Completed
        });
        let (then, end) = whole
            .filter_map(|(_, other)| {
                let end = other.objective(objective, self.spec.recipe.epochs)?.finite()?;
                Some((self.window(other, exposure)?, end))
            })
            .min_by(|a, b| a.1.total_cmp(&b.1))?;
        let doubt = FURTHER * (seen - then).abs() + LATER * (end - then).abs();
        Some(Extrapolation { value: seen + end - then, doubt: doubt.max(f64::MIN_POSITIVE) })
    }

    /// The objective of a run over the second half of so many epochs since its onset.
    fn window(&self, trial: &Trial, exposure: usize) -> Option<f64> {
        let onset = self.onset_epoch(trial)?;
        let epochs = onset + exposure / 2..onset + exposure;
        let objective = self.spec.search.objective;
        let seen = trial.curve.get(epochs).filter(|seen| !seen.is_empty())?;
        let values = seen.iter().map(|point| point.metric(objective.metric));
        match objective.at {
            At::Last => Metric::mean(values).finite(),
            At::Best => values.min_by(|a, b| a.order(*b))?.finite(),
        }
    }

    /// The epoch of a run's onset, from 0.
    fn onset_epoch(&self, trial: &Trial) -> Option<usize> {
        Some((trial.onset_step? / self.steps_per_epoch.max(1)) as usize)
    }
}
