//! That data sets which are kept have their bytes, and that the files in the data folder can be used.

mod needed;

use super::{Finding, Opened, finding::or_ok};
use crate::{
    blobs::look::Bytes,
    counting::{count, count_is},
    store::{DatasetRow, Referrer},
};
use floodgauge_datasets::{Folder, SetError};
use floodgauge_protocol::{DatasetKind, DatasetName, Digest};
use std::collections::{BTreeMap, BTreeSet};

/// Data sets that are read at once.
const AT_ONCE: u32 = 200;

/// Looks at them; at their bytes only if there are any to look at.
pub(super) async fn look(of: &Opened<'_>, have_bytes: bool) -> anyhow::Result<Vec<Finding>> {
    let kept = kept(of).await?;
    let (mut found, damaged) = match have_bytes {
        true => of_bytes(of, &kept).await?,
        false if kept.is_empty() => (vec![], BTreeSet::new()),
        false => (vec![unseen(kept.len())], kept.iter().map(|row| row.name.clone()).collect()),
    };
    found.extend(of_folder(of, &kept).await?);
    found.extend(needed::look(of, &damaged).await?);
    Ok(or_ok(found, || match kept.len() {
        0 => "none is kept".into(),
        kept => format!("{}, with their bytes", count(kept, "data set")),
    }))
}

fn unseen(kept: usize) -> Finding {
    Finding::note(format!(
        "{} kept, whose bytes can't be looked at before the folder of the blobs is there",
        count_is(kept, "data set")
    ))
}

/// What is wrong with the bytes of those that are kept, and the names of those that are damaged.
async fn of_bytes(
    of: &Opened<'_>,
    kept: &[DatasetRow],
) -> anyhow::Result<(Vec<Finding>, BTreeSet<String>)> {
    let mut pins: BTreeMap<Digest, usize> = BTreeMap::new();
    for reference in of.store.references().await? {
        if let Referrer::Pin(_) = reference.by {
            *pins.entry(reference.digest).or_default() += 1;
        }
    }
    let (mut found, mut damaged) = (vec![], BTreeSet::new());
    for row in kept {
        let sweeps = pins.remove(&row.blob.digest).unwrap_or_default();
        if let Some(finding) = of_kept(of, row, sweeps).await? {
            found.push(finding);
            damaged.insert(row.name.clone());
        }
    }
    // A named set that is another by now leaves its sweeps with what it was.
    for (digest, sweeps) in pins {
        let bytes = examined(of, digest, None).await?;
        if let Some(what) = bytes.damage(None) {
            found.push(Finding::fail(
                format!(
                    "{} pinned to earlier bytes of a data set, {digest}: {what}",
                    count_is(sweeps, "sweep")
                ),
                "bring the file back from a backup, or cancel these sweeps",
            ));
        }
    }
    Ok((found, damaged))
}

async fn kept(of: &Opened<'_>) -> anyhow::Result<Vec<DatasetRow>> {
    let mut kept: Vec<DatasetRow> = vec![];
    loop {
        let after = kept.last().map(|row| row.name.clone());
        let rows = of.store.datasets(after, AT_ONCE).await?;
        if rows.is_empty() {
            return Ok(kept);
        }
        kept.extend(rows);
    }
}

async fn of_kept(
    of: &Opened<'_>,
    row: &DatasetRow,
    sweeps: usize,
) -> anyhow::Result<Option<Finding>> {
    let bytes = examined(of, row.blob.digest, Some(row.blob.size)).await?;
    let Some(what) = bytes.damage(Some(row.blob.size)) else { return Ok(None) };
    let name = &row.name;
    let waits = match sweeps {
        0 => "no sweep is pinned to it".into(),
        sweeps => format!(
            "{} pinned to it; sweeps that aren't over wait for it",
            count_is(sweeps, "sweep")
        ),
    };
    let remedy = match row.upload {
        Some(_) => format!("add the same file again: `floodgauge dataset add FILE --name {name}`"),
        None => format!(
            "put its files into the data folder (`floodgauge dataset download {name}`), and submit a sweep \
             on it"
        ),
    };
    Ok(Some(Finding::fail(format!("data set `{name}` is damaged: {what}; {waits}"), remedy)))
}

async fn examined(of: &Opened<'_>, digest: Digest, size: Option<u64>) -> anyhow::Result<Bytes> {
    match &of.blobs {
        Some(blobs) => Ok(blobs.examine(digest, size, of.patient.quick).await?),
        None => Ok(Bytes::Missing),
    }
}

/// Named sets whose files are there and can't be used.
async fn of_folder(of: &Opened<'_>, kept: &[DatasetRow]) -> anyhow::Result<Vec<Finding>> {
    let names: BTreeSet<String> = kept.iter().map(|row| row.name.clone()).collect();
    let folder = of.patient.data.clone();
    let read = tokio::task::spawn_blocking(move || {
        let folder = Folder::new(folder);
        let named = DatasetName::ALL.iter().filter(|name| name.kind() == DatasetKind::Files);
        let unusable = named.filter_map(|name| match folder.load(name) {
            Ok(_) | Err(SetError::Missing { .. }) => None,
            Err(error) => Some((name.clone(), error.to_string())),
        });
        unusable.collect::<Vec<_>>()
    });
    let found = read.await?.into_iter().map(|(name, error)| {
        let kept = match names.contains(name.as_str()) {
            true => "; sweeps that are pinned to it go on with what is kept",
            false => "",
        };
        Finding::warn(
            format!("the files of data set `{name}` can't be used: {error}{kept}"),
            format!(
                "move them out of the data folder, then run `floodgauge dataset download {name}`"
            ),
        )
    });
    Ok(found.collect())
}
