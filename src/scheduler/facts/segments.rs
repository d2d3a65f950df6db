//! The segments of a sweep: what was queued, and what became of it.

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
    /// Arms that its worker is to stop.
    pub stops: Vec<Stop>,
}

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
            stops: vec![],
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
