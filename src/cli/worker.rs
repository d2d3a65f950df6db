//! `floodgauge worker`: claims work from a server, trains it and reports. The workers inside
//! `serve` and `demo` are the same, and reach their server the same way.

use super::Failure;
use crate::{
    access::Secret,
    client::Authorities,
    config::{
        Cache, Drain, Log, Machine, Server,
        numbers::{ANY, whole},
    },
};
use reqwest::Url;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Train for a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge worker --server http://gauge.example:7878
  FLOODGAUGE_TOKEN=fg_… floodgauge worker --server https://gauge.example --ca-file our-ca.pem
  floodgauge worker --name big-machine --threads 8 --memory 16GiB --cache /srv/cache
  floodgauge worker --device cuda:1")]
pub struct Args {
    #[command(flatten)]
    server: Server,
    /// The worker's name, for people; the machine's name and the process's number by default
    #[arg(long, env = "FLOODGAUGE_WORKER_NAME", value_name = "NAME", value_parser = worker_name)]
    name: Option<String>,
    /// End once there is nothing to claim
    #[arg(long = "drain")]
    when_idle: bool,
    /// Seconds between two uploads of what is being trained; no more than that, and an epoch, is
    /// lost with the worker
    #[arg(long, env = "FLOODGAUGE_SAVE_EVERY", value_name = "SECONDS", default_value_t = DEFAULT_SAVE_EVERY_S, value_parser = whole::<u32>(ANY))]
    save_every: u32,
    #[command(flatten)]
    drain: Drain,
    #[command(flatten)]
    machine: Machine,
    #[command(flatten)]
    cache: Cache,
    #[command(flatten)]
    log: Log,
}

const DEFAULT_SAVE_EVERY_S: u32 = 30;

/// What a worker is to be.
#[cfg_attr(
    not(feature = "worker"),
    expect(dead_code, reason = "a build that can't train reads none of it")
)]
pub(super) struct Setup<'a> {
    pub server: &'a Url,
    pub token: Option<&'a Secret>,
    pub authorities: Authorities,
    pub name: String,
    pub machine: &'a Machine,
    pub cache: &'a Cache,
    pub save_every: Duration,
}

impl<'a> Setup<'a> {
    /// One of the workers inside a server.
    pub fn embedded(
        server: &'a Url,
        token: Option<&'a Secret>,
        name: String,
        machine: &'a Machine,
        cache: &'a Cache,
    ) -> Self {
        let save_every = Duration::from_secs(DEFAULT_SAVE_EVERY_S.into());
        // It reaches its server past all networks.
        let authorities = Authorities::default();
        Self { server, token, authorities, name, machine, cache, save_every }
    }
}

/// When a worker is to end.
#[derive(Clone, Default)]
#[cfg_attr(
    not(feature = "worker"),
    expect(dead_code, reason = "a build that can't train reads none of it")
)]
pub(super) struct Ending {
    /// In order, handing in what it trains.
    pub drain: CancellationToken,
    /// At once.
    pub shutdown: CancellationToken,
    /// Once there is nothing to claim.
    pub when_idle: bool,
}

impl Ending {
    /// Drains, and shuts down if that takes too long.
    pub async fn drain_within(&self, timeout: Duration) {
        self.drain.cancel();
        tokio::time::sleep(timeout).await;
        self.shutdown.cancel();
    }
}

/// Runs `worker`, until Ctrl-C or SIGTERM. A server that is out of reach is waited for.
///
/// # Errors
/// A build that can't train; a device or a file that can't be used; a server that refuses to give work.
pub async fn run(args: Args) -> Result<(), Failure> {
    let _logging = super::log::start(&args.log, "info", "floodgauge-worker")?;
    super::signals::outlive_file_limits();
    let ending = Ending { when_idle: args.when_idle, ..Ending::default() };
    let token = args.server.credential.secret().map_err(Failure::BadInput)?;
    let setup = Setup {
        server: &args.server.url,
        token: token.as_ref(),
        authorities: args.server.trust.authorities().map_err(Failure::BadInput)?,
        name: args.name.unwrap_or_else(default_name),
        machine: &args.machine,
        cache: &args.cache,
        save_every: Duration::from_secs(args.save_every.into()),
    };
    let training = train(setup, ending.clone())?;
    tokio::spawn(async move {
        super::signals::interrupted().await;
        ending.drain_within(args.drain.timeout()).await;
    });
    training.await
}

/// A worker that works until its ending.
///
/// # Errors
/// A build that can't train; an address or a device that can't be used.
#[cfg(feature = "worker")]
pub(super) fn train(
    setup: Setup<'_>,
    ending: Ending,
) -> Result<impl Future<Output = Result<(), Failure>> + Send + 'static + use<>, Failure> {
    use anyhow::Context as _;
    use floodgauge_worker::{
        client::Retry,
        device::{self, DeviceError, DeviceName},
        memory,
        runner::{self, Worker, WorkerConfig},
    };

    let bad = |error: DeviceError| Failure::BadInput(format!("--device: {error}"));
    let machine = setup.machine;
    let device: DeviceName = machine.device.parse().map_err(bad)?;
    let threads = machine.threads;
    let share = || memory::half() / u64::from(machine.shared_by);
    let bytes = machine.memory.map_or_else(share, |memory| memory.as_u64());
    let machine = threads.map_or_else(device::Machine::default, device::Machine::new);
    let machine = machine.with_memory(bytes).on(device).map_err(bad)?;
    let config = WorkerConfig {
        server: setup.server.to_string(),
        token: setup.token.map(|token| token.reveal().to_owned()),
        name: setup.name,
        cache: runner::Cache { folder: setup.cache.folder(), max_bytes: setup.cache.max_bytes() },
        machine,
        retry: Retry::default(),
        authorities: setup.authorities,
        save_every: setup.save_every,
    };
    let worker = Worker::new(config).context("the worker can't be set up")?;
    let Ending { drain, shutdown, when_idle } = ending;
    let ending = runner::Ending { drain, shutdown, when_idle };
    Ok(async move { Ok(worker.run(ending).await.context("the server gives no work")?) })
}

/// A build without the worker trains nothing.
///
/// # Errors
/// Always.
#[cfg(not(feature = "worker"))]
pub(super) fn train(
    Setup { server: _, token: _, authorities: _, name: _, machine: _, cache: _, save_every: _ }: Setup<'_>,
    Ending { drain: _, shutdown: _, when_idle: _ }: Ending,
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
