//! Files that are taken away under a running server: it isn't ready, says why, and is again once they are back.

use super::server::{Server, problem};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::{fs, time::Duration};

async fn not_ready(server: &Server) -> String {
    let answer: Value = problem(server.get("/readyz").await, 503, "unavailable").await;
    answer["detail"].as_str().unwrap().to_owned()
}

async fn is_ready(server: &Server) {
    assert_eq!(server.get("/readyz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_blob_folder_that_is_lost_is_told_and_no_data_set_is_taken_for_damaged() {
    let server = Server::start().await;
    let rows: String = (0..40).map(|row| format!("{},{}\n", row % 7, row % 2)).collect();
    let add = async |name: &str| {
        let request = server.request(Method::POST, &format!("/v1/datasets?name={name}"));
        let request = request.header("content-type", "text/csv").body(rows.clone());
        request.send().await.unwrap()
    };
    assert_eq!(add("mine").await.status(), StatusCode::CREATED);
    is_ready(&server).await;
    let [blobs, away] = ["blobs", "away"].map(|name| server.folder.path().join(name));
    fs::rename(&blobs, &away).unwrap();
    for is_mount_point in [false, true] {
        let told = not_ready(&server).await;
        assert!(told.contains("lacks its file floodgauge-blobs: mount its disk"), "{told}");
        assert!(!told.contains(blobs.to_str().unwrap()), "{told}");
        let refused = problem(add("other").await, 503, "unavailable").await;
        assert!(refused["detail"].as_str().unwrap().contains("was lost"), "{refused}");
        let looked_at = problem(server.get("/v1/datasets/mine").await, 503, "unavailable").await;
        assert!(looked_at["detail"].as_str().unwrap().contains("was lost"), "{looked_at}");
        assert_eq!(blobs.exists(), is_mount_point);
        fs::create_dir_all(&blobs).unwrap();
    }
    fs::remove_dir(&blobs).unwrap();
    fs::rename(&away, &blobs).unwrap();
    is_ready(&server).await;
    assert_eq!(server.json("/v1/datasets/mine").await["damage"], Value::Null);
}

#[tokio::test]
async fn a_database_file_that_is_renamed_replaced_or_deleted_is_told_and_none_is_made_in_its_place()
{
    let server = Server::start().await;
    let [file, wal, away, copy] = ["test.db", "test.db-wal", "away.db", "copy.db"]
        .map(|name| server.folder.path().join(name));
    is_ready(&server).await;
    let store = server.driver.store();
    store.note_trouble("w", "no room", Duration::from_secs(60)).await.unwrap();
    let (other, rows) = (fs::read(&file).unwrap(), fs::read(&wal).unwrap());
    assert!(!rows.is_empty());
    fs::rename(&file, &away).unwrap();
    for is_another_there in [false, true] {
        let told = not_ready(&server).await;
        assert!(told.contains("renamed, replaced or deleted under the server"), "{told}");
        assert!(told.contains("put that very file back"), "{told}");
        // Nor does a look at the database go to whatever is there.
        server.driver.check_database().await;
        assert!(not_ready(&server).await.contains("renamed, replaced or deleted"));
        let there = fs::read(&file).ok();
        assert_eq!(there, is_another_there.then(|| other.clone()), "nothing was made in its place");
        assert_eq!(fs::read(&wal).unwrap(), rows, "the rows that the open file has beside it");
        assert_eq!(server.get("/livez").await.status(), StatusCode::OK);
        fs::write(&copy, &other).unwrap();
        fs::rename(&copy, &file).unwrap();
    }
    fs::rename(&away, &file).unwrap();
    is_ready(&server).await;
    fs::remove_file(&file).unwrap();
    assert!(not_ready(&server).await.contains("before you stop the server"));
    assert!(!file.exists());
    // Who looks after the disk finds it before anybody asks.
    server.driver.look_at_disk().await;
    assert!(server.driver.unwritable().unwrap().contains("renamed, replaced or deleted"));
}
