//! The processes that sweeps run on: a server on SQLite, or two on a Postgres of their own, and two
//! workers that reach them through a proxy each. All of them show tokens.

use super::{
    process::{Process, run},
    proxy::Proxy,
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
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::timeout;
use uuid::Uuid;

/// After what time work is taken from a silent worker.
pub const LEASE_TTL: Duration = Duration::from_secs(2);

const WORKERS: usize = 2;

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

/// A server, and what lies between it and its worker.
struct Served {
    process: Process,
    address: SocketAddr,
    proxy: Proxy,
}

/// Servers and their workers.
pub struct World {
    pub database: Database,
    /// The folder of the blobs.
    pub blobs: PathBuf,
    /// A store on the same database, as another program would open it.
    pub store: DynStore,
    pub url: String,
    servers: Vec<Served>,
    workers: Vec<Process>,
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
            let made = run(&[&["token", "create", name, "--scope", scope], &flags[..]].concat());
            Secret::read(Kind::Token, made.trim()).unwrap()
        };
        let (client, worker) = (make("client", "submit"), make("worker", "worker"));
        let mut servers = Vec::new();
        for _ in 0..if database.is_postgres() { 2 } else { 1 } {
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let process = serve(&database, address, folder.path());
            let proxy = Proxy::start(address).await;
            servers.push(Served { process, address, proxy });
        }
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
            database,
            servers,
            workers: Vec::new(),
            client,
            worker,
            folder,
            named: 0,
        };
        world.workers.extend((0..WORKERS).map(|which| world.new_worker(which)).collect::<Vec<_>>());
        world
    }

    pub fn server(&self, which: usize) -> &Process {
        &self.servers[which % self.servers.len()].process
    }

    pub fn proxy(&self, which: usize) -> &Proxy {
        &self.servers[which % self.servers.len()].proxy
    }

    pub fn worker(&self, which: usize) -> &Process {
        &self.workers[which % WORKERS]
    }

    /// Reaches a server itself.
    pub fn client(&self, which: usize) -> Client {
        let address = self.servers[which % self.servers.len()].address;
        let client = Client::new(format!("http://{address}/").parse().unwrap()).unwrap();
        client.with_token(self.client.reveal())
    }

    /// Kills a server, and starts another in its place.
    pub fn replace_server(&mut self, which: usize) -> bool {
        let which = which % self.servers.len();
        let server = &mut self.servers[which];
        server.process.kill();
        server.process = serve(&self.database, server.address, self.folder.path());
        true
    }

    /// Kills a worker, and starts another in its place.
    pub fn replace_worker(&mut self, which: usize) -> bool {
        let which = which % WORKERS;
        self.workers[which].kill();
        self.named += 1;
        self.workers[which] = self.new_worker(which);
        true
    }

    /// Stops Postgres by a mode of its own, and starts it again.
    pub fn restart_database(&mut self, mode: &str) -> bool {
        let Database::Postgres { server, .. } = &mut self.database else { return false };
        server.restart(mode);
        true
    }

    /// Has no file grow until a server has said so often that it is unavailable; whether it did in
    /// time.
    pub async fn fill_disk(&self, times: u64, bound: Duration) -> bool {
        let mut unavailable: Vec<_> =
            self.servers.iter().map(|server| server.proxy.unavailable()).collect();
        let said = unavailable.iter_mut().map(|unavailable| {
            let until = *unavailable.borrow_and_update() + times;
            Box::pin(async move { unavailable.wait_for(|count| *count >= until).await.map(drop) })
        });
        let said = futures::future::select_all(said);
        for server in &self.servers {
            server.process.bound_files("4096");
        }
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
            assert_eq!(server.proxy.faults(), 0, "a server answered 500");
        }
        for worker in &mut self.workers {
            assert!(!worker.has_ended(), "a worker ended by itself");
        }
    }

    /// Submits a sweep; the key has it made once, whatever is done to the server at this moment.
    pub async fn submit(&self, spec: &SweepSpec) -> SweepId {
        let (client, key) = (self.client(0), Uuid::new_v4().to_string());
        let submit = || async { client.submit(spec, Some(&key)).await };
        let gone = ClientError::passes;
        let made = timeout(PATIENCE, submit.retry(patience()).when(gone)).await;
        made.expect("it takes no sweep").unwrap().value.summary.id
    }

    /// The body of an answer that must be one in the end.
    pub async fn get(&self, path: &str) -> String {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}{path}", self.servers[0].address);
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

    fn new_worker(&self, which: usize) -> Process {
        let (url, name) = (self.proxy(which).url(), format!("worker-{which}-{}", self.named));
        let arguments = ["worker", "--server", &url, "--name", &name, "--threads", "1"];
        // One saves after each epoch, the other loses what it has trained.
        let save_every = ["0", "3600"][which];
        let flags = ["--save-every", save_every, "--log", "error"];
        Process::start(&[&arguments[..], &flags].concat(), Some(self.worker.reveal()))
    }
}

fn patience() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .without_max_times()
}

fn serve(database: &Database, address: SocketAddr, folder: &Path) -> Process {
    let (address, ttl) = (address.to_string(), LEASE_TTL.as_secs().to_string());
    let mut arguments = vec!["serve", "--listen", &address, "--workers", "0", "--log", "error"];
    let flags = database.flags(folder);
    arguments.extend(flags.iter().map(String::as_str));
    arguments.extend(["--lease-ttl", &ttl]);
    Process::listening(&arguments)
}
