//! That the blobs which are referred to are there with their bytes, and that nothing else takes room.

use super::{Finding, Opened, finding::or_ok};
use crate::{
    blobs::{
        Blobs,
        look::{Bytes, Object},
    },
    counting::{count, count_is},
    store::{BlobRow, Referrer},
};
use bytesize::ByteSize;
use floodgauge_protocol::{Digest, SweepId};
use futures::TryStreamExt as _;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Looks at them.
pub(super) async fn look(of: &Opened<'_>) -> anyhow::Result<Vec<Finding>> {
    let references = of.store.references().await?;
    let Some(blobs) = &of.blobs else {
        let folder = of.patient.storage.blob_folder();
        return Ok(match references.len() {
            0 => vec![Finding::ok("there are none yet")],
            _ => vec![Finding::fail(
                format!("the folder of the blobs, {}, isn't there", folder.display()),
                "name the folder that the server uses (--blobs), or bring it back from a backup",
            )],
        });
    };
    let rows = of.store.blob_rows().await?;
    let sizes: HashMap<Digest, u64> = rows.iter().map(|row| (row.digest, row.size)).collect();
    let referred: BTreeSet<Digest> = references.iter().map(|of| of.digest).collect();
    let mut checkpoints: BTreeMap<Digest, SweepId> = BTreeMap::new();
    for reference in &references {
        if let Referrer::Sweep(sweep) = reference.by {
            checkpoints.insert(reference.digest, sweep);
        }
    }
    let mut found = vec![];
    let mut damaged: BTreeMap<SweepId, Vec<(Digest, Bytes)>> = BTreeMap::new();
    for (&digest, &sweep) in &checkpoints {
        let size = sizes.get(&digest).copied();
        match blobs.examine(digest, size, of.patient.quick).await? {
            Bytes::Whole => {}
            bytes => damaged.entry(sweep).or_default().push((digest, bytes)),
        }
    }
    for (sweep, blobs) in damaged {
        let row = of.store.sweep(sweep).await?;
        let goes_on = row.is_some_and(|row| !row.status.is_final());
        found.push(of_checkpoints(sweep, goes_on, &blobs));
    }
    found.extend(unrecorded(of, blobs, &referred, &sizes).await?);
    found.extend(left_over(of, blobs, &sizes, &referred).await?);
    found.extend(half_written(of, blobs).await?);
    Ok(or_ok(found, || {
        let bytes = ByteSize::b(sizes.values().sum());
        let read = if of.patient.quick { "are there" } else { "are there with their bytes" };
        format!("{} and {bytes}; those that are referred to {read}", count(rows.len(), "blob"))
    }))
}

fn of_checkpoints(sweep: SweepId, goes_on: bool, damaged: &[(Digest, Bytes)]) -> Finding {
    let (first, how) = damaged[0];
    let how = match how {
        Bytes::Missing => "is missing".to_owned(),
        Bytes::Size(size) => format!("has {size} bytes, not as many as were stored"),
        _ => "has other bytes than were stored".to_owned(),
    };
    let which = match damaged.len() {
        1 => format!("checkpoint {first} of sweep {sweep} {how}"),
        n => format!("{n} checkpoints of sweep {sweep} are damaged; {first} {how}"),
    };
    let (folder, name) = (&first.to_string()[..2], first.to_string());
    let copy = match damaged.len() {
        1 => format!("copy {folder}/{name} into the folder of the blobs from a backup"),
        _ => "copy them into the folder of the blobs from a backup (rsync -a --checksum)".into(),
    };
    if goes_on {
        let again =
            "what needs it is trained again, to the same answer, as soon as a worker asks for it";
        return Finding::warn(
            which,
            format!("nothing has to be done: {again}; to save that work, {copy}"),
        );
    }
    Finding::fail(which, format!("{copy}; without it the model of its arm can't be downloaded"))
}

/// Blobs that are referred to and there, and that no list of the database has.
async fn unrecorded(
    of: &Opened<'_>,
    blobs: &Blobs,
    referred: &BTreeSet<Digest>,
    sizes: &HashMap<Digest, u64>,
) -> anyhow::Result<Option<Finding>> {
    let mut unlisted = vec![];
    for &digest in referred.iter().filter(|digest| !sizes.contains_key(digest)) {
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
async fn left_over(
    of: &Opened<'_>,
    blobs: &Blobs,
    sizes: &HashMap<Digest, u64>,
    referred: &BTreeSet<Digest>,
) -> anyhow::Result<Option<Finding>> {
    let (mut objects, mut known): (Vec<Object>, usize) = (vec![], 0);
    let mut all = blobs.all();
    while let Some(object) = all.try_next().await? {
        match object.digest {
            Some(digest) if sizes.contains_key(&digest) || referred.contains(&digest) => known += 1,
            Some(_) => objects.push(object),
            // What isn't a blob by its place is none of ours.
            None => {}
        }
    }
    // Uploaded since the lists were read.
    let listed: BTreeSet<Digest> =
        of.store.blob_rows().await?.into_iter().map(|row| row.digest).collect();
    objects.retain(|object| object.digest.is_some_and(|digest| !listed.contains(&digest)));
    let Some(first) = objects.first() else { return Ok(None) };
    if objects.len() > known {
        return Ok(Some(of_another(of, objects.len(), known)));
    }
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

/// A folder of which the database knows less than half: nothing in it may be deleted by its word.
fn of_another(of: &Opened<'_>, unknown: usize, known: usize) -> Finding {
    Finding::fail(
        format!(
            "of the {} in {} the database knows {known}: they are another database's, or this one is empty \
             or from another time",
            count(unknown + known, "blob"),
            of.patient.storage.blob_folder().display()
        ),
        "name the database and the folder that belong together (--data-dir, --database-url, --blobs), or \
         restore both from one backup; none of them is deleted here",
    )
}

/// What a crash left half written.
async fn half_written(of: &Opened<'_>, blobs: &Blobs) -> anyhow::Result<Option<Finding>> {
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
