//! Schedulers: who is trained how far, who goes on, and why.
//!
//! A scheduler is a [`Policy`]: it sees the facts of a sweep through a [`View`], owns whatever else it
//! has to remember, and answers with [`Intent`]s. The list of all that there are, each with the
//! versions that were ever released, is `registry`.
//!
//! - `synchronous`: a grid, textbook halving, Hyperband, by their `rungs`.
//! - `asha`: halving that lets arms go on as they come.
//! - `halving`: probes after their onset, and what they say of the levels between them.
//! - `extension`: what a completed sweep goes on with, whatever its scheduler.
//! - `rank`: arms compared as means over seeds. `bound`: what a family may cost; [`bound`](fn@bound): what
//!   a sweep may.

mod asha;
mod bound;
mod extension;
mod halving;
mod rank;
mod registry;
mod rungs;
mod synchronous;
mod view;

pub use bound::FamilyBound;
pub use extension::{EXTENSION_VERSION, Extension};
pub use registry::{
    Registration, bound, bound_by, current, current_version, decision_epochs, registered, stages,
};
#[cfg(test)]
pub use rungs::Rungs;
pub use view::View;

use super::{intent::Intent, reason::Purpose, status::TrialStatus};
use floodgauge_api::{Stage, StageCounts};
use floodgauge_protocol::{ArmIx, FamilyIx, SearchSpace, Segment, SweepSpec};
use std::{any::Any, fmt::Debug};

/// A scheduler of one sweep, with all that it remembers beside the facts.
///
/// It is asked after each event, and must answer alike whenever it is asked alike: no clock, no
/// random numbers. What it wants is done in the order of its answer.
pub trait Policy: State {
    /// What to begin with.
    fn start(&mut self, facts: View<'_>) -> Vec<Intent>;

    /// What new epochs of a family call for. Most policies wait for the end of the segment.
    fn reported(&mut self, _facts: View<'_>, _family: FamilyIx) -> Vec<Intent> {
        vec![]
    }

    /// What follows a training segment that is over; unless a policy says otherwise, its arms go on
    /// to their goals.
    fn closed(&mut self, facts: View<'_>, segment: &Segment) -> Vec<Intent> {
        let family = segment.family;
        let Some(bracket) = facts.bracket_of(family) else { return vec![] };
        let (arms, purpose) = (segment.arms().collect(), self.purpose(bracket));
        vec![Intent::EnqueueToGoals { family, arms, purpose }]
    }

    /// What comes next in brackets of which nothing is open, and that aren't done. It is asked
    /// again, after each answer was carried out, until there is nothing that it wants.
    fn next(&mut self, facts: View<'_>) -> Vec<Intent>;

    /// What a bracket is trained for at the moment.
    fn purpose(&self, bracket: usize) -> Purpose;

    /// The arms of a bracket that further seeds train once the sweep is extended: plain, and those
    /// trained to the end with every seed.
    fn finalists(&self, facts: View<'_>, bracket: usize) -> Vec<ArmIx> {
        completed(facts, bracket)
    }

    /// The epochs at which it decides who goes on, rising; the last is the end of a full run.
    fn decision_epochs(&self) -> Vec<u32>;

    /// The parts that a sweep is trained in, first to last; rungs, unless a policy says otherwise.
    fn stages(&self) -> Vec<Stage> {
        let ends = self.decision_epochs();
        let name = |rung: u32| match ends.len() {
            1 => "training".into(),
            count => format!("rung {} of {count}", rung + 1),
        };
        let rung = |(rung, &ends_at)| Stage {
            name: name(rung),
            counts: StageCounts::Rung { rung, ends_at },
        };
        (0..).zip(&ends).map(rung).collect()
    }

    /// Whether it may have levels trained yet that it hasn't asked for.
    fn widens(&self) -> bool {
        false
    }

    /// What one family of a sweep costs at least and at most, and what is trained, in order.
    fn bound(&self, spec: &SweepSpec, space: &SearchSpace) -> FamilyBound;
}

/// What a policy remembers: every type that can be cloned and compared has it.
pub trait State: Any + Debug + Send + Sync {
    /// The policy as it stands, once more.
    fn boxed_clone(&self) -> Box<dyn Policy>;

    /// Whether another policy is of the same type, and remembers the same.
    fn is_same(&self, other: &dyn Policy) -> bool;
}

impl<P: Policy + Clone + PartialEq> State for P {
    fn boxed_clone(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }

    fn is_same(&self, other: &dyn Policy) -> bool {
        let other: &dyn Any = other;
        other.downcast_ref::<P>() == Some(self)
    }
}

impl Clone for Box<dyn Policy> {
    fn clone(&self) -> Self {
        (**self).boxed_clone()
    }
}

impl PartialEq for dyn Policy {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other)
    }
}

/// The arms of a bracket that were trained to the end with every seed, and plain.
fn completed(facts: View<'_>, bracket: usize) -> Vec<ArmIx> {
    let families = &facts.brackets()[bracket].families;
    let is_completed =
        |family: &FamilyIx, arm| facts.trial(*family, arm).status == TrialStatus::Completed;
    let by_all = |arm: ArmIx| families.iter().all(|family| is_completed(family, arm));
    facts.space().arm_ids().filter(|&arm| arm == ArmIx::PLAIN || by_all(arm)).collect()
}
