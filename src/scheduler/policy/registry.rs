//! All schedulers that there are.

use super::{
    FamilyBound, Policy, asha::Asha, bound::cost, halving::Halving, synchronous::Synchronous,
};
use crate::verdict::Basis;
use floodgauge_api::{PlanBound, Stage};
use floodgauge_protocol::{SchedulerKind, SearchSpace, SweepSpec};

/// A version of a scheduler. What was released stays in the list: a log is replayed by the version
/// that wrote it. A change that could alter a decision of one scheduler gives that one a new version,
/// beside its old ones.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// Which scheduler.
    pub kind: SchedulerKind,
    /// Which version of it.
    pub version: u32,
    /// By what the arm is chosen that is tested as the answer.
    pub tested_by: Basis,
    /// Makes it for a sweep.
    pub build: Build,
}

/// Makes a scheduler for a sweep.
type Build = fn(&SweepSpec, &SearchSpace) -> Box<dyn Policy>;

const GRID: Build = |spec, space| Box::new(Synchronous::grid(spec, space));
const SHA: Build = |spec, space| Box::new(Synchronous::sha(spec, space));
const HYPERBAND: Build = |spec, space| Box::new(Synchronous::hyperband(spec, space));
const ASHA: Build = |spec, space| Box::new(Asha::new(spec, space));
const HALVING: Build = |spec, space| Box::new(Halving::new(spec, space));
/// Before version 4 it trained to the end what its probes chose, and nothing else.
const HALVING_BY_PROBES: Build = |spec, _| Box::new(Halving::by_probes(spec));

/// Of each scheduler the oldest version first. All begin with 3, the one that version 0.1.0 of the
/// program had for all of them together. Since 4 what is tested is the arm that other seeds are expected to
/// do best with; before, it was the best of the seeds that there were.
const REGISTERED: &[Registration] = &[
    version_3(SchedulerKind::Grid, GRID),
    version_3(SchedulerKind::Sha, SHA),
    version_3(SchedulerKind::Hyperband, HYPERBAND),
    version_3(SchedulerKind::Asha, ASHA),
    version_3(SchedulerKind::Halving, HALVING_BY_PROBES),
    version_4(SchedulerKind::Grid, GRID),
    version_4(SchedulerKind::Sha, SHA),
    version_4(SchedulerKind::Hyperband, HYPERBAND),
    version_4(SchedulerKind::Asha, ASHA),
    version_4(SchedulerKind::Halving, HALVING),
];

const fn version_3(kind: SchedulerKind, build: Build) -> Registration {
    Registration { kind, version: 3, tested_by: Basis::Measured, build }
}

const fn version_4(kind: SchedulerKind, build: Build) -> Registration {
    Registration { kind, version: 4, tested_by: Basis::Expected, build }
}

/// Every version of every scheduler.
pub fn registered() -> &'static [Registration] {
    REGISTERED
}

impl Registration {
    /// A version of a scheduler; none if this binary doesn't have it.
    pub fn get(kind: SchedulerKind, version: u32) -> Option<&'static Self> {
        REGISTERED.iter().find(|known| (known.kind, known.version) == (kind, version))
    }
}

/// The newest version of a scheduler, which new sweeps get.
///
/// # Panics
/// If a scheduler has a name, but no version; a test sees to it that none has.
pub fn current(kind: SchedulerKind) -> &'static Registration {
    let versions = REGISTERED.iter().filter(|known| known.kind == kind);
    let newest = versions.max_by_key(|known| known.version);
    newest.unwrap_or_else(|| panic!("scheduler {} isn't registered", kind.as_str()))
}

/// The version of its scheduler that a new sweep gets.
pub fn current_version(kind: SchedulerKind) -> u32 {
    current(kind).version
}

/// The epochs at which a version of a sweep's scheduler decides who goes on, rising; the last is the end of
/// a full run. Of a version that this binary doesn't have it is what the newest says.
pub fn decision_epochs(spec: &SweepSpec, version: u32) -> Vec<u32> {
    policy(spec, version).decision_epochs()
}

/// The parts that a version of its scheduler trains a sweep in, first to last; of a version that this binary
/// doesn't have it is what the newest says.
pub fn stages(spec: &SweepSpec, version: u32) -> Vec<Stage> {
    policy(spec, version).stages()
}

/// What a new sweep may cost, and what is trained, told before it is paid.
pub fn bound(spec: &SweepSpec) -> PlanBound {
    bound_by(&*policy(spec, current_version(spec.scheduler.kind)), spec)
}

/// The same of a sweep that a policy decides on.
pub fn bound_by(policy: &dyn Policy, spec: &SweepSpec) -> PlanBound {
    let space = SearchSpace::of(spec);
    let FamilyBound { low, high, phases } = policy.bound(spec, &space);
    let full_grid = cost(&space.arms);
    let families = space.families.len() as f64;
    let [low, high, full_grid] = [low, high, full_grid].map(|cost| cost * families);
    PlanBound { low, high, full_grid, phases }
}

fn policy(spec: &SweepSpec, version: u32) -> Box<dyn Policy> {
    let kind = spec.scheduler.kind;
    let scheduler = Registration::get(kind, version).unwrap_or_else(|| current(kind));
    (scheduler.build)(spec, &SearchSpace::of(spec))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::{facts::Facts, policy::View};

    #[test]
    fn every_scheduler_has_a_version_and_none_of_them_twice() {
        for kind in SchedulerKind::ALL {
            assert_eq!(current(kind).kind, kind);
        }
        for (i, one) in REGISTERED.iter().enumerate() {
            let same =
                |other: &Registration| (other.kind, other.version) == (one.kind, one.version);
            assert!(!REGISTERED[..i].iter().any(same), "{one:?}");
        }
    }

    #[test]
    fn policies_are_the_same_if_they_are_of_one_scheduler_and_remember_the_same() {
        let spec: SweepSpec = serde_json::from_str(
            r#"{"name": "x", "recipe": {"dataset": {"name": "spiral"}, "epochs": 81}}"#,
        )
        .unwrap();
        let space = SearchSpace::of(&spec);
        let all: Vec<_> = REGISTERED.iter().map(|known| (known.build)(&spec, &space)).collect();
        for (i, one) in all.iter().enumerate() {
            for (j, other) in all.iter().enumerate() {
                let (left, right) = (REGISTERED[i], REGISTERED[j]);
                // Versions of one may differ in what they are registered with alone.
                if i == j || left.kind != right.kind {
                    assert_eq!(**one == **other, i == j, "{left:?} and {right:?}");
                }
            }
            let mut begun = one.clone();
            assert!(*begun == **one, "a clone of {:?}", REGISTERED[i]);
            begun.start(View::of(&Facts::new(spec.clone())));
            assert!(*begun != **one, "{:?} once it has begun", REGISTERED[i]);
        }
    }
}
