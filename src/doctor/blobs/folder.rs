//! Whether the folder of the blobs is the database's: one that is gone, empty or another's makes everything
//! look lost that is only elsewhere.

use super::Known;
use crate::{
    blobs::Blobs,
    counting::count,
    doctor::{Finding, Opened, Patient},
};
use futures::TryStreamExt as _;
use std::{fs, io, path::Path};

/// Whose the folder is.
pub(super) enum Folder<'a> {
    /// Nobody's: nothing was stored yet.
    NotYet,
    /// The database's.
    Ours(&'a Blobs),
    /// One with more blobs than the database's, and with some of these.
    Others(&'a Blobs, Finding),
    /// None in which there is anything of the database's.
    Wrong(Finding),
}

/// What to do about a folder that isn't the right one.
const REMEDY: &str = "mount its disk, or name the folder that the server uses (--blobs, --data-dir); if it is \
                    lost, restore it from a backup. Change nothing else before: what is missing is told then";

/// Looks whose it is.
pub(super) async fn whose<'a>(of: &'a Opened<'_>, known: &Known) -> anyhow::Result<Folder<'a>> {
    let folder = of.patient.storage.blob_folder();
    let wanted = known.referred.len();
    let Some(blobs) = &of.blobs else {
        return Ok(match (fs::metadata(&folder), wanted) {
            // The look at the disks says what to do about that.
            (Err(error), _) if error.kind() != io::ErrorKind::NotFound => {
                let what = format!("their folder, {}, can't be read: {error}", folder.display());
                Folder::Wrong(Finding::note(what))
            }
            (_, 0) => Folder::NotYet,
            _ => Folder::Wrong(gone(&folder, "isn't there", wanted)),
        });
    };
    let (ours, others) = counts(blobs, known).await?;
    Ok(match (ours, others) {
        (0, 0) if is_emptied(blobs, wanted) => {
            Folder::Wrong(gone(&folder, "holds none of them", wanted))
        }
        (0, 1..) => Folder::Wrong(of_another(&folder, others, ours)),
        (ours, others) if others > ours => Folder::Others(blobs, of_another(&folder, others, ours)),
        _ => Folder::Ours(blobs),
    })
}

/// Where the database can't be read, all that can be seen is whether there is a folder.
pub(in crate::doctor) fn without_database(patient: &Patient) -> Vec<Finding> {
    let folder = patient.storage.blob_folder();
    let is_there = folder.is_dir();
    let what = format!("the folder of the blobs, {}, isn't there", folder.display());
    (!is_there).then(|| Finding::fail(what, REMEDY)).into_iter().collect()
}

/// How many blobs in it are the database's, and how many aren't.
async fn counts(blobs: &Blobs, known: &Known) -> anyhow::Result<(usize, usize)> {
    let (mut ours, mut others) = (0, 0);
    let mut all = blobs.all();
    while let Some(object) = all.try_next().await? {
        match object.digest {
            Some(digest) if known.has(digest) => ours += 1,
            Some(_) => others += 1,
            // What isn't a blob by its place is none of ours.
            None => {}
        }
    }
    Ok((ours, others))
}

/// Whether all is gone that should be in it. Where it was one blob alone, that one is lost if the folder
/// is marked as the right one.
fn is_emptied(blobs: &Blobs, wanted: usize) -> bool {
    wanted > 1 || wanted == 1 && blobs.check_folder().is_err()
}

fn gone(folder: &Path, how: &str, wanted: usize) -> Finding {
    Finding::fail(
        format!(
            "the database refers to {}, and their folder, {}, {how}",
            count(wanted, "blob"),
            folder.display()
        ),
        REMEDY,
    )
}

/// A folder of which the database knows less than half: nothing in it may be deleted by its word.
fn of_another(folder: &Path, others: usize, ours: usize) -> Finding {
    Finding::fail(
        format!(
            "of the {} in {} the database knows {ours}: they are another database's, or this one is \
             empty or from another time",
            count(others + ours, "blob"),
            folder.display()
        ),
        "name the database and the folder that belong together (--data-dir, --database-url, --blobs), or \
         restore both from one backup; none of them is deleted here",
    )
}
