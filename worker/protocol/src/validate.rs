//! Checks on a submitted sweep that its types can't make.

mod metrics;
mod model;
mod search;

use crate::{
    recipe::Optimizer, schedule::Schedule, shown::Shown, sweep::SweepSpec, text::name_problem,
};
use std::fmt;

/// One field that is out of its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// A JSON pointer (RFC 6901) to the field.
    pub pointer: String,
    /// What is wrong, with the value and its bound.
    pub message: String,
}

/// The bounds of a sweep: what one server can be asked for at once.
pub(crate) mod bound {
    /// What is told of a sweep that is wrong throughout. Chosen: more than anybody reads.
    pub const MAX_PROBLEMS: usize = 100;
    pub const MAX_NAME_CHARS: usize = 100;
    pub const MAX_EPOCHS: u32 = 100_000;
    pub const MAX_LAYERS: usize = 32;
    pub const MAX_WIDTH: u32 = 8_192;
    pub const MAX_SEEDS: usize = 100;
    pub const MAX_WEIGHT_DECAYS: usize = 16;
    pub const MAX_TRIALS: usize = 20_000;
    /// Rows that the server keeps and reads at once.
    pub const MAX_TRIAL_EPOCHS: u64 = 2_000_000;
    /// What a checkpoint of one branch may hold; well below what a blob may.
    pub const MAX_CHECKPOINT_BYTES: u64 = 200 << 20;
    pub const ETA: std::ops::RangeInclusive<u32> = 2..=100;
    pub const PRIORITY: std::ops::RangeInclusive<i32> = -100..=100;
}

/// Collects what is wrong, so that a user sees everything at once; of what is wrong throughout, the
/// first [`bound::MAX_PROBLEMS`].
#[derive(Default)]
struct Problems(Vec<Invalid>);

impl Problems {
    /// What is right costs neither pointer nor message.
    fn unless(
        &mut self,
        holds: bool,
        pointer: impl fmt::Display,
        message: impl FnOnce() -> String,
    ) {
        if !holds && self.0.len() < bound::MAX_PROBLEMS {
            self.0.push(Invalid { pointer: pointer.to_string(), message: message() });
        }
    }
}

impl SweepSpec {
    /// Everything that is wrong with this sweep; empty when it can be run.
    pub fn problems(&self) -> Vec<Invalid> {
        let mut problems = Problems::default();
        let problem = name_problem(&self.name, bound::MAX_NAME_CHARS);
        problems.unless(problem.is_none(), "/name", || problem.unwrap_or_default());
        self.check_data(&mut problems);
        self.check_training(&mut problems);
        self.check_search(&mut problems);
        self.check_metrics(&mut problems);
        self.check_scheduler(&mut problems);
        problems.0
    }

    fn check_data(&self, problems: &mut Problems) {
        let data = &self.recipe.dataset;
        problems.unless(
            (0.0..=1.0).contains(&data.label_noise),
            "/recipe/dataset/label_noise",
            || format!("label_noise {} must be between 0 and 1", Shown(data.label_noise)),
        );
        let at_least_one = |n: Option<u32>| n.is_none_or(|n| n >= 1);
        problems.unless(at_least_one(data.n_train), "/recipe/dataset/n_train", || {
            "n_train must be at least 1".into()
        });
        problems.unless(at_least_one(data.n_val), "/recipe/dataset/n_val", || {
            "n_val must be at least 1".into()
        });
        // Of an uploaded set the server knows more, and checks again.
        let Some(facts) = data.facts() else { return };
        let split = data.resolved();
        let (train, val) = (split.n_train.unwrap_or(0), split.n_val.unwrap_or(0));
        let both = u64::from(train) + u64::from(val);
        let most = facts.max_samples;
        problems.unless(both <= u64::from(most), "/recipe/dataset/n_train", || {
            format!(
                "n_train {train} and n_val {val} together exceed the {most} samples of {} that aren't kept for testing",
                data.name
            )
        });
    }

    fn check_training(&self, problems: &mut Problems) {
        let recipe = &self.recipe;
        problems.unless(recipe.batch_size >= 1, "/recipe/batch_size", || {
            "batch_size must be at least 1".into()
        });
        let samples = recipe.dataset.resolved().n_train.unwrap_or(0);
        problems.unless(samples == 0 || recipe.batch_size <= samples, "/recipe/batch_size", || {
            format!("batch_size {} is more than the {samples} training samples", recipe.batch_size)
        });
        problems.unless((1..=bound::MAX_EPOCHS).contains(&recipe.epochs), "/recipe/epochs", || {
            format!("epochs {} must be between 1 and {}", recipe.epochs, bound::MAX_EPOCHS)
        });
        self.check_model(problems);
        self.check_optimizer(problems);
    }

    fn check_optimizer(&self, problems: &mut Problems) {
        let unit = |value: f64| (0.0..1.0).contains(&value);
        let at = |field: &str| format!("/recipe/optimizer/{field}");
        let optimizer = &self.recipe.optimizer;
        let lr = optimizer.lr();
        problems.unless(positive(lr), at("lr"), || format!("lr {} must be above 0", Shown(lr)));
        match *optimizer {
            Optimizer::Sgd { momentum, nesterov, .. } => {
                problems.unless(unit(momentum), at("momentum"), || {
                    format!("momentum {} must be at least 0 and below 1", Shown(momentum))
                });
                problems.unless(!nesterov || momentum > 0.0, at("nesterov"), || {
                    "nesterov needs a momentum above 0".into()
                });
            }
            Optimizer::Adam { beta_1, beta_2, epsilon, .. }
            | Optimizer::Adamw { beta_1, beta_2, epsilon, .. } => {
                problems.unless(positive(epsilon), at("epsilon"), || {
                    format!("epsilon {} must be above 0", Shown(epsilon))
                });
                for (name, beta) in [("beta_1", beta_1), ("beta_2", beta_2)] {
                    problems.unless(unit(beta), at(name), || {
                        format!("{name} {} must be at least 0 and below 1", Shown(beta))
                    });
                }
            }
        }
        let schedule = optimizer.schedule();
        let (warmup, epochs) = (schedule.warmup(), self.recipe.epochs);
        problems.unless(warmup == 0 || warmup < epochs, at("schedule/warmup"), || {
            format!("warmup {warmup} must be below epochs, {epochs}")
        });
        if let Schedule::Step { every, factor, .. } = *schedule {
            problems.unless(every >= 1, at("schedule/every"), || "every must be at least 1".into());
            problems.unless(factor > 0.0 && factor <= 1.0, at("schedule/factor"), || {
                format!("factor {} must be above 0 and at most 1", Shown(factor))
            });
        }
    }

    fn check_scheduler(&self, problems: &mut Problems) {
        let spec = &self.scheduler;
        if let Some(eta) = spec.eta.filter(|_| spec.kind.has_eta()) {
            problems.unless(bound::ETA.contains(&eta), "/scheduler/eta", || {
                format!("eta {eta} must be between {} and {}", bound::ETA.start(), bound::ETA.end())
            });
        }
        if let Some(first) = spec.first_rung {
            problems.unless(
                (1..=self.recipe.epochs).contains(&first),
                "/scheduler/first_rung",
                || {
                    format!(
                        "first_rung {first} must be between 1 and epochs, {}",
                        self.recipe.epochs
                    )
                },
            );
        }
        if !spec.kind.has_eta() {
            let kind = spec.kind.as_str();
            problems.unless(spec.eta.is_none(), "/scheduler/eta", || format!("{kind} has no eta"));
        }
        if !spec.kind.has_first_rung() {
            let kind = spec.kind.as_str();
            problems.unless(spec.first_rung.is_none(), "/scheduler/first_rung", || {
                format!("{kind} has no first_rung")
            });
        }
        problems.unless(bound::PRIORITY.contains(&spec.priority), "/scheduler/priority", || {
            format!("priority {} must be between -100 and 100", spec.priority)
        });
    }
}

fn positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{levels::Levels, model::Model, sweep::SchedulerKind};

    fn digits() -> SweepSpec {
        serde_json::from_str(
            r#"{"name": "digits", "recipe": {"dataset": {"name": "digits", "label_noise": 0.2}}}"#,
        )
        .unwrap()
    }

    fn pointers(spec: &SweepSpec) -> Vec<String> {
        spec.problems().into_iter().map(|problem| problem.pointer).collect()
    }

    #[test]
    fn a_sweep_that_names_only_its_data_is_valid() {
        assert_eq!(digits().problems(), []);
    }

    /// Every check, with the field that it points at.
    #[test]
    fn each_value_out_of_its_range_is_pointed_at() {
        type Spoil = fn(&mut SweepSpec);
        let spoilt: [(&str, Spoil); 24] = [
            ("/name", |s| s.name.clear()),
            ("/name", |s| s.name = "n".repeat(101)),
            ("/name", |s| s.name = "\u{1b}[2J".into()),
            ("/name", |s| s.name = " \u{3000}".into()),
            ("/recipe/dataset/label_noise", |s| s.recipe.dataset.label_noise = 1.1),
            ("/recipe/dataset/n_train", |s| s.recipe.dataset.n_train = Some(0)),
            ("/recipe/dataset/n_val", |s| s.recipe.dataset.n_val = Some(0)),
            ("/recipe/batch_size", |s| s.recipe.batch_size = 0),
            ("/recipe/batch_size", |s| s.recipe.batch_size = 1_001),
            ("/recipe/epochs", |s| s.recipe.epochs = 0),
            ("/recipe/epochs", |s| s.recipe.epochs = 99_999),
            ("/recipe/model/hidden", |s| s.recipe.model = mlp(&[8_192, 8_192])),
            ("/recipe/model/hidden/1", |s| s.recipe.model = mlp(&[8, 0])),
            ("/recipe/optimizer/lr", |s| s.recipe.optimizer = sgd(0.0, 0.9)),
            ("/recipe/optimizer/momentum", |s| s.recipe.optimizer = sgd(0.1, 1.0)),
            ("/search/levels", |s| s.search.levels = Levels::List(vec![])),
            ("/search/levels", |s| s.search.levels = Levels::List(vec![0.1, 0.1])),
            ("/search/levels", |s| s.search.levels = Levels::List(vec![f64::NAN])),
            ("/search/levels", |s| s.search.levels = Levels::List(vec![0.5; 10_001])),
            ("/search/seeds", |s| s.search.seeds = vec![1, 1]),
            ("/search/weight_decay/0", |s| s.search.weight_decay = vec![-1.0]),
            ("/search/methods", |s| s.search.methods.clear()),
            ("/scheduler/eta", |s| s.scheduler.eta = Some(1)),
            ("/scheduler/first_rung", |s| s.scheduler.first_rung = Some(101)),
        ];
        for (pointer, spoil) in spoilt {
            let mut spec = digits();
            spoil(&mut spec);
            assert_eq!(pointers(&spec), [pointer], "{:?}", spec.problems());
        }
    }

    #[test]
    fn schedulers_have_the_fields_that_apply_to_them() {
        let wrong = |kind, eta, first_rung| {
            let mut spec = digits();
            spec.scheduler.kind = kind;
            (spec.scheduler.eta, spec.scheduler.first_rung) = (eta, first_rung);
            pointers(&spec)
        };
        for kind in [SchedulerKind::Sha, SchedulerKind::Asha, SchedulerKind::Hyperband] {
            assert_eq!(wrong(kind, Some(4), Some(5)), [""; 0]);
            assert_eq!(wrong(kind, Some(1), None), ["/scheduler/eta"]);
        }
        assert_eq!(wrong(SchedulerKind::Halving, Some(4), Some(5)), ["/scheduler/eta"]);
        let grid = wrong(SchedulerKind::Grid, Some(4), Some(5));
        assert_eq!(grid, ["/scheduler/eta", "/scheduler/first_rung"]);
    }

    fn mlp(hidden: &[u32]) -> Model {
        Model::Mlp { hidden: hidden.to_vec(), batch_norm: false }
    }

    fn sgd(lr: f64, momentum: f64) -> Optimizer {
        Optimizer::Sgd { lr, momentum, nesterov: false, schedule: Schedule::default() }
    }

    #[test]
    fn every_bad_field_is_pointed_at_once() {
        let mut spec = digits();
        spec.name.clear();
        spec.recipe.dataset.label_noise = f64::NAN;
        spec.recipe.batch_size = 0;
        spec.search.seeds = vec![1, 1];
        spec.scheduler.first_rung = Some(101);
        assert_eq!(
            pointers(&spec),
            [
                "/name",
                "/recipe/dataset/label_noise",
                "/recipe/batch_size",
                "/search/seeds",
                "/scheduler/first_rung"
            ]
        );
    }

    #[test]
    fn a_split_larger_than_its_set_is_refused_with_both_figures() {
        let mut spec = digits();
        spec.recipe.dataset.n_train = Some(1_500);
        let problems = spec.problems();
        assert!(problems[0].message.contains("1500") && problems[0].message.contains("1697"));
    }

    #[test]
    fn an_unknown_field_is_an_error_not_a_guess() {
        let text = r#"{"name": "x", "recipe": {"dataset": {"name": "digits"}, "epoch": 3}}"#;
        assert!(serde_json::from_str::<SweepSpec>(text).is_err());
    }

    #[test]
    fn optimisers_and_their_schedules_are_checked() {
        let mut spec = digits();
        let optimizer = r#"{"kind": "sgd", "lr": 0.1, "nesterov": true,
            "schedule": {"kind": "step", "every": 0, "factor": 2, "warmup": 100}}"#;
        spec.recipe.optimizer = serde_json::from_str(optimizer).unwrap();
        let fields = ["nesterov", "schedule/warmup", "schedule/every", "schedule/factor"];
        assert_eq!(pointers(&spec), fields.map(|field| format!("/recipe/optimizer/{field}")));
    }
}
