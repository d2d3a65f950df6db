//! Going on with a completed sweep: more seeds, levels or epochs, of which only what is missing is
//! trained.
//!
//! Whatever the scheduler, those arms that were trained to the end are the *finalists*: more epochs
//! take them on from their last checkpoints, and more seeds train them beside plain. Added levels
//! join them in every family, and so do levels that the sweep had and that are asked for again. All are trained
//! to the end, and none is given up on the way.

use super::{FamilyBound, Policy, View};
use crate::scheduler::{facts::Added, intent::Intent, reason::Purpose};
use floodgauge_api::Stage;
use floodgauge_protocol::{ArmIx, SearchSpace, SweepSpec, TrialKey};

/// The version of how extensions go on. Each extension keeps its own, see
/// [`Event::Extended`](crate::scheduler::Event::Extended).
pub const EXTENSION_VERSION: u32 = 3;

/// Trains what an extension added.
#[derive(Clone, Debug)]
pub struct Extension {
    /// What decided before.
    before: Box<dyn Policy>,
    /// The finalists of each bracket, as the end before left them.
    finalists: Vec<Vec<ArmIx>>,
    added: Added,
}

impl PartialEq for Extension {
    fn eq(&self, other: &Self) -> bool {
        let Self { before, finalists, added } = self;
        **before == *other.before && (finalists, added) == (&other.finalists, &other.added)
    }
}

impl Extension {
    /// An extension of what a policy brought to an end; nothing was added yet.
    pub fn of(before: Box<dyn Policy>, facts: View<'_>) -> Self {
        let brackets = 0..facts.brackets().len();
        let finalists = brackets.map(|ix| before.finalists(facts, ix)).collect();
        Self { before, finalists, added: Added::default() }
    }

    /// The same, with what was added.
    pub fn with(self, added: Added) -> Self {
        Self { added, ..self }
    }
}

impl Policy for Extension {
    fn start(&mut self, facts: View<'_>) -> Vec<Intent> {
        let purpose = Purpose::Extension;
        let Added { arms: added, families: new, finish } = &self.added;
        let all: Vec<_> = facts.space().arm_ids().collect();
        let mut intents = vec![];
        for (bracket, finalists) in facts.brackets().iter().zip(&self.finalists) {
            for &family in &bracket.families {
                intents.push(match new.contains(&family) {
                    true => {
                        let mut arms = [&finalists[..], added].concat();
                        arms.extend(finish.iter().filter(|arm| !finalists.contains(arm)));
                        Intent::Begin { family, arms }
                    }
                    false => {
                        Intent::TakeOn { family, added: added.clone(), finish: finish.clone() }
                    }
                });
                intents.push(Intent::EnqueueToGoals { family, arms: all.clone(), purpose });
            }
        }
        intents
    }

    fn next(&mut self, facts: View<'_>) -> Vec<Intent> {
        let Some(ix) = facts.waiting().next() else { return vec![] };
        let mut intents = vec![];
        for &family in &facts.brackets()[ix].families {
            for arm in facts.space().arm_ids() {
                let trial = facts.trial(family, arm);
                if trial.is_active() && trial.epochs() >= facts.full() {
                    let is_plain = arm != ArmIx::PLAIN && !facts.is_crossed(family, arm);
                    let trial = TrialKey::new(family, arm);
                    intents.push(Intent::Complete { trial, is_plain });
                }
            }
        }
        intents.push(Intent::Close(ix));
        intents
    }

    fn purpose(&self, _: usize) -> Purpose {
        Purpose::Extension
    }

    fn finalists(&self, facts: View<'_>, bracket: usize) -> Vec<ArmIx> {
        self.before.finalists(facts, bracket)
    }

    fn decision_epochs(&self) -> Vec<u32> {
        self.before.decision_epochs()
    }

    fn stages(&self) -> Vec<Stage> {
        self.before.stages()
    }

    /// An extension's cost is in no space: it was asked for later.
    fn bound(&self, spec: &SweepSpec, space: &SearchSpace) -> FamilyBound {
        self.before.bound(spec, space)
    }
}
