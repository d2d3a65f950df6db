//! That this build knows the schedulers of all sweeps, and understands the workers that train them.

use super::{Finding, Opened, finding::or_ok, named};
use crate::{counting::count, driver, scheduler::SweepStatus, store::SweepRow};
use floodgauge_protocol::{SweepId, wire::WireVersions};
use std::collections::BTreeSet;

/// Entries that are read at once.
const ENTRIES_AT_ONCE: u32 = 500;

/// Looks at them.
pub(super) async fn look(of: &Opened<'_>) -> anyhow::Result<Vec<Finding>> {
    let (mut found, mut known, mut kinds) = (vec![], 0, BTreeSet::new());
    let mut after = None;
    loop {
        let sweeps = of.sweeps_behind(after).await?;
        let Some(last) = sweeps.last() else { break };
        after = Some(last.sweep);
        for sweep in &sweeps {
            match of_scheduler(sweep) {
                Some(finding) => found.push(finding),
                None => known += 1,
            }
            if !sweep.status.is_final() {
                found.extend(of_workers(of, sweep.sweep, &mut kinds).await?);
            }
        }
    }
    Ok(or_ok(found, || {
        let version = env!("CARGO_PKG_VERSION");
        let (sweeps, wire) = (count(known, "sweep"), WireVersions::OF_SERVER);
        let kinds = match kinds.len() {
            0 => "no machine has begun one that goes on".into(),
            1 => "one kind of machine trains those that go on".into(),
            kinds => format!("{kinds} kinds of machines train those that go on"),
        };
        format!(
            "this is {version}; it knows the schedulers of {sweeps} and speaks wire {wire}; {kinds}"
        )
    }))
}

/// A sweep that a worker trains which this release's server refuses. Notes which kinds of machines train it.
async fn of_workers(
    of: &Opened<'_>,
    sweep: SweepId,
    kinds: &mut BTreeSet<String>,
) -> anyhow::Result<Option<Finding>> {
    let trained = trained_by(of, sweep).await?;
    kinds.extend(trained.fingerprints);
    let why =
        trained.wire.and_then(|wire| WireVersions::incompatible(wire, WireVersions::OF_SERVER));
    Ok(why.map(|why| {
        let what = "is trained by a worker that this release's server refuses";
        Finding::warn(format!("sweep {sweep} {what}: {why}"), "upgrade that worker")
    }))
}

/// A sweep that was decided by what this build lacks.
fn of_scheduler(sweep: &SweepRow) -> Option<Finding> {
    let error = driver::check_version(sweep).err()?;
    let what = format!("{} can't be replayed: {error}", named(sweep));
    Some(match sweep.status {
        SweepStatus::Completed | SweepStatus::Failed | SweepStatus::Cancelled => {
            Finding::note(format!(
                "{what}; it is over and can be looked at, and the release that decided it can \
                 extend it"
            ))
        }
        _ => Finding::fail(
            what,
            "run a server of the release that decided it, or cancel the sweep and submit it again",
        ),
    })
}

/// Who trains a sweep, by its log.
#[derive(Default)]
struct Trained {
    fingerprints: BTreeSet<String>,
    /// What the worker of its newest report speaks.
    wire: Option<WireVersions>,
}

async fn trained_by(of: &Opened<'_>, sweep: SweepId) -> anyhow::Result<Trained> {
    let (mut trained, mut after) = (Trained::default(), 0);
    loop {
        let entries = of.store.entries(sweep, after, ENTRIES_AT_ONCE).await?;
        let Some(last) = entries.last() else { return Ok(trained) };
        after = last.seq;
        for entry in entries {
            if let Some(fingerprint) = entry.event["fingerprint"].as_str() {
                trained.fingerprints.insert(fingerprint.to_owned());
            }
            let row = entry.event["rows"].get(0);
            trained.wire = row.map(|row| wire(row.get("metrics").is_some())).or(trained.wire);
        }
    }
}

/// Rows say by their shape what their worker speaks at least.
fn wire(has_named_metrics: bool) -> WireVersions {
    let version = if has_named_metrics { 2 } else { 1 };
    WireVersions { oldest: version, newest: version }
}
