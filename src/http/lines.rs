//! The lines of log entries, made of what is known of their sweeps.

use super::stored::{self, Legible};
use crate::{
    driver::{Driver, DriverError},
    scheduler::{Decision, Event, Sweep},
    store::{Entry, StoreError},
    story::{self, Names},
};
use floodgauge_api::LogLine;
use floodgauge_protocol::SweepId;
use serde::Deserialize as _;
use std::{
    collections::{HashMap, hash_map},
    sync::Arc,
};

/// The lines of entries, of one sweep or of several, in their order.
///
/// # Errors
/// The store's trouble.
pub(super) async fn of(
    driver: &Driver,
    entries: impl Iterator<Item = &Entry> + Clone,
) -> Result<Vec<Vec<LogLine>>, StoreError> {
    let heads: HashMap<SweepId, u64> =
        entries.clone().map(|entry| (entry.sweep, entry.seq)).collect();
    let mut known: HashMap<SweepId, Known> = HashMap::new();
    let mut all = vec![];
    for entry in entries {
        if is_routine(entry) {
            all.push(vec![]);
            continue;
        }
        let known = match known.entry(entry.sweep) {
            hash_map::Entry::Occupied(known) => known.into_mut(),
            hash_map::Entry::Vacant(place) => {
                let head = heads.get(&entry.sweep).copied().unwrap_or(entry.seq);
                place.insert(Known::of(driver, entry.sweep, head).await?)
            }
        };
        all.push(known.lines(entry));
    }
    Ok(all)
}

/// What is known of a sweep whose entries are told.
enum Known {
    /// All that its log tells.
    Replayed(Arc<Sweep>),
    /// What is stored beside a log that can't be replayed here.
    Stored(Box<Legible>),
    /// Nothing: it was deleted meanwhile.
    Nothing,
}

impl Known {
    /// That of a sweep whose log goes up to `head` at least.
    async fn of(driver: &Driver, sweep: SweepId, head: u64) -> Result<Self, StoreError> {
        // A long log isn't tried once more for each part of it that is told.
        if !driver.is_unreplayable(sweep) {
            match driver.sweep_after(sweep, head).await {
                Ok(sweep) => return Ok(Self::Replayed(sweep)),
                Err(DriverError::Store(error)) => return Err(error),
                Err(_) => {}
            }
        }
        let row = driver.store().sweep(sweep).await?;
        let legible = row.and_then(|row| stored::legible(&row).ok());
        Ok(legible.map_or(Self::Nothing, |legible| Self::Stored(Box::new(legible))))
    }

    fn lines(&self, entry: &Entry) -> Vec<LogLine> {
        let names = match self {
            Self::Replayed(sweep) => Names::of(sweep.facts()),
            Self::Stored(legible) => Names::stored(&legible.spec, &legible.plan),
            Self::Nothing => return vec![],
        };
        let event = Event::deserialize(&entry.event);
        match (event, Vec::<Decision>::deserialize(&entry.decisions)) {
            (Ok(event), Ok(decisions)) => story::lines(names, &event, &decisions),
            _ => vec![story::unread()],
        }
    }
}

/// Whether an entry has no lines, as most have none: what was trained, and nothing else.
fn is_routine(Entry { event, decisions, .. }: &Entry) -> bool {
    let is_routine = match event["type"].as_str() {
        Some("reported") => event["redone"] == 0,
        Some("saved") => true,
        _ => false,
    };
    is_routine && decisions.as_array().is_some_and(Vec::is_empty)
}
