//! Blobs that no list has, what nothing refers to, and what is half written; a repair mends these.

use super::Known;
use crate::{
    blobs::{Blobs, look::Object},
    counting::{count, count_is},
    doctor::{Finding, Opened},
    store::BlobRow,
};
use bytesize::ByteSize;
use floodgauge_protocol::Digest;
use futures::TryStreamExt as _;
use std::collections::BTreeSet;

/// Blobs that are referred to and there, and that no list of the database has.
pub(super) async fn unrecorded(
    of: &Opened<'_>,
    blobs: &Blobs,
    known: &Known,
) -> anyhow::Result<Option<Finding>> {
    let mut unlisted = vec![];
    for &digest in known.referred.iter().filter(|digest| !known.sizes.contains_key(digest)) {
        if let Some(stat) = blobs.stat(digest).await? {
            unlisted.push(BlobRow { digest, size: stat.size });
        }
    }
    let Some(first) = unlisted.first() else { return Ok(None) };
    let finding = Finding::warn(
        format!(
            "{} referred to, and the database doesn't list {}",
            match unlisted.len() {
                1 => format!("blob {} is", first.digest),
                n => format!("{n} blobs, such as {}, are", first.digest),
            },
            if unlisted.len() == 1 { "it" } else { "them" }
        ),
        "run `floodgauge doctor --repair`",
    );
    if !of.patient.repair {
        return Ok(Some(finding));
    }
    let listed = async {
        for blob in &unlisted {
            of.store.record_blob(*blob).await?;
        }
        Ok(format!("listed {}", count(unlisted.len(), "blob")))
    };
    Ok(Some(finding.after(listed.await)))
}

/// Objects that nothing refers to and no list has: nobody would ever delete them.
pub(super) async fn left_over(
    of: &Opened<'_>,
    blobs: &Blobs,
    known: &Known,
) -> anyhow::Result<Option<Finding>> {
    let mut objects: Vec<Object> = vec![];
    let mut all = blobs.all();
    while let Some(object) = all.try_next().await? {
        // What isn't a blob by its place is none of ours.
        if object.digest.is_some_and(|digest| !known.has(digest)) {
            objects.push(object);
        }
    }
    if !objects.is_empty() {
        // Uploaded since the lists were read.
        let listed: BTreeSet<Digest> =
            of.store.blob_rows().await?.into_iter().map(|row| row.digest).collect();
        objects.retain(|object| object.digest.is_some_and(|digest| !listed.contains(&digest)));
    }
    let Some(first) = objects.first() else { return Ok(None) };
    let bytes = ByteSize::b(objects.iter().map(|object| object.size).sum());
    let finding = Finding::warn(
        format!(
            "{} with {bytes} left over, such as {}: nothing refers to them, and no list has them",
            count_is(objects.len(), "blob"),
            first.place
        ),
        "run `floodgauge doctor --repair`, which deletes them",
    );
    if !of.patient.repair {
        return Ok(Some(finding));
    }
    let deleted = async {
        for object in &objects {
            blobs.delete_object(object).await?;
        }
        Ok(format!("deleted {}", count(objects.len(), "file")))
    };
    Ok(Some(finding.after(deleted.await)))
}

/// What a crash left half written.
pub(super) fn half_written(of: &Opened<'_>, blobs: &Blobs) -> anyhow::Result<Option<Finding>> {
    let files = blobs.half_written()?;
    let Some(first) = files.first() else { return Ok(None) };
    let finding = Finding::warn(
        format!(
            "{} half written and more than a day old, such as {}",
            count_is(files.len(), "file"),
            first.display()
        ),
        "let the server run, which deletes them, or run `floodgauge doctor --repair`",
    );
    if !of.patient.repair {
        return Ok(Some(finding));
    }
    let deleted = files.iter().try_for_each(std::fs::remove_file);
    let deleted = deleted.map(|()| format!("deleted {}", count(files.len(), "file")));
    Ok(Some(finding.after(deleted.map_err(Into::into))))
}
