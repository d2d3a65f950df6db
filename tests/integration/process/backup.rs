//! Backups as docs/operations.md tells to make them, of servers at work: what is restored from them
//! goes on to the bits of a sweep that nothing happened to.

use super::{
    entries, expected, follow, outcome,
    programs::{Server, worker},
    reported, submit, until,
};
use crate::support::postgres;
use floodgauge_protocol::SweepId;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use std::{fs, path::Path, process::Command};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Has a server of Postgres number its transactions far beyond a fresh one's.
async fn use_transactions_up(database: &str) {
    let mut database = PgConnection::connect(database).await.unwrap();
    let sql =
        "do 'begin for i in 1..5000 loop perform pg_current_xact_id(); commit; end loop; end'";
    sqlx::query(sql).execute(&mut database).await.unwrap();
}

/// A server with a worker in the middle of a sweep.
async fn at_work(folder: &Path, database: Option<&str>) -> (Server, super::Process, SweepId) {
    let server = Server::start(folder, database);
    let worker = worker(&server.address, "busy");
    let sweep = submit(&server).await;
    until(entries(&server, sweep), 3, reported).await;
    (server, worker, sweep)
}

/// Lets another worker end the sweep on a server that was restored.
async fn ends_as_expected(folder: &Path, database: Option<&str>, sweep: SweepId) {
    let server = Server::start(folder, database);
    let _worker = worker(&server.address, "heir");
    follow(&server, sweep).await;
    assert_eq!(&outcome(&server, sweep).await, expected().await);
}

#[tokio::test]
async fn a_backup_of_sqlite_and_its_blobs_goes_on_with_the_same_bits() {
    let [folder, backup] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let (server, worker, sweep) = at_work(folder.path(), None).await;
    let url = format!("sqlite://{}", folder.path().join("floodgauge.db").display());
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    let file = backup.path().join("floodgauge.db");
    let sql = AssertSqlSafe(format!("vacuum into '{}'", file.display()));
    sqlx::query(sql).execute(&mut database).await.unwrap();
    // The database first: it refers to nothing that isn't among the blobs yet.
    copy(&folder.path().join("blobs"), &backup.path().join("blobs"));
    // The server goes on meanwhile, to its own end.
    drop(worker);
    drop(server);
    ends_as_expected(backup.path(), None, sweep).await;
}

#[tokio::test]
async fn a_dump_of_postgres_restored_on_another_server_goes_on_with_the_same_bits() {
    let [folder, backup] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let from = postgres::new_database().await;
    use_transactions_up(&from).await;
    let (server, worker, sweep) = at_work(folder.path(), Some(&from)).await;
    let dump = backup.path().join("floodgauge.dump");
    let mut pg_dump = postgres::command("pg_dump");
    run(pg_dump.args(["--format", "custom", "--file"]).arg(&dump).arg(&from));
    copy(&folder.path().join("blobs"), &backup.path().join("blobs"));
    drop(worker);
    drop(server);
    // Its transactions are numbered from anew, far below those that the dump names.
    let elsewhere = postgres::another_server();
    let to = elsewhere.new_database().await;
    let mut pg_restore = postgres::command("pg_restore");
    run(pg_restore.args(["--no-owner", "--dbname", &to]).arg(&dump));
    ends_as_expected(backup.path(), Some(&to), sweep).await;
    let store = floodgauge::store::open(&to).await.unwrap();
    let (mut seqs, mut after) = (Vec::new(), None);
    while let more = store.all_entries(after, 100).await.unwrap()
        && let Some((place, _)) = more.last()
    {
        after = Some(*place);
        seqs.extend(more.iter().map(|(_, entry)| entry.seq));
    }
    assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "told in order: {seqs:?}");
    assert!(seqs.len() > 3);
}
