//! Clocks that are set while a server runs, and while none does.

use super::fixture::{HOUR, append, claim, create_with, leased, leased_and_expired, segment};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge::{
    access::{Kind, Scope, Secret},
    store::{AddedToken, Clock, DynStore, Effects, NewToken, SqliteStore, clock::TimeSource},
};
use floodgauge_protocol::SegmentId;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

on_both_databases!(
    a_lease_from_before_the_clock_was_set_back_is_cut_to_its_length,
    a_backoff_from_before_the_clock_was_set_back_is_cut_to_its_length,
    the_age_of_what_waits_is_never_below_zero,
);

/// A machine whose clock is set by the test, in milliseconds.
struct Machine {
    wall: AtomicI64,
    passed: AtomicI64,
}

impl Machine {
    fn new() -> Arc<Self> {
        Arc::new(Self { wall: AtomicI64::new(1_790_000_000_000), passed: AtomicI64::new(0) })
    }

    /// Lets time pass.
    fn pass(&self, time: Duration) {
        let ms = time.as_millis() as i64;
        self.wall.fetch_add(ms, Ordering::SeqCst);
        self.passed.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets the system's clock.
    fn set(&self, by_ms: i64) {
        self.wall.fetch_add(by_ms, Ordering::SeqCst);
    }
}

struct Of(Arc<Machine>);

impl TimeSource for Of {
    fn wall_ms(&self) -> i64 {
        self.0.wall.load(Ordering::SeqCst)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.passed.load(Ordering::SeqCst).unsigned_abs())
    }
}

const LEASE: Duration = Duration::from_secs(15);
const HOUR_MS: i64 = 3_600_000;

/// A store as a process opens it that starts now.
async fn started(folder: &Path, machine: &Arc<Machine>) -> DynStore {
    let clock = Clock::with_source(Of(machine.clone()));
    Arc::new(SqliteStore::open_by(clock, folder.join("floodgauge.db")).await.unwrap())
}

#[tokio::test]
async fn a_lease_ends_when_it_should_though_the_clock_is_set_back() {
    let (folder, machine) = (tempfile::tempdir().unwrap(), Machine::new());
    let store = started(folder.path(), &machine).await;
    create_with(&store, vec![segment(0)]).await;
    store.claim(claim("w1", LEASE)).await.unwrap().unwrap();
    machine.set(-HOUR_MS);
    machine.pass(LEASE - Duration::from_secs(1));
    assert_eq!(store.claim(claim("w2", LEASE)).await.unwrap(), None);
    assert_eq!(store.depths().await.unwrap().leased, 1);
    machine.pass(Duration::from_secs(1));
    assert_eq!(store.depths().await.unwrap().expired, 1);
    assert!(leased(&store, "w2").await.took_over);
}

#[tokio::test]
async fn a_lease_lasts_as_long_as_it_should_though_the_clock_is_set_ahead() {
    let (folder, machine) = (tempfile::tempdir().unwrap(), Machine::new());
    let store = started(folder.path(), &machine).await;
    create_with(&store, vec![segment(0)]).await;
    let first = store.claim(claim("w1", LEASE)).await.unwrap().unwrap();
    machine.set(HOUR_MS);
    assert_eq!(store.claim(claim("w2", LEASE)).await.unwrap(), None);
    store.renew(first.lease, "secret of w1", LEASE).await.unwrap();
    machine.pass(LEASE - Duration::from_secs(1));
    assert_eq!(store.claim(claim("w2", LEASE)).await.unwrap(), None);
    machine.pass(Duration::from_secs(1));
    assert!(leased(&store, "w2").await.took_over);
}

#[tokio::test]
async fn after_a_restart_under_an_earlier_clock_a_lease_lasts_no_longer_than_its_length() {
    let (folder, machine) = (tempfile::tempdir().unwrap(), Machine::new());
    let before = started(folder.path(), &machine).await;
    create_with(&before, vec![segment(0)]).await;
    before.claim(claim("w1", LEASE)).await.unwrap().unwrap();
    drop(before);
    machine.set(-HOUR_MS);
    let after = started(folder.path(), &machine).await;
    // As a server does when it starts.
    assert_eq!(after.cut_leases(HOUR).await.unwrap(), 1);
    assert_eq!(after.cut_leases(HOUR).await.unwrap(), 0);
    machine.pass(LEASE - Duration::from_secs(1));
    assert_eq!(after.claim(claim("w2", LEASE)).await.unwrap(), None);
    machine.pass(Duration::from_secs(1));
    assert!(leased(&after, "w2").await.took_over);
}

#[tokio::test]
async fn a_log_is_told_in_the_order_of_its_times_whatever_the_clock_does() {
    let (folder, machine) = (tempfile::tempdir().unwrap(), Machine::new());
    let store = started(folder.path(), &machine).await;
    let sweep = create_with(&store, vec![]).await;
    for set in [0, -HOUR_MS, HOUR_MS, HOUR_MS, -2 * HOUR_MS, 5] {
        machine.set(set);
        machine.pass(Duration::from_secs(1));
        append(&store, sweep, Effects::default()).await;
    }
    let entries = store.entries(sweep, 0, 100).await.unwrap();
    let times: Vec<i64> = entries.iter().map(|entry| entry.at_ms).collect();
    assert!(times.is_sorted(), "{times:?}");
    let row = store.sweep(sweep).await.unwrap().unwrap();
    assert_eq!(row.updated_ms, *times.last().unwrap());
}

#[tokio::test]
async fn a_token_is_out_of_date_by_the_later_of_the_times() {
    let (folder, machine) = (tempfile::tempdir().unwrap(), Machine::new());
    let store = started(folder.path(), &machine).await;
    let secret = Secret::new(Kind::Token).unwrap();
    let new = NewToken { lasts: Some(HOUR), ..NewToken::of(&secret, "short", Scope::Read.into()) };
    assert!(matches!(store.add_token(new).await.unwrap(), AddedToken::New(_)));
    let opens =
        async || store.token_opened_by(Kind::Token, secret.digest()).await.unwrap().is_some();
    assert!(opens().await);
    machine.set(-HOUR_MS);
    machine.pass(HOUR / 2);
    assert!(opens().await);
    machine.pass(HOUR / 2);
    assert!(!opens().await, "setting the clock back makes no token last longer");
}

#[tokio::test]
async fn a_clock_that_is_set_ahead_makes_nothing_old() {
    let (folder, machine) = (tempfile::tempdir().unwrap(), Machine::new());
    let store = started(folder.path(), &machine).await;
    let sweep = create_with(&store, vec![]).await;
    let ended = Effects {
        status: Some(floodgauge::scheduler::SweepStatus::Cancelled),
        ..Effects::default()
    };
    append(&store, sweep, ended).await;
    machine.set(1_000 * 24 * HOUR_MS);
    let age = 30 * 24 * HOUR;
    assert_eq!(store.ended_before(age, 10).await.unwrap(), []);
    machine.pass(age);
    assert_eq!(store.ended_before(age, 10).await.unwrap(), [sweep]);
}

/// On Postgres, whose clock no test sets, the lease is made to be of hours later instead.
async fn a_lease_from_before_the_clock_was_set_back_is_cut_to_its_length(db: TestDatabase) {
    let later = "update segments set expires_ms = expires_ms + 7200000";
    create_with(&db.store, vec![segment(0)]).await;
    leased_and_expired(&db.store, "w1").await;
    db.execute(later).await;
    assert_eq!(db.store.claim(claim("w2", HOUR)).await.unwrap(), None, "it lasts for hours");
    assert_eq!(db.store.cut_leases(HOUR).await.unwrap(), 1);
    assert_eq!(db.store.cut_leases(HOUR).await.unwrap(), 0);
    assert!(leased(&db.store, "w2").await.took_over);
    // Each by its own length: this one has an hour left.
    db.execute(later).await;
    assert_eq!(db.store.cut_leases(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(db.store.claim(claim("w3", HOUR)).await.unwrap(), None);
    assert_eq!(db.store.cut_leases(Duration::ZERO).await.unwrap(), 0);
    // What an earlier release gave has no length: that of today's leases counts.
    db.execute("update segments set ttl_ms = null").await;
    assert_eq!(db.store.cut_leases(Duration::ZERO).await.unwrap(), 1);
    assert!(leased(&db.store, "w3").await.took_over);
}

async fn a_backoff_from_before_the_clock_was_set_back_is_cut_to_its_length(db: TestDatabase) {
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let held_back = Effects { requeue: vec![SegmentId(0)], backoff: HOUR, ..Effects::default() };
    append(&db.store, sweep, held_back).await;
    db.execute("update segments set expires_ms = expires_ms + 7200000").await;
    assert_eq!(db.store.cut_leases(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(db.store.cut_leases(Duration::ZERO).await.unwrap(), 0, "an hour is left");
    assert_eq!(db.store.claim(claim("w", HOUR)).await.unwrap(), None);
}

async fn the_age_of_what_waits_is_never_below_zero(db: TestDatabase) {
    create_with(&db.store, vec![segment(0)]).await;
    db.execute("update segments set queued_ms = queued_ms + 3600000").await;
    let depths = db.store.depths().await.unwrap();
    assert_eq!((depths.queued, depths.oldest), (1, Duration::ZERO));
}
