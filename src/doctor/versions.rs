//! That this build knows the schedulers of all sweeps, and understands the workers that train them.

use super::{Finding, Opened, finding::or_ok};
use crate::{counting::count, driver, scheduler::SweepStatus, store::SweepRow};
use floodgauge_protocol::{SweepId, wire::WireVersions};
use std::collections::BTreeSet;

/// Entries that are read at once.
const ENTRIES_AT_ONCE: u32 = 500;

/// Looks at them.
pub(super) async fn look(of: &Opened<'_>) -> anyhow::Result<Vec<Finding>> {
    let sweeps = of.sweeps().await?;
    let mut found: Vec<Finding> = sweeps.iter().filter_map(of_scheduler).collect();
    let known = sweeps.len() - found.len();
    let mut kinds = BTreeSet::new();
    for sweep in sweeps.iter().filter(|sweep| !sweep.status.is_final()) {
        let trained = trained_by(of, sweep.sweep).await?;
        kinds.extend(trained.fingerprints);
        if let Some(wire) = trained.wire
            && let Some(why) = WireVersions::parted(wire, WireVersions::OF_SERVER)
        {
            found.push(Finding::warn(
                format!(
                    "sweep {} is trained by a worker that this release's server refuses: {why}",
                    sweep.sweep
                ),
                "upgrade that worker",
            ));
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

/// A sweep that was decided by what this build lacks.
fn of_scheduler(sweep: &SweepRow) -> Option<Finding> {
    let error = driver::check_version(sweep).err()?;
    let (id, name) = (sweep.sweep, &sweep.name);
    let what = format!("sweep {id} (`{name}`) can't be replayed: {error}");
    Some(match sweep.status {
        SweepStatus::Completed | SweepStatus::Failed | SweepStatus::Cancelled => {
            Finding::ok(format!(
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
