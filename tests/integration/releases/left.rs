//! A server of today on what a release left behind.

use crate::{http::server::Server, support::postgres};
use flate2::read::GzDecoder;
use floodgauge::store;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// What is left, opened.
pub struct Left {
    pub server: Server,
    /// The URL of its database.
    pub database: String,
    /// What the release's server answered: `json`, `csv`, `events` and `sha256` by path; beside
    /// them its `tokens`, and its `sweeps` by name.
    pub answers: Value,
}

impl Left {
    pub async fn on_sqlite(release: &str) -> Self {
        let folder = unpack(&file(release, "sqlite.tar.gz"));
        let url = format!("sqlite://{}", folder.path().join("floodgauge.db").display());
        Self::open(folder, &url, &file(release, "sqlite.json.gz")).await
    }

    pub async fn on_postgres(release: &str) -> Self {
        let folder = unpack(&file(release, "postgres.tar.gz"));
        let url = postgres::new_database().await;
        let dump = fs::read_to_string(folder.path().join("dump.sql")).unwrap();
        let mut database = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(dump)).execute(&mut database).await.unwrap();
        database.close().await.unwrap();
        Self::open(folder, &url, &file(release, "postgres.json.gz")).await
    }

    async fn open(folder: TempDir, database: &str, answers: &Path) -> Self {
        let answers: Value =
            serde_json::from_reader(GzDecoder::new(File::open(answers).unwrap())).unwrap();
        let store = store::open(database).await.unwrap();
        let mut server = Server::on_folder(folder, store).await;
        server.token = answers["tokens"]["admin"].as_str().map(Into::into);
        Self { server, database: database.into(), answers }
    }

    /// Where a sweep is.
    pub fn path(&self, name: &str) -> String {
        let sweep = self.answers["sweeps"][name].as_str();
        format!("/v1/sweeps/{}", sweep.unwrap_or_else(|| panic!("no sweep `{name}`")))
    }

    /// How many blobs there are.
    pub fn blobs(&self) -> usize {
        fn files(folder: &Path) -> usize {
            let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries
                .map(|path| match path.is_dir() {
                    true => files(&path),
                    false => usize::from(!path.ends_with("floodgauge-blobs")),
                })
                .sum()
        }
        files(&self.server.folder.path().join("blobs"))
    }
}

fn file(release: &str, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/releases");
    folder.join(release).join(name)
}

fn unpack(archive: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = GzDecoder::new(File::open(archive).unwrap());
    tar::Archive::new(file).unpack(folder.path()).unwrap();
    folder
}
