//! What may be wrong with what a server left behind, or has under its hands, and what to do about it.
//! `floodgauge doctor` prints it.
//!
//! Each check has a file and looks at one thing:
//!
//! - [`database`]: that it opens, and is whole and of this release.
//! - [`projections`]: that they are what the log says.
//! - [`queue`]: that sweeps with work are in it, and leases end.
//! - [`workers`]: that somebody trains what waits, and whose machine is in trouble.
//! - [`blobs`]: that those which are referred to are there, and nothing else is.
//! - [`datasets`]: that they have their bytes.
//! - [`disk`]: that there is room, and that it can be written to.
//! - [`clock`]: that nothing is stamped with a time to come.
//! - [`versions`]: that this build knows the schedulers, and understands the workers.
//! - [`server`]: what a running server says of itself.
//!
//! Logs, epochs and segments are read by pages. Beside the state of one sweep at a time, as a server has it,
//! a check holds a sum of each of that sweep's epochs, and the names of the blobs.
//!
//! A check only looks. Only where a repair was asked for, it mends what can be mended without losing
//! anything that is referred to, and says so.

mod blobs;
mod clock;
mod database;
mod datasets;
mod disk;
mod finding;
mod projections;
mod queue;
mod server;
mod versions;
mod workers;

pub use finding::{Check, Finding, Report, Severity};

use crate::{
    blobs::Blobs,
    config::Storage,
    store::{DynInspect, DynStore, Page, StoreError, SweepRow},
};
use floodgauge_protocol::SweepId;
use std::path::PathBuf;

/// What is looked at, and how.
pub struct Patient {
    /// Where the server keeps what it knows.
    pub storage: Storage,
    /// The folder with the files of named data sets; it needn't exist.
    pub data: PathBuf,
    /// The URL of its database.
    pub database_url: String,
    /// Whether to mend what can be mended.
    pub repair: bool,
    /// Whether to leave the bytes of blobs unread.
    pub quick: bool,
    /// Whether a server is known to run on it.
    pub is_served: bool,
}

/// The parts of it that could be opened.
struct Opened<'a> {
    patient: &'a Patient,
    store: DynInspect,
    /// The same, to those who only read.
    reader: DynStore,
    /// None if their folder isn't there.
    blobs: Option<Blobs>,
}

impl Opened<'_> {
    /// Its sweeps, newest first: a page of those behind one.
    async fn sweeps_behind(&self, after: Option<SweepId>) -> Result<Vec<SweepRow>, StoreError> {
        self.store.sweeps(Page { after, limit: SWEEPS_AT_ONCE, ..Page::default() }).await
    }

    /// A sweep in words, by its id.
    async fn named(&self, sweep: SweepId) -> Result<String, StoreError> {
        Ok(match self.store.sweep(sweep).await? {
            Some(row) => named(&row),
            None => format!("sweep {sweep}"),
        })
    }
}

/// A sweep in words.
fn named(row: &SweepRow) -> String {
    format!("sweep {} (`{}`)", row.sweep, row.name)
}

/// Sweeps that are read at once. One may take a MiB.
const SWEEPS_AT_ONCE: u32 = 20;

/// Looks at everything, and tells what it finds as it goes along.
pub async fn examine(patient: &Patient, mut tell: impl FnMut(&Finding)) -> Report {
    let mut report = Report::default();
    let mut add = |check: Check, found: Vec<Finding>| {
        for finding in found {
            let finding = Finding { check, ..finding };
            tell(&finding);
            report.findings.push(finding);
        }
    };
    add(Check::Disk, disk::look(patient));
    let (found, store) = database::look(patient).await;
    add(Check::Database, found);
    let Some(store) = store else {
        add(Check::Blobs, blobs::without_database(patient));
        return report;
    };
    let blobs = patient.storage.blob_folder();
    let blobs = blobs.is_dir().then(|| Blobs::look_into(&blobs).ok()).flatten();
    let opened = Opened { patient, reader: store.clone(), store, blobs };
    add(Check::Clock, or_fault(clock::look(&opened).await));
    add(Check::Versions, or_fault(versions::look(&opened).await));
    add(Check::Projections, or_fault(projections::look(&opened).await));
    add(Check::Queue, or_fault(queue::look(&opened).await));
    add(Check::Workers, or_fault(workers::look(&opened).await));
    let (found, have_bytes) = match blobs::look(&opened).await {
        Ok((found, have_bytes)) => (Ok(found), have_bytes),
        Err(error) => (Err(error), true),
    };
    add(Check::Blobs, or_fault(found));
    add(Check::Datasets, or_fault(datasets::look(&opened, have_bytes).await));
    report
}

/// Adds what a running server says of itself.
pub async fn ask(
    client: &crate::client::Client,
    report: &mut Report,
    mut tell: impl FnMut(&Finding),
) {
    // Those of the database are told already.
    let are_told = report.findings.iter().any(|finding| finding.check == Check::Workers);
    for finding in server::look(client, are_told).await {
        let finding = Finding { check: Check::Server, ..finding };
        tell(&finding);
        report.findings.push(finding);
    }
}

/// A look that couldn't be taken is a finding too.
fn or_fault(found: anyhow::Result<Vec<Finding>>) -> Vec<Finding> {
    found.unwrap_or_else(|error| {
        let what = format!("this can't be looked at: {error:#}");
        vec![Finding::fail(what, "mend what was found before, then look again")]
    })
}
