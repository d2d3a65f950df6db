//! Extending completed sweeps.

use super::*;
use crate::verdict::Best;
use floodgauge_protocol::{
    Arm, Extension, Levels, Method, MetricValues, Start, below::highest_below, work::Minimum,
};
use proptest::prelude::*;
use std::collections::HashMap;

/// Validation loss by the arm's level rather than by its index, which an extension doesn't keep in
/// order.
struct ByLevel {
    methods: Vec<Method>,
    steps_per_epoch: u64,
    /// The level that ends lowest.
    lowest: f64,
    /// Whether the sweep's one metric is `score`, better when higher, in place of the built-in ones.
    is_mirrored: bool,
}

impl ByLevel {
    /// What the plain run logs between two steps, fine enough for every level of the tests.
    fn minima(&self, seed: u32, steps: std::ops::Range<u64>) -> Vec<Minimum> {
        let of_arms = self.methods.iter().filter_map(|method| method.level());
        let added = (1..=100).map(|i| f64::from(i) / 200.0).chain([0.0025, 0.00125]);
        let mut levels: Vec<f64> = of_arms.chain(added).collect();
        levels.sort_by(|a, b| b.total_cmp(a));
        let minimum =
            |&level: &f64| Minimum { step: self.onset(seed, level), loss: highest_below(level) };
        levels.iter().map(minimum).filter(|minimum| steps.contains(&minimum.step)).collect()
    }

    /// The level 0.3 is crossed in epoch 3, 0.2 in 13, 0.1 in 23, and so on.
    fn onset(&self, seed: u32, level: f64) -> u64 {
        let epoch = (32.0 - 100.0 * level).max(0.0) as u64;
        epoch * self.steps_per_epoch + u64::from(seed) % self.steps_per_epoch
    }

    fn level(&self, arm: ArmIx) -> f64 {
        self.methods[arm.ix()].level().unwrap_or(0.0)
    }
}

impl Truth for ByLevel {
    fn epoch(&self, seed: u32, arm: ArmIx, epoch: u32) -> Measured {
        let shares_trunk = self
            .onset_step(seed, arm)
            .is_none_or(|onset| onset >= u64::from(epoch) * self.steps_per_epoch);
        let level = if shares_trunk { 0.0 } else { self.level(arm) };
        let value =
            1.0 + (level - self.lowest).abs() + f64::from(seed) / 100.0 + 1.0 / f64::from(epoch);
        let metrics = match self.is_mirrored {
            true => [("score".parse::<MetricName>().unwrap(), Metric::from(-value))]
                .into_iter()
                .collect(),
            false => MetricValues::validation(Metric::from(value), Metric::from(value / 10.0)),
        };
        Measured { train_loss: Metric::from(value / 2.0), metrics }
    }

    fn onset_step(&self, seed: u32, arm: ArmIx) -> Option<u64> {
        let level = Some(self.level(arm)).filter(|level| *level > 0.0)?;
        Some(self.onset(seed, level))
    }

    fn test(&self, _: u32, _: ArmIx) -> TestMetrics {
        TestMetrics { loss: Metric::Finite(0.5), error: Metric::Finite(0.1) }
    }
}

/// A sweep with its log; trained by curves that go by level.
pub(super) struct Extended {
    pub sweep: Sweep,
    pub log: Vec<(Event, Vec<Decision>)>,
    open: BTreeMap<SegmentId, Segment>,
    lowest: f64,
    /// Rows that were reported, by family and step.
    pub trained: u32,
}

impl Extended {
    pub fn new(text: &str, epochs: u32) -> Self {
        Self::lowest_at(0.13, text, epochs)
    }

    pub fn lowest_at(lowest: f64, text: &str, epochs: u32) -> Self {
        let head = r#"{"name": "x", "recipe": {"dataset": {"name": "digits"}, "epochs": "#;
        let spec: SweepSpec = serde_json::from_str(&format!("{head}{epochs}}}, {text}}}")).unwrap();
        let sweep = Sweep::new(spec.clone());
        let mut new = Self { sweep, log: vec![], open: BTreeMap::new(), lowest, trained: 0 };
        new.event(Event::Submitted { spec: Box::new(spec) });
        new.run();
        new
    }

    pub fn event(&mut self, event: Event) -> Vec<Decision> {
        let decisions = self.sweep.step(&event);
        for decision in &decisions {
            if let Action::Enqueue { segment } = &decision.action {
                self.open.insert(segment.segment, segment.clone());
            }
        }
        self.log.push((event, decisions.clone()));
        decisions
    }

    pub fn extend(&mut self, seeds: &[u32], levels: &[f64], epochs: Option<u32>) -> Vec<Decision> {
        self.event(Event::Extended {
            seeds: seeds.into(),
            levels: levels.into(),
            finish: vec![],
            epochs,
            version: EXTENSION_VERSION,
        })
    }

    /// As a user asks for it; says why it is refused.
    pub fn ask(&mut self, extension: &Extension) -> Result<(), Vec<String>> {
        let asked = self.sweep.extended_by(extension);
        let event =
            asked.map_err(|wrong| wrong.into_iter().map(|it| it.message).collect::<Vec<_>>())?;
        self.event(event);
        Ok(())
    }

    /// The segment that was queued first, of those that are open.
    pub fn next_open(&self) -> Option<SegmentId> {
        self.open.keys().next().copied()
    }

    /// Takes a segment for over.
    pub fn close(&mut self, segment: SegmentId) {
        self.open.remove(&segment);
    }

    pub fn run(&mut self) {
        while let Some((segment, work)) = self.open.pop_first() {
            let truth = ByLevel {
                methods: self.sweep.facts().space().arms.clone(),
                steps_per_epoch: self.sweep.facts().steps_per_epoch(),
                lowest: self.lowest,
                is_mirrored: !self.sweep.facts().spec().search.metrics.is_empty(),
            };
            let (worker, fingerprint) = ("w".to_string(), "f".to_string());
            self.event(Event::Claimed { segment, attempt: 1, worker, fingerprint });
            let trainer = VirtualWorker::new(&self.sweep, &truth, work.family);
            let (rows, mut branches) = (trainer.rows(&work), trainer.ends(&work));
            let seed = self.sweep.facts().space().families[work.family.ix()].seed;
            for branch in branches.iter_mut().filter(|end| end.arms.contains(&ArmIx::PLAIN)) {
                branch.minima = truth.minima(seed, work.from_step..work.to_step);
            }
            let sifted = self.sweep.facts().sift(segment, &rows).unwrap();
            assert_eq!((sifted.redone, sifted.contradicting.len()), (0, 0), "nothing twice");
            self.trained += sifted.new.len() as u32;
            self.event(Event::Reported { segment, attempt: 1, rows: sifted.new, redone: 0 });
            self.sweep.facts().check_finish(segment, &branches).unwrap();
            self.event(Event::Finished { segment, attempt: 1, branches });
        }
        assert_eq!(self.sweep.status(), SweepStatus::Completed);
    }

    /// Curve, onset, status and tests of every trial, by seed and method.
    pub fn trials(&self) -> HashMap<String, String> {
        let plan = self.sweep.facts().space();
        let named = |(key, trial): (TrialKey, &Trial)| {
            let family = plan.families[key.family.ix()];
            let name =
                format!("{} {} {}", family.seed, family.weight_decay, plan.arms[key.arm.ix()]);
            (name, format!("{:?} {:?} {:?}", trial.status, trial.onset_step, trial.curve))
        };
        self.sweep.facts().trials().map(named).collect()
    }
}

const GRID: &str =
    r#""search": {"levels": [0.1, 0.2], "weight_decay": [0, 0.1]}, "scheduler": {"kind": "grid"}"#;

/// An answer in which each arm has the index that another sweep gives to its method and parameter.
fn with_indices_of(sweep: &Sweep, mut best: Best) -> Best {
    let all = Arm::all(sweep.facts().space());
    let leading = best.best.iter_mut().map(|leading| &mut leading.arm);
    let others = best.other_metric.iter_mut().map(|other| &mut other.arm);
    let outlooks = best.probabilities.iter_mut().map(|outlook| &mut outlook.arm);
    for arm in leading.chain(others).chain(outlooks) {
        let alike = |known: &&Arm| (&known.method, known.parameter) == (&arm.method, arm.parameter);
        arm.ix = all.iter().find(alike).unwrap().ix;
    }
    best
}

#[test]
fn an_extended_grid_is_the_one_that_could_have_been_submitted() {
    let mut grown = Extended::new(GRID, 20);
    assert_eq!(grown.sweep.facts().spec().search.seeds, [0]);
    grown.extend(&[1, 2], &[0.3, 0.05], Some(30));
    assert_eq!(grown.sweep.status(), SweepStatus::Running);
    grown.run();
    let whole = r#""search": {"levels": [0.05, 0.1, 0.2, 0.3], "weight_decay": [0, 0.1], "seeds": [0, 1, 2]},
                   "scheduler": {"kind": "grid"}"#;
    let whole = Extended::new(whole, 30);
    assert_eq!(grown.trials(), whole.trials());
    // Two sweeps have no index of arms in common.
    let mut best = with_indices_of(&whole.sweep, grown.sweep.best());
    let expected = whole.sweep.best();
    // Epochs that the added level 0.3 shares with its trunk since the last checkpoint before its
    // onset are trained again.
    let spent = best.run_equivalents.spent - expected.run_equivalents.spent;
    assert!((0.0..=2.0 * 3.0 / 30.0).contains(&spent), "{spent}");
    best.run_equivalents = expected.run_equivalents;
    assert_eq!(best, expected);
    assert_eq!(grown.sweep.facts().spec().search.levels, Levels::List(vec![0.05, 0.1, 0.2, 0.3]));
    assert_eq!(grown.sweep.facts().spec().recipe.epochs, 30);
}

#[test]
fn what_was_trained_is_not_trained_again() {
    let mut grown = Extended::new(GRID, 20);
    let before = grown.trained;
    let decisions = grown.extend(&[], &[], Some(22));
    let goes_on = |decision: &Decision| match &decision.action {
        Action::Enqueue { segment } => {
            segment.branches.iter().all(|branch| branch.start != Start::Init)
        }
        _ => true,
    };
    assert!(decisions.iter().all(goes_on), "{decisions:?}");
    grown.run();
    // Two families of three arms, of which 0.1 shares the trunk until epoch 22.
    assert_eq!(grown.trained - before, 2 * 2 * 2);
    let before = grown.trained;
    grown.extend(&[7], &[], None);
    grown.run();
    let fresh = Extended::new(GRID, 22);
    assert_eq!(grown.trained - before, fresh.trained, "a further seed costs what the first did");
}

#[test]
fn an_added_level_goes_on_from_the_trunks_last_checkpoint_before_its_onset() {
    let mut grown =
        Extended::new(r#""search": {"levels": [0.3]}, "scheduler": {"kind": "grid"}"#, 40);
    let before = grown.trained;
    let decisions = grown.extend(&[], &[0.15], None);
    let woken = decisions.iter().find_map(|decision| match decision.action {
        Action::Wake { trial, epochs } => Some((trial.arm, epochs)),
        _ => None,
    });
    // Segments are four epochs long, and its onset is in epoch 18.
    assert_eq!(woken, Some((ArmIx(2), 16)));
    grown.run();
    assert_eq!(grown.trained - before, 24);
}

#[test]
fn an_added_level_that_was_never_crossed_costs_nothing() {
    let mut grown =
        Extended::new(r#""search": {"levels": [0.3]}, "scheduler": {"kind": "grid"}"#, 20);
    let before = grown.trained;
    let seq = grown.log.len();
    grown.extend(&[], &[0.01], None);
    grown.run();
    assert_eq!(grown.trained, before);
    let key = TrialKey::new(FamilyIx(0), ArmIx(2));
    let (added, plain) =
        (grown.sweep.facts().trial(key).unwrap(), TrialKey::new(FamilyIx(0), ArmIx(0)));
    assert_eq!(added.curve, grown.sweep.facts().trial(plain).unwrap().curve);
    assert_eq!(added.status, TrialStatus::Completed);
    assert_eq!(added.reason, Some(Reason::AllEpochs { epochs: 20, is_plain: true }));
    assert_eq!(grown.log.len(), seq + 1, "it is over at once");
}

#[test]
fn further_seeds_of_a_halving_train_what_was_trained_to_the_end() {
    let mut grown = Extended::new(r#""search": {"seeds": [0]}"#, 40);
    let ended = |sweep: &Sweep, family| -> Vec<ArmIx> {
        let ended = |(key, trial): &(TrialKey, &Trial)| {
            key.family == FamilyIx(family) && trial.status == TrialStatus::Completed
        };
        sweep.facts().trials().filter(ended).map(|(key, _)| key.arm).collect()
    };
    let trained = ended(&grown.sweep, 0);
    assert!((2..=4).contains(&trained.len()), "{trained:?}");
    grown.extend(&[1, 2], &[], None);
    grown.run();
    for family in [0, 1, 2] {
        assert_eq!(ended(&grown.sweep, family), trained);
    }
    assert_eq!(grown.sweep.best().difference.unwrap().seeds, 3);
}

#[test]
fn only_a_completed_sweep_is_extended() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let extended = Event::Extended {
        seeds: vec![1],
        levels: vec![],
        finish: vec![],
        epochs: None,
        version: EXTENSION_VERSION,
    };
    assert_eq!(world.event(extended), []);
    assert_eq!(world.sweep.facts().space().families.len(), 1);
}

#[test]
fn a_completed_sweep_keeps_what_it_would_be_extended_from() {
    let grown = Extended::new(GRID, 20);
    let plain = TrialKey::new(FamilyIx(0), ArmIx::PLAIN);
    let kept = grown.sweep.facts().kept(plain);
    // Segments are two epochs long.
    let states: Vec<_> = (1..=10).map(|i| checkpoint(0, ArmIx::PLAIN, 2 * i)).collect();
    assert!(states.iter().all(|state| kept.contains(state)), "{kept:?}");
}

proptest! {
    #[test]
    fn extensions_are_replayed(
        kind in proptest::sample::select(vec!["grid", "sha", "halving", "asha", "hyperband"]),
        seeds in 0u32..3,
        levels in proptest::sample::subsequence(vec![0.005, 0.125, 0.155, 0.25, 0.3], 0..=5),
        more in proptest::option::of(1u32..20),
        twice in any::<bool>(),
    ) {
        let mut grown = Extended::new(&format!(r#""scheduler": {{"kind": "{kind}"}}"#), 30);
        let first = grown.sweep.facts().spec().clone();
        let seeds: Vec<_> = (1..=seeds).collect();
        grown.extend(&seeds, &levels, more.map(|more| 30 + more));
        grown.run();
        if twice {
            grown.extend(&[9], &[0.22], Some(60));
            grown.run();
        }
        let mut replayed = Sweep::new(first);
        for (event, decisions) in &grown.log {
            prop_assert_eq!(&replayed.step(event), decisions);
        }
        prop_assert_eq!(&replayed, &grown.sweep);
        prop_assert!(grown.sweep.facts().trials().all(|(_, trial)| trial.status != TrialStatus::Active));
        for level in levels {
            let arm = Method::Flood { b: level };
            let arm = grown.sweep.facts().space().arms.iter().position(|known| *known == arm).unwrap();
            let key = TrialKey::new(FamilyIx(0), ArmIx(arm as u16));
            prop_assert_eq!(grown.sweep.facts().trial(key).unwrap().status, TrialStatus::Completed);
        }
    }
}
