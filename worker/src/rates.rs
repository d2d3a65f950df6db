//! The learning rate of each step, from its number alone: a resume needs no state of it.

use floodgauge_protocol::{Recipe, Schedule};
use std::f64::consts::PI;

/// The learning rates of a run, as factors of the recipe's.
#[derive(Clone, Debug)]
pub struct Rates {
    schedule: Schedule,
    steps_per_epoch: u64,
    /// Epochs of a full run.
    epochs: u32,
}

impl Rates {
    /// The rates of a recipe whose split is filled in.
    pub fn of(recipe: &Recipe) -> Self {
        Self {
            schedule: recipe.optimizer.schedule().clone(),
            steps_per_epoch: recipe.steps_per_epoch(),
            epochs: recipe.epochs,
        }
    }

    /// The factor of step number `step`, from 0.
    pub fn factor(&self, step: u64) -> f64 {
        let warmup = u64::from(self.schedule.warmup()) * self.steps_per_epoch;
        let warm = if step < warmup { (step + 1) as f64 / warmup as f64 } else { 1.0 };
        let factor = match self.schedule {
            Schedule::Constant { .. } => 1.0,
            Schedule::Step { every, factor, .. } => {
                let changes = step / (u64::from(every.max(1)) * self.steps_per_epoch.max(1));
                factor.powi(i32::try_from(changes).unwrap_or(i32::MAX))
            }
            Schedule::Cosine { .. } => {
                let all = (u64::from(self.epochs) * self.steps_per_epoch).saturating_sub(warmup);
                let done = step.saturating_sub(warmup) as f64 / all.max(1) as f64;
                0.5 * (1.0 + (PI * done.min(1.0)).cos())
            }
        };
        warm * factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(schedule: &str, steps: &[u64]) -> Vec<f64> {
        let rates = Rates {
            schedule: serde_json::from_str(schedule).unwrap(),
            steps_per_epoch: 10,
            epochs: 12,
        };
        steps.iter().map(|&step| (1e9 * rates.factor(step)).round() / 1e9).collect()
    }

    #[test]
    fn a_constant_rate_warms_up_step_by_step() {
        assert_eq!(factors(r#"{"kind": "constant"}"#, &[0, 119]), [1.0, 1.0]);
        let warm = r#"{"kind": "constant", "warmup": 2}"#;
        assert_eq!(factors(warm, &[0, 9, 19, 20]), [0.05, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn steps_fall_at_the_ends_of_epochs_counted_from_the_start() {
        let steps = r#"{"kind": "step", "every": 3, "factor": 0.5, "warmup": 1}"#;
        assert_eq!(factors(steps, &[4, 10, 29, 30, 60, 119]), [0.5, 1.0, 1.0, 0.5, 0.25, 0.125]);
    }

    #[test]
    fn the_cosine_starts_after_its_warm_up_and_ends_with_the_run() {
        let cosine = r#"{"kind": "cosine", "warmup": 2}"#;
        assert_eq!(factors(cosine, &[9, 20, 70, 120, 500]), [0.5, 1.0, 0.5, 0.0, 0.0]);
    }
}
