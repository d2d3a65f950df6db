//! What a policy sees: the facts, to read alone.

use crate::scheduler::{
    answer::{Expected, expected},
    facts::{Bracket, Criteria, Facts, Trial, onset_epoch},
};
use floodgauge_protocol::{ArmIx, FamilyIx, Method, SearchSpace, SweepSpec, TrialKey};

/// The facts of a sweep, to read alone.
#[derive(Clone, Copy, Debug)]
pub struct View<'a>(&'a Facts);

impl<'a> View<'a> {
    /// A view of facts.
    pub fn of(facts: &'a Facts) -> Self {
        Self(facts)
    }

    /// The sweep as it was submitted, and has grown since.
    pub fn spec(self) -> &'a SweepSpec {
        self.0.spec()
    }

    /// Its arms and families.
    pub fn space(self) -> &'a SearchSpace {
        self.0.space()
    }

    /// An arm's method.
    pub fn method(self, arm: ArmIx) -> Method {
        self.0.space().arms[arm.ix()]
    }

    /// The metrics of the sweep, and those by which arms are compared.
    pub fn criteria(self) -> &'a Criteria {
        self.0.criteria()
    }

    /// Epochs of a full run.
    pub fn full(self) -> u32 {
        self.0.spec().recipe.epochs
    }

    /// Mini-batches in an epoch.
    pub fn steps_per_epoch(self) -> u64 {
        self.0.steps_per_epoch()
    }

    /// How many levels of each method the sweep was submitted with.
    pub fn asked_levels(self) -> usize {
        self.0.asked_levels()
    }

    /// The brackets, one a weight decay.
    pub fn brackets(self) -> &'a [Bracket] {
        self.0.brackets()
    }

    /// The bracket of a family, by position; none of a family that the sweep doesn't have.
    pub fn bracket_of(self, family: FamilyIx) -> Option<usize> {
        self.0.bracket_of(family)
    }

    /// The brackets that wait for what comes next: they aren't done, and nothing of them is open.
    pub fn waiting(self) -> impl Iterator<Item = usize> + use<'a> {
        let all = self.brackets().iter().enumerate();
        all.filter(move |(ix, bracket)| !bracket.done && !self.is_open(*ix)).map(|(ix, _)| ix)
    }

    /// Whether a segment of a bracket is queued or leased.
    pub fn is_open(self, bracket: usize) -> bool {
        self.0.is_open(bracket)
    }

    /// A trial.
    ///
    /// # Panics
    /// If the sweep has no such family or arm.
    pub fn trial(self, family: FamilyIx, arm: ArmIx) -> &'a Trial {
        let trial = self.0.trial(TrialKey::new(family, arm));
        trial.unwrap_or_else(|| panic!("family {family} has no arm {arm}"))
    }

    /// Whether an arm departs from the plain run at all, as far as is known.
    pub fn is_crossed(self, family: FamilyIx, arm: ArmIx) -> bool {
        self.0.is_crossed(TrialKey::new(family, arm))
    }

    /// Epochs of an arm that a family has trained beyond those of its plain run.
    pub fn own_epochs(self, family: FamilyIx, arm: ArmIx) -> u32 {
        self.trial(family, arm).epochs().saturating_sub(self.shared_epochs(family, arm))
    }

    /// Epochs before an arm's onset, which are those of its family's plain run: all of them where its level was
    /// never reached, as far as is known, and none of an arm that doesn't share the trunk.
    pub fn shared_epochs(self, family: FamilyIx, arm: ArmIx) -> u32 {
        if !self.method(arm).shares_trunk() {
            return 0;
        }
        let epoch = |step: u64| u32::try_from(onset_epoch(step, self.steps_per_epoch())).ok();
        let onset = self.0.onset(TrialKey::new(family, arm)).and_then(epoch);
        onset.unwrap_or(u32::MAX).min(self.full())
    }

    /// What is expected of the arms of a bracket with other seeds once what is trained now is all that is.
    pub fn expected(self, bracket: usize) -> Option<Expected> {
        expected(self.0, bracket)
    }

    /// The loss of the first mini-batch of a family's plain run: that of the untrained model. None
    /// before the plain run has handed anything in.
    pub fn first_loss(self, family: FamilyIx) -> Option<f64> {
        self.0.trunk(family)?.first_loss()
    }
}
