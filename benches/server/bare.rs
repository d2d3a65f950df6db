//! What the database does without us: one connection, transactions of 21 rows of figures and one
//! of text, each made durable.

use super::{ROWS, latency::Latencies};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Database, Executor, PgConnection,
    Postgres, Sqlite,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    fs::File,
    io::{Seek as _, Write as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// About as long as an event of 21 rows.
const EVENT: usize = 3_500;

/// What a `Disk` writes each time, and how often.
const BLOCK: usize = 8_192;
const PACE: Duration = Duration::from_millis(20);

/// What the disk does without a database: small durable writes over and over into a file that
/// is there already, counted from when they were due, as posts are.
pub struct Disk {
    stop: Arc<AtomicBool>,
    writing: thread::JoinHandle<Latencies>,
}

impl Disk {
    pub fn start(folder: &Path) -> Self {
        let mut file = File::create(folder.join("disk.bin")).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let writing = thread::spawn(move || {
            let (mut latencies, block) = (Latencies::default(), [1; BLOCK]);
            file.write_all(&block).unwrap();
            file.sync_all().unwrap();
            let began = Instant::now();
            for number in 0.. {
                let due = began + PACE * number;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                file.rewind().unwrap();
                file.write_all(&block).unwrap();
                file.sync_data().unwrap();
                latencies.add(due.elapsed());
            }
            latencies
        });
        Self { stop, writing }
    }

    pub fn finish(self) -> Latencies {
        self.stop.store(true, Ordering::Relaxed);
        self.writing.join().unwrap()
    }
}

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
