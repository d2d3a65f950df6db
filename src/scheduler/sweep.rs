//! A sweep: facts, the policy that decides, and the step that an event makes them take.

use super::{
    action::{Action, Decision},
    answer::{self, Extent},
    event::Event,
    facts::{self, Facts, News, Taken},
    intent::Intent,
    policy::{self, EXTENSION_VERSION, Policy, Registration, View, bound_by, current},
    reason::Purpose,
    status::SweepStatus,
};
use crate::verdict::{self, Basis, Best, RunEquivalents, Table};
use floodgauge_protocol::{
    ArmIx, Extension, FamilyIx, Invalid, LevelEnd, Metric, SearchSpace, SegmentKind, SweepSpec,
    TrialKey,
};
use std::sync::Arc;

/// A sweep as its log tells it, and the policy that its scheduler is.
#[derive(Clone, Debug)]
pub struct Sweep {
    facts: Facts,
    /// Which version of its scheduler decides; which scheduler, the facts tell.
    version: u32,
    /// By what that version chooses the arm that is tested as the answer.
    tested_by: Basis,
    policy: Box<dyn Policy>,
    /// What it answered when it last completed.
    answered: Option<Arc<Answered>>,
}

/// What a sweep answered when it completed.
#[derive(Debug)]
pub struct Answered {
    /// The answer.
    pub best: Best,
    /// How many epochs a full run had then.
    pub epochs: u32,
}

impl PartialEq for Sweep {
    fn eq(&self, other: &Self) -> bool {
        (&self.facts, self.version) == (&other.facts, other.version)
            && *self.policy == *other.policy
    }
}

impl Sweep {
    /// A sweep before its first event, `Submitted`, by the newest version of its scheduler; the
    /// spec is that event's.
    pub fn new(spec: SweepSpec) -> Self {
        Self::by(current(spec.scheduler.kind), spec)
    }

    /// The same, by the version of its scheduler that it was submitted under; none if this binary
    /// doesn't have that.
    pub fn of_version(spec: SweepSpec, version: u32) -> Option<Self> {
        Some(Self::by(Registration::get(spec.scheduler.kind, version)?, spec))
    }

    fn by(scheduler: &Registration, spec: SweepSpec) -> Self {
        let policy = (scheduler.build)(&spec, &SearchSpace::of(&spec));
        let Registration { version, tested_by, .. } = *scheduler;
        Self { facts: Facts::new(spec), version, tested_by, policy, answered: None }
    }

    /// Takes an event in and answers what to do. Events that don't fit the state (a segment
    /// that is over, say) change nothing.
    pub fn step(&mut self, event: &Event) -> Vec<Decision> {
        let decisions = self.decide(event);
        if let Some(Action::Complete { best }) = decisions.last().map(|decision| &decision.action) {
            let (best, epochs) = (Best::clone(best), self.facts.spec().recipe.epochs);
            self.answered = Some(Arc::new(Answered { best, epochs }));
        }
        decisions
    }

    fn decide(&mut self, event: &Event) -> Vec<Decision> {
        // Facts: what happened.
        let Taken { mut decisions, news } = self.facts.take(event);
        // Policy: what it calls for.
        let intents = match &news {
            News::Nothing => return decisions,
            News::Submitted => self.policy.start(View::of(&self.facts)),
            News::Reported(family) => self.policy.reported(View::of(&self.facts), *family),
            News::Closed(segment) if segment.kind == SegmentKind::Test => {
                decisions.extend(answer::conclude(&mut self.facts));
                return decisions;
            }
            News::Closed(segment) => self.policy.closed(View::of(&self.facts), segment),
            News::Again(families) => self.train_again(families),
            News::Extended => self.extend(event),
        };
        let was_done = self.is_done();
        self.apply(intents, &mut decisions);
        if !matches!(news, News::Reported(_)) {
            self.apply_until_idle(&mut decisions);
        }
        // Answer: once nothing more is to be trained.
        if self.is_done() && !was_done {
            decisions.extend(answer::test(&mut self.facts, self.tested_by));
        }
        decisions
    }

    /// Asks the policy what comes next until there is nothing that it wants.
    fn apply_until_idle(&mut self, decisions: &mut Vec<Decision>) {
        loop {
            let intents = self.policy.next(View::of(&self.facts));
            if intents.is_empty() {
                return;
            }
            self.apply(intents, decisions);
        }
    }

    fn apply(&mut self, intents: Vec<Intent>, decisions: &mut Vec<Decision>) {
        for intent in intents {
            decisions.extend(self.facts.apply(intent));
        }
    }

    /// Has arms go on to the goals that they have.
    fn train_again(&self, families: &[(FamilyIx, Vec<ArmIx>)]) -> Vec<Intent> {
        let again = |(family, arms): &(FamilyIx, Vec<ArmIx>)| {
            let purpose = self.policy.purpose(self.facts.bracket_of(*family)?);
            Some(Intent::EnqueueToGoals { family: *family, arms: arms.clone(), purpose })
        };
        families.iter().filter_map(again).collect()
    }

    /// The event that extends it, once it has completed.
    ///
    /// # Errors
    /// All that is wrong with the extension, pointers into it.
    pub fn extended_by(&self, extension: &Extension) -> Result<Event, Vec<Invalid>> {
        let (spec, unfinished) = (self.facts.spec(), self.facts.unfinished());
        let end = |level| match unfinished.at(level).next() {
            Some(_) => None,
            None if self.facts.has_diverged(level) => Some(LevelEnd::Diverged),
            None => Some(LevelEnd::Trained),
        };
        let problems = extension.problems(spec, end);
        if !problems.is_empty() {
            return Err(problems);
        }
        let (known, levels) = extension.known_and_new_levels(spec);
        let mut finish: Vec<_> = known.into_iter().flat_map(|level| unfinished.at(level)).collect();
        finish.sort_unstable();
        let (seeds, epochs) = (extension.new_seeds(spec), extension.epochs);
        Ok(Event::Extended { seeds, levels, finish, epochs, version: EXTENSION_VERSION })
    }

    /// Lets a completed sweep grow; what was trained is kept.
    fn extend(&mut self, event: &Event) -> Vec<Intent> {
        let extension = policy::Extension::of(self.policy.clone(), View::of(&self.facts));
        let mut extension = extension.with(facts::extend(&mut self.facts, event));
        let intents = extension.start(View::of(&self.facts));
        self.policy = Box::new(extension);
        intents
    }

    /// Whether nothing more is to be trained.
    fn is_done(&self) -> bool {
        self.facts.brackets().iter().all(|bracket| bracket.done)
    }

    /// What happened to it.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The same, to change it as no event does.
    #[cfg(test)]
    pub fn facts_mut(&mut self) -> &mut Facts {
        &mut self.facts
    }

    /// Where it stands.
    pub fn status(&self) -> SweepStatus {
        self.facts.status()
    }

    /// The answer so far; final once the sweep has ended. Of an extension that was given up, it is the answer
    /// before it.
    pub fn best(&self) -> Best {
        match self.before_extension() {
            Some(Answered { best, .. }) => {
                verdict::before_extension(best.clone(), self.status(), self.run_equivalents())
            }
            None => answer::best(&self.facts),
        }
    }

    /// What it answered before an extension that was cancelled or failed; none where that isn't how it ended.
    pub fn before_extension(&self) -> Option<&Answered> {
        self.answered.as_deref().filter(|_| self.status().is_given_up())
    }

    /// The same as of so many other seeds, to be held against them.
    pub fn best_of(&self, others: u32) -> Best {
        answer::best_of(&self.facts, others)
    }

    /// The objective of a trial so far.
    pub fn objective(&self, trial: TrialKey) -> Option<Metric> {
        answer::objective(&self.facts, trial)
    }

    /// The sweep's table, as far as it is known.
    pub fn table(&self) -> Table {
        answer::table(&self.facts)
    }

    /// How far it has got.
    pub fn extent(&self) -> Extent {
        let most = || bound_by(&*self.policy, self.facts.spec()).high;
        let widens = self.policy.widens().then(most);
        let probes = (0..self.facts.brackets().len()).any(|ix| {
            matches!(self.policy.purpose(ix), Purpose::PlainAndProbes | Purpose::MoreProbes)
        });
        answer::extent(&self.facts, &self.policy.stages(), widens, probes)
    }

    /// What was trained, and what was not.
    pub fn run_equivalents(&self) -> RunEquivalents {
        answer::run_equivalents(&self.facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::policy::FamilyBound;

    /// A version of a scheduler that thinks a sweep dearer than any other does.
    #[derive(Clone, Debug, PartialEq)]
    struct Dear;

    impl Policy for Dear {
        fn start(&mut self, _: View<'_>) -> Vec<Intent> {
            vec![]
        }

        fn next(&mut self, _: View<'_>) -> Vec<Intent> {
            vec![]
        }

        fn purpose(&self, _: usize) -> Purpose {
            Purpose::Extension
        }

        fn decision_epochs(&self) -> Vec<u32> {
            vec![1]
        }

        fn widens(&self) -> bool {
            true
        }

        fn bound(&self, _: &SweepSpec, _: &SearchSpace) -> FamilyBound {
            FamilyBound { low: 1.0, high: 1_000.0, phases: vec![] }
        }
    }

    #[test]
    fn what_is_planned_is_what_the_sweeps_own_version_of_its_scheduler_says() {
        let spec: SweepSpec = serde_json::from_str(
            r#"{"name": "x", "recipe": {"dataset": {"name": "digits"}}, "search": {"seeds": [0, 1]}}"#,
        )
        .unwrap();
        let sweep = Sweep {
            facts: Facts::new(spec),
            version: 1,
            tested_by: Basis::Expected,
            policy: Box::new(Dear),
            answered: None,
        };
        assert_eq!(sweep.extent().planned, 2_000.0, "of two families");
    }
}
