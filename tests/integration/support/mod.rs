//! What tests share: a database of their own, on SQLite or on Postgres.

pub mod postgres;

use floodgauge::store::{self, CurveRow, DynStore, Entry, RowRange};
use floodgauge_protocol::SweepId;
use serde_json::Value;
use sqlx::Connection as _;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{interval, timeout};

/// Longer than anything takes that is waited for.
const NEVER: Duration = Duration::from_secs(150);

/// Between two times that something is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Asks again and again until there is an answer; `what` says what is waited for.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = interval(ASK_EVERY);
    let asked = async {
        loop {
            ticks.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    timeout(NEVER, asked).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// A sweep that is long enough to be disturbed; its levels are high enough to be crossed early.
pub const DISTURBED: &str = r#"{
    "name": "disturbed",
    "recipe": {
        "dataset": { "name": "digits", "label_noise": 0.2, "n_train": 600, "n_val": 300 },
        "model": { "kind": "mlp", "hidden": [48, 48] },
        "optimizer": { "kind": "sgd", "lr": 0.05, "momentum": 0.9 },
        "batch_size": 30,
        "epochs": 45
    },
    "search": { "levels": { "from": 0.1, "to": 1.5, "step": 0.1 }, "seeds": [0, 1] },
    "scheduler": { "kind": "halving" }
}"#;

/// A new, empty database that belongs to one test.
pub struct TestDatabase {
    /// Its URL, for further connections.
    pub url: String,
    /// An open store on it.
    pub store: DynStore,
    // A SQLite file's folder; it goes with this.
    _folder: Option<TempDir>,
}

impl TestDatabase {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("new/floodgauge.db").display());
        Self { store: store::open(&url).await.unwrap(), url, _folder: Some(folder) }
    }

    pub async fn postgres() -> Self {
        let url = postgres::new_database().await;
        Self { store: store::open(&url).await.unwrap(), url, _folder: None }
    }

    /// Runs statements past the store.
    pub async fn execute(&self, sql: &str) {
        let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()));
        if self.url.starts_with("postgres") {
            let mut db = sqlx::PgConnection::connect(&self.url).await.unwrap();
            sql.execute(&mut db).await.unwrap();
        } else {
            let mut db = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            sql.execute(&mut db).await.unwrap();
        }
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        if self.url.starts_with("postgres") {
            let mut db = sqlx::PgConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(sql).fetch_one(&mut db).await.unwrap()
        } else {
            let mut db = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(sql).fetch_one(&mut db).await.unwrap()
        }
    }

    /// Another store on the same database, as another server would open it.
    pub async fn open_again(&self) -> DynStore {
        store::open(&self.url).await.unwrap()
    }
}

/// Makes of each named `async fn(TestDatabase)` two tests, `name::on_sqlite` and
/// `name::on_postgres`.
macro_rules! on_both_databases {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            use crate::support::TestDatabase;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                super::$name(TestDatabase::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                super::$name(TestDatabase::postgres().await).await;
            }
        }
    )*};
}
pub(crate) use on_both_databases;

/// Makes of each test of programs, which takes the URL of a Postgres database or none for SQLite in the data
/// folder, one of either.
macro_rules! on_either_database {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn on_sqlite() {
                super::$name(None).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                super::$name(Some(&crate::support::postgres::new_database().await)).await;
            }
        }
    )*};
}
pub(crate) use on_either_database;

/// Statements that give a sweep's first family so many epochs of its first so many arms, with all that
/// workers tell of them, or not.
pub fn trained(sweep: SweepId, arms: u32, epochs: u32) -> String {
    format!(
        "with recursive epochs(epoch) as (
             select 1 union all select epoch + 1 from epochs where epoch < {epochs}),
         arms(arm) as (select 0 union all select arm + 1 from arms where arm + 1 < {arms})
         insert into reports (sweep, family, arm, epoch, step, train_loss, metrics, branch,
                              grad_norm, ascending, flooded_steps)
         select '{sweep}', 0, arm, epoch, 2 * epoch,
                case when epoch % 7 = 5 then null else 2.0 / epoch end,
                case when epoch % 3 = 0 then
                    '{{\"val_error\":0.1,\"val_loss\":\"diverged\"}}'
                else '{{\"lr\":0.05,\"val_error\":0.125,\"val_loss\":1.0986122886681098}}' end,
                0,
                case when epoch % 2 = 0 then 1.5 / epoch end,
                case when epoch % 2 = 0 then 0.25 end,
                case when epoch % 2 = 0 then epoch end
         from arms, epochs;
         update trials set epochs = {epochs}, onset_step = case arm when 0 then null else 3 end
         where sweep = '{sweep}' and family = 0 and arm < {arms};"
    )
}

/// A sweep's whole log, however much of it is read at once.
pub async fn whole_log(store: &DynStore, sweep: SweepId) -> Vec<Entry> {
    let mut log: Vec<Entry> = Vec::new();
    loop {
        let after = log.last().map_or(0, |entry| entry.seq);
        let more = store.entries(sweep, after, 100).await.unwrap();
        if more.is_empty() {
            return log;
        }
        log.extend(more);
    }
}

/// All reported epochs of a sweep, so many at once.
pub async fn all_rows(store: &DynStore, sweep: SweepId, at_once: u32) -> Vec<CurveRow> {
    let mut rows: Vec<CurveRow> = Vec::new();
    loop {
        let after = rows.last().map(|row| (row.trial, row.epoch));
        let range = RowRange { after, to: None };
        let more = store.curves(sweep, range, at_once).await.unwrap();
        assert!(more.len() <= at_once as usize);
        if more.is_empty() {
            return rows;
        }
        rows.extend(more);
    }
}

/// An answer of `/best` without the id of the sweep that it is of, which its advice names too.
pub fn nameless(best: &Value) -> Value {
    let id = best["sweep"].as_str().expect("an answer names its sweep");
    serde_json::from_str(&best.to_string().replace(id, "ID")).expect("it is JSON still")
}
