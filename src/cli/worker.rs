//! `floodgauge worker`: claims work from a server, trains it and reports. The workers inside
//! `serve` and `demo` are the same, and reach their server the same way.

use super::Failure;
use crate::{
    access::Secret,
    config::{Cache, Log, Server},
};
use reqwest::Url;
use tokio_util::sync::CancellationToken;

/// Train for a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge worker --server http://gauge.example:7878
  FLOODGAUGE_TOKEN=fg_… floodgauge worker --server https://gauge.example
  floodgauge worker --name big-machine --threads 8 --cache /srv/cache")]
pub struct Args {
    #[command(flatten)]
    server: Server,
    /// The worker's name, for people; the machine's name and the process's number by default
    #[arg(long, env = "FLOODGAUGE_WORKER_NAME", value_name = "NAME", value_parser = worker_name)]
    name: Option<String>,
    /// How many processor cores to use; all by default
    #[arg(long, env = "FLOODGAUGE_THREADS", value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
    #[command(flatten)]
    cache: Cache,
    #[command(flatten)]
    log: Log,
}

/// Runs `worker`, until Ctrl-C or SIGTERM. A server that is out of reach is waited for.
///
/// # Errors
/// A build that can't train; a server that refuses to give work.
pub async fn run(args: Args) -> Result<(), Failure> {
    super::log::start(&args.log, "info")?;
    let shutdown = CancellationToken::new();
    let name = args.name.unwrap_or_else(default_name);
    let token = args.server.credential.secret().map_err(Failure::BadInput)?;
    let (url, cache) = (&args.server.url, &args.cache);
    let training = train(url, token.as_ref(), name, args.threads, cache, shutdown.clone())?;
    tokio::spawn(async move {
        super::signals::interrupted().await;
        shutdown.cancel();
    });
    training.await
}

/// A worker for the server at `server`, which shows `token` and works until `shutdown`.
///
/// # Errors
/// A build that can't train; an address that can't be used.
#[cfg(feature = "worker")]
pub(super) fn train(
    server: &Url,
    token: Option<&Secret>,
    name: String,
    threads: Option<std::num::NonZeroUsize>,
    cache: &Cache,
    shutdown: CancellationToken,
) -> Result<impl Future<Output = Result<(), Failure>> + Send + 'static + use<>, Failure> {
    use anyhow::Context as _;
    use floodgauge_worker::{
        client::Retry,
        device::Machine,
        runner::{self, Worker, WorkerConfig},
    };

    let config = WorkerConfig {
        server: server.to_string(),
        token: token.map(|token| token.reveal().to_owned()),
        name,
        cache: runner::Cache { folder: cache.folder(), most_bytes: cache.most_bytes() },
        machine: threads.map_or_else(Machine::default, Machine::new),
        retry: Retry::default(),
    };
    let worker = Worker::new(config).context("the worker can't be set up")?;
    Ok(async move { Ok(worker.run(shutdown).await.context("the server gives no work")?) })
}

/// A build without the worker trains nothing.
///
/// # Errors
/// Always.
#[cfg(not(feature = "worker"))]
pub(super) fn train(
    _server: &Url,
    _token: Option<&Secret>,
    _name: String,
    _threads: Option<std::num::NonZeroUsize>,
    _cache: &Cache,
    _shutdown: CancellationToken,
) -> Result<std::future::Ready<Result<(), Failure>>, Failure> {
    Err(Failure::BadInput(
        "this build can't train, it was made without the feature `worker`; \
         run `floodgauge serve --workers 0` and train with another build"
            .into(),
    ))
}

/// The machine's name and the process's number.
fn default_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::env::var("HOSTNAME").map_err(std::io::Error::other))
        .unwrap_or_else(|_| "worker".into());
    let host: String = host.trim().chars().take(80).collect();
    format!("{host}-{}", std::process::id())
}

fn worker_name(name: &str) -> Result<String, String> {
    match name.chars().count() {
        1..=100 => Ok(name.into()),
        count => Err(format!("1 to 100 characters are allowed, not {count}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_has_a_name_that_the_server_takes() {
        assert!(worker_name(&default_name()).is_ok());
        assert!(worker_name("").is_err());
        assert!(worker_name(&"x".repeat(101)).unwrap_err().contains("101"));
    }
}
