//! That the blobs which are referred to are there with their bytes, and that nothing else takes room.
//!
//! First it is seen whether their folder is theirs at all: where it isn't, that is all there is to say.
//!
//! - [`folder`]: whose it is.
//! - [`checkpoints`]: those which are damaged, with their sweeps.
//! - [`others`]: what no list has, what nothing refers to, what is half written.

mod checkpoints;
mod folder;
mod others;

use super::{Finding, Opened, finding::or_ok};
use crate::{
    counting::count,
    store::{Referrer, StoreError},
};
use bytesize::ByteSize;
use floodgauge_protocol::{Digest, SweepId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) use folder::without_database;

/// What the database knows of blobs.
struct Known {
    /// Those that it lists, with their bytes.
    sizes: HashMap<Digest, u64>,
    /// Those that something refers to.
    referred: BTreeSet<Digest>,
    /// Those that sweeps refer to as checkpoints.
    checkpoints: BTreeMap<Digest, Vec<SweepId>>,
}

impl Known {
    async fn of(of: &Opened<'_>) -> Result<Self, StoreError> {
        let rows = of.store.blob_rows().await?;
        let sizes = rows.into_iter().map(|row| (row.digest, row.size)).collect();
        let mut known = Self { sizes, referred: BTreeSet::new(), checkpoints: BTreeMap::new() };
        for reference in of.store.references().await? {
            known.referred.insert(reference.digest);
            if let Referrer::Sweep(sweep) = reference.by {
                known.checkpoints.entry(reference.digest).or_default().push(sweep);
            }
        }
        Ok(known)
    }

    /// Whether a blob is the database's.
    fn has(&self, digest: Digest) -> bool {
        self.sizes.contains_key(&digest) || self.referred.contains(&digest)
    }
}

/// Looks at them; answers too whether there are any bytes to look at.
pub(super) async fn look(of: &Opened<'_>) -> anyhow::Result<(Vec<Finding>, bool)> {
    let known = Known::of(of).await?;
    let (blobs, mut found) = match folder::whose(of, &known).await? {
        folder::Folder::NotYet => return Ok((vec![Finding::ok("there are none yet")], true)),
        folder::Folder::Wrong(finding) => return Ok((vec![finding], false)),
        folder::Folder::Others(blobs, finding) => (blobs, vec![finding]),
        folder::Folder::Ours(blobs) => (blobs, vec![]),
    };
    let is_ours = found.is_empty();
    found.extend(checkpoints::look(of, blobs, &known).await?);
    found.extend(others::unrecorded(of, blobs, &known).await?);
    if is_ours {
        found.extend(others::left_over(of, blobs, &known).await?);
        found.extend(others::half_written(of, blobs)?);
    }
    let found = or_ok(found, || {
        let bytes = ByteSize::b(known.sizes.values().sum());
        let read = if of.patient.quick { "are there" } else { "are there with their bytes" };
        let blobs = count(known.sizes.len(), "blob");
        format!("{blobs} and {bytes}; those that are referred to {read}")
    });
    Ok((found, true))
}
