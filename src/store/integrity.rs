//! Whether a database's own bytes are as the database wrote them, as far as it can tell by itself.

use super::{StoreError, damage, place::Place};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};
use std::time::{Duration, Instant};

/// How much of a database to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What costs little: every page of a SQLite file; of Postgres nothing, which checks pages itself as
    /// it reads them, if they have checksums.
    Pages,
    /// Every row, and that the indexes of SQLite hold what their tables do.
    Rows,
}

/// What came of looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// Nothing is wrong.
    Whole,
    /// This is, in the database's words.
    Damaged(String),
    /// There was no time to look at all of it; nothing was wrong so far.
    Unfinished,
}

/// An error that may be what was looked for.
fn found(error: sqlx::Error) -> Result<Integrity, StoreError> {
    if let Some(damage) = damage(&error) {
        return Ok(Integrity::Damaged(damage));
    }
    // `query_canceled` of Postgres, by `statement_timeout`, and `SQLITE_INTERRUPT`, by our progress handler.
    let ran_out = |code: &str| ["57014", "9"].contains(&code);
    match &error {
        sqlx::Error::Database(said) if said.code().is_some_and(|code| ran_out(&code)) => {
            Ok(Integrity::Unfinished)
        }
        _ => Err(error.into()),
    }
}

/// Steps of SQLite between two looks at the time.
const STEPS: i32 = 1_000;

/// Has SQLite look at a file, over a connection of its own, on whose thread all of it happens.
///
/// # Errors
/// A file that can't be read, unless that is the damage, and one that isn't in its place any more.
pub(super) async fn of_sqlite(
    options: &SqliteConnectOptions,
    place: &Place,
    depth: Depth,
    bound: Duration,
) -> Result<Integrity, StoreError> {
    place.check()?;
    let options = options.clone().create_if_missing(false).read_only(true);
    let mut db = match options.connect().await {
        Ok(db) => db,
        Err(error) => return found(error),
    };
    // So far it is only open: nothing was read of it, nor of what lies beside it.
    let looked = match place.check() {
        Ok(()) => match sqlite_says(&mut db, depth, bound).await {
            Ok(None) => Ok(Integrity::Whole),
            Ok(Some(said)) => Ok(Integrity::Damaged(said)),
            Err(error) => found(error),
        },
        Err(error) => Err(error),
    };
    // Nothing is lost with it.
    let _ = db.close().await;
    looked
}

/// The first thing that is wrong with it.
async fn sqlite_says(
    db: &mut SqliteConnection,
    depth: Depth,
    bound: Duration,
) -> Result<Option<String>, sqlx::Error> {
    let began = Instant::now();
    db.lock_handle().await?.set_progress_handler(STEPS, move || began.elapsed() < bound);
    let sql = match depth {
        Depth::Pages => "pragma quick_check(1)",
        Depth::Rows => "pragma integrity_check(1)",
    };
    let said: Vec<String> = sqlx::query_scalar(sql).fetch_all(db).await?;
    let wrong = said.into_iter().filter(|said| said != "ok").map(|said| said.replace('\n', "; "));
    Ok(wrong.reduce(|all, said| format!("{all}; {said}")))
}

/// Reads every row of a Postgres database, with all that is stored apart from them.
///
/// # Errors
/// The connection's trouble.
pub(super) async fn of_postgres(
    options: &PgConnectOptions,
    depth: Depth,
    bound: Duration,
) -> Result<Integrity, StoreError> {
    if depth == Depth::Pages {
        return Ok(Integrity::Whole);
    }
    let looked = async {
        let options = options.clone().options([
            ("statement_timeout", format!("{}ms", bound.as_millis().max(1)).as_str()),
            ("default_transaction_read_only", "on"),
        ]);
        let mut db = options.connect().await?;
        let read = read_all(&mut db).await;
        let _ = db.close().await;
        read
    };
    match looked.await {
        Ok(()) => Ok(Integrity::Whole),
        Err(error) => found(error),
    }
}

async fn read_all(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    let sql = "select quote_ident(tablename) from pg_tables where schemaname = current_schema()";
    let tables: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *db).await?;
    for table in tables {
        let sql = format!("select coalesce(sum(length(t::text)), 0)::bigint from {table} t");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *db).await?;
    }
    Ok(())
}
