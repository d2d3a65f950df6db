//! Halving that waits for onset.
//!
//! The levels of a method are ordered, and the objective is smooth along them. So only a few spread
//! levels, the *probes*, are trained beside the plain run, each for a share of a full run from the epoch
//! of its onset on; all others lie dormant. Where the plain run has shown which levels it reaches, and
//! where its evidence turns, probes are added there. What a probe shows since its onset
//! is the *response*: compared at the same exposure it ranks levels as they end, where equal epochs
//! rank them upside down (those past their onset look worse than those before it). A smooth curve
//! through the probes of all seeds names the level that goes on to the end: a probe resumes from its
//! checkpoint, a level between probes is woken from the trunk.
//!
//! What the ends show may tell otherwise. If other seeds are then expected to do better with an arm that not
//! every seed trained than with all that each did, that one goes on to its end too, within the bound.
//!
//! An error rate is coarse, and one window of it is mostly noise; so where the objective isn't the metric
//! that the sweep names as evidence (by default the validation loss), that counts beside it. Where it
//! misleads, plain is the better of the two at the end.
//!
//! - `probes`: what is probed; `cost`: what that may cost.
//! - `choice`: who goes on, by a curve that `response` draws through the probes with `smooth`.
//! - `edge`: levels beyond an end of those asked for, if the best lies there.
//! - `end`: the last rung, and how it ends. `promising`: what goes on there though the probes didn't choose it.

mod choice;
mod cost;
mod edge;
mod end;
mod probes;
mod promising;
mod response;
mod smooth;

use super::{FamilyBound, Policy, View};
use crate::scheduler::{intent::Intent, reason::Purpose};
use edge::Edges;
use floodgauge_api::{Stage, StageCounts};
use floodgauge_protocol::{SearchSpace, SweepSpec};

/// Halving of one sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Halving {
    /// Epochs of a full run when it was made.
    full: u32,
    /// Of each bracket, what is trained; none before the start.
    parts: Vec<Part>,
    /// What goes on beyond ends.
    edges: Edges,
    /// Whether all brackets have all the probes that they get.
    choosing: bool,
    /// What a family may cost, in full runs, as its plan says; none where the probes alone tell what goes on.
    most: Option<f64>,
}

/// What a bracket trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The plain run, and its first probes.
    PlainAndProbes,
    /// Probes where the plain run showed that they are worth it.
    MoreProbes,
    /// The choice of each method.
    ToTheEnd,
    /// Nothing at the moment: what was trained to the end has ended.
    Ended,
    /// One more arm, of which more is expected than of all that were trained to the end.
    Another,
}

impl Halving {
    /// For a sweep. In each bracket one arm more goes on to the end, if other seeds should do best with it.
    pub fn new(spec: &SweepSpec, space: &SearchSpace) -> Self {
        Self { most: Some(cost::of(spec, space, true).high), ..Self::by_probes(spec) }
    }

    /// For a sweep; what its probes choose alone goes on to the end.
    pub fn by_probes(spec: &SweepSpec) -> Self {
        Self {
            full: spec.recipe.epochs,
            parts: vec![],
            edges: Edges::default(),
            choosing: false,
            most: None,
        }
    }

    /// What follows in a bracket of which nothing is open; nothing if it waits for others.
    fn follow(&mut self, facts: View<'_>, ix: usize) -> Vec<Intent> {
        if self.parts[ix] == Part::PlainAndProbes {
            self.parts[ix] = Part::MoreProbes;
            let more = probes::more(facts, ix);
            if !more.is_empty() {
                return more;
            }
        }
        match self.parts[ix] {
            Part::ToTheEnd if self.most.is_some() => {
                self.parts[ix] = Part::Ended;
                match end::complete(facts, ix) {
                    none if none.is_empty() => self.another(facts, ix),
                    ended => ended,
                }
            }
            Part::Ended => self.another(facts, ix),
            Part::ToTheEnd | Part::Another => end::close(facts, ix),
            // Brackets go beyond an end together, so that who is first to end its probes changes nothing.
            _ if facts.spec().search.extend && !self.choosing => self.go_beyond(facts),
            _ => {
                self.parts[ix] = Part::ToTheEnd;
                choice::choose(facts, ix)
            }
        }
    }

    /// What follows once the choices of a bracket have ended: an arm of which more is expected than of all of
    /// them or, if there is none that can be paid, its close.
    fn another(&mut self, facts: View<'_>, ix: usize) -> Vec<Intent> {
        let next = self.most.and_then(|most| promising::next(facts, ix, most));
        let Some(next) = next else { return vec![Intent::Close(ix)] };
        self.parts[ix] = Part::Another;
        next.train(facts, ix)
    }

    /// What follows once a bracket has its probes, in a sweep that goes beyond ends: levels there, or the
    /// choice of the first bracket if none are to be added. Nothing while other brackets have probes open.
    fn go_beyond(&mut self, facts: View<'_>) -> Vec<Intent> {
        if !self.all_are_probed(facts) {
            return vec![];
        }
        if let Some(intents) = self.edges.extend_once(facts) {
            return intents;
        }
        self.choosing = true;
        self.parts[0] = Part::ToTheEnd;
        choice::choose(facts, 0)
    }

    /// Whether no bracket has probes open, or may get more of them.
    fn all_are_probed(&self, facts: View<'_>) -> bool {
        (self.parts.iter().enumerate())
            .all(|(ix, part)| *part != Part::PlainAndProbes && !facts.is_open(ix))
    }
}

impl Policy for Halving {
    fn start(&mut self, facts: View<'_>) -> Vec<Intent> {
        self.parts = vec![Part::PlainAndProbes; facts.brackets().len()];
        (0..self.parts.len()).flat_map(|ix| probes::first(facts, ix)).collect()
    }

    fn next(&mut self, facts: View<'_>) -> Vec<Intent> {
        if let Some(intents) = self.edges.go_on(facts) {
            return intents;
        }
        if (0..self.parts.len()).any(|ix| facts.is_open(ix)) {
            self.edges.reopen();
        }
        for ix in facts.waiting() {
            let intents = self.follow(facts, ix);
            if !intents.is_empty() {
                return intents;
            }
        }
        vec![]
    }

    fn purpose(&self, bracket: usize) -> Purpose {
        match self.parts.get(bracket) {
            None | Some(Part::PlainAndProbes) => Purpose::PlainAndProbes,
            Some(Part::MoreProbes) => Purpose::MoreProbes,
            Some(Part::ToTheEnd | Part::Ended | Part::Another) => Purpose::ToTheEnd,
        }
    }

    fn decision_epochs(&self) -> Vec<u32> {
        vec![self.full]
    }

    /// No rung is reached by all arms at one epoch, so each part is a stage of its own.
    fn stages(&self) -> Vec<Stage> {
        let stage = |name: &str, counts| Stage { name: name.into(), counts };
        vec![
            stage("plain run", StageCounts::Plain),
            stage("probes", StageCounts::Probes { added: false }),
            stage("more probes", StageCounts::Probes { added: true }),
            stage("to the end", StageCounts::ToTheEnd),
        ]
    }

    fn widens(&self) -> bool {
        let is_settled = |part: &Part| match part {
            Part::PlainAndProbes | Part::MoreProbes => false,
            Part::ToTheEnd | Part::Ended => self.most.is_none(),
            Part::Another => true,
        };
        self.parts.is_empty() || !self.parts.iter().all(is_settled)
    }

    fn bound(&self, spec: &SweepSpec, space: &SearchSpace) -> FamilyBound {
        cost::of(spec, space, self.most.is_some())
    }
}
