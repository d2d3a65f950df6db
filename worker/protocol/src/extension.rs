//! What a finished sweep is extended by.

use crate::{
    levels::{Levels, MAX_LEVELS},
    method::MethodSpec,
    schedule::Schedule,
    shown::Shown,
    sweep::SweepSpec,
    validate::{Invalid, bound},
};
use serde::{Deserialize, Serialize};

/// Body of `POST /v1/sweeps/{id}/extend`: what to train beyond what was trained; at least one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// How many further seeds; the numbers after the highest that the sweep has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub seeds: Option<u32>,
    /// Levels, for every method that has one: further ones, and those of the sweep that some seed hasn't
    /// trained to the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<f64>,
    /// Epochs of a full run from now on, more than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub epochs: Option<u32>,
}

/// Why nothing is left to train of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelEnd {
    /// Every seed trained it to the end.
    Trained,
    /// It diverged with one seed at least, and the others trained it to the end.
    Diverged,
}

impl Extension {
    /// The seeds that it adds to a sweep; of one that asks for more than a sweep may have, so many.
    pub fn new_seeds(&self, spec: &SweepSpec) -> Vec<u32> {
        let first = match spec.search.seeds.iter().max() {
            Some(highest) => highest.checked_add(1),
            None => Some(0),
        };
        let count = (self.seeds.unwrap_or(0) as usize).min(bound::MAX_SEEDS);
        first.into_iter().flat_map(|first| first..=u32::MAX).take(count).collect()
    }

    /// Its levels: those that a sweep has, and those that are new.
    pub fn known_and_new_levels(&self, spec: &SweepSpec) -> (Vec<f64>, Vec<f64>) {
        if self.levels.is_empty() {
            return (vec![], vec![]);
        }
        let there = spec.search.levels.expand().unwrap_or_default();
        let is_there = |level: &f64| there.binary_search_by(|known| known.total_cmp(level)).is_ok();
        // Adding zero makes a negative zero a positive one.
        self.levels.iter().map(|level| level + 0.0).partition(is_there)
    }

    /// The sweep as it is with it.
    pub fn extended(&self, spec: &SweepSpec) -> SweepSpec {
        let mut spec = spec.clone();
        spec.search.seeds.extend(self.new_seeds(&spec));
        let (_, new) = self.known_and_new_levels(&spec);
        if !new.is_empty() {
            let mut levels = spec.search.levels.expand().unwrap_or_default();
            levels.extend(new);
            spec.search.levels = Levels::List(levels);
            // Those that can't be expanded stay as they are, for `problems` to say why.
            if let Ok(levels) = spec.search.levels.expand() {
                spec.search.levels = Levels::List(levels);
            }
        }
        spec.recipe.epochs = self.epochs.unwrap_or(spec.recipe.epochs);
        spec
    }

    /// What is wrong with it for a sweep, pointers into this body; empty when it can be done. Of a level that
    /// the sweep has, `end` tells why nothing of it is left to train, if so.
    pub fn problems(
        &self,
        spec: &SweepSpec,
        end: impl Fn(f64) -> Option<LevelEnd>,
    ) -> Vec<Invalid> {
        let mut problems = vec![];
        let mut unless = |holds: bool, pointer: &str, message: String| {
            if !holds {
                problems.push(Invalid { pointer: pointer.into(), message });
            }
        };
        let any = self.seeds.is_some() || !self.levels.is_empty() || self.epochs.is_some();
        unless(any, "", "at least one of seeds, levels and epochs is needed".into());
        unless(self.seeds != Some(0), "/seeds", "seeds must be at least 1".into());
        // Before anything is made of them.
        let seeds = (spec.search.seeds.len() as u64).saturating_add(self.seeds.unwrap_or(0).into());
        let few = self.seeds.is_none() || seeds <= bound::MAX_SEEDS as u64;
        unless(few, "/seeds", format!("1 to {} seeds are allowed, not {seeds}", bound::MAX_SEEDS));
        let highest = spec.search.seeds.iter().copied().max().unwrap_or(0);
        let left = u32::MAX - highest;
        unless(
            !few || self.seeds.unwrap_or(0) <= left,
            "/seeds",
            format!("only {left} numbers come after {highest}, the highest seed of the sweep"),
        );
        let (known, new) = self.known_and_new_levels(spec);
        let levels = spec.search.levels.count().unwrap_or(0) + new.len();
        let many = !self.levels.is_empty() && levels > MAX_LEVELS;
        unless(!many, "/levels", format!("{levels} levels are more than {MAX_LEVELS}"));
        if let Some(twice) = twice(&known) {
            unless(false, "/levels", format!("level {} is given twice", Shown(twice)));
        } else if let Some((level, end)) =
            known.iter().find_map(|&level| Some((Shown(level), end(level)?)))
        {
            let message = match end {
                LevelEnd::Trained => format!("b = {level} is trained with every seed already"),
                LevelEnd::Diverged => {
                    format!("b = {level} diverged, and nothing of it is left to train")
                }
            };
            unless(false, "/levels", message);
        }
        let has_level = |method: &MethodSpec| matches!(method, MethodSpec::Level(_));
        unless(
            self.levels.is_empty() || spec.search.methods.iter().any(has_level),
            "/levels",
            "no method of the sweep has a level".into(),
        );
        if let Some(epochs) = self.epochs {
            let before = spec.recipe.epochs;
            unless(
                epochs > before,
                "/epochs",
                format!("epochs {epochs} must be above the {before} that the sweep has"),
            );
            unless(
                !matches!(spec.recipe.optimizer.schedule(), Schedule::Cosine { .. }),
                "/epochs",
                "a cosine schedule with more epochs has another rate at every step, so nothing \
                 that was trained could be kept: submit a new sweep"
                    .into(),
            );
        }
        if problems.is_empty() {
            let mut found = self.extended(spec).problems();
            // The sweep has its name: one that was taken before names were looked at stays.
            found.retain(|problem| problem.pointer != "/name");
            problems.extend(found.into_iter().map(|problem| Invalid {
                pointer: pointer_here(&problem.pointer, self).into(),
                message: problem.message,
            }));
        }
        problems
    }
}

/// A number that is among others more than once.
fn twice(levels: &[f64]) -> Option<f64> {
    // A negative zero is a positive one.
    let mut sorted: Vec<f64> = levels.iter().map(|level| level + 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.windows(2).find(|pair| pair[0].total_cmp(&pair[1]).is_eq()).map(|pair| pair[0])
}

/// Which field of an extension is at fault for a field of the extended sweep.
fn pointer_here(pointer: &str, extension: &Extension) -> &'static str {
    match pointer {
        "/search/levels" => "/levels",
        "/search/seeds" => "/seeds",
        "/recipe/epochs" if extension.epochs.is_some() => "/epochs",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(rest: &str) -> SweepSpec {
        let head = r#"{"name": "x", "recipe": {"dataset": {"name": "spiral"}, "epochs": 10"#;
        serde_json::from_str(&format!("{head}{rest}}}")).unwrap()
    }

    fn plain() -> SweepSpec {
        spec(r#"}, "search": {"levels": [0.1, 0.2], "seeds": [3, 1]}"#)
    }

    fn extension(text: &str) -> Extension {
        serde_json::from_str(text).unwrap()
    }

    fn trained(_: f64) -> Option<LevelEnd> {
        Some(LevelEnd::Trained)
    }

    fn refused(text: &str, spec: &SweepSpec) -> (String, String) {
        let mut problems = extension(text).problems(spec, trained);
        assert_eq!(problems.len(), 1, "{problems:?}");
        let problem = problems.remove(0);
        (problem.pointer, problem.message)
    }

    #[test]
    fn an_extended_sweep_is_the_one_that_could_have_been_submitted() {
        let all = extension(r#"{"seeds": 2, "levels": [0.3, 0.15], "epochs": 20}"#);
        assert_eq!(all.problems(&plain(), trained), []);
        let extended = all.extended(&plain());
        assert_eq!(extended.search.seeds, [3, 1, 4, 5]);
        assert_eq!(extended.search.levels.expand().unwrap(), [0.1, 0.15, 0.2, 0.3]);
        assert_eq!(extended.recipe.epochs, 20);
    }

    #[test]
    fn what_adds_nothing_or_too_much_is_pointed_at() {
        for (text, pointer, said) in [
            ("{}", "", "at least one"),
            (r#"{"seeds": 0}"#, "/seeds", "at least 1"),
            (r#"{"seeds": 99}"#, "/seeds", "not 101"),
            (r#"{"levels": [0.2]}"#, "/levels", "b = 0.2 is trained with every seed already"),
            (r#"{"levels": [0.2, 0.3, 0.2]}"#, "/levels", "0.2 is given twice"),
            (r#"{"levels": [0.3, 0.3]}"#, "/levels", "0.3 is given twice"),
            (r#"{"levels": [0.3, -1]}"#, "/levels", "-1"),
            (r#"{"epochs": 10}"#, "/epochs", "above the 10"),
            (r#"{"epochs": 1000000}"#, "/epochs", "100000"),
        ] {
            let problems = extension(text).problems(&plain(), trained);
            let first = problems.first().unwrap_or_else(|| panic!("{text} is taken"));
            assert_eq!(first.pointer, pointer, "{text}");
            assert!(first.message.contains(said), "{text}: {}", first.message);
        }
    }

    #[test]
    fn a_level_of_the_sweep_is_taken_where_some_of_it_is_left_to_train() {
        let again = extension(r#"{"levels": [0.2, 0.3]}"#);
        let end = |level: f64| (level < 0.15).then_some(LevelEnd::Trained);
        assert_eq!(again.problems(&plain(), end), []);
        assert_eq!(again.known_and_new_levels(&plain()), (vec![0.2], vec![0.3]));
        assert_eq!(again.extended(&plain()).search.levels.expand().unwrap(), [0.1, 0.2, 0.3]);
        let only = extension(r#"{"levels": [0.2]}"#);
        assert_eq!(only.problems(&plain(), end), []);
        assert_eq!(only.extended(&plain()), plain(), "nothing is added");
        let both = extension(r#"{"levels": [0.1, 0.2]}"#).problems(&plain(), end);
        assert_eq!(both.len(), 1, "{both:?}");
        assert_eq!(both[0].message, "b = 0.1 is trained with every seed already");
        let twice = extension(r#"{"levels": [0.2, 0.2]}"#).problems(&plain(), end);
        assert_eq!(twice.len(), 1, "{twice:?}");
        assert_eq!(twice[0].message, "level 0.2 is given twice");
    }

    #[test]
    fn a_level_that_diverged_is_not_said_to_be_trained() {
        let again = extension(r#"{"levels": [0.2]}"#);
        let problems = again.problems(&plain(), |_| Some(LevelEnd::Diverged));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].message, "b = 0.2 diverged, and nothing of it is left to train");
    }

    /// A sweep with as many levels as may be takes its own again.
    #[test]
    fn a_level_of_negative_zero_is_the_one_of_zero() {
        let zero = Extension { levels: vec![-0.0], ..Extension::default() };
        let (known, new) = zero.known_and_new_levels(&plain());
        assert!(known.is_empty() && new[0].is_sign_positive(), "{new:?}");
        let again = zero.extended(&plain());
        assert_eq!(zero.known_and_new_levels(&again), (vec![0.0], vec![]));
    }

    #[test]
    fn levels_that_are_there_are_not_counted_as_more() {
        let full: Vec<f64> = (1..=MAX_LEVELS).map(|i| i as f64 / 1e5).collect();
        let mut sweep = plain();
        sweep.search.levels = Levels::List(full.clone());
        let again = Extension { levels: full[..3].to_vec(), ..Extension::default() };
        let said = again.problems(&sweep, |_| None);
        assert!(
            said.iter().all(|problem| !problem.message.contains("more than 10000")),
            "{said:?}"
        );
        let more = Extension { levels: vec![full[0], 0.5], ..Extension::default() };
        let said = more.problems(&sweep, |_| None);
        assert!(said[0].message.starts_with("10001 levels are more than"), "{said:?}");
    }

    /// What it would add is never made: four thousand million seeds would be 16 GiB.
    #[test]
    fn however_much_is_asked_for_is_refused_by_its_count() {
        for seeds in [98, 99, 3_000_000, u32::MAX] {
            let more = Extension { seeds: Some(seeds), ..Extension::default() };
            assert!(more.new_seeds(&plain()).len() <= bound::MAX_SEEDS);
            let (pointer, message) = match more.problems(&plain(), trained).as_slice() {
                [] => (String::new(), String::new()),
                [problem] => (problem.pointer.clone(), problem.message.clone()),
                several => panic!("{several:?}"),
            };
            let expected = match seeds {
                98 => (String::new(), String::new()),
                _ => {
                    let total = u64::from(seeds) + 2;
                    ("/seeds".into(), format!("1 to 100 seeds are allowed, not {total}"))
                }
            };
            assert_eq!((pointer, message), expected);
        }
        let levels = Extension { levels: vec![-1.0; 200_000], ..Extension::default() };
        let problems = levels.problems(&plain(), trained);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].message, "200002 levels are more than 10000");
    }

    #[test]
    fn seeds_beyond_the_last_number_are_not_left_out_in_silence() {
        let last = spec(r#"}, "search": {"seeds": [4294967290]}"#);
        let five = extension(r#"{"seeds": 5}"#);
        assert_eq!(five.problems(&last, trained), []);
        assert_eq!(five.new_seeds(&last).last(), Some(&u32::MAX));
        let (pointer, message) = refused(r#"{"seeds": 6}"#, &last);
        assert_eq!(pointer, "/seeds");
        assert!(message.contains("only 5 numbers"), "{message}");
    }

    #[test]
    fn more_epochs_of_a_cosine_are_another_run() {
        let cosine =
            r#", "optimizer": {"kind": "sgd", "lr": 0.1, "schedule": {"kind": "cosine"}}}"#;
        let (pointer, message) = refused(r#"{"epochs": 20}"#, &spec(cosine));
        assert_eq!(pointer, "/epochs");
        assert!(message.contains("cosine"), "{message}");
        assert_eq!(extension(r#"{"seeds": 1}"#).problems(&spec(cosine), trained), []);
    }

    #[test]
    fn levels_need_a_method_that_has_one() {
        let table = r#"}, "search": {"methods": [{"kind": "gradient_penalty", "lambda": [0.1]}]}"#;
        let (pointer, _) = refused(r#"{"levels": [0.5]}"#, &spec(table));
        assert_eq!(pointer, "/levels");
    }
}
