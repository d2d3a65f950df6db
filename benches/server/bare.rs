//! What the database does without us: one connection, transactions of 21 rows of figures and one
//! of text, each made durable.

use super::ROWS;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Database, Executor, PgConnection,
    Postgres, Sqlite,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// About as long as an event of 21 rows.
const EVENT: usize = 3_500;

/// Transactions a second.
pub async fn transactions(url: &str, folder: &Path, is_postgres: bool, time: Duration) -> f64 {
    let event = "x".repeat(EVENT);
    let rows: Vec<String> = (0..ROWS).map(|i| format!("({i}, 1.5, 2.5, 0.25)")).collect();
    let rows = format!("insert into bare_rows values {}", rows.join(", "));
    let event = format!("insert into bare_events values ('{event}')");
    let tables = "create table bare_rows (arm integer, a double precision, b double precision, c double precision); \
                  create table bare_events (event text)";
    let inserts = [rows, event];
    if is_postgres {
        let mut db = PgConnection::connect(url).await.unwrap();
        return insert::<Postgres>(&mut db, tables, &inserts, time).await;
    }
    let options = SqliteConnectOptions::new()
        .filename(folder.join("bare.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut db = options.connect().await.unwrap();
    insert::<Sqlite>(&mut db, tables, &inserts, time).await
}

/// Makes tables, then transactions of `inserts` for so long; answers how many a second.
async fn insert<DB: Database>(
    db: &mut DB::Connection,
    tables: &'static str,
    inserts: &[String],
    time: Duration,
) -> f64
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    db.execute(tables).await.unwrap();
    let mut count = 0u32;
    let began = Instant::now();
    while began.elapsed() < time {
        let mut tx = db.begin().await.unwrap();
        for insert in inserts {
            tx.execute(AssertSqlSafe(insert.clone())).await.unwrap();
        }
        tx.commit().await.unwrap();
        count += 1;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}
