//! The store on a SQLite file: one writer at a time, and readers beside it.

use super::{
    Clock, Depth, Integrity, Notification, StoreError,
    clock::Reading,
    integrity,
    place::Place,
    sql::{Dialect, Notifier, SqlStore, Upkeep, inspect::SelfKnowledge},
};
use async_trait::async_trait;
use futures::stream::BoxStream;
use sqlx::{
    ConnectOptions as _, Connection as _, Sqlite, SqliteConnection,
    migrate::Migrator,
    pool::PoolConnectionMetadata,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    ffi::{OsStr, OsString},
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// A store on a SQLite file.
pub type SqliteStore = SqlStore<Sqlite>;

/// Readers beside the writer.
const MAX_READERS: u32 = 4;

/// How long a writer waits for another one, of this process or of others: clients are told to come
/// back before they give up by themselves.
const BUSY: Duration = Duration::from_secs(10);

/// Nobody is notified: there is one server on a file, and its own watchers hear of its commits.
pub struct NoNotifier;

#[async_trait]
impl Notifier for NoNotifier {
    fn notify(&self, _: Notification) {}

    async fn subscribe(&self) -> Result<Option<BoxStream<'static, Notification>>, StoreError> {
        Ok(None)
    }
}

/// Whether a file can be made beside a database.
fn is_writable(database: &Path) -> bool {
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
    tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).is_ok()
}

/// Looks at the file past the connections that are used otherwise.
pub struct FileUpkeep {
    options: SqliteConnectOptions,
    anew: Anew,
    place: Arc<Place>,
}

#[async_trait]
impl Upkeep for FileUpkeep {
    async fn check_integrity(
        &self,
        depth: Depth,
        bound: Duration,
    ) -> Result<Integrity, StoreError> {
        let looked = integrity::of_sqlite(&self.options, &self.place, depth, bound).await;
        // What a connection remembers of a page may be what was damaged, or what was mended.
        self.anew.forget_earlier();
        looked
    }

    fn check_place(&self) -> Result<(), StoreError> {
        self.place.check()
    }
}

/// Since when connections must have been opened to be used, if there is such a time.
#[derive(Clone, Default)]
struct Anew(Arc<Mutex<Option<Instant>>>);

impl Anew {
    fn forget_earlier(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn allows(&self, age: Duration) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_none_or(|since| age < since.elapsed())
    }
}

impl Dialect for Sqlite {
    type Notifier = NoNotifier;
    type Upkeep = FileUpkeep;
    // Immediate: a transaction that reads first and can't write then would have to start anew.
    const BEGIN: &str = "begin immediate";
    const LOCK_ROW: &str = "";
    const LOCK_SEGMENT: &str = "";
    // One writer: entries are seen in the order of their ids.
    const ENTRIES_AFTER: &str = "with sized as ( \
             select id, octet_length(event) + octet_length(decisions) as size from events \
             where $1 >= 0 and id > $2 order by id limit $3), \
         summed as (select sum(size) over (order by id) - size as before from sized) \
         select 0 as transaction_id, id, sweep, seq, at_ms, event, decisions from events \
         where $1 >= 0 and id > $2 order by id \
         limit (select count(*) from summed where before < $4)";
    const NEWEST_ENTRY: &str =
        "select 0 as transaction_id, id from events order by id desc limit 1";
}

impl SelfKnowledge for Sqlite {
    const MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");
    const HAS_MIGRATIONS: &str = "select name from sqlite_schema where name = '_sqlx_migrations'";
    const CHECKSUM: &str = "hex(checksum)";
    const SIZE: &str =
        "select page_count * page_size as size from pragma_page_count, pragma_page_size";
    const WALL: &str = "select cast(round(unixepoch('subsec') * 1000) as integer) as now_ms";
    const LISTENERS: &str = "select 0 as listeners";
}

/// Whether a connection is out of its transaction; one that isn't is closed, and another opened.
///
/// SQLite itself rolls a transaction back that it can't write, on a full disk, say. The library
/// then fails to do so again, and takes the connection to be within one for ever.
async fn is_free(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // Commands are done in turn: a rollback that was asked for is over once this is answered.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Gives a new connection a clock of its own in the place of the database's, and has it acknowledge an entry only
/// once that would survive a power cut. It is the first to read anything of the file.
async fn set_up(db: &mut SqliteConnection, clock: &Clock) -> Result<(), sqlx::Error> {
    let sql = "pragma synchronous = full; \
               create temp table clock (now_ms integer not null, steady_ms integer not null); \
               insert into temp.clock values (0, 0)";
    sqlx::raw_sql(sql).execute(&mut *db).await?;
    set_clock(db, clock).await
}

/// Sets a connection's clock, which stands still while the connection is used: for one verb.
async fn set_clock(db: &mut SqliteConnection, clock: &Clock) -> Result<(), sqlx::Error> {
    let Reading { now_ms, steady_ms } = clock.read();
    let sql = "update temp.clock set now_ms = $1, steady_ms = $2";
    sqlx::query(sql).bind(now_ms).bind(steady_ms).execute(db).await.map(drop)
}

/// So many connections to a file that go by a clock. All are opened at once, and stay: where the file was taken
/// away, what is open is all that there is of it, and another that took its place must not even be read. Beside it
/// may lie the `-wal` of the first, which SQLite would replay into it and then delete. So a connection that has to
/// be opened later reads nothing before the place was checked: its options set no journal mode, which would.
fn pool(clock: &Clock, anew: &Anew, place: &Arc<Place>, size: u32) -> SqlitePoolOptions {
    let (new, used, anew) = (clock.clone(), clock.clone(), anew.clone());
    let (of_new, of_used) = (place.clone(), place.clone());
    let options = SqlitePoolOptions::new().acquire_timeout(BUSY);
    let options = options.max_connections(size).min_connections(size);
    let options = options.max_lifetime(None).idle_timeout(None);
    let options = options.after_connect(move |db, _| {
        let (clock, found) = (new.clone(), of_new.check());
        Box::pin(async move {
            found.map_err(|error| sqlx::Error::Io(io::Error::other(error)))?;
            set_up(db, &clock).await
        })
    });
    // That the clock can be set shows that the connection is there.
    options.test_before_acquire(false).before_acquire(
        move |db, PoolConnectionMetadata { age, .. }| {
            // None is given up that can't be opened anew.
            let allowed = anew.allows(age) || of_used.check().is_err();
            let clock = used.clone();
            Box::pin(async move {
                match allowed {
                    true => set_clock(db, &clock).await.map(|()| true),
                    false => Ok(false),
                }
            })
        },
    )
}

/// How often to see whether another process has made the tables meanwhile.
const SETTING_UP: Duration = Duration::from_millis(20);

/// Keeps other processes from opening a database that is just being made: of two that make it at once
/// one would fail. The lock ends with what is answered, or with the process.
async fn lock_setup(database: &Path) -> Result<File, sqlx::Error> {
    let name = database.file_name().unwrap_or_default();
    let name = [name, OsStr::new("-setup")].into_iter().collect::<OsString>();
    let mut options = File::options();
    options.create(true).write(true).truncate(false);
    let file = options.open(database.with_file_name(name))?;
    let deadline = Instant::now() + BUSY;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(SETTING_UP).await,
            Err(TryLockError::WouldBlock) => return Err(sqlx::Error::PoolTimedOut),
            // Some file systems have no locks: then only the first start is at risk.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
}

/// The file that a database url names; none if it names no file.
///
/// # Errors
/// A `sqlite:` url that can't be read.
pub fn sqlite_file(url: &str) -> Result<Option<PathBuf>, StoreError> {
    if !url.starts_with("sqlite:") || url.contains(":memory:") {
        return Ok(None);
    }
    Ok(Some(SqliteConnectOptions::from_str(url)?.get_filename().into()))
}

impl SqlStore<Sqlite> {
    /// Opens the file that a `sqlite:` URL names, as [`SqliteStore::open`] does.
    ///
    /// # Errors
    /// The URL's, the file's or a migration's trouble.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::with(SqliteConnectOptions::from_str(url)?, Clock::of_system()).await
    }

    /// Opens a database file, with its folder and tables if they are missing.
    ///
    /// # Errors
    /// The file's or a migration's trouble.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_by(Clock::of_system(), path).await
    }

    /// Opens a database file as [`open`](Self::open) does; its time is that of a clock.
    ///
    /// # Errors
    /// As of [`open`](Self::open).
    pub async fn open_by(clock: Clock, path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::with(SqliteConnectOptions::new().filename(path), clock).await
    }

    /// Opens the file that a `sqlite:` URL names as it is. Nothing can be written unless it is to be
    /// repaired.
    ///
    /// # Errors
    /// A file that is missing or can't be read.
    pub(super) async fn open_as_it_is(
        url: &str,
        clock: Clock,
        repair: bool,
    ) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::from_str(url)?.create_if_missing(false);
        let options = match repair {
            true => options.foreign_keys(true),
            // A folder where nothing can be written has no place for what readers share: then there is
            // no writer either, whose pages would have to be waited for.
            false => {
                let mut wal = options.get_filename().as_os_str().to_owned();
                wal.push("-wal");
                let alone = !is_writable(options.get_filename()) && !Path::new(&wal).exists();
                options.read_only(true).immutable(alone)
            }
        };
        let (options, anew) = (options.busy_timeout(BUSY), Anew::default());
        // A pool would try again and again, and not say why it can't.
        let opening = match repair {
            // Who writes a sweep anew reads its log meanwhile, past what isn't committed yet.
            true => options.clone().journal_mode(SqliteJournalMode::Wal),
            false => options.clone(),
        };
        let mut first = opening.connect().await?;
        sqlx::query("select count(*) from sqlite_schema").execute(&mut first).await?;
        let place = Arc::new(Place::of(options.get_filename()));
        first.close().await?;
        let readers = pool(&clock, &anew, &place, MAX_READERS);
        let (reader, writer) = match repair {
            true => {
                let writer = pool(&clock, &anew, &place, 1);
                let writer = writer.connect_with(options.clone()).await?;
                (readers.connect_with(options.clone().read_only(true)).await?, writer)
            }
            // Nothing can be written over these.
            false => {
                let reader = readers.connect_with(options.clone()).await?;
                (reader.clone(), reader)
            }
        };
        let upkeep = FileUpkeep { options, anew, place };
        Ok(Self { reader, writer, notifier: NoNotifier, upkeep })
    }

    async fn with(options: SqliteConnectOptions, clock: Clock) -> Result<Self, StoreError> {
        if let Some(folder) = options.get_filename().parent() {
            tokio::fs::create_dir_all(folder).await.map_err(sqlx::Error::Io)?;
        }
        let _setup = lock_setup(options.get_filename()).await?;
        let options = options.create_if_missing(true).foreign_keys(true).busy_timeout(BUSY);
        // Over a connection that has no clock of its own, which would be taken for the tables'. The file keeps the
        // journal mode.
        let migrating = options.clone().journal_mode(SqliteJournalMode::Wal);
        let mut migrating = migrating.synchronous(SqliteSynchronous::Full).connect().await?;
        Sqlite::MIGRATIONS.run(&mut migrating).await?;
        let place = Arc::new(Place::of(options.get_filename()));
        migrating.close().await?;
        // From here on it is there: where it isn't, nothing is made in its place.
        let options = options.create_if_missing(false);
        let anew = Anew::default();
        let writer = pool(&clock, &anew, &place, 1);
        let writer = writer.after_release(|connection, _| Box::pin(is_free(connection)));
        let writer = writer.connect_with(options.clone()).await?;
        let reader = pool(&clock, &anew, &place, MAX_READERS);
        // Not by `query_only`: their clocks are set.
        let reading = options.clone().read_only(true);
        let reader = reader.connect_with(reading).await?;
        let upkeep = FileUpkeep { options, anew, place };
        Ok(Self { writer, reader, notifier: NoNotifier, upkeep })
    }
}
