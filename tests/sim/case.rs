//! A sweep and its curves, drawn from a seed.

use crate::dice::Dice;
use floodgauge::{
    scheduler::{Sweep, current_version, policy::Registration},
    simulate::{Measured, Truth},
};
use floodgauge_protocol::{
    ArmIx, FamilyIx, Metric, MetricName, MetricValues, SchedulerKind, SearchSpace, SweepSpec,
    below::highest_below,
    work::{Minimum, TestMetrics},
};
use serde_json::{Value, json};
use std::ops::Range;

const STEPS_PER_EPOCH: u64 = 4;

/// A sweep, and what training would show.
#[derive(Clone, Debug)]
pub struct Case {
    pub spec: SweepSpec,
    /// The version of its scheduler.
    pub version: u32,
    seed: u64,
    /// The arms; those that the scheduler added among them.
    pub plan: SearchSpace,
    /// Epochs of a full run by now.
    pub epochs: u32,
    /// Levels of each method that it is submitted with: 0.01, 0.02, and so on.
    levels: usize,
    /// The place of the best arm, as a share of all.
    best: f64,
    /// How far apart arms end.
    depth: f64,
    /// How much an epoch's value jumps.
    noise: f64,
    /// The step at which the highest level is crossed, and how many steps later each lower one is.
    first_onset: u64,
    onset_stride: u64,
    /// Whether some epochs of some arms aren't finite.
    diverges: bool,
}

impl Case {
    /// The case of a seed.
    pub fn draw(seed: u64) -> Self {
        Self::drawn(seed, None)
    }

    /// The case of a seed for a version of a scheduler.
    pub fn of_scheduler(seed: u64, scheduler: &Registration) -> Self {
        Self { version: scheduler.version, ..Self::drawn(seed, Some(scheduler.kind)) }
    }

    fn drawn(seed: u64, kind: Option<SchedulerKind>) -> Self {
        let mut dice = Dice::new(seed, 1);
        let epochs = 4 + dice.below(24) as u32;
        let count = 1 + dice.below(14);
        let levels: Vec<f64> = (1..=count).map(|i| i as f64 / 100.0).collect();
        let seeds: Vec<usize> = (0..1 + dice.below(3)).collect();
        let decays = dice.one_of(&[vec![0.0], vec![0.0], vec![0.0, 0.1]]);
        let mut methods = vec![json!("flood")];
        if dice.chance(0.2) {
            methods.push(json!("softad"));
        }
        if dice.chance(0.2) {
            methods.push(json!({ "kind": "gradient_penalty", "lambda": [0.1] }));
        }
        let any =
            dice.one_of(&["halving", "halving", "halving", "grid", "sha", "asha", "hyperband"]);
        let kind = kind.map_or(any, SchedulerKind::as_str);
        let mut scheduler = json!({ "kind": kind });
        if dice.chance(0.3) && kind != "grid" {
            scheduler["first_rung"] = json!(1 + dice.below(epochs as usize));
        }
        let has_eta = SchedulerKind::ALL.into_iter().any(|k| k.as_str() == kind && k.has_eta());
        if dice.chance(0.3) && has_eta {
            scheduler["eta"] = json!(2 + dice.below(4));
        }
        let metric = dice.one_of(&["val_loss", "val_error"]);
        let at = dice.one_of(&["last", "last", "best"]);
        let text: Value = json!({
            "name": format!("seed {seed}"),
            "recipe": {
                "dataset": { "name": "digits", "n_train": STEPS_PER_EPOCH * 10 },
                "batch_size": 10,
                "epochs": epochs,
            },
            "search": {
                "levels": levels, "seeds": seeds, "weight_decay": decays, "methods": methods,
                "objective": { "metric": metric, "at": at },
            },
            "scheduler": scheduler,
        });
        let mut spec: SweepSpec = serde_json::from_value(text).unwrap();
        spec.search.extend = kind == "halving" && Dice::new(seed, 3).chance(0.4);
        assert_eq!(spec.problems(), []);
        Self {
            plan: SearchSpace::of(&spec),
            version: current_version(spec.scheduler.kind),
            epochs,
            spec,
            seed,
            levels: count,
            best: dice.unit(),
            depth: dice.one_of(&[0.0, 0.5, 1.0]),
            noise: dice.one_of(&[0.0, 0.05, 0.3]),
            first_onset: dice.below(epochs as usize * 3) as u64,
            onset_stride: dice.below(12) as u64,
            diverges: dice.chance(0.1),
        }
    }

    /// The sweep before its first event.
    pub fn sweep(&self) -> Sweep {
        Sweep::of_version(self.spec.clone(), self.version).unwrap()
    }

    /// The curves of a seed for a sweep whose levels are 0.01, 0.02, and so on.
    pub fn of(seed: u64, spec: SweepSpec) -> Self {
        assert_eq!(spec.problems(), []);
        let mut dice = Dice::new(seed, 11);
        let epochs = spec.recipe.epochs;
        Self {
            plan: SearchSpace::of(&spec),
            version: current_version(spec.scheduler.kind),
            epochs,
            seed,
            levels: spec.search.levels.expand().unwrap().len(),
            best: dice.unit(),
            depth: 1.0,
            noise: dice.one_of(&[0.02, 0.1]),
            first_onset: dice.below(epochs as usize * 2) as u64,
            onset_stride: 1 + dice.below(6) as u64,
            diverges: seed.is_multiple_of(2),
            spec,
        }
    }

    /// Has no loss ever fall to a level.
    pub fn never_reach(&mut self) {
        self.first_onset = u64::from(u32::MAX);
    }

    /// Whether a run has met a loss by an epoch that isn't finite.
    pub fn diverged(&self, family: FamilyIx, arm: ArmIx, epoch: u32) -> bool {
        let seed = self.plan.families[family.ix()].seed;
        self.diverges
            && (1..=epoch).any(|epoch| {
                let loss = self.epoch(seed, arm, epoch).metrics.get(MetricName::val_loss());
                loss == Some(Metric::Diverged)
            })
    }

    /// Where an arm lies among all, from 0 to 1; beyond for levels that were added above.
    fn place(&self, arm: ArmIx) -> f64 {
        match self.plan.arms[arm.ix()].level() {
            Some(level) => 100.0 * level / self.levels as f64,
            None => f64::from(arm.0) / (self.plan.arms.len() - 1).max(1) as f64,
        }
    }

    /// The step at which the plain run of a seed falls below a level.
    fn crossing(&self, seed: u32, level: f64) -> u64 {
        let below = self.levels as f64 - 100.0 * level;
        let step = self.first_onset as f64 + below * self.onset_stride as f64;
        step.round().max(0.0) as u64 + u64::from(seed)
    }

    /// The minima that the plain run of a seed logs between two steps, for levels that nobody
    /// asked for too.
    pub fn minima(&self, seed: u32, steps: Range<u64>) -> Vec<Minimum> {
        let asked = self.plan.arms.iter().filter_map(|method| method.level());
        let between = (1..=self.levels * 20).map(|i| i as f64 / 800.0);
        let mut levels: Vec<f64> = asked.chain(between).collect();
        levels.sort_by(|a, b| b.total_cmp(a));
        levels.dedup();
        let minimum =
            |&level: &f64| Minimum { step: self.crossing(seed, level), loss: highest_below(level) };
        levels.iter().map(minimum).filter(|minimum| steps.contains(&minimum.step)).collect()
    }

    fn noise(&self, seed: u32, arm: ArmIx, epoch: u32) -> f64 {
        let what = u64::from(seed) << 40 | u64::from(arm.0) << 20 | u64::from(epoch);
        Dice::new(self.seed, what + 2).unit() - 0.5
    }
}

impl Truth for Case {
    fn epoch(&self, seed: u32, arm: ArmIx, epoch: u32) -> Measured {
        let done = u64::from(epoch) * STEPS_PER_EPOCH;
        let rides = self.plan.arms[arm.ix()].shares_trunk();
        let onset = if rides { self.onset_step(seed, arm) } else { Some(0) };
        let Some(onset) = onset.filter(|onset| *onset < done) else {
            let value =
                2.0 - 1.0 / f64::from(epoch) + self.noise * self.noise(seed, ArmIx(0), epoch);
            return measured(value);
        };
        let away = self.place(arm) - self.best;
        let since = (done - onset) as f64 / STEPS_PER_EPOCH as f64;
        let settled = since / (since + 3.0);
        let value = 2.0 - settled * self.depth * (1.0 - away * away);
        if self.diverges && arm.0 % 5 == 3 && since > 4.0 {
            return measured(f64::NAN);
        }
        measured(value + self.noise * self.noise(seed, arm, epoch))
    }

    fn onset_step(&self, seed: u32, arm: ArmIx) -> Option<u64> {
        let method = self.plan.arms[arm.ix()];
        if !method.shares_trunk() {
            return method.level().map(|_| 0);
        }
        let step = method.level().map(|level| self.crossing(seed, level))?;
        let end = u64::from(self.epochs) * STEPS_PER_EPOCH;
        Some(step).filter(|step| *step < end)
    }

    fn test(&self, _: u32, _: ArmIx) -> TestMetrics {
        TestMetrics { loss: Metric::Finite(0.5), error: Metric::Finite(0.1) }
    }
}

fn measured(value: f64) -> Measured {
    let error = Metric::from((value * 40.0).round() / 100.0);
    Measured {
        train_loss: Metric::from(value / 2.0),
        metrics: MetricValues::validation(Metric::from(value), error),
    }
}
