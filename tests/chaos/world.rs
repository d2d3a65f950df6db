//! The processes that sweeps run on: a server on SQLite, or two on a Postgres of their own, and two
//! workers that reach them through a proxy each. All of them show tokens, and go by one clock.

use super::{
    clock::Clock,
    data,
    process::{Process, run},
    proxy::{Hold, Proxy},
    support::postgres,
};
use backon::{ExponentialBuilder, Retryable as _};
use floodgauge::{
    access::{Kind, Secret},
    blobs::{BlobError, Blobs},
    client::{Client, ClientError},
    store::{self, DynStore},
};
use floodgauge_protocol::{SweepId, SweepSpec};
use reqwest::StatusCode;
use std::{
    ffi::OsString,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::timeout;
use uuid::Uuid;

/// After what time work is taken from a silent worker.
pub const LEASE_TTL: Duration = Duration::from_secs(2);

/// After what time without a machine of its kind a family starts over on another.
pub const START_OVER_AFTER: Duration = Duration::from_secs(4);

pub const WORKERS: usize = 2;

/// So little that a data set can't be kept, and yet more than a worker writes to see whether its disk works.
const BROKEN_DISK: &str = "131072";

/// How long a server may say that it can't answer just now.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where servers keep what they know.
pub enum Database {
    Sqlite,
    Postgres { server: Box<postgres::Server>, url: String },
}

impl Database {
    pub fn sqlite() -> Self {
        Self::Sqlite
    }

    /// A Postgres server of its own, since it is going to be killed.
    pub async fn postgres() -> Self {
        let server = Box::new(postgres::another_server());
        let url = server.new_database().await;
        Self::Postgres { server, url }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres { .. })
    }

    pub fn name(&self) -> &'static str {
        if self.is_postgres() { "Postgres" } else { "SQLite" }
    }

    /// The flags that lead a program to it.
    fn flags(&self, folder: &Path) -> Vec<String> {
        let mut flags = vec!["--data-dir".to_owned(), folder.to_str().unwrap().to_owned()];
        if let Self::Postgres { url, .. } = self {
            flags.extend(["--database-url".to_owned(), url.clone()]);
        }
        flags
    }
}

/// A server and where it listens.
struct Served {
    process: Process,
    address: SocketAddr,
}

/// Servers and their workers.
pub struct World {
    pub database: Database,
    /// The folder of the blobs.
    pub blobs: PathBuf,
    /// A store on the same database, as another program would open it.
    pub store: DynStore,
    pub url: String,
    pub clock: Clock,
    servers: Vec<Served>,
    workers: Vec<Process>,
    /// What lies between each worker and its server.
    proxies: Vec<Proxy>,
    /// Tokens of clients and of workers.
    client: Secret,
    worker: Secret,
    folder: TempDir,
    named: usize,
}

impl World {
    pub async fn start(database: Database) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, scope: &str| {
            let flags = database.flags(folder.path());
            let flags: Vec<_> = flags.iter().map(String::as_str).collect();
            let make = [&["token", "create", name, "--scope", scope], &flags[..]].concat();
            Secret::read(Kind::Token, run(&make, &[]).trim()).unwrap()
        };
        let (client, worker) = (make("client", "submit"), make("worker", "worker"));
        let url = match &database {
            Database::Sqlite => {
                format!("sqlite://{}", folder.path().join("floodgauge.db").display())
            }
            Database::Postgres { url, .. } => url.clone(),
        };
        let mut world = Self {
            blobs: folder.path().join("blobs"),
            store: store::open(&url).await.unwrap(),
            url,
            clock: Clock::new(folder.path()),
            servers: Vec::new(),
            workers: Vec::new(),
            proxies: Vec::new(),
            client,
            worker,
            folder,
            named: 0,
            database,
        };
        for _ in 0..if world.database.is_postgres() { 2 } else { 1 } {
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            world.servers.push(Served { process: world.serve(address), address });
        }
        world.add_data();
        for which in 0..WORKERS {
            world.proxies.push(Proxy::start(world.address(which)).await);
            world.workers.push(world.new_worker(which, "cache"));
        }
        world
    }

    /// Uploads what the sweeps train on.
    fn add_data(&self) {
        let file = self.folder.path().join(format!("{}.csv", data::NAME));
        std::fs::write(&file, data::table()).unwrap();
        let server = format!("http://{}", self.address(0));
        let add = ["dataset", "add", file.to_str().unwrap(), "--server", &server];
        run(&add, &[("FLOODGAUGE_TOKEN", self.client.reveal().into())]);
    }

    pub fn server(&self, which: usize) -> &Process {
        &self.servers[which % self.servers.len()].process
    }

    /// What lies between a worker and its server.
    pub fn proxy(&self, which: usize) -> &Proxy {
        &self.proxies[which % WORKERS]
    }

    pub fn worker(&self, which: usize) -> &Process {
        &self.workers[which % WORKERS]
    }

    /// Where a server listens.
    pub fn address(&self, which: usize) -> SocketAddr {
        self.servers[which % self.servers.len()].address
    }

    /// The token that clients show.
    pub fn client_token(&self) -> &str {
        self.client.reveal()
    }

    /// The token that workers show.
    pub fn worker_token(&self) -> &str {
        self.worker.reveal()
    }

    /// Reaches a server itself.
    pub fn client(&self, which: usize) -> Client {
        let address = self.address(which);
        let client = Client::new(format!("http://{address}/").parse().unwrap()).unwrap();
        client.with_token(self.client.reveal())
    }

    /// Kills a server, and starts another in its place.
    pub fn replace_server(&mut self, which: usize) {
        let which = which % self.servers.len();
        self.servers[which].process.kill();
        self.servers[which].process = self.serve(self.servers[which].address);
    }

    /// Kills a worker, and starts another in its place.
    pub fn replace_worker(&mut self, which: usize) {
        self.workers[which % WORKERS].kill();
        self.start_worker(which, "cache");
    }

    /// Kills a worker, and starts another in its place that can't keep a data set; answers its name.
    pub fn break_disk(&mut self, which: usize) -> String {
        self.workers[which % WORKERS].kill();
        let cache = format!("broken-{}", self.named);
        self.start_worker(which, &cache);
        self.worker(which).bound_files(BROKEN_DISK);
        self.name(which)
    }

    /// Has the disk of a worker work again.
    pub fn mend_disk(&self, which: usize) {
        self.worker(which).bound_files("unlimited");
    }

    /// Kills all workers.
    pub fn kill_workers(&mut self) {
        self.workers.iter_mut().for_each(Process::kill);
    }

    /// Starts a worker in the place of one that was killed.
    pub fn start_worker(&mut self, which: usize, cache: &str) {
        self.named += 1;
        self.workers[which % WORKERS] = self.new_worker(which, cache);
    }

    /// Stops Postgres by a mode of its own, and starts it again.
    pub fn restart_database(&mut self, mode: &str) {
        let Database::Postgres { server, .. } = &mut self.database else { unreachable!("{mode}") };
        server.restart(mode);
    }

    /// Has no file grow until a server has said so often that it is unavailable; whether it did in
    /// time.
    pub async fn fill_disk(&self, times: u64, bound: Duration, held: Hold) -> bool {
        let mut unavailable: Vec<_> = self.proxies.iter().map(Proxy::unavailable).collect();
        let said = unavailable.iter_mut().map(|unavailable| {
            let until = *unavailable.borrow_and_update() + times;
            Box::pin(async move { unavailable.wait_for(|count| *count >= until).await.map(drop) })
        });
        let said = futures::future::select_all(said);
        for server in &self.servers {
            server.process.bound_files("4096");
        }
        drop(held);
        let said = timeout(bound, said).await;
        for server in &self.servers {
            server.process.bound_files("unlimited");
        }
        said.is_ok()
    }

    /// No process may end but by our hand, and no server may be at a loss.
    pub fn check(&mut self) {
        for server in &mut self.servers {
            assert!(!server.process.has_ended(), "a server ended by itself");
        }
        let faults = self.proxies.iter().map(Proxy::faults).sum::<u64>();
        assert_eq!(faults, 0, "a server answered 500");
        for worker in &mut self.workers {
            assert!(!worker.has_ended(), "a worker ended by itself");
        }
    }

    /// Submits a sweep; the key has it made once, whatever is done to the server at this moment.
    pub async fn submit(&self, spec: &SweepSpec) -> SweepId {
        let (client, key) = (self.client(0), Uuid::new_v4().to_string());
        let submit = || async { client.submit(spec, Some(&key)).await };
        let gone = ClientError::is_transient;
        let made = timeout(PATIENCE, submit.retry(patience()).when(gone)).await;
        made.expect("it takes no sweep").unwrap().value.summary.id
    }

    /// The body of an answer that must be one in the end.
    pub async fn get(&self, path: &str) -> String {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}{path}", self.address(0));
        let get = || async {
            let request = http.get(&url).bearer_auth(self.client.reveal());
            request.send().await?.error_for_status()?.text().await
        };
        let gone = |error: &reqwest::Error| {
            error.status().is_none_or(|status| status == StatusCode::SERVICE_UNAVAILABLE)
        };
        let got = timeout(PATIENCE, get.retry(patience()).when(gone)).await;
        got.expect("it doesn't answer").unwrap()
    }

    /// Deletes the blobs that nothing refers to, at once: nobody waits for a second look.
    pub async fn collect(&self) {
        let blobs = Blobs::open(&self.blobs).unwrap();
        let collect = || async { blobs.collect(&*self.store).await };
        let busy = |error: &BlobError| matches!(error, BlobError::Store(_));
        let collected = timeout(PATIENCE, collect.retry(patience()).when(busy)).await;
        collected.expect("the database doesn't answer").unwrap();
    }

    /// Ends all processes but the database, workers first.
    pub fn end(&mut self) {
        self.workers.clear();
        self.servers.clear();
    }

    fn new_worker(&self, which: usize, cache: &str) -> Process {
        let (url, name) = (self.proxy(which).url(), self.name(which));
        let cache = self.folder.path().join(cache);
        let arguments = ["worker", "--server", &url, "--name", &name, "--threads", "1"];
        // One saves after each epoch, the other loses what it has trained.
        let save_every = ["0", "3600"][which % WORKERS];
        let flags = ["--save-every", save_every, "--log", "error", "--cache"];
        let arguments = [&arguments[..], &flags, &[cache.to_str().unwrap()]].concat();
        Process::start(&arguments, &self.environment(Some(&self.worker)))
    }

    /// What the newest worker in a place is called.
    fn name(&self, which: usize) -> String {
        format!("worker-{}-{}", which % WORKERS, self.named)
    }

    fn serve(&self, address: SocketAddr) -> Process {
        let address = address.to_string();
        let ttl = LEASE_TTL.as_secs().to_string();
        let after = format!("{}s", START_OVER_AFTER.as_secs());
        let mut arguments = vec!["serve", "--listen", &address, "--workers", "0", "--log", "error"];
        let flags = self.database.flags(self.folder.path());
        arguments.extend(flags.iter().map(String::as_str));
        arguments.extend(["--lease-ttl", &ttl, "--start-over-after", &after]);
        Process::listening(&arguments, &self.environment(None))
    }

    fn environment(&self, token: Option<&Secret>) -> Vec<(&'static str, OsString)> {
        let token = token.map(|token| ("FLOODGAUGE_TOKEN", token.reveal().into()));
        self.clock.environment().into_iter().chain(token).collect()
    }
}

fn patience() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .without_max_times()
}
