//! A SQLite file that another one replaces while it is open. Beside it lies the `-wal` of the first, with rows that
//! were acknowledged: whoever opens the other one by its path replays them into it, and then deletes them.

use super::fixture::{commit, create_with, segment};
use floodgauge::store::{Depth, DynStore, SqliteStore, StoreError};
use futures::future::join_all;
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

const LONG: Duration = Duration::from_secs(60);

fn wal_of(file: &Path) -> PathBuf {
    let mut path = OsString::from(file);
    path.push("-wal");
    path.into()
}

#[tokio::test]
async fn a_copy_in_the_place_of_an_open_file_and_the_wal_beside_it_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let [file, backup, copy, away] =
        ["a.db", "backup.db", "copy.db", "away.db"].map(|name| folder.path().join(name));
    let store: DynStore = Arc::new(SqliteStore::open(&file).await.unwrap());
    fs::copy(&file, &backup).unwrap();
    let sweep = create_with(&store, vec![segment(0)]).await;
    let before = fs::read(wal_of(&file)).unwrap();
    assert!(!before.is_empty(), "the rows are in it");
    // Connections that were opened until now are to be opened anew.
    store.check_integrity(Depth::Pages, LONG).await.unwrap();

    fs::rename(&file, &away).unwrap();
    fs::copy(&backup, &copy).unwrap();
    fs::rename(&copy, &file).unwrap();
    let looked = store.check_integrity(Depth::Rows, LONG).await;
    assert!(matches!(looked, Err(StoreError::Misplaced(_))), "{looked:?}");
    // More at once than there are connections, so that each is taken.
    for read in join_all((0..16).map(|_| store.depths())).await {
        read.unwrap();
    }
    assert_eq!(fs::read(wal_of(&file)).unwrap(), before);
    store.commit(commit(sweep, 2)).await.unwrap();
    let after = fs::read(wal_of(&file)).unwrap();
    assert!(after.len() > before.len() && after.starts_with(&before), "the open file's rows");
    assert_eq!(fs::read(&file).unwrap(), fs::read(&backup).unwrap());

    fs::rename(&away, &file).unwrap();
    store.check_integrity(Depth::Rows, LONG).await.unwrap();
    let again: DynStore = Arc::new(SqliteStore::open(&file).await.unwrap());
    again.commit(commit(sweep, 3)).await.unwrap();
}
