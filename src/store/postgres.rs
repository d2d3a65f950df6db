//! The store on Postgres: many writers, in many processes.

use super::{
    StoreError,
    notify::Notifier,
    sql::{Dialect, SqlStore},
};
use sqlx::{Postgres, postgres::PgPoolOptions};
use std::time::Duration;

/// A store on a Postgres database.
pub type PostgresStore = SqlStore<Postgres>;

/// Connections of one process.
const CONNECTIONS: u32 = 16;

impl Dialect for Postgres {
    type Teller = Notifier;
    // Said in full, since a server's default may be another: the verbs count on each statement
    // seeing what was committed before it, and wait for locks rather than failing.
    const BEGIN: &str = "begin isolation level read committed";
    const LOCK_ROW: &str = "for update";
    const LOCK_SEGMENT: &str = "for update of s skip locked";
    // A transaction still running may yet commit entries with lower ids, or of a lower
    // transaction. Below the oldest of them (xmin) everything is settled.
    const ENTRIES_AFTER: &str = "select transaction as transaction_id, id, sweep, seq, at_ms, \
         event, decisions from events where (transaction, id) > ($1, $2) \
         and transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint \
         order by transaction, id limit $3";
    const NEWEST_ENTRY: &str = "select transaction as transaction_id, id from events \
         where transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint \
         order by transaction desc, id desc limit 1";
}

impl SqlStore<Postgres> {
    /// Connects to the database that a `postgres:` URL names, and makes its tables if they
    /// are missing.
    ///
    /// # Errors
    /// The URL's, the connection's or a migration's trouble.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let options = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(Duration::from_secs(30));
        let pool = options.connect(url).await?;
        sqlx::migrate!("./migrations/postgres").run(&pool).await?;
        let teller = Notifier::start(pool.clone());
        Ok(Self { writer: pool.clone(), reader: pool, teller })
    }
}
