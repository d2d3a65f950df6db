//! A SQLite file whose pages are overwritten, while its server runs and before it starts.

use super::{
    programs::{Server, ended, run},
    submit,
};
use crate::support::eventually;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};
use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

/// A folder whose server has some sweeps and has ended, with everything in the database's file.
async fn left_behind(folder: &Path) -> PathBuf {
    let mut server = Server::start(folder, None);
    for _ in 0..20 {
        submit(&server).await;
    }
    assert!(server.process.terminate());
    let file = folder.join("floodgauge.db");
    let mut db = connect(&file).await;
    sqlx::query("pragma wal_checkpoint(truncate)").execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    file
}

async fn connect(file: &Path) -> SqliteConnection {
    SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap()
}

/// Pages of a file as they were.
struct Pages {
    file: File,
    size: u64,
    pages: Vec<(u64, Vec<u8>)>,
}

impl Pages {
    /// The first page of each of these tables and their indexes.
    async fn of(path: &Path, tables: &[&str]) -> Self {
        let mut db = connect(path).await;
        let size: i64 = sqlx::query_scalar("pragma page_size").fetch_one(&mut db).await.unwrap();
        let size = size as u64;
        let sql = "select tbl_name, rootpage from sqlite_schema where rootpage > 1";
        let roots: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(&mut db).await.unwrap();
        db.close().await.unwrap();
        let file = File::options().read(true).write(true).open(path).unwrap();
        let of_tables = roots.iter().filter(|(table, _)| tables.contains(&table.as_str()));
        let pages = of_tables.map(|(_, page)| {
            let (at, mut bytes) = ((*page as u64 - 1) * size, vec![0; size as usize]);
            file.read_exact_at(&mut bytes, at).unwrap();
            (at, bytes)
        });
        let pages: Vec<_> = pages.collect();
        assert!(pages.len() >= tables.len());
        Self { file, size, pages }
    }

    fn overwrite(&self) {
        for (at, _) in &self.pages {
            self.file.write_all_at(&vec![0xa5; self.size as usize], *at).unwrap();
        }
    }

    fn restore(&self) {
        for (at, bytes) in &self.pages {
            self.file.write_all_at(bytes, *at).unwrap();
        }
    }
}

async fn get(server: &Server, path: &str) -> reqwest::Response {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(format!("{}{path}", server.address)).send().await.unwrap()
}

async fn claim(server: &Server) -> StatusCode {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({ "worker": "scripted", "fingerprint": "test", "wait_s": 0 });
    let url = format!("{}/v1/work/claim", server.address);
    client.post(url).json(&body).send().await.unwrap().status()
}

/// Asks until the server is ready, or isn't.
async fn until_ready_is(server: &Server, expected: StatusCode) {
    let is_it = async || get(server, "/readyz").await.status() == expected;
    eventually(expected.as_str(), async || is_it().await.then_some(())).await;
}

async fn is_told(server: &Server) {
    let answer = get(server, "/readyz").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["type"], "urn:floodgauge:problem:database-damaged");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("doctor"), "{detail}");
    let metrics = get(server, "/metrics").await.text().await.unwrap();
    assert!(metrics.contains("floodgauge_database_damaged 1\n"), "{metrics}");
    let check = ended(&["healthcheck", "--server", &server.address]);
    assert_eq!(check.code, 4, "{}", check.complaint);
    assert!(check.complaint.contains("the database is damaged"), "{}", check.complaint);
    assert_eq!(get(server, "/livez").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_server_whose_database_gets_damaged_is_not_ready_until_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let file = left_behind(folder.path()).await;
    let server = Server::start(folder.path(), None);
    run(&["healthcheck", "--server", &server.address]);
    let pages = Pages::of(&file, &["queue", "segments", "sweeps", "families"]).await;
    pages.overwrite();
    assert_eq!(claim(&server).await, StatusCode::INTERNAL_SERVER_ERROR);
    is_told(&server).await;
    // A look at it finds that it still is.
    let metrics = get(&server, "/metrics").await.text().await.unwrap();
    assert!(metrics.contains("floodgauge_database_damaged 1\n"), "{metrics}");
    pages.restore();
    until_ready_is(&server, StatusCode::OK).await;
    let metrics = get(&server, "/metrics").await.text().await.unwrap();
    assert!(metrics.contains("floodgauge_database_damaged 0\n"), "{metrics}");
    assert_eq!(claim(&server).await, StatusCode::OK);
    run(&["healthcheck", "--server", &server.address]);
}

#[tokio::test]
async fn damage_from_before_a_server_starts_is_found_though_nobody_reads_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = left_behind(folder.path()).await;
    // Nothing was reported, so nothing of this is read.
    Pages::of(&file, &["reports", "kept_checkpoints"]).await.overwrite();
    let server = Server::start(folder.path(), None);
    until_ready_is(&server, StatusCode::SERVICE_UNAVAILABLE).await;
    is_told(&server).await;
    assert_eq!(claim(&server).await, StatusCode::OK, "what isn't damaged goes on");
}
