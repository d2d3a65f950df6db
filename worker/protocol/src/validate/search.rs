//! Checks on what a search spells out: levels, methods, seeds and weight decays.
//!
//! Counts come first, and nothing is compared, copied or expanded of lists that are too long, so that a
//! refusal costs little more than reading what was sent.

use super::{Problems, bound, positive};
use crate::{
    method::{Method, MethodKind, MethodSpec, MethodTable},
    shown::Shown,
    sweep::{Search, SweepSpec},
};
use std::{collections::HashSet, hash::Hash};

/// How much a search asks for.
struct Size {
    /// Arms beside plain; as many levels as are there may be added by a search that extends itself.
    arms: usize,
    /// Arms, plain too, × seeds × weight decays.
    trials: usize,
    /// Whether every list is short enough to be looked at item by item.
    is_bounded: bool,
}

impl Size {
    /// Of a search with so many levels.
    fn of(search: &Search, levels: usize) -> Self {
        let levels = levels * if search.extend { 2 } else { 1 };
        let arms: usize = search
            .methods
            .iter()
            .map(|method| match method {
                MethodSpec::Level(_) => levels,
                MethodSpec::Table(MethodTable::Alternating { lr }) => lr.len(),
                MethodSpec::Table(MethodTable::GradientPenalty { lambda, .. }) => lambda.len(),
            })
            .fold(0, usize::saturating_add);
        let families = search.seeds.len().saturating_mul(search.weight_decay.len());
        let trials = arms.saturating_add(1).saturating_mul(families);
        let is_bounded = trials.max(arms).max(search.methods.len()) <= bound::MAX_TRIALS
            && search.seeds.len() <= bound::MAX_SEEDS
            && search.weight_decay.len() <= bound::MAX_WEIGHT_DECAYS;
        Self { arms, trials, is_bounded }
    }
}

impl Search {
    /// How many trials it asks for at most, without spelling them out.
    pub fn trials(&self) -> usize {
        Size::of(self, self.levels.count().unwrap_or(0)).trials
    }
}

impl SweepSpec {
    pub(super) fn check_search(&self, problems: &mut Problems) {
        let search = &self.search;
        let levels = search.levels.count();
        let size = Size::of(search, *levels.as_ref().unwrap_or(&0));
        let levels = levels.and_then(|_| match size.is_bounded {
            true => search.levels.expand().map(drop),
            false => Ok(()),
        });
        if let Err(message) = levels {
            problems.unless(false, "/search/levels", || message);
        }
        check_methods(search, &size, problems);
        let seeds = search.seeds.len();
        problems.unless((1..=bound::MAX_SEEDS).contains(&seeds), "/search/seeds", || {
            format!("1 to {} seeds are allowed, not {seeds}", bound::MAX_SEEDS)
        });
        let decays = search.weight_decay.len();
        problems.unless(
            (1..=bound::MAX_WEIGHT_DECAYS).contains(&decays),
            "/search/weight_decay",
            || format!("1 to {} weight decays are allowed, not {decays}", bound::MAX_WEIGHT_DECAYS),
        );
        if size.is_bounded {
            problems.unless(distinct(&search.seeds), "/search/seeds", || {
                "each seed can be named once".into()
            });
            check_decays(&search.weight_decay, problems);
        }
        let kind = self.scheduler.kind;
        problems.unless(kind.can_extend() || !search.extend, "/search/extend", || {
            format!(
                "only halving goes on beyond the levels by itself, not {}: extend the sweep once it is done",
                kind.as_str()
            )
        });
        let trials = size.trials;
        problems.unless(trials <= bound::MAX_TRIALS, "/search", || {
            format!(
                "{trials} trials (arms × seeds × weight decays) are more than {}",
                bound::MAX_TRIALS
            )
        });
        let epochs = u64::from(self.recipe.epochs).saturating_mul(trials as u64);
        problems.unless(epochs <= bound::MAX_TRIAL_EPOCHS, "/recipe/epochs", || {
            format!("{epochs} epochs of all trials are more than {}", bound::MAX_TRIAL_EPOCHS)
        });
    }
}

fn check_methods(search: &Search, size: &Size, problems: &mut Problems) {
    let methods = &search.methods;
    problems.unless(!methods.is_empty(), "/search/methods", || {
        "at least one method beside plain is needed".into()
    });
    // Each has an arm at least, unless it is wrong itself.
    let count = methods.len();
    problems.unless(count <= bound::MAX_TRIALS, "/search/methods", || {
        format!("{count} methods are more than {}", bound::MAX_TRIALS)
    });
    if !size.is_bounded {
        return;
    }
    let by_level = |method: &MethodSpec| match method {
        MethodSpec::Level(kind) => Some(*kind),
        MethodSpec::Table(_) => None,
    };
    let kinds: Vec<MethodKind> = methods.iter().filter_map(by_level).collect();
    problems.unless(distinct(&kinds), "/search/methods", || "each method can be named once".into());
    let mut known = HashSet::with_capacity(size.arms);
    for (i, method) in methods.iter().enumerate() {
        let MethodSpec::Table(table) = method else { continue };
        let arms = table.arms();
        check_table(table, &arms, i, problems);
        let again = arms.iter().find(|arm| known.contains(&key(**arm)));
        problems.unless(again.is_none(), format_args!("/search/methods/{i}"), || {
            format!(
                "{} is among the methods before",
                again.map_or_else(String::new, Method::to_string)
            )
        });
        known.extend(arms.into_iter().map(key));
    }
}

/// Checks the method at place `i`, whose arms are spelled out.
fn check_table(table: &MethodTable, arms: &[Method], i: usize, problems: &mut Problems) {
    let (field, noun) = match table {
        MethodTable::Alternating { .. } => ("lr", "pair of rates"),
        MethodTable::GradientPenalty { rho, .. } => {
            problems.unless(positive(*rho), format_args!("/search/methods/{i}/rho"), || {
                format!("rho {} must be above 0", Shown(*rho))
            });
            ("lambda", "lambda")
        }
    };
    let at = format_args!("/search/methods/{i}/{field}");
    problems.unless(!arms.is_empty(), at, || format!("at least one {noun} is needed"));
    let once = arms.len() == 1 || distinct(arms.iter().copied().map(key));
    problems.unless(once, at, || format!("each {noun} can be named once"));
    for (place, &arm) in arms.iter().enumerate() {
        let at = format_args!("{at}/{place}");
        match arm {
            Method::Alternating { descent, ascent } => {
                let holds = positive(descent) && positive(ascent) && descent > ascent;
                problems.unless(holds, at, || {
                    let (descent, ascent) = (Shown(descent), Shown(ascent));
                    format!("the rates [{descent}, {ascent}] must fall and be above 0")
                });
            }
            Method::GradientPenalty { lambda, .. } => {
                problems.unless(positive(lambda), at, || {
                    format!("lambda {} must be above 0", Shown(lambda))
                });
            }
            _ => {}
        }
    }
}

fn check_decays(decays: &[f64], problems: &mut Problems) {
    let bits = decays.iter().map(|&decay| bits(decay));
    problems.unless(distinct(bits), "/search/weight_decay", || {
        "each weight decay can be named once".into()
    });
    for (i, decay) in decays.iter().enumerate() {
        problems.unless(
            decay.is_finite() && *decay >= 0.0,
            format_args!("/search/weight_decay/{i}"),
            || format!("weight_decay {} must be a finite number of at least 0", Shown(*decay)),
        );
    }
}

/// What tells an arm from others: two are equal if their keys are.
fn key(arm: Method) -> (&'static str, u64, u64) {
    let (a, b) = match arm {
        Method::Plain => (0.0, 0.0),
        Method::Flood { b } | Method::Iflood { b } | Method::Softad { b } => (b, 0.0),
        Method::Alternating { descent, ascent } => (descent, ascent),
        Method::GradientPenalty { lambda, rho } => (lambda, rho),
    };
    (arm.name(), bits(a), bits(b))
}

/// A number as what equal ones have in common; a negative zero is a positive one.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

/// Whether no two are the same; each is looked at once.
fn distinct<T: Eq + Hash>(values: impl IntoIterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    values.into_iter().all(|value| seen.insert(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Invalid,
        levels::{Levels, LogRange},
    };
    use std::{cell::Cell, hash::Hasher};

    fn digits() -> SweepSpec {
        serde_json::from_str(r#"{"name": "digits", "recipe": {"dataset": {"name": "digits"}}}"#)
            .unwrap()
    }

    fn pointers(spec: &SweepSpec) -> Vec<String> {
        spec.problems().into_iter().map(|problem| problem.pointer).collect()
    }

    #[test]
    fn parameters_of_methods_are_checked_where_they_stand() {
        let mut spec = digits();
        let text = r#"["softad", {"kind": "alternating", "lr": [[0.1, 0.05], [0.1, 0.1]]},
            {"kind": "gradient_penalty", "lambda": [0.1, 0], "rho": 0},
            {"kind": "alternating", "lr": []},
            {"kind": "gradient_penalty", "lambda": [0.1], "rho": 0.1},
            {"kind": "gradient_penalty", "lambda": [0.2, 0.1], "rho": 0.1}]"#;
        spec.search.methods = serde_json::from_str(text).unwrap();
        assert_eq!(
            pointers(&spec),
            [
                "/search/methods/1/lr/1",
                "/search/methods/2/rho",
                "/search/methods/2/lambda/1",
                "/search/methods/3/lr",
                "/search/methods/5",
            ]
        );
    }

    /// Counts how often it is looked at.
    struct Counted<'a>(u32, &'a Cell<usize>);

    impl Hash for Counted<'_> {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.1.set(self.1.get() + 1);
            self.0.hash(state);
        }
    }

    impl PartialEq for Counted<'_> {
        fn eq(&self, other: &Self) -> bool {
            self.1.set(self.1.get() + 1);
            self.0 == other.0
        }
    }

    impl Eq for Counted<'_> {}

    #[test]
    fn to_tell_whether_values_are_distinct_takes_as_many_looks_as_there_are_values() {
        for count in [1, 10, 1_000, 100_000] {
            let looks = Cell::new(0);
            assert!(distinct((0..count).map(|i| Counted(i, &looks))));
            // Beside the look at each: the set grows, and few meet by chance.
            assert!(looks.get() <= 8 * count as usize, "{} looks for {count}", looks.get());
        }
        assert!(!distinct([1, 2, 1]));
    }

    /// A list of every kind, each far too long and wrong in every item, makes a handful of problems.
    #[test]
    fn of_a_list_that_is_too_long_only_its_length_is_told() {
        type Spoil = fn(&mut SweepSpec, usize);
        let spoilt: [(&str, Spoil); 8] = [
            ("/search/seeds", |s, n| s.search.seeds = vec![7; n]),
            ("/search/weight_decay", |s, n| s.search.weight_decay = vec![-1.0; n]),
            ("/search/levels", |s, n| s.search.levels = Levels::List(vec![-1.0; n])),
            ("/search/methods", |s, n| {
                s.search.methods = vec![MethodSpec::Level(MethodKind::Flood); n]
            }),
            ("/search", |s, n| {
                let lr = vec![[0.0, 0.0]; n];
                s.search.methods = vec![MethodSpec::Table(MethodTable::Alternating { lr })];
            }),
            ("/search", |s, n| {
                let table = MethodTable::GradientPenalty { lambda: vec![0.0; n], rho: 0.1 };
                s.search.methods = vec![MethodSpec::Table(table)];
            }),
            ("/search", |s, n| {
                let table = MethodTable::GradientPenalty { lambda: vec![0.1], rho: 0.1 };
                s.search.methods = vec![MethodSpec::Table(table); n];
            }),
            ("/recipe/model/hidden", |s, n| {
                s.recipe.model = crate::Model::Mlp { hidden: vec![0; n], batch_norm: false };
            }),
        ];
        for (pointer, spoil) in spoilt {
            for count in [20_001, 150_000] {
                let mut spec = digits();
                spoil(&mut spec, count);
                let found = pointers(&spec);
                assert!(found.iter().any(|found| found == pointer), "{pointer}: {found:?}");
                let above = |found: &String| {
                    [pointer, "/search", "/search/methods", "/recipe/epochs"]
                        .contains(&found.as_str())
                };
                assert!(found.iter().all(above), "nothing of its items: {found:?}");
            }
        }
    }

    /// The message says how many there are.
    #[test]
    fn a_search_that_is_too_large_is_not_spelled_out() {
        let mut spec = digits();
        spec.search.levels = Levels::LogRange(LogRange { from: 0.1, to: 1.0, count: 10_000 });
        spec.search.seeds = (0..100).collect();
        spec.recipe.epochs = 1;
        let trials = "1000100 trials (arms × seeds × weight decays) are more than 20000";
        let too_large = Invalid { pointer: "/search".into(), message: trials.into() };
        assert_eq!(spec.problems(), [too_large]);
    }

    #[test]
    fn of_what_is_wrong_throughout_the_beginning_is_told() {
        let mut spec = digits();
        let table = MethodTable::GradientPenalty {
            lambda: (0..15_000).map(|i| -f64::from(i)).collect(),
            rho: 0.1,
        };
        spec.search.methods = vec![MethodSpec::Table(table)];
        let found = pointers(&spec);
        assert_eq!(found.len(), bound::MAX_PROBLEMS);
        assert_eq!(found[0], "/search/methods/0/lambda/0");
    }

    #[test]
    fn what_equals_another_is_named_twice_however_it_is_written() {
        let mut spec = digits();
        spec.search.weight_decay = vec![0.0, -0.0];
        assert_eq!(pointers(&spec), ["/search/weight_decay"]);
        spec = digits();
        spec.search.methods = vec![MethodSpec::Level(MethodKind::Flood); 2];
        assert_eq!(pointers(&spec), ["/search/methods"]);
        let table = MethodTable::Alternating { lr: vec![[0.2, 0.1]] };
        spec.search.methods = vec![MethodSpec::Table(table); 2];
        assert_eq!(pointers(&spec), ["/search/methods/1"]);
    }
}
