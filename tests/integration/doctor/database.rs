//! The database itself.

use super::patient::Case;
use crate::support::{TestDatabase, on_both_databases};
use floodgauge::doctor::{Check, Severity};
use std::{fs::File, os::unix::fs::FileExt as _};

on_both_databases!(
    tables_of_an_earlier_release_are_told_and_left_as_they_are,
    tables_of_a_later_release_are_told_and_left_as_they_are,
);

async fn tables_of_an_earlier_release_are_told_and_left_as_they_are(database: TestDatabase) {
    let case = Case::new(database).await;
    let newest = "select max(version) from _sqlx_migrations";
    case.execute(&format!("delete from _sqlx_migrations where version = ({newest})")).await;
    let before = case.database.count("_sqlx_migrations").await;
    let problem = case.problem(Check::Database).await;
    assert_eq!(problem.severity, Severity::Warn);
    assert!(problem.what.contains("of an earlier release"), "{}", problem.what);
    assert_eq!(case.database.count("_sqlx_migrations").await, before);
}

async fn tables_of_a_later_release_are_told_and_left_as_they_are(database: TestDatabase) {
    let case = Case::new(database).await;
    let sql = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
               select 9999, description, success, checksum, execution_time from _sqlx_migrations \
               where version = 1";
    case.execute(sql).await;
    let problem = case.problem(Check::Database).await;
    assert_eq!(problem.severity, Severity::Fail);
    assert!(problem.what.contains("of a later release"), "{}", problem.what);
}

/// One page is overwritten, of a table that no other check reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_sqlite_that_is_overwritten_is_found() {
    let case = Case::new(TestDatabase::sqlite().await).await;
    case.execute("pragma wal_checkpoint(truncate)").await;
    let (file, page, size) = sessions(&case).await;
    let file = File::options().write(true).open(file).unwrap();
    file.write_all_at(&vec![0xa5; size], (page - 1) * size as u64).unwrap();
    let problem = case.problem(Check::Database).await;
    assert_eq!(problem.severity, Severity::Fail);
    assert!(problem.what.starts_with("the database is damaged: "), "{}", problem.what);
    assert!(problem.remedy.unwrap().contains("backup"));
}

/// A byte of the file's first page, without which it is no database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_byte_of_the_header_of_sqlite_that_is_flipped_is_found() {
    let case = Case::new(TestDatabase::sqlite().await).await;
    case.execute("pragma wal_checkpoint(truncate)").await;
    let (path, _, _) = sessions(&case).await;
    let copy = case.server.folder.path().join("copy.db");
    let mut bytes = std::fs::read(path).unwrap();
    bytes[3] ^= 1;
    std::fs::write(&copy, bytes).unwrap();
    let mut patient = case.patient();
    patient.database_url = format!("sqlite://{}", copy.display());
    let report = floodgauge::doctor::examine(&patient, |_| {}).await;
    let [problem] = &super::patient::problems(&report)[..] else { panic!("{report:?}") };
    assert_eq!(problem.check, Check::Database);
    assert!(problem.what.contains("not a database"), "{}", problem.what);
}

/// The database's file, the first page of the sessions of browsers, and the bytes of a page.
async fn sessions(case: &Case) -> (String, u64, usize) {
    use sqlx::Connection as _;
    let mut db = sqlx::SqliteConnection::connect(&case.database.url).await.unwrap();
    let page: i64 =
        sqlx::query_scalar("select rootpage from sqlite_schema where name = 'sessions'")
            .fetch_one(&mut db)
            .await
            .unwrap();
    let size: i64 = sqlx::query_scalar("pragma page_size").fetch_one(&mut db).await.unwrap();
    db.close().await.unwrap();
    let file = case.database.url.trim_start_matches("sqlite://").to_owned();
    (file, page as u64, size as usize)
}
