//! What happened to a sweep: its trials, segments, trunks and cost, as the log tells them.
//!
//! Events come in through [`take`](Facts::take), what a policy wants through
//! [`apply`](Facts::apply); nothing here decides who goes on.
//!
//! - [`Trial`], [`Point`], [`Trunk`], [`Segments`], [`Cost`]: the parts. `window`: what a run shows since
//!   its onset.
//! - [`Criteria`]: the metrics by which arms are compared, and which way each is better.
//! - `take`: what an event changes, `taken`: what comes of it; `failures`, `ends`, `pause`, `save` are
//!   some of them.
//! - `apply`: what an intent changes; `wake` lets dormant trials go on, `enqueue` makes segments.
//! - `again`: what is trained a second time, since a checkpoint or a machine is gone.
//! - `grow`: what is added to a sweep on its way.
//! - `sift`, `hand_in`: what workers send, checked before it becomes an event.

mod again;
mod apply;
mod cost;
mod criterion;
mod ends;
mod enqueue;
mod failures;
mod grow;
mod hand_in;
mod pause;
mod point;
mod save;
mod segments;
mod sift;
mod take;
mod taken;
#[cfg(test)]
pub mod testing;
mod trial;
mod trunk;
mod wake;
mod window;

pub use cost::{Cost, epochs_of, gradients};
pub use criterion::{Criteria, Criterion};
#[cfg(test)]
pub use failures::{HAND_BACKS_A_FAILURE, MAX_FAILURES, MAX_LOSSES};
pub use grow::{Added, Unfinished, extend};
pub use point::Point;
pub use save::newer;
pub use segments::Segments;
pub use sift::{BadReport, Sifted};
pub use taken::{News, Taken};
pub use trial::{Before, Trial, closing_epochs, onset_epoch};
pub use trunk::Trunk;
pub use window::{Later, Reading};

use super::status::SweepStatus;
use floodgauge_protocol::{ArmIx, Digest, FamilyIx, SearchSpace, SweepSpec, TrialKey};
use std::collections::{BTreeMap, BTreeSet};

/// A sweep as its log tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    spec: SweepSpec,
    space: SearchSpace,
    criteria: Criteria,
    asked_levels: usize,
    steps_per_epoch: u64,
    status: SweepStatus,
    /// Whether a worker has taken any of it.
    begun: bool,
    /// Whether it stood still for a time that says nothing of its pace: it was paused, or it had ended before
    /// it was extended.
    interrupted: bool,
    /// Whether it goes on, or went, from an answer that it had.
    extended: bool,
    brackets: Vec<Bracket>,
    trials: BTreeMap<TrialKey, Trial>,
    segments: Segments,
    trunks: BTreeMap<FamilyIx, Trunk>,
    cost: Cost,
}

/// The families of one weight decay, whose arms compete as means over seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Bracket {
    /// Its families, one a seed.
    pub families: Vec<FamilyIx>,
    /// Whether nothing more is to be trained of it.
    pub done: bool,
}

impl Facts {
    /// A sweep before its first event, `Submitted`; the spec is that event's.
    pub fn new(spec: SweepSpec) -> Self {
        let space = SearchSpace::of(&spec);
        Self {
            asked_levels: spec.search.levels.expand().map_or(0, |levels| levels.len()),
            steps_per_epoch: spec.recipe.steps_per_epoch(),
            status: SweepStatus::Queued,
            begun: false,
            interrupted: false,
            extended: false,
            brackets: brackets(&space),
            trials: space.trials().map(|trial| (trial, Trial::new())).collect(),
            segments: Segments::default(),
            trunks: BTreeMap::new(),
            cost: Cost::default(),
            criteria: Criteria::of(&spec.search),
            space,
            spec,
        }
    }

    /// The sweep as it was submitted, and has grown since; its split is filled in.
    pub fn spec(&self) -> &SweepSpec {
        &self.spec
    }

    /// Its arms and families.
    pub fn space(&self) -> &SearchSpace {
        &self.space
    }

    /// Its metrics, and those by which arms are compared.
    pub fn criteria(&self) -> &Criteria {
        &self.criteria
    }

    /// How many levels of each method it was submitted with.
    pub fn asked_levels(&self) -> usize {
        self.asked_levels
    }

    /// Mini-batches in an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.steps_per_epoch
    }

    /// Where it stands.
    pub fn status(&self) -> SweepStatus {
        self.status
    }

    /// Whether it ever stood still though it could have gone on, so that the time since its begin doesn't tell
    /// its pace.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Whether its arms can be compared at their ends: all that its scheduler wanted was trained, if only for the
    /// answer that an extension goes on from.
    pub fn is_decided(&self) -> bool {
        self.extended || self.brackets.iter().all(|bracket| bracket.done)
    }

    /// Its brackets, one a weight decay.
    pub fn brackets(&self) -> &[Bracket] {
        &self.brackets
    }

    /// The bracket of a family, by position; none of a family that the sweep doesn't have.
    pub fn bracket_of(&self, family: FamilyIx) -> Option<usize> {
        self.brackets.iter().position(|bracket| bracket.families.contains(&family))
    }

    /// Whether a segment of a bracket is queued or leased.
    pub fn is_open(&self, bracket: usize) -> bool {
        self.segments.open().any(|segment| self.bracket_of(segment.family) == Some(bracket))
    }

    /// How many trials it has.
    pub fn trial_count(&self) -> usize {
        self.trials.len()
    }

    /// A trial.
    pub fn trial(&self, trial: TrialKey) -> Option<&Trial> {
        self.trials.get(&trial)
    }

    /// All trials, by family, then arm.
    pub fn trials(&self) -> impl Iterator<Item = (TrialKey, &Trial)> {
        self.trials.iter().map(|(key, trial)| (*key, trial))
    }

    /// The plain run of a family; none before it has handed anything in.
    pub fn trunk(&self, family: FamilyIx) -> Option<&Trunk> {
        self.trunks.get(&family)
    }

    /// Its segments.
    pub fn segments(&self) -> &Segments {
        &self.segments
    }

    /// Epochs trained and redone.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// The onset of an arm, as soon as its own run or its trunk shows it.
    pub fn onset(&self, key: TrialKey) -> Option<u64> {
        let trial = self.trials.get(&key)?;
        let method = self.space.arms.get(key.arm.ix())?;
        let of_trunk = || {
            let level = method.level().filter(|_| method.shares_trunk())?;
            self.trunks.get(&key.family)?.onset(level)
        };
        trial.onset_step.or_else(of_trunk)
    }

    /// Whether an arm departs from the plain run at all, as far as is known.
    pub fn is_crossed(&self, key: TrialKey) -> bool {
        let shares = self.space.arms.get(key.arm.ix()).is_some_and(|method| method.shares_trunk());
        !shares || self.onset(key).is_some()
    }

    /// The checkpoints that a trial keeps beside its newest: of its best epoch and, for a trunk,
    /// those at which dormant arms can be woken, also by an extension of the completed sweep.
    pub fn kept(&self, trial: TrialKey) -> BTreeSet<Digest> {
        let best = self.trials.get(&trial).and_then(|state| state.best);
        let given_up = self.status.is_given_up();
        let is_trunk = trial.arm == ArmIx::PLAIN && !given_up;
        let trunk = self.trunks.get(&trial.family).filter(|_| is_trunk);
        let waypoints = trunk.into_iter().flat_map(Trunk::checkpoints);
        waypoints.chain(best.map(|best| best.checkpoint)).collect()
    }

    /// Ends the sweep as a status says.
    pub fn end(&mut self, status: SweepStatus) {
        self.status = status;
    }
}

/// Groups the families of a plan by weight decay, in the order in which each comes first.
fn brackets(space: &SearchSpace) -> Vec<Bracket> {
    let mut brackets: Vec<(f64, Bracket)> = vec![];
    for family in &space.families {
        match brackets.iter_mut().find(|(decay, _)| *decay == family.weight_decay) {
            Some((_, bracket)) => bracket.families.push(family.family),
            None => {
                let bracket = Bracket { families: vec![family.family], done: false };
                brackets.push((family.weight_decay, bracket));
            }
        }
    }
    brackets.into_iter().map(|(_, bracket)| bracket).collect()
}
