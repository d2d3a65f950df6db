//! Data sets, and which of them sweeps are pinned to.

use super::{
    Dialect, blobs,
    statements::{Columns, Statements, values},
    tokens,
};
use crate::store::{
    AddedDataset, BlobRow, DatasetRow, DeletedDataset, NewDataset, StoreError, SweepData,
};
use floodgauge_api::DatasetItem;
use floodgauge_protocol::SweepId;
use futures::future::BoxFuture;
use serde::Serialize;

/// Data sets, each with how many sweeps are pinned to it, as far as these are counted.
fn select(which: &str) -> String {
    let most = DatasetItem::MOST_SWEEPS;
    format!(
        "select name, digest, size, upload, scales, created_ms, (select count(*) from \
         (select 1 from sweep_data d where d.name = datasets.name limit {most}) pinned) as sweeps \
         from datasets {which}"
    )
}

/// Records a data set and puts its object while nobody else can add or forget its blob.
pub(super) async fn add<DB: Dialect>(
    db: &mut DB::Connection,
    new: &NewDataset,
    place: BoxFuture<'_, object_store::Result<()>>,
) -> Result<AddedDataset, StoreError> {
    blobs::lock_or_insert(db, new.blob).await?;
    let upload = json("upload", new.upload.as_ref())?;
    let scales = json("scales", new.scales.as_ref())?;
    // A named set is whatever its files are now; an uploaded one stays what it is.
    let on_conflict = match new.upload {
        Some(_) => "do nothing",
        None => {
            "(name) do update set digest = excluded.digest, size = excluded.size, \
             created_ms = excluded.created_ms where datasets.upload is null"
        }
    };
    let sql = format!(
        "insert into datasets (name, digest, size, upload, scales, created_ms) \
         select $1, $2, $3, $4, $5, now_ms from clock where true on conflict {on_conflict}"
    );
    let (name, scales_now) = (new.name.as_str(), scales.clone());
    let values = values![name, new.blob.digest, new.blob.size, upload, scales_now];
    if db.execute(sql, values).await? > 0 {
        if let Some(owner) = new.owner {
            tokens::own_dataset::<DB>(db, &new.name, owner).await?;
        }
        place.await?;
        return Ok(AddedDataset::New);
    }
    match get(db, &new.name).await? {
        Some(row) if row.blob == new.blob => {
            if row.scales.is_none() && scales.is_some() {
                // An earlier release took it and measured nothing.
                let sql = "update datasets set scales = $2 where name = $1";
                db.execute(sql, values![new.name.as_str(), scales]).await?;
            }
            place.await?;
            Ok(AddedDataset::Existing)
        }
        _ => Ok(AddedDataset::NameTaken),
    }
}

pub(super) async fn get(
    db: &mut impl Statements,
    name: &str,
) -> Result<Option<DatasetRow>, StoreError> {
    let sql = select("where name = $1");
    db.fetch_optional(sql, values![name]).await?.as_ref().map(row).transpose()
}

pub(super) async fn list(
    db: &mut impl Statements,
    after: Option<String>,
    limit: u32,
) -> Result<Vec<DatasetRow>, StoreError> {
    let sql = select("where ($1 is null or name > $1) order by name limit $2");
    db.fetch(sql, values![after, limit]).await?.iter().map(row).collect()
}

pub(super) async fn delete<DB: Dialect>(
    db: &mut DB::Connection,
    name: &str,
) -> Result<DeletedDataset, StoreError> {
    let Some(dataset) = get(db, name).await? else { return Ok(DeletedDataset::NoSuch) };
    // Locked, so that no sweep comes to refer to it between this look and the commit.
    let sql = format!("select digest from blobs where digest = $1 {}", DB::LOCK_ROW);
    db.fetch(sql, values![dataset.blob.digest]).await?;
    let sql = "select count(*) as sweeps from sweep_data where name = $1";
    let sweeps = db.fetch_optional(sql, values![name]).await?;
    let sweeps = sweeps.map_or(Ok(0), |row| row.number("sweeps"))?;
    if sweeps > 0 {
        return Ok(DeletedDataset::InUse { sweeps });
    }
    let sql = "delete from datasets where name = $1 and digest = $2";
    match db.execute(sql, values![name, dataset.blob.digest]).await? {
        0 => Ok(DeletedDataset::NoSuch),
        _ => Ok(DeletedDataset::Deleted),
    }
}

/// Has a new sweep refer to its data set, which must be there; keeps it until the transaction ends.
pub(super) async fn pin<DB: Dialect>(
    db: &mut DB::Connection,
    sweep: SweepId,
    data: &SweepData,
) -> Result<(), StoreError> {
    let sql = format!("select digest from blobs where digest = $1 {}", DB::LOCK_ROW);
    db.fetch(sql, values![data.digest]).await?;
    // Another statement: it must see what was deleted while the first waited for the lock.
    let sql = "select name from datasets where name = $1 and digest = $2";
    let pinned = db.fetch_optional(sql, values![data.name.as_str(), data.digest]).await?;
    pinned.ok_or_else(|| StoreError::NoDataset(data.name.clone()))?;
    let sql = "insert into sweep_data (sweep, name, digest) values ($1, $2, $3)";
    db.execute(sql, values![sweep, data.name.as_str(), data.digest]).await.map(drop)
}

/// As text, in which every digit stays.
fn json<T: Serialize>(column: &str, value: Option<&T>) -> Result<Option<String>, StoreError> {
    let text = value.map(serde_json::to_string).transpose();
    text.map_err(|error| StoreError::Corrupt(format!("{column}: {error}")))
}

fn row(row: &impl Columns) -> Result<DatasetRow, StoreError> {
    Ok(DatasetRow {
        name: row.text("name")?,
        blob: BlobRow { digest: row.parse("digest")?, size: row.number("size")? },
        upload: row.maybe_json("upload")?,
        scales: row.maybe_json("scales")?,
        created_ms: row.number("created_ms")?,
        sweeps: row.number("sweeps")?,
    })
}
