//! The data sets that segments are pinned to.

use super::{
    AtWork, assignment, real,
    server::{Fault, Log, Server},
};
use axum::http::StatusCode;
use bytes::Bytes;
use floodgauge_protocol::{Digest, work::Assignment};
use floodgauge_worker::runner::Cache;
use sha2::{Digest as _, Sha256};

/// One that is pinned to an uploaded table, and the table.
fn uploaded(epochs: u32) -> (Assignment, Bytes) {
    let rows = (0..40).map(|row| format!("{},{},{}\n", row % 7, row % 3, row % 2));
    let table = Bytes::from(rows.collect::<String>());
    let mut work = assignment(epochs);
    work.recipe.dataset = serde_json::from_value(serde_json::json!({
        "name": "mine",
        "n_train": 20,
        "n_val": 10,
        "pin": {
            "sha256": Digest(Sha256::digest(&table).into()),
            "upload": { "format": "csv", "features": 2, "classes": 2, "samples": 40, "test_samples": 0 },
        },
    }))
    .unwrap();
    work.segment.to_step = work.recipe.steps_per_epoch() * u64::from(epochs);
    (work, table)
}

#[tokio::test]
async fn a_pinned_data_set_is_fetched_once_by_all_who_share_a_cache() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache { folder: folder.path().join("cache"), max_bytes: 1 << 20 };
    let (work, table) = uploaded(2);
    let digest = work.recipe.dataset.pin.unwrap().sha256;
    let server = Server::start(vec![work.clone()]).await;
    server.set(|log| drop(log.blobs.insert(digest, table.clone())));
    server.fault("blobs", [Fault::Before(StatusCode::SERVICE_UNAVAILABLE)]);
    let worker = AtWork::start(real(&server, cache.clone()));
    server.until(|log| log.finished.len() == 1).await;
    worker.end().await.unwrap();
    let rows = server.see(Log::rows);
    assert!(!rows.is_empty());

    // The next one, another process for all it knows, finds the file there.
    server.set(|log| {
        log.blobs.remove(&digest);
        log.reports.clear();
        log.queue.push_back(work);
    });
    let worker = AtWork::start(real(&server, cache));
    server.until(|log| log.finished.len() == 2).await;
    assert_eq!(server.see(Log::rows), rows);
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_data_set_with_other_bytes_is_the_machines_trouble_and_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache { folder: folder.path().into(), max_bytes: 1 << 20 };
    let (work, _) = uploaded(2);
    let digest = work.recipe.dataset.pin.unwrap().sha256;
    let server = Server::start(vec![work]).await;
    server.set(|log| drop(log.blobs.insert(digest, Bytes::from_static(b"other"))));
    let worker = AtWork::start(real(&server, cache));
    server.until(|log| log.handed_back.len() == 1).await;
    assert!(server.see(|log| log.handed_back[0].message.contains(&digest.to_string())));
    worker.end().await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_data_set_that_is_damaged_on_the_server_fails_no_segment() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache { folder: folder.path().into(), max_bytes: 1 << 20 };
    let (work, table) = uploaded(2);
    let digest = work.recipe.dataset.pin.unwrap().sha256;
    let server = Server::start(vec![work.clone(), work]).await;
    server.set(|log| drop(log.blobs.insert(digest, table)));
    server.fault("blobs", [Fault::Told(StatusCode::CONFLICT, "data-damaged")]);
    let worker = AtWork::start(real(&server, cache));
    server.until(|log| log.finished.len() == 1).await;
    assert!(server.see(|log| log.failed.is_empty()), "the first one was dropped");
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_set_of_files_that_nothing_pins_fails_the_segment_with_what_to_do() {
    let mut work = assignment(1);
    work.recipe.dataset = serde_json::from_str(r#"{"name": "mnist"}"#).unwrap();
    let server = Server::start(vec![work, assignment(1)]).await;
    let worker = AtWork::real(&server);
    server.until(|log| log.finished.len() == 1).await;
    let failed = server.see(|log| log.failed.clone());
    assert_eq!(failed.len(), 1);
    assert!(failed[0].contains("mnist") && failed[0].contains("submit it again"), "{failed:?}");
    worker.end().await.unwrap();
}
