//! The segments of a sweep: what was queued, and what became of it.

use super::failures;
use floodgauge_protocol::{Segment, SegmentId, work::Stop};
use std::collections::BTreeMap;

/// All segments of a sweep, open and closed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segments(BTreeMap<SegmentId, Queued>);

/// A segment and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Queued {
    /// What it asks for.
    pub segment: Segment,
    /// Whether it isn't over.
    pub open: bool,
    /// Whether a worker holds it.
    pub leased: bool,
    /// Whether a worker saved some of it: then its trials go on from there, and what it started
    /// from may be gone.
    pub saved: bool,
    /// How often workers gave it up.
    pub failures: u32,
    /// How often a lease on it expired.
    pub losses: u32,
    /// How often in a row workers in trouble handed it back, without an epoch that wasn't known.
    pub hand_backs: u32,
    /// Whether the log tells that the lease of whoever holds it expired.
    pub expired: bool,
    /// Arms that its worker is to stop.
    pub stops: Vec<Stop>,
    /// How often whoever holds it reported nothing but what was known.
    pub repeats: u32,
    /// How often whoever holds it contradicted what was known.
    pub contradictions: u32,
}

/// How often one claim of a segment may say what was known, beside once an epoch: answers get lost.
/// Chosen, not measured.
const SPARE_REPEATS: u32 = 16;

/// How often one claim may contradict what is known before nobody listens any more. Chosen, not measured.
const MAX_CONTRADICTIONS: u32 = 16;

impl Segments {
    /// A segment, over or not.
    pub fn get(&self, segment: SegmentId) -> Option<&Segment> {
        self.0.get(&segment).map(|queued| &queued.segment)
    }

    /// A segment that isn't over.
    pub fn get_open(&self, segment: SegmentId) -> Option<&Segment> {
        self.queued(segment).map(|queued| &queued.segment)
    }

    /// All segments that aren't over, first to last.
    pub fn open(&self) -> impl Iterator<Item = &Segment> {
        self.0.values().filter(|queued| queued.open).map(|queued| &queued.segment)
    }

    /// Which arms of a segment are to be stopped.
    pub fn stops(&self, segment: SegmentId) -> &[Stop] {
        self.0.get(&segment).map_or(&[], |queued| &queued.stops)
    }

    /// Whether the log has room for one more report of nothing but what was known, by whoever holds a
    /// segment. After a loss each epoch of each run may come once more.
    pub fn may_repeat(&self, segment: SegmentId, steps_per_epoch: u64) -> bool {
        self.queued(segment).is_some_and(|queued| {
            let steps = queued.segment.to_step - queued.segment.from_step;
            let epochs = steps.div_ceil(steps_per_epoch.max(1));
            let runs = queued.segment.branches.len() as u64;
            u64::from(queued.repeats) < epochs * runs + u64::from(SPARE_REPEATS)
        })
    }

    /// Whether the log has room for one more contradiction by whoever holds a segment.
    pub fn may_contradict(&self, segment: SegmentId) -> bool {
        self.queued(segment).is_some_and(|queued| queued.contradictions < MAX_CONTRADICTIONS)
    }

    /// For how many seconds nobody is to be given a segment that is handed back now.
    pub fn backoff_after_hand_back(&self, segment: SegmentId) -> u32 {
        let before = self.queued(segment).map_or(0, |queued| queued.hand_backs);
        failures::backoff_after(before.saturating_add(1))
    }

    /// Whether the log has yet to tell that the lease on a segment expired: once a claim.
    pub fn may_expire(&self, segment: SegmentId) -> bool {
        self.queued(segment).is_some_and(|queued| queued.leased && !queued.expired)
    }

    /// A segment that isn't over, and how it stands.
    pub(super) fn queued(&self, segment: SegmentId) -> Option<&Queued> {
        self.0.get(&segment).filter(|queued| queued.open)
    }

    /// The same, to change it.
    pub(super) fn queued_mut(&mut self, segment: SegmentId) -> Option<&mut Queued> {
        self.0.get_mut(&segment).filter(|queued| queued.open)
    }

    /// All that aren't over, to change them.
    pub(super) fn all_queued_mut(&mut self) -> impl Iterator<Item = (SegmentId, &mut Queued)> {
        self.0.iter_mut().filter(|(_, queued)| queued.open).map(|(&id, queued)| (id, queued))
    }

    /// The id of the next segment.
    pub(super) fn next_id(&self) -> SegmentId {
        SegmentId(self.0.len() as u32)
    }

    /// Queues a segment.
    pub(super) fn push(&mut self, segment: Segment) {
        let queued = Queued {
            open: true,
            leased: false,
            saved: false,
            failures: 0,
            losses: 0,
            hand_backs: 0,
            expired: false,
            stops: vec![],
            repeats: 0,
            contradictions: 0,
            segment,
        };
        self.0.insert(queued.segment.segment, queued);
    }

    /// Ends a segment for good.
    pub(super) fn close(&mut self, segment: SegmentId) -> Option<Segment> {
        let queued = self.queued_mut(segment)?;
        queued.open = false;
        queued.leased = false;
        Some(queued.segment.clone())
    }
}
