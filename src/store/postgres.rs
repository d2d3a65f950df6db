//! The store on Postgres: many writers, in many processes.

use super::{
    Depth, Integrity, StoreError, integrity,
    notify::PostgresNotifier,
    sql::{Dialect, SqlStore, Upkeep, inspect::SelfKnowledge},
};
use async_trait::async_trait;
use sqlx::{
    ConnectOptions as _, Connection as _, Postgres,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::time::Duration;

/// A store on a Postgres database.
pub type PostgresStore = SqlStore<Postgres>;

/// Connections of one process.
const MAX_CONNECTIONS: u32 = 16;

/// How long to wait for one of them, or for a new one.
const ACQUIRE: Duration = Duration::from_secs(5);

/// How long a statement may take, waiting for others' locks included: clients are told to come
/// back before they give up by themselves.
const STATEMENT: &str = "10s";

/// How long a transaction whose process went silent may hold its locks.
const IDLE_IN_TRANSACTION: &str = "60s";

/// Entries that were written by transactions yet to come are from a dump of another server, which
/// numbered its transactions on its own: their order is that of their ids.
const RENUMBER: &str = "update events set transaction = 0 where exists (\
     select 1 from events \
     where transaction >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint)";

/// Looks at the database over connections of its own.
pub struct PostgresUpkeep(PgConnectOptions);

#[async_trait]
impl Upkeep for PostgresUpkeep {
    async fn check_integrity(
        &self,
        depth: Depth,
        bound: Duration,
    ) -> Result<Integrity, StoreError> {
        integrity::of_postgres(&self.0, depth, bound).await
    }
}

impl Dialect for Postgres {
    type Notifier = PostgresNotifier;
    type Upkeep = PostgresUpkeep;
    // Said in full, since a server's default may be another: the verbs count on each statement
    // seeing what was committed before it, and wait for locks rather than failing.
    const BEGIN: &str = "begin isolation level read committed";
    const LOCK_ROW: &str = "for update";
    const LOCK_SEGMENT: &str = "for update of s skip locked";
    // A transaction still running may yet commit entries with lower ids, or of a lower
    // transaction. Below the oldest of them (xmin) everything is settled.
    const ENTRIES_AFTER: &str = "with sized as ( \
             select transaction, id, octet_length(event) + octet_length(decisions) as size \
             from events where (transaction, id) > ($1, $2) \
             and transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint \
             order by transaction, id limit $3), \
         summed as (select sum(size) over (order by transaction, id) - size as before from sized) \
         select transaction as transaction_id, id, sweep, seq, at_ms, event, decisions \
         from events where (transaction, id) > ($1, $2) \
         and transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint \
         order by transaction, id limit (select count(*) from summed where before < $4)";
    const NEWEST_ENTRY: &str = "select transaction as transaction_id, id from events \
         where transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint \
         order by transaction desc, id desc limit 1";
}

impl SelfKnowledge for Postgres {
    const MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");
    const HAS_MIGRATIONS: &str = "select 'there'::text as name \
         where to_regclass('_sqlx_migrations') is not null";
    const CHECKSUM: &str = "encode(checksum, 'hex')";
    const SIZE: &str = "select pg_database_size(current_database()) as size";
    const WALL: &str =
        "select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms";
    // The last statement of a connection that listens.
    const LISTENERS: &str = "select count(*) as listeners from pg_stat_activity \
         where datname = current_database() and query ilike 'listen %floodgauge_log%'";
}

impl SqlStore<Postgres> {
    /// Connects to the database that a `postgres:` URL names as it is. Nothing can be written unless it
    /// is to be repaired.
    ///
    /// # Errors
    /// The URL's or the connection's trouble.
    pub(super) async fn connect_as_it_is(url: &str, repair: bool) -> Result<Self, StoreError> {
        let connect: PgConnectOptions = url.parse()?;
        let upkeep = PostgresUpkeep(connect.clone());
        let read_only = if repair { "off" } else { "on" };
        let connect = connect.options([("default_transaction_read_only", read_only)]);
        let options = PgPoolOptions::new().max_connections(2).acquire_timeout(ACQUIRE);
        let pool = options.connect_with(connect).await?;
        let notifier = PostgresNotifier::start(pool.clone());
        Ok(Self { writer: pool.clone(), reader: pool, notifier, upkeep })
    }

    /// Connects to the database that a `postgres:` URL names, and makes its tables if they
    /// are missing.
    ///
    /// # Errors
    /// The URL's, the connection's or a migration's trouble.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let connect: PgConnectOptions = url.parse()?;
        // A migration may take as long as it needs.
        let mut migrating = connect.connect().await?;
        Postgres::MIGRATIONS.run(&mut migrating).await?;
        migrating.close().await?;
        let bounds = [
            ("statement_timeout", STATEMENT),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION),
        ];
        let options =
            PgPoolOptions::new().max_connections(MAX_CONNECTIONS).acquire_timeout(ACQUIRE);
        let upkeep = PostgresUpkeep(connect.clone());
        let pool = options.connect_with(connect.options(bounds)).await?;
        sqlx::query(RENUMBER).execute(&pool).await?;
        let notifier = PostgresNotifier::start(pool.clone());
        Ok(Self { writer: pool.clone(), reader: pool, notifier, upkeep })
    }
}
