//! Settings, one struct per concern. A field's doc comment is its help text, and its name in
//! the environment stands beside its flag, so that all three are read in one place.

mod connections;
mod empty;
pub mod numbers;
mod retention;
mod server;

pub use connections::Connections;
pub use empty::without_empty;
pub use retention::Retention;
pub use server::{Credential, DEFAULT_SERVER, Server, Trust, file_server, server_url};

use crate::{
    access::{DEFAULT_RATE, OpenTo},
    base_path::BasePath,
};
use bytesize::ByteSize;
use clap::{Args, ValueEnum, builder::FalseyValueParser};
use numbers::{ANY, cores, whole};
use std::{
    net::{SocketAddr, ToSocketAddrs},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where a server listens unless told otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:7878";

/// Where the server listens.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Network")]
pub struct Listen {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, env = "FLOODGAUGE_LISTEN", value_name = "ADDRESS", default_value = DEFAULT_LISTEN, value_parser = socket_address)]
    pub listen: SocketAddr,
    /// Listen on an address that other machines reach even while there is no token: until the
    /// first one is made, whoever reaches it can do everything
    #[arg(long, env = "FLOODGAUGE_INSECURE_OPEN", value_parser = FalseyValueParser::new())]
    pub insecure_open: bool,
    /// Path that the page and the API lie below as well, such as /floodgauge, for a proxy that
    /// hands it on
    #[arg(long, env = "FLOODGAUGE_BASE_PATH", value_name = "PATH")]
    pub base_path: Option<BasePath>,
    /// Requests a second of a token that has no --rate of its own, over a while; bursts may be ten
    /// times as many; 0 for no bound
    #[arg(long, env = "FLOODGAUGE_RATE_LIMIT", value_name = "N", default_value_t = DEFAULT_RATE, value_parser = whole::<u32>(ANY))]
    pub rate_limit: u32,
}

impl Listen {
    /// An address of this machine alone.
    pub fn on(listen: SocketAddr) -> Self {
        Self { listen, insecure_open: false, base_path: None, rate_limit: DEFAULT_RATE }
    }

    /// To whom the server is open while there is no token.
    pub fn open_to(&self) -> OpenTo {
        match (self.insecure_open, self.listen.ip().is_loopback()) {
            (true, _) => OpenTo::Everyone,
            (false, true) => OpenTo::ThisMachine,
            (false, false) => OpenTo::Nobody,
        }
    }

    /// Refuses an address that others reach while there is no token, unless that was asked for; `create` is
    /// the command that makes one.
    ///
    /// # Errors
    /// Says what to do instead.
    pub fn check(&self, has_tokens: bool, create: &str) -> Result<(), String> {
        if has_tokens || self.open_to() != OpenTo::Nobody {
            return Ok(());
        }
        Err(format!(
            "{} can be reached from other machines, and there are no tokens, so whoever reaches \
             it could submit, cancel and delete; make a token first ({create}), listen on 127.0.0.1, \
             or add --insecure-open if the network is yours alone",
            self.listen
        ))
    }
}

/// The folder of the database where none is named.
pub const DEFAULT_DATA_DIR: &str = "floodgauge-data";

/// Where the server keeps what it knows.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Storage")]
pub struct Storage {
    /// Folder of the SQLite database and of the blobs
    #[arg(
        long,
        env = "FLOODGAUGE_DATA_DIR",
        value_name = "FOLDER",
        default_value = DEFAULT_DATA_DIR
    )]
    pub data_dir: PathBuf,
    /// Database instead of SQLite in the folder of --data-dir: postgres://user@host/name, or sqlite://path
    #[arg(long, env = "FLOODGAUGE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Folder of the blobs (checkpoints, data sets) instead of `blobs` in the folder of --data-dir
    #[arg(long, env = "FLOODGAUGE_BLOBS", value_name = "FOLDER")]
    pub blobs: Option<PathBuf>,
}

impl Storage {
    /// Everything in one folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self { data_dir: folder.into(), database_url: None, blobs: None }
    }

    /// The URL of the database, that of the data folder too.
    ///
    /// # Errors
    /// Says what a URL must begin with.
    pub fn url(&self) -> Result<String, String> {
        let url = match &self.database_url {
            Some(url) => url.clone(),
            None => format!("sqlite:{}", self.sqlite_file().display()),
        };
        match ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme)) {
            true => Ok(url),
            false => Err("--database-url must begin with sqlite: or postgres://".into()),
        }
    }

    /// The database's file, where no URL names another database.
    pub fn sqlite_file(&self) -> PathBuf {
        self.data_dir.join("floodgauge.db")
    }

    /// Where workers inside this process keep data sets.
    pub fn cache(&self) -> Cache {
        Cache { folder: Some(self.data_dir.join("cache")), gib: DEFAULT_CACHE_GIB }
    }

    /// The folder of the blobs.
    pub fn blob_folder(&self) -> PathBuf {
        self.blobs.clone().unwrap_or_else(|| self.data_dir.join("blobs"))
    }
}

/// How the server hands out work.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Work")]
pub struct Work {
    /// Workers inside this process; 0 leaves all training to `floodgauge worker` elsewhere
    #[arg(long, env = "FLOODGAUGE_WORKERS", value_name = "N", default_value_t = DEFAULT_WORKERS, value_parser = whole::<u16>(0..=u16::MAX.into()))]
    pub workers: u16,
    /// Seconds after which work is taken from a worker that has gone silent
    #[arg(long, env = "FLOODGAUGE_LEASE_TTL", value_name = "SECONDS", default_value_t = DEFAULT_LEASE_TTL_S, value_parser = whole::<u32>(2..=3600))]
    pub lease_ttl: u32,
    /// How long a seed that was begun on one kind of machine waits for one of that kind, such as 1h;
    /// then it starts over on another, if there is one; `never` lets it wait for ever
    #[arg(long, env = "FLOODGAUGE_START_OVER_AFTER", value_name = "TIME", default_value = DEFAULT_START_OVER_AFTER, value_parser = time_or_never)]
    pub start_over_after: StartOverAfter,
}

/// After how long without a machine of its kind a family starts over on another; none for never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartOverAfter(pub Option<Duration>);

impl StartOverAfter {
    /// What holds unless a server is told otherwise.
    pub fn by_default() -> Self {
        time_or_never(DEFAULT_START_OVER_AFTER).unwrap_or(Self(None))
    }
}

/// Reads a time such as `1h`, or `never`.
fn time_or_never(text: &str) -> Result<StartOverAfter, String> {
    match text {
        "never" => Ok(StartOverAfter(None)),
        text => time(text).map(|time| StartOverAfter(Some(time))),
    }
}

/// Reads a time such as `30d` or `1h 30m`; a day has 24 hours.
fn time(text: &str) -> Result<Duration, String> {
    let invalid = |_| "expected a time such as 30m, 12h or 30d".to_owned();
    let span: jiff::Span = text.parse().map_err(invalid)?;
    let time = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(invalid)?;
    time.try_into().map_err(|_| "expected a time that isn't below zero, such as 30m".into())
}

const DEFAULT_LEASE_TTL_S: u32 = 15;

/// Longer than a machine takes to be started anew, shorter than people wait for a sweep. Chosen, not
/// measured.
const DEFAULT_START_OVER_AFTER: &str = "1h";

/// One worker where this build can train, none where it can't.
const DEFAULT_WORKERS: u16 = if cfg!(feature = "worker") { 1 } else { 0 };

impl Work {
    /// One worker in this process, with work taken back as soon as by default.
    pub fn one_worker() -> Self {
        let start_over_after = StartOverAfter(None);
        Self { workers: 1, lease_ttl: DEFAULT_LEASE_TTL_S, start_over_after }
    }

    /// How long a lease lasts without a sign of life.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_ttl.into())
    }
}

/// How a process that trains ends.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Work")]
pub struct Drain {
    /// Seconds that training may take, once the process is told to end, to reach the end of its
    /// epoch and hand in what it has; what doesn't, goes on elsewhere from where it was saved
    #[arg(long = "drain-timeout", env = "FLOODGAUGE_DRAIN_TIMEOUT", value_name = "SECONDS", default_value_t = DEFAULT_DRAIN_TIMEOUT_S, value_parser = whole::<u32>(ANY))]
    pub seconds: u32,
}

const DEFAULT_DRAIN_TIMEOUT_S: u32 = 20;

impl Drain {
    /// As long as by default.
    pub fn default_timeout() -> Self {
        Self { seconds: DEFAULT_DRAIN_TIMEOUT_S }
    }

    /// How long it may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

const DEFAULT_DATA: &str = "data";

/// Where the server finds the files of data sets that aren't built in.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Data")]
pub struct Data {
    /// Folder with a folder for each data set that comes as files, such as mnist
    #[arg(long = "data", env = "FLOODGAUGE_DATA", value_name = "FOLDER", default_value = DEFAULT_DATA)]
    pub folder: PathBuf,
}

impl Data {
    /// No folder that was asked for; what is built in is enough.
    pub fn none() -> Self {
        Self { folder: DEFAULT_DATA.into() }
    }
}

/// Where a worker keeps the data sets that it fetches from its server.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Data")]
pub struct Cache {
    /// Folder that keeps fetched data sets; workers of one user may share it [default: floodgauge in the
    /// user's cache folder]
    #[arg(long = "cache", env = "FLOODGAUGE_CACHE", value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Gibibytes to keep there; the least lately used make room
    #[arg(long = "cache-size", env = "FLOODGAUGE_CACHE_SIZE", value_name = "GIB", default_value_t = DEFAULT_CACHE_GIB, value_parser = whole::<u32>(ANY))]
    pub gib: u32,
}

const DEFAULT_CACHE_GIB: u32 = 8;

impl Cache {
    /// The folder that was asked for, or else one of the user's.
    pub fn folder(&self) -> PathBuf {
        let set =
            |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let users = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
        let default = || users().unwrap_or_else(std::env::temp_dir).join("floodgauge");
        self.folder.clone().unwrap_or_else(default)
    }

    /// The bytes to keep there.
    pub fn max_bytes(&self) -> u64 {
        u64::from(self.gib) << 30
    }
}

/// What a worker trains on, and how much of it it may use.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Machine")]
pub struct Machine {
    /// How many processor cores to use; all by default
    #[arg(long, env = "FLOODGAUGE_THREADS", value_name = "N", value_parser = cores)]
    pub threads: Option<NonZeroUsize>,
    /// Memory that training and its data may take, such as 2GiB; half of the machine's by default.
    /// Less of it makes training slower, but changes no result
    #[arg(long, env = "FLOODGAUGE_MEMORY", value_name = "SIZE", value_parser = memory)]
    pub memory: Option<ByteSize>,
    /// Device to train on: flex, the CPU, whose results repeat to the bit; or what this build has of cpu,
    /// cuda, cuda:1 and so on, wgpu, wgpu:0 and so on
    #[arg(
        long,
        env = "FLOODGAUGE_DEVICE",
        value_name = "DEVICE",
        default_value = DEFAULT_DEVICE
    )]
    pub device: String,
    /// Workers that share what of this isn't given.
    #[arg(skip = 1u16)]
    pub shared_by: u16,
}

const DEFAULT_DEVICE: &str = "flex";

impl Machine {
    /// An even share of the processor's cores and of the memory for each of `workers`.
    pub fn share(workers: u16) -> Self {
        let workers = workers.max(1);
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = NonZeroUsize::new(cores / usize::from(workers));
        Self {
            threads: Some(threads.unwrap_or(NonZeroUsize::MIN)),
            memory: None,
            device: DEFAULT_DEVICE.into(),
            shared_by: workers,
        }
    }
}

/// Reads an amount of memory, not so little that it must be a slip.
fn memory(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text.parse().map_err(|_| "expected a size such as 2GiB or 500MB")?;
    if size < MIN_MEMORY {
        return Err(format!("at least {MIN_MEMORY} are needed, not {size}"));
    }
    Ok(size)
}

const MIN_MEMORY: ByteSize = ByteSize::mib(1);

/// What is logged, to standard error.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Log")]
pub struct Log {
    /// What to log: a level, or levels by module, such as `info,floodgauge=debug`
    #[arg(long = "log", env = "FLOODGAUGE_LOG", value_name = "FILTER")]
    pub filter: Option<String>,
    /// How to write the log
    #[arg(
        long = "log-format",
        env = "FLOODGAUGE_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub format: LogFormat,
}

/// How to write the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people
    Text,
    /// A JSON object a line
    Json,
}

/// Reads `host:port`, names such as `localhost` included.
///
/// # Errors
/// Says what is wrong with it.
pub fn socket_address(text: &str) -> Result<SocketAddr, String> {
    let shaped = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let Some((host, _)) = shaped.filter(|(_, port)| port.parse::<u16>().is_ok()) else {
        return Err(format!(
            "expected an address and a port from 0 to 65535, as in {DEFAULT_LISTEN}"
        ));
    };
    let found = text.to_socket_addrs().ok().and_then(|mut found| found.next());
    found.ok_or_else(|| {
        format!(
            "`{host}` isn't an address, and no machine is known by that name; 127.0.0.1 is this one"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_a_port() {
        assert_eq!(socket_address("127.0.0.1:0").unwrap().port(), 0);
        for wrong in
            ["127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:http", "127.0.0.1:70000", "[::1]"]
        {
            let refused = socket_address(wrong).unwrap_err();
            assert!(refused.ends_with("port from 0 to 65535, as in 127.0.0.1:7878"), "{refused}");
        }
        let unknown = socket_address("256.0.0.1.invalid:80").unwrap_err();
        assert!(unknown.starts_with("`256.0.0.1.invalid` isn't an address"), "{unknown}");
    }

    #[test]
    fn a_time_has_units() {
        assert_eq!(time("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(time("1h 30m"), Ok(Duration::from_secs(5_400)));
        for wrong in ["30", "soon", "-1h"] {
            assert!(time(wrong).unwrap_err().starts_with("expected a time"), "{wrong}");
        }
    }

    #[test]
    fn memory_is_an_amount_for_people() {
        assert_eq!(memory("2GiB").unwrap().as_u64(), 2 << 30);
        assert_eq!(memory("500 MB").unwrap().as_u64(), 500_000_000);
        assert_eq!(memory("much").unwrap_err(), "expected a size such as 2GiB or 500MB");
        assert!(memory("2").unwrap_err().contains("2 B"));
    }

    #[test]
    fn workers_in_one_process_share_its_cores() {
        let cores = std::thread::available_parallelism().unwrap();
        assert_eq!(Machine::share(1).threads, Some(cores));
        assert_eq!(Machine::share(u16::MAX).threads, Some(NonZeroUsize::MIN));
    }

    #[test]
    fn only_loopback_is_open_without_asking() {
        let listen = |address: &str, insecure_open| Listen {
            insecure_open,
            ..Listen::on(address.parse().unwrap())
        };
        assert_eq!(listen("127.0.0.1:0", false).open_to(), OpenTo::ThisMachine);
        assert_eq!(listen("[::1]:0", false).open_to(), OpenTo::ThisMachine);
        let everywhere = listen("0.0.0.0:80", true);
        assert_eq!(everywhere.open_to(), OpenTo::Everyone);
        assert!(everywhere.check(false, "make one").is_ok());
        let refusal = listen("0.0.0.0:80", false).check(false, "make one").unwrap_err();
        for words in ["--insecure-open", "0.0.0.0:80", "make a token first (make one)"] {
            assert!(refusal.contains(words), "{refusal}");
        }
        assert!(listen("0.0.0.0:80", false).check(true, "make one").is_ok());
    }

    #[test]
    fn everything_lies_in_the_data_folder_unless_told_otherwise() {
        let mut storage = Storage::in_folder(Path::new("here"));
        assert_eq!(storage.sqlite_file(), Path::new("here/floodgauge.db"));
        assert_eq!(storage.blob_folder(), Path::new("here/blobs"));
        assert_eq!(storage.cache().folder(), Path::new("here/cache"));
        storage.blobs = Some("elsewhere".into());
        assert_eq!(storage.blob_folder(), Path::new("elsewhere"));
    }
}
