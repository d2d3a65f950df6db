//! What a claim costs, counted rather than timed: the steps that SQLite's machine takes, the rows that
//! Postgres looks at.

use super::fixture::{HOUR, claim, create_with, segment};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge::store::{NEXT_SEGMENT, NEXT_SWEEP};
use serde_json::Value;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Row as _, postgres::PgConnectOptions,
    sqlite::SqliteConnectOptions,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

on_both_databases! {
    a_claim_costs_no_more_where_more_of_a_sweep_waits,
    a_claim_costs_no_more_where_more_sweeps_wait,
    a_claim_costs_no_more_where_more_sweeps_wait_behind_busy_ones,
    an_empty_claim_looks_at_nothing_that_is_over,
}

async fn a_claim_costs_no_more_where_more_of_a_sweep_waits(db: TestDatabase) {
    let raw = Raw::of(&db);
    raw.put(Put { sweeps: 0..1, segments: 0..1_000, ..Put::default() }).await;
    let few = raw.cost_of_a_claim(true).await;
    raw.put(Put { sweeps: 1..1, segments: 1_000..20_000, of_first: true, ..Put::default() }).await;
    let many = raw.cost_of_a_claim(true).await;
    assert!(many <= 2 * few, "{few} where 1,000 wait, {many} where 20,000 do");
}

async fn a_claim_costs_no_more_where_more_sweeps_wait(db: TestDatabase) {
    let raw = Raw::of(&db);
    raw.put(Put { sweeps: 0..1_000, ..Put::default() }).await;
    let few = raw.cost_of_a_claim(true).await;
    raw.put(Put { sweeps: 1_000..20_000, ..Put::default() }).await;
    let many = raw.cost_of_a_claim(true).await;
    assert!(many <= 2 * few, "{few} where 1,000 wait, {many} where 20,000 do");
}

async fn a_claim_costs_no_more_where_more_sweeps_wait_behind_busy_ones(db: TestDatabase) {
    let raw = Raw::of(&db);
    // They come first, and have a lease each: of these none is due before the others had their turn.
    let busy = Put { sweeps: 0..100, segments: 0..2, leased: true, priority: 1, ..Put::default() };
    raw.put(busy).await;
    raw.put(Put { sweeps: 100..1_000, ..Put::default() }).await;
    let few = raw.cost_of_a_claim(true).await;
    raw.put(Put { sweeps: 1_000..20_000, ..Put::default() }).await;
    let many = raw.cost_of_a_claim(true).await;
    assert!(many <= 2 * few, "{few} where 1,000 wait, {many} where 20,000 do");
}

async fn an_empty_claim_looks_at_nothing_that_is_over(db: TestDatabase) {
    let raw = Raw::of(&db);
    let bare = raw.cost_of_a_claim(false).await;
    let over = Put { sweeps: 0..5_000, segments: 0..20, state: "closed", ..Put::default() };
    raw.put(over).await;
    let behind = raw.cost_of_a_claim(false).await;
    assert!(behind <= bare + bare / 10, "{bare} before, {behind} with 100,000 that are over");
    assert_eq!(db.store.claim(claim("w", HOUR)).await.unwrap(), None);
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    assert_eq!(db.store.claim(claim("w", HOUR)).await.unwrap().unwrap().sweep, sweep);
}

/// Sweeps and segments as rows of tables, as many as no log would be written for.
struct Put {
    sweeps: std::ops::Range<u32>,
    segments: std::ops::Range<u32>,
    /// Whether the segments are those of the first sweep there is.
    of_first: bool,
    state: &'static str,
    /// Whether the first segment of each is under a lease that lasts.
    leased: bool,
    priority: i32,
}

impl Default for Put {
    fn default() -> Self {
        Self {
            sweeps: 0..0,
            segments: 0..1,
            of_first: false,
            state: "queued",
            leased: false,
            priority: 0,
        }
    }
}

/// A database without the store.
struct Raw<'a> {
    db: &'a TestDatabase,
    is_postgres: bool,
}

impl<'a> Raw<'a> {
    fn of(db: &'a TestDatabase) -> Self {
        Self { db, is_postgres: db.url.starts_with("postgres") }
    }

    async fn put(&self, put: Put) {
        let Put { sweeps, segments, of_first, state, leased, priority } = put;
        let id = |number: &str| {
            format!(
                "'00000000-0000-7000-8000-' || substr(cast(1000000000000 + {number} as text), 2)"
            )
        };
        let numbers = |name: &str, of: &std::ops::Range<u32>| {
            let (first, last) = (of.start, i64::from(of.end) - 1);
            format!(
                "{name}(i) as (select {first} union all select i + 1 from {name} where i < {last})"
            )
        };
        let status = if state == "closed" { "completed" } else { "queued" };
        let some = numbers("n", &sweeps);
        if !sweeps.is_empty() {
            self.db.execute(&format!(
                "insert into sweeps (sweep, name, name_folded, spec, status, scheduler_version, \
                 priority, head_seq, created_ms, updated_ms) \
                 with recursive {some} \
                 select {}, 'many', 'many', '{{}}', '{status}', 1, {priority}, 1, n.i, n.i from n",
                id("n.i")
            ))
            .await;
        }
        let of = if of_first { numbers("n", &(0..1)) } else { some };
        let body = serde_json::to_string(&segment(0)).unwrap();
        let held = if leased { "m.i = 0" } else { "1 = 0" };
        self.db.execute(&format!(
            "insert into segments (sweep, segment, family, body, state, queued_ms, turn, attempt, \
             lease, token_sha256, worker, expires_ms) \
             with recursive {of}, {} \
             select {}, m.i, 0, '{body}', case when {held} then 'leased' else '{state}' end, \
             n.i, case when {held} then n.i + 1 else 0 end, 0, \
             case when {held} then 'lease ' || n.i end, case when {held} then 'x' end, \
             case when {held} then 'w' end, case when {held} then 9000000000000 end \
             from n cross join m",
            numbers("m", &segments),
            id("n.i")
        ))
        .await;
        self.db.store.rebuild_queue().await.unwrap();
        if self.is_postgres {
            self.db.execute("analyze").await;
        }
    }

    /// What the statements of a claim cost, which must find something or nothing.
    async fn cost_of_a_claim(&self, finds: bool) -> u64 {
        let sweep = NEXT_SWEEP.replace("$1", "'avx2'").replace("$2", "''");
        let (cost, found) = self.cost(sweep).await;
        assert_eq!(found.is_some(), finds);
        let Some(found) = found else { return cost };
        let segment = NEXT_SEGMENT.replace("$1", "'avx2'").replace("$2", &format!("'{found}'"));
        let (more, found) = self.cost(segment).await;
        assert!(found.is_some());
        cost + more
    }

    /// What a statement costs, and the first column of the row that it finds.
    async fn cost(&self, sql: String) -> (u64, Option<String>) {
        if self.is_postgres {
            let connect: PgConnectOptions = self.db.url.parse().unwrap();
            let mut db = connect.connect().await.unwrap();
            let explain = AssertSqlSafe(format!("explain (analyze, format json) {sql}"));
            let plan = sqlx::raw_sql(explain).fetch_one(&mut db).await.unwrap();
            let plan: String = plan.try_get_unchecked(0).unwrap();
            let plan: Value = serde_json::from_str(&plan).unwrap();
            let found = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_optional(&mut db).await.unwrap();
            return (
                rows_looked_at(&plan[0]["Plan"]),
                found.map(|row| row.try_get_unchecked(0).unwrap()),
            );
        }
        let connect: SqliteConnectOptions = self.db.url.parse().unwrap();
        let mut db = connect.connect().await.unwrap();
        let steps = Arc::new(AtomicU64::new(0));
        let counted = steps.clone();
        db.lock_handle().await.unwrap().set_progress_handler(1, move || {
            counted.fetch_add(1, Ordering::Relaxed);
            true
        });
        let found = sqlx::query(AssertSqlSafe(sql)).fetch_optional(&mut db).await.unwrap();
        (steps.load(Ordering::Relaxed), found.map(|row| row.get(0)))
    }
}

/// The rows that the scans of a plan read, whether they were of use or not.
fn rows_looked_at(plan: &Value) -> u64 {
    let number = |field: &str| plan[field].as_f64().unwrap_or(0.0);
    let read = number("Actual Rows")
        + number("Rows Removed by Filter")
        + number("Rows Removed by Index Recheck");
    let kind = plan["Node Type"].as_str().unwrap();
    let is_table = kind.contains("Scan") && plan["Relation Name"].is_string();
    // A scan that finds nothing is one all the same.
    let own = if is_table { read.max(1.0) * number("Actual Loops") } else { 0.0 };
    let below = plan["Plans"].as_array().into_iter().flatten().map(rows_looked_at).sum::<u64>();
    own.round() as u64 + below
}
