//! Data sets, and the sweeps that are pinned to them.

use super::fixture::{create, delete, new_sweep};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge::store::{
    AddedDataset, BlobRow, DatasetRow, DeletedDataset, DynStore, NewDataset, NewSweep, StoreError,
    SweepData,
};
use floodgauge_protocol::{Digest, FeatureScale, Format, Image, Scales, SweepId, Upload};
use futures::FutureExt as _;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tokio::sync::oneshot;

on_both_databases! {
    an_added_set_is_there_once,
    the_scales_of_a_set_are_kept_to_the_last_digit,
    a_set_from_before_scales_were_measured_gets_them_when_it_is_added_again,
    a_name_stands_for_one_upload,
    a_named_set_is_what_its_files_are_now,
    a_set_whose_object_was_not_put_is_not_recorded,
    sets_are_listed_by_name_page_by_page,
    a_set_keeps_its_blob_until_it_is_deleted,
    a_set_stays_while_a_sweep_is_pinned_to_it,
    a_sweep_keeps_the_bytes_that_its_named_set_had,
    no_sweep_is_pinned_to_what_is_not_there,
    who_adds_bytes_that_are_being_deleted_puts_them_again,
}

fn upload() -> Upload {
    Upload {
        format: Format::Npz,
        features: 12,
        image: Some(Image { channels: 3, height: 2, width: 2 }),
        classes: 3,
        samples: 100,
        test_samples: 20,
    }
}

/// Numbers that a careless way through JSON would change.
fn scales() -> Scales {
    let deviation = 0.1 + 0.2;
    let largest = FeatureScale { column: 3, min: -3.4e38, max: 1e5, mean: -1.7e38, deviation };
    let narrowest = Some(FeatureScale { column: 1, min: 0.001, max: 0.1, mean: 0.05, deviation });
    Scales { largest, narrowest, constant: 2 }
}

fn uploaded(name: &str, digest: u8) -> NewDataset {
    let blob = BlobRow { digest: Digest([digest; 32]), size: 1_000 + u64::from(digest) };
    NewDataset {
        name: name.into(),
        blob,
        upload: Some(upload()),
        scales: Some(scales()),
        owner: None,
    }
}

async fn add(store: &DynStore, new: NewDataset) -> AddedDataset {
    store.add_dataset(new, async { Ok(()) }.boxed()).await.unwrap()
}

fn pinned(name: &str, digest: u8) -> NewSweep {
    let data = SweepData { name: name.into(), digest: Digest([digest; 32]) };
    NewSweep { data: Some(data), ..new_sweep("pinned") }
}

async fn end(store: &DynStore, sweep: SweepId) {
    delete(store, sweep).await;
}

async fn an_added_set_is_there_once(db: TestDatabase) {
    let new = uploaded("iris", 1);
    let puts = AtomicUsize::new(0);
    let put = || {
        let put = async {
            puts.fetch_add(1, SeqCst);
            Ok(())
        };
        put.boxed()
    };
    assert_eq!(db.store.add_dataset(new.clone(), put()).await.unwrap(), AddedDataset::New);
    assert_eq!(db.store.add_dataset(new.clone(), put()).await.unwrap(), AddedDataset::Existing);
    assert_eq!(puts.load(SeqCst), 2, "what was put before may be damaged by now");
    let row = db.store.dataset("iris").await.unwrap().unwrap();
    let NewDataset { name, blob, upload, scales, .. } = new;
    let created_ms = row.created_ms;
    assert_eq!(row, DatasetRow { name, blob, upload, scales, created_ms, sweeps: 0 });
    assert!(row.created_ms > 1_700_000_000_000);
    assert_eq!(db.store.dataset("Iris").await.unwrap(), None);
}

async fn the_scales_of_a_set_are_kept_to_the_last_digit(db: TestDatabase) {
    add(&db.store, uploaded("iris", 1)).await;
    let constant = Scales { narrowest: None, ..scales() };
    add(&db.store, NewDataset { scales: Some(constant), ..uploaded("flat", 2) }).await;
    for (name, expected) in [("iris", scales()), ("flat", constant)] {
        assert_eq!(db.store.dataset(name).await.unwrap().unwrap().scales, Some(expected));
    }
    let listed = db.store.datasets(None, 10).await.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|row| row.scales).collect();
    assert_eq!(listed, [Some(constant), Some(scales())]);
}

async fn a_set_from_before_scales_were_measured_gets_them_when_it_is_added_again(db: TestDatabase) {
    add(&db.store, uploaded("iris", 1)).await;
    db.execute("update datasets set scales = null").await;
    let scales_of = async |name: &str| db.store.dataset(name).await.unwrap().unwrap().scales;
    assert_eq!(scales_of("iris").await, None);
    assert_eq!(add(&db.store, uploaded("iris", 2)).await, AddedDataset::NameTaken);
    assert_eq!(scales_of("iris").await, None, "they are those of other bytes");
    add(&db.store, NewDataset { scales: None, ..uploaded("rose", 3) }).await;
    assert_eq!(add(&db.store, uploaded("iris", 1)).await, AddedDataset::Existing);
    assert_eq!(scales_of("iris").await, Some(scales()));
    assert_eq!(scales_of("rose").await, None);
}

async fn a_name_stands_for_one_upload(db: TestDatabase) {
    add(&db.store, uploaded("iris", 1)).await;
    assert_eq!(add(&db.store, uploaded("iris", 2)).await, AddedDataset::NameTaken);
    let named = NewDataset { upload: None, scales: None, ..uploaded("iris", 2) };
    assert_eq!(add(&db.store, named).await, AddedDataset::NameTaken);
    let row = db.store.dataset("iris").await.unwrap().unwrap();
    assert_eq!(row.blob.digest, Digest([1; 32]));
    let left = db.store.unreferenced_blobs(10).await.unwrap();
    assert_eq!(left, [], "what wasn't taken isn't recorded");
    assert_eq!(add(&db.store, uploaded("iris-2", 1)).await, AddedDataset::New, "the same bytes");
}

async fn a_named_set_is_what_its_files_are_now(db: TestDatabase) {
    let mnist = |digest| NewDataset { upload: None, scales: None, ..uploaded("mnist", digest) };
    assert_eq!(add(&db.store, mnist(1)).await, AddedDataset::New);
    assert_eq!(add(&db.store, mnist(2)).await, AddedDataset::New);
    assert_eq!(add(&db.store, mnist(2)).await, AddedDataset::New, "as new as before");
    let row = db.store.dataset("mnist").await.unwrap().unwrap();
    assert_eq!((row.blob.digest, row.upload), (Digest([2; 32]), None));
    assert_eq!(db.store.unreferenced_blobs(10).await.unwrap(), [Digest([1; 32])]);
}

async fn a_set_whose_object_was_not_put_is_not_recorded(db: TestDatabase) {
    let put = async {
        Err(object_store::Error::NotImplemented {
            operation: "put".into(),
            implementer: "test".into(),
        })
    };
    let refused = db.store.add_dataset(uploaded("iris", 1), put.boxed()).await;
    assert!(matches!(refused, Err(StoreError::Object(_))), "{refused:?}");
    assert_eq!(db.store.dataset("iris").await.unwrap(), None);
    assert_eq!(add(&db.store, uploaded("iris", 1)).await, AddedDataset::New);
}

async fn sets_are_listed_by_name_page_by_page(db: TestDatabase) {
    for (name, digest) in [("c", 3), ("a-b", 1), ("a_b", 2), ("d", 4)] {
        add(&db.store, uploaded(name, digest)).await;
    }
    let names = async |after: Option<&str>, limit| {
        let rows = db.store.datasets(after.map(Into::into), limit).await.unwrap();
        rows.into_iter().map(|row| row.name).collect::<Vec<_>>()
    };
    assert_eq!(names(None, 10).await, ["a-b", "a_b", "c", "d"]);
    assert_eq!(names(None, 2).await, ["a-b", "a_b"]);
    assert_eq!(names(Some("a_b"), 1).await, ["c"]);
    assert!(names(Some("d"), 10).await.is_empty());
}

async fn a_set_keeps_its_blob_until_it_is_deleted(db: TestDatabase) {
    add(&db.store, uploaded("one", 1)).await;
    add(&db.store, uploaded("two", 1)).await;
    assert_eq!(db.store.delete_dataset("one").await.unwrap(), DeletedDataset::Deleted);
    assert_eq!(db.store.unreferenced_blobs(10).await.unwrap(), []);
    assert_eq!(db.store.delete_dataset("two").await.unwrap(), DeletedDataset::Deleted);
    assert_eq!(db.store.unreferenced_blobs(10).await.unwrap(), [Digest([1; 32])]);
    assert_eq!(db.store.delete_dataset("two").await.unwrap(), DeletedDataset::NoSuch);
}

async fn a_set_stays_while_a_sweep_is_pinned_to_it(db: TestDatabase) {
    add(&db.store, uploaded("iris", 1)).await;
    let sweeps =
        [create(&db.store, pinned("iris", 1)).await, create(&db.store, pinned("iris", 1)).await];
    for (sweep, left) in sweeps.into_iter().zip([2, 1]) {
        assert_eq!(db.store.dataset("iris").await.unwrap().unwrap().sweeps, left);
        assert_eq!(db.store.datasets(None, 10).await.unwrap()[0].sweeps, left);
        let refused = db.store.delete_dataset("iris").await.unwrap();
        assert_eq!(refused, DeletedDataset::InUse { sweeps: left });
        end(&db.store, sweep).await;
    }
    assert_eq!(db.store.delete_dataset("iris").await.unwrap(), DeletedDataset::Deleted);
}

async fn a_sweep_keeps_the_bytes_that_its_named_set_had(db: TestDatabase) {
    let mnist = |digest| NewDataset { upload: None, scales: None, ..uploaded("mnist", digest) };
    add(&db.store, mnist(1)).await;
    let sweep = create(&db.store, pinned("mnist", 1)).await;
    add(&db.store, mnist(2)).await;
    assert_eq!(db.store.unreferenced_blobs(10).await.unwrap(), []);
    end(&db.store, sweep).await;
    assert_eq!(db.store.unreferenced_blobs(10).await.unwrap(), [Digest([1; 32])]);
}

async fn no_sweep_is_pinned_to_what_is_not_there(db: TestDatabase) {
    add(&db.store, uploaded("iris", 1)).await;
    for new in [pinned("iris", 2), pinned("rose", 1)] {
        let (sweep, refused) = (new.sweep, db.store.create_sweep(new).await);
        assert!(matches!(refused, Err(StoreError::NoDataset(_))), "{refused:?}");
        assert_eq!(db.store.sweep(sweep).await.unwrap(), None);
    }
}

async fn who_adds_bytes_that_are_being_deleted_puts_them_again(db: TestDatabase) {
    add(&db.store, uploaded("iris", 1)).await;
    db.store.delete_dataset("iris").await.unwrap();
    // The blob's deletion is under way, and somebody adds the same bytes anew meanwhile.
    let (begin, begun) = oneshot::channel();
    let (go_on, waiting) = oneshot::channel::<()>();
    let store = db.store.clone();
    let deletion = tokio::spawn(async move {
        let delete = async move {
            begin.send(()).unwrap();
            waiting.await.unwrap();
            Ok(())
        };
        store.forget_blob(Digest([1; 32]), delete.boxed()).await
    });
    begun.await.unwrap();
    let store = db.store.clone();
    let adding = tokio::spawn(async move { add(&store, uploaded("iris", 1)).await });
    go_on.send(()).unwrap();
    assert!(deletion.await.unwrap().unwrap());
    assert_eq!(adding.await.unwrap(), AddedDataset::New);
    assert_eq!(db.store.unreferenced_blobs(10).await.unwrap(), []);
    create(&db.store, pinned("iris", 1)).await;
}
