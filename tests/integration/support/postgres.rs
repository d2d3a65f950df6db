//! One real Postgres for this test process, on a free port of the loopback interface, in a
//! folder of its own; it ends with the process, even one that is killed.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{
    io::{BufRead, BufReader, Read, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};
use uuid::Uuid;

/// A Postgres server that runs until this is dropped.
pub struct Server {
    url: String,
    // The server runs until this closes.
    held: ChildStdin,
    said: BufReader<ChildStdout>,
}

static SERVER: LazyLock<Result<Server, String>> = LazyLock::new(|| start(false));
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Makes an empty database; answers its URL.
pub async fn new_database() -> String {
    match &*SERVER {
        Ok(server) => server.new_database().await,
        Err(said) => panic!("Postgres doesn't start: {said}"),
    }
}

/// Another server beside the one that all tests share.
pub fn another_server() -> Server {
    start(false).unwrap_or_else(|said| panic!("Postgres doesn't start: {said}"))
}

/// A server whose commits survive a power cut, as a real one's do.
#[allow(dead_code, reason = "only the benchmark needs it")]
pub fn durable_server() -> Server {
    start(true).unwrap_or_else(|said| panic!("Postgres doesn't start: {said}"))
}

/// A command of one of Postgres' programs.
pub fn command(name: &str) -> Command {
    Command::new(programs().unwrap().join(name))
}

impl Server {
    #[allow(dead_code, reason = "only the chaos tests harm it")]
    /// Stops it by a mode of `pg_ctl`, `fast` or `immediate`, and starts it again.
    pub fn restart(&mut self, mode: &str) {
        writeln!(self.held, "{mode}").unwrap();
        assert!(is_ready(&mut self.said), "Postgres doesn't start again");
    }

    /// Has log files to write into, as a server has that has run for a while: they are made at the
    /// moment when one is wanted, which takes long, and used again later.
    #[allow(dead_code, reason = "only the benchmark needs it")]
    pub async fn warm_up(&self) {
        // Half of what it keeps to use again.
        const FILES: usize = 32;
        let mut admin = PgConnection::connect(&format!("{}/postgres", self.url)).await.unwrap();
        for _ in 0..FILES {
            let next = "select pg_logical_emit_message(false, '', ''), pg_switch_wal()";
            sqlx::query(next).execute(&mut admin).await.unwrap();
        }
        sqlx::query("checkpoint").execute(&mut admin).await.unwrap();
        admin.close().await.unwrap();
    }

    /// Makes an empty database; answers its URL.
    pub async fn new_database(&self) -> String {
        let server = &self.url;
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let mut admin = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
        let sql = AssertSqlSafe(format!("create database {name}"));
        sqlx::query(sql).execute(&mut admin).await.unwrap();
        admin.close().await.unwrap();
        format!("{server}/{name}")
    }
}

fn start(durable: bool) -> Result<Server, String> {
    // Between finding a port free and using it, another process may take it.
    (0..5)
        .map(|_| try_start(durable))
        .find(|started| !matches!(started, Err(said) if said.contains("Address already in use")))
        .unwrap_or_else(|| Err("no port stays free".into()))
}

fn try_start(durable: bool) -> Result<Server, String> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let password = Uuid::new_v4().simple().to_string();
    let mut shell = shell(&programs()?)?
        .args([port.to_string().as_str(), if durable { "on" } else { "off" }])
        .env("PGPASSWORD", &password)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut said = BufReader::new(shell.stdout.take().unwrap());
    if !is_ready(&mut said) {
        return Err(complaint(shell));
    }
    let url = format!("postgres://floodgauge:{password}@127.0.0.1:{port}");
    Ok(Server { url, held: shell.stdin.take().unwrap(), said })
}

fn is_ready(said: &mut impl BufRead) -> bool {
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    line.trim() == "ready"
}

fn complaint(mut shell: Child) -> String {
    let mut said = String::new();
    shell.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    shell.wait().unwrap();
    said
}

/// A shell that will run the script, as a user whom Postgres accepts, with its programs in PATH.
fn shell(programs: &Path) -> Result<Command, String> {
    const SCRIPT: &str = include_str!("postgres.sh");
    let mut command = if id(&["-u"]).as_deref() == Some("0") {
        // Postgres refuses to run as root.
        let user = ["postgres", "nobody"].into_iter().find(|user| id(&["-u", user]).is_some());
        let user = user.ok_or("it won't run as root, and there is no `postgres` or `nobody`")?;
        let group = id(&["-g", user]).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", user, "--regid", &group, "--clear-groups", "sh"]);
        // Root's own temporary folder may be closed to that user.
        command.env_remove("TMPDIR");
        command
    } else {
        Command::new("sh")
    };
    let path = std::env::var("PATH").unwrap_or_default();
    command.args(["-c", SCRIPT, "postgres.sh"]);
    command.env("PATH", format!("{}:{path}", programs.display()));
    Ok(command)
}

fn id(arguments: &[&str]) -> Option<String> {
    let output = Command::new("id").args(arguments).output().expect("the program `id`");
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// The folder of `initdb` and `pg_ctl`. Debian keeps them out of PATH, a folder a version.
fn programs() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort();
    folders.extend(std::env::split_paths(&path));
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
        .ok_or_else(|| "its programs aren't here; install the package `postgresql`".into())
}
