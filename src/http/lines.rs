//! The lines of log entries, made of what is stored of their sweeps: no log is replayed for them, so
//! those of a sweep whose log can't be are no fewer.

use super::stored::{self, Legible};
use crate::{
    scheduler::{Decision, Event},
    store::{DynStore, Entry, StoreError},
    story::{self, Names},
};
use floodgauge_api::LogLine;
use floodgauge_protocol::{Segment, SegmentId, SweepId};
use serde::Deserialize as _;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The lines of entries, of one sweep or of several, in their order.
///
/// # Errors
/// The store's trouble.
pub(super) async fn of(
    store: &DynStore,
    entries: impl Iterator<Item = &Entry>,
) -> Result<Vec<Vec<LogLine>>, StoreError> {
    let contents: Vec<_> = entries.map(|entry| (entry.sweep, Content::of(entry))).collect();
    let mut wanted: BTreeMap<SweepId, BTreeSet<SegmentId>> = BTreeMap::new();
    for (sweep, content) in &contents {
        if let Content::Read(event, decisions) = content {
            wanted.entry(*sweep).or_default().extend(story::named_segments(event, decisions));
        }
    }
    let mut named = HashMap::new();
    for (sweep, segments) in wanted {
        if let Some(known) = Known::of(store, sweep, &segments).await? {
            named.insert(sweep, known);
        }
    }
    let lines = |(sweep, content): &(SweepId, Content)| match content {
        Content::Routine => vec![],
        Content::Unread => vec![story::unread()],
        Content::Read(event, decisions) => {
            let lines = |known: &Known| story::lines(known.names(), event, decisions);
            // Of a sweep that was deleted meanwhile nothing is told.
            named.get(sweep).map_or_else(Vec::new, lines)
        }
    };
    Ok(contents.iter().map(lines).collect())
}

/// What an entry holds.
enum Content {
    /// What was trained, and nothing else: most entries hold that, and have no lines.
    Routine,
    /// What this server can't read.
    Unread,
    /// An event and what was decided on it.
    Read(Event, Vec<Decision>),
}

impl Content {
    fn of(entry: &Entry) -> Self {
        if is_routine(entry) {
            return Self::Routine;
        }
        match (Event::deserialize(&entry.event), Vec::deserialize(&entry.decisions)) {
            (Ok(event), Ok(decisions)) => Self::Read(event, decisions),
            _ => Self::Unread,
        }
    }
}

/// What is stored of a sweep whose entries are told.
struct Known {
    legible: Legible,
    segments: Vec<Segment>,
}

impl Known {
    /// That of a sweep and some of its segments; none of one that is gone.
    async fn of(
        store: &DynStore,
        sweep: SweepId,
        segments: &BTreeSet<SegmentId>,
    ) -> Result<Option<Self>, StoreError> {
        let row = store.sweep(sweep).await?;
        let Some(legible) = row.and_then(|row| stored::legible(&row).ok()) else {
            return Ok(None);
        };
        Ok(Some(Self { legible, segments: store.segments(sweep, segments).await? }))
    }

    fn names(&self) -> Names<'_> {
        Names::new(&self.legible.spec, &self.legible.space, &self.segments)
    }
}

/// Whether an entry tells of training and nothing else.
fn is_routine(Entry { event, decisions, .. }: &Entry) -> bool {
    let is_routine = match event["type"].as_str() {
        Some("reported") => event["redone"] == 0,
        Some("saved") => true,
        _ => false,
    };
    is_routine && decisions.as_array().is_some_and(Vec::is_empty)
}
