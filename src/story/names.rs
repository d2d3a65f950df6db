//! What the lines of a sweep's log name: its arms, families and segments.

use crate::{counting::count, scheduler::epochs};
use floodgauge_protocol::{
    ArmIx, FamilyIx, SearchSpace, Segment, SegmentId, SegmentKind, Shown, SweepSpec, TrialKey,
};

/// What the lines of a sweep's log name. As it is later will do for an earlier entry: nothing of it
/// is ever renamed, only added.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    space: &'a SearchSpace,
    spec: &'a SweepSpec,
    segments: &'a [Segment],
}

/// So many arms are named; more are counted.
const NAMED: usize = 2;

impl<'a> Names<'a> {
    /// The names of a sweep, with as many of its segments as are known: the others go by their
    /// numbers.
    pub fn new(spec: &'a SweepSpec, space: &'a SearchSpace, segments: &'a [Segment]) -> Self {
        Self { space, spec, segments }
    }

    /// A segment, if it is known.
    pub(super) fn get(self, segment: SegmentId) -> Option<&'a Segment> {
        self.segments.iter().find(|known| known.segment == segment)
    }

    /// The arms of a segment, as far as it is known.
    pub(super) fn arms_of(self, segment: SegmentId) -> impl Iterator<Item = ArmIx> + use<'a> {
        self.get(segment).into_iter().flat_map(Segment::arms)
    }

    /// `plain and flood b=0.2`, `7 arms`.
    pub(super) fn arms(self, arms: impl IntoIterator<Item = ArmIx>) -> String {
        let arms: Vec<_> = arms.into_iter().collect();
        if arms.len() > NAMED {
            return count(arms.len(), "arm");
        }
        let name = |arm: &ArmIx| match self.space.arms.get(arm.ix()) {
            Some(method) => method.to_string(),
            None => format!("arm {arm}"),
        };
        arms.iter().map(name).collect::<Vec<_>>().join(" and ")
    }

    /// `flood b=0.07, seed 0, weight decay 0`; the family only where there are several.
    pub(super) fn trial(self, trial: TrialKey) -> String {
        let name = self.arms([trial.arm]);
        self.family(trial.family).map_or(name.clone(), |family| format!("{name}, {family}"))
    }

    /// `segment 3: seed 0, weight decay 0, 7 arms, epochs 11–33`.
    pub(super) fn segment(self, id: SegmentId) -> String {
        self.get(id).map_or_else(|| format!("segment {id}"), |segment| self.work(segment))
    }

    /// The same of a segment that is at hand.
    pub(super) fn work(self, segment: &Segment) -> String {
        let id = segment.segment;
        let of = self.family(segment.family).map_or_else(String::new, |family| family + ", ");
        let names = self.arms(segment.arms());
        if segment.kind == SegmentKind::Test {
            return format!("segment {id}: {of}test metrics of {names}");
        }
        let steps_per_epoch = self.spec.recipe.steps_per_epoch().max(1);
        let from = segment.from_step / steps_per_epoch + 1;
        let to = segment.to_step.div_ceil(steps_per_epoch);
        let epochs = epochs(from, to);
        format!("segment {id}: {of}{names}, {epochs}")
    }

    pub(super) fn family(self, family: FamilyIx) -> Option<String> {
        let several = self.space.families.len() > 1;
        let family = self.space.families.iter().find(|each| several && each.family == family)?;
        Some(format!("seed {}, weight decay {}", family.seed, Shown(family.weight_decay)))
    }
}
