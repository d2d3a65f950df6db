//! The rungs of a sweep: the epochs at which arms are compared, and how many go on.

use crate::scheduler::reason::RungOf;
use floodgauge_protocol::SweepSpec;

/// One arm of so many goes on when a sweep names no `eta`, as in the examples of Li et al. (JMLR 2018).
const DEFAULT_ETA: u32 = 3;

/// The epochs at which arms are compared, rising; the last is the end of a full run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rungs {
    epochs: Vec<u32>,
    eta: u32,
    heats: Vec<Heat>,
}

/// Arms that compete with one another alone: a bracket, as Hyperband has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heat {
    /// The rung after which it is first halved.
    pub first: usize,
    /// Its arms, as places among those of the sweep beside plain, from 0; rising.
    pub arms: Vec<usize>,
}

impl Rungs {
    /// One rung: the end of a full run.
    pub fn grid(spec: &SweepSpec, arms: usize) -> Self {
        Self::ending(spec, arms, vec![])
    }

    /// Successive halving as in Jamieson & Talwalkar (AISTATS 2016), algorithm 1, with the
    /// resource of one full run for the last rung: without a `first_rung` there are
    /// `⌊log_eta arms⌋ + 1` rungs, each `eta` times the one before. `arms` compete.
    pub fn halving(spec: &SweepSpec, arms: usize) -> Self {
        let (full, eta) = (spec.recipe.epochs, eta(spec));
        let before = match spec.scheduler.first_rung {
            Some(first) => rising(first.max(1), eta, full),
            None => falling(arms, eta, full),
        };
        Self::ending(spec, arms, before)
    }

    /// Hyperband (Li et al., JMLR 2018, algorithm 1): `⌊log_eta(epochs / first_rung)⌋ + 1`
    /// halvings, each with fewer arms and a later first rung than the one before. It draws its arms
    /// from an endless supply; a sweep has a few, so they are dealt out in the proportions of its
    /// brackets, each bracket's spread over the levels. Its rungs are those of all brackets.
    pub fn hyperband(spec: &SweepSpec, arms: usize) -> Self {
        let (full, eta) = (spec.recipe.epochs, eta(spec));
        let first = spec.scheduler.first_rung.unwrap_or(1).max(1);
        let rungs = Self::ending(spec, arms, falling((full / first) as usize, eta, full));
        Self { heats: deal(arms, rungs.epochs.len(), eta), ..rungs }
    }

    /// Rungs that end with a full run; all arms compete with one another.
    fn ending(spec: &SweepSpec, arms: usize, mut epochs: Vec<u32>) -> Self {
        epochs.push(spec.recipe.epochs);
        epochs.dedup();
        let heats = vec![Heat { first: 0, arms: (0..arms).collect() }];
        Self { epochs, eta: eta(spec), heats }
    }

    /// A rung among the others.
    pub fn place(&self, rung: usize) -> RungOf {
        let (rung, count) = (rung as u32, self.epochs.len() as u32);
        RungOf { rung, count, epoch: self.epochs[rung as usize] }
    }

    /// The epochs of each rung.
    pub fn epochs(&self) -> &[u32] {
        &self.epochs
    }

    /// The groups within which arms compete.
    pub fn heats(&self) -> &[Heat] {
        &self.heats
    }

    /// Whether `rung` ends a full run.
    pub fn is_last(&self, rung: usize) -> bool {
        rung + 1 >= self.epochs.len()
    }

    /// How many of `arms` go on after a rung: one in `eta`, at least one.
    pub fn keep(&self, arms: usize) -> usize {
        (arms / self.eta as usize).max(1)
    }

    /// How many of `arms` asynchronous halving lets go on: one in `eta`, and none while there
    /// are fewer.
    pub fn promotable(&self, arms: usize) -> usize {
        arms / self.eta as usize
    }

    /// How many arms of each heat are trained to a rung, if none ends early.
    pub fn entrants(&self, rung: usize) -> Vec<usize> {
        let trained = |heat: &Heat| {
            (heat.first..rung).fold(heat.arms.len(), |arms, _| self.keep(arms).min(arms))
        };
        self.heats.iter().map(trained).collect()
    }
}

fn eta(spec: &SweepSpec) -> u32 {
    spec.scheduler.eta.unwrap_or(DEFAULT_ETA).max(2)
}

/// `first`, `first·eta`, … below `full`.
fn rising(first: u32, eta: u32, full: u32) -> Vec<u32> {
    std::iter::successors(Some(first), |epoch| epoch.checked_mul(eta))
        .take_while(|epoch| *epoch < full)
        .collect()
}

/// `full/eta^s`, … `full/eta`, rounded down, at least one epoch each; `s = ⌊log_eta ratio⌋`.
fn falling(ratio: usize, eta: u32, full: u32) -> Vec<u32> {
    let divisors = std::iter::successors(Some(eta), |divisor| divisor.checked_mul(eta));
    let mut epochs: Vec<u32> = divisors
        .take_while(|divisor| *divisor as usize <= ratio)
        .map(|divisor| (full / divisor).max(1))
        .filter(|epoch| *epoch < full)
        .collect();
    epochs.reverse();
    epochs.dedup();
    epochs
}

/// Deals arms out to a heat for each rung, in the proportions of Hyperband's brackets: bracket `s`
/// of `0..rungs` has `⌈rungs / (s + 1) · eta^s⌉` shares. Each arm goes to the heat that is furthest
/// behind its due, so that those of a heat are spread over the levels.
fn deal(arms: usize, rungs: usize, eta: u32) -> Vec<Heat> {
    let shares: Vec<u64> = (0..rungs)
        .map(|first| {
            let s = (rungs - 1 - first) as u32;
            let scale = u64::from(eta).saturating_pow(s).min(1 << 40);
            (rungs as u64 * scale).div_ceil(u64::from(s) + 1)
        })
        .collect();
    let total: u64 = shares.iter().sum();
    let mut heats: Vec<Heat> = (0..rungs).map(|first| Heat { first, arms: vec![] }).collect();
    for arm in 0..arms {
        let due = |heat: &Heat| {
            let share = i128::from(shares[heat.first]) * (arm as i128 + 1);
            share - heat.arms.len() as i128 * i128::from(total)
        };
        let behind =
            heats.iter_mut().max_by(|a, b| due(a).cmp(&due(b)).then(b.first.cmp(&a.first)));
        if let Some(heat) = behind {
            heat.arms.push(arm);
        }
    }
    heats.retain(|heat| !heat.arms.is_empty());
    heats
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spec(scheduler: &str, epochs: u32) -> SweepSpec {
        let text = format!(
            r#"{{"name": "x", "recipe": {{"dataset": {{"name": "digits"}}, "epochs": {epochs}}},
                 "scheduler": {scheduler}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn twenty_levels_over_a_hundred_epochs_have_three_rungs() {
        let rungs = Rungs::halving(&spec(r#"{"kind": "sha"}"#, 100), 20);
        assert_eq!(rungs.epochs(), [11, 33, 100]);
        assert_eq!((rungs.keep(20), rungs.keep(6), rungs.keep(2)), (6, 2, 1));
    }

    #[test]
    fn a_named_first_rung_grows_by_eta_until_the_end() {
        let rungs = Rungs::halving(&spec(r#"{"kind": "sha", "eta": 4, "first_rung": 5}"#, 100), 20);
        assert_eq!(rungs.epochs(), [5, 20, 80, 100]);
    }

    #[test]
    fn hyperband_deals_the_levels_out_to_its_brackets() {
        let rungs = Rungs::hyperband(&spec(r#"{"kind": "hyperband"}"#, 81), 20);
        assert_eq!(rungs.epochs(), [1, 3, 9, 27, 81]);
        // The paper's table 1 has 81, 34, 15, 8 and 5 arms.
        let sizes: Vec<_> =
            rungs.heats().iter().map(|heat| (heat.first, heat.arms.len())).collect();
        assert_eq!(sizes, [(0, 11), (1, 5), (2, 2), (3, 1), (4, 1)]);
        let mut dealt: Vec<_> = rungs.heats().iter().flat_map(|heat| &heat.arms).copied().collect();
        dealt.sort_unstable();
        assert_eq!(dealt, (0..20).collect::<Vec<_>>(), "every arm once");
        assert_eq!(rungs.entrants(0), [11, 5, 2, 1, 1]);
        assert_eq!(rungs.entrants(2), [1, 1, 2, 1, 1]);
        let late = Rungs::hyperband(&spec(r#"{"kind": "hyperband", "first_rung": 9}"#, 81), 20);
        assert_eq!(late.epochs(), [9, 27, 81]);
    }

    #[test]
    fn a_grid_has_one_rung() {
        assert_eq!(Rungs::grid(&spec(r#"{"kind": "grid"}"#, 100), 20).epochs(), [100]);
    }

    proptest! {
        #[test]
        fn rungs_rise_and_end_with_a_full_run(
            epochs in 1u32..2_000, levels in 1usize..1_000, eta in 2u32..=100, first in proptest::option::of(1u32..2_000),
            rungs_of in prop::sample::select(vec![Rungs::halving as fn(&SweepSpec, usize) -> Rungs, Rungs::hyperband])
        ) {
            let mut spec = spec(r#"{"kind": "sha"}"#, epochs);
            spec.scheduler.eta = Some(eta);
            spec.scheduler.first_rung = first.map(|first| first.min(epochs));
            let rungs = rungs_of(&spec, levels);
            prop_assert!(rungs.epochs().windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(rungs.epochs()[0] >= 1);
            prop_assert_eq!(*rungs.epochs().last().unwrap(), epochs);
            prop_assert_eq!(rungs.heats().iter().map(|heat| heat.arms.len()).sum::<usize>(), levels);
            prop_assert!(rungs.heats().iter().all(|heat| heat.first < rungs.epochs().len()));
        }
    }
}
