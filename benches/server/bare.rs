//! What the database does without us: one connection, transactions of 21 rows of figures and one
//! of text, each made durable.

use super::ROWS;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection,
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
    let mut count = 0u32;
    let began;
    if is_postgres {
        let mut db = PgConnection::connect(url).await.unwrap();
        db.execute(tables).await.unwrap();
        began = Instant::now();
        while began.elapsed() < time {
            let mut tx = db.begin().await.unwrap();
            tx.execute(AssertSqlSafe(rows.clone())).await.unwrap();
            tx.execute(AssertSqlSafe(event.clone())).await.unwrap();
            tx.commit().await.unwrap();
            count += 1;
        }
    } else {
        let options = SqliteConnectOptions::new()
            .filename(folder.join("bare.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut db = options.connect().await.unwrap();
        db.execute(tables).await.unwrap();
        began = Instant::now();
        while began.elapsed() < time {
            let mut tx = db.begin().await.unwrap();
            tx.execute(AssertSqlSafe(rows.clone())).await.unwrap();
            tx.execute(AssertSqlSafe(event.clone())).await.unwrap();
            tx.commit().await.unwrap();
            count += 1;
        }
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}
