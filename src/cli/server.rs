//! A whole server in this process: database, blobs, HTTP, and workers that talk to it by its
//! own address.

use super::{
    Failure, housekeeping, limits,
    worker::{self, Ending, Setup},
};
use crate::{
    blobs::Blobs,
    config::{Connections, Data, Drain, Listen, Machine, Retention, Storage, Work},
    driver::{Driver, DriverConfig},
    http::{self, AppState, ConnectionBounds, access::Gate},
    store::{self, DynStore, SqliteStore},
};
use anyhow::Context as _;
use reqwest::Url;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long workers may take to stop at once.
const STOPPING: Duration = Duration::from_secs(10);

/// What a server is to be like.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// Where it keeps what it knows.
    pub storage: &'a Storage,
    /// How it hands out work.
    pub work: &'a Work,
    /// Where it finds the files of data sets.
    pub data: &'a Data,
    /// Who may reach it.
    pub listen: &'a Listen,
    /// How many connections it keeps, and for how long.
    pub connections: Connections,
    /// How long what ended sweeps leave behind is kept.
    pub retention: Retention,
}

/// A server that runs.
pub struct Server {
    /// Where it answers, for clients on this machine.
    pub url: Url,
    serving: JoinHandle<io::Result<()>>,
    driver: Driver,
    workers: TaskTracker,
    ending: Ending,
    closing: CancellationToken,
}

impl Server {
    /// Opens the blobs, and starts to answer on `listener`.
    ///
    /// # Errors
    /// Whatever can't be opened; workers asked of a build that can't train.
    pub async fn start(
        listener: TcpListener,
        store: DynStore,
        settings: Settings<'_>,
    ) -> Result<Self, Failure> {
        let Settings { storage, work, data, listen, connections, retention } = settings;
        let folder = storage.blob_folder();
        if Blobs::is_bare(&folder).context("the folder of the blobs can't be read")?
            && store.has_blobs().await.context("the blobs can't be looked up")?
        {
            return Err(Failure::BadInput(format!(
                "the database has blobs, and their folder {0} is empty: is its disk mounted, and is it the \
                 right one (--blobs)?\nIf they are lost, put any file into {0} and start again: what needs \
                 them is trained again",
                folder.display()
            )));
        }
        let blobs = Blobs::open(&folder)
            .with_context(|| format!("the blobs in {} can't be opened", folder.display()))?;
        let config = DriverConfig {
            lease_ttl: work.lease(),
            data: data.folder.clone(),
            start_over_after: work.start_over_after.0,
            data_dir: Some(storage.data_dir.clone()),
        };
        let driver = Driver::new(store, blobs, config);

        let (ending, closing) = (Ending::default(), CancellationToken::new());
        let address = listener.local_addr().context("the listener has no address")?;
        let url = local_url(address)?;
        let internal = Gate::internal_secret()?;
        let gate = Gate::new(listen.open_to()).with_rate(listen.rate_limit);
        let gate = gate.with_internal(&internal);
        let app = http::app(AppState::new(driver.clone(), closing.clone()).with_gate(gate));
        let app = match &listen.base_path {
            Some(base) => http::below(base.clone(), app),
            None => app,
        };
        let closed = closing.clone().cancelled_owned();
        let serving = http::serve_within(bounds(connections), listener, app, closed);
        let serving = tokio::spawn(serving);
        let house = housekeeping::run(driver.clone(), retention);
        tokio::spawn(closing.clone().run_until_cancelled_owned(house));
        tokio::spawn(closing.clone().run_until_cancelled_owned(driver.clone().listen()));

        let workers = TaskTracker::new();
        let machine = Machine::share(work.workers);
        let cache = storage.cache();
        for number in 1..=work.workers {
            let name = format!("embedded-{number}");
            let setup = Setup::embedded(&url, Some(&internal), name, &machine, &cache);
            let training = worker::train(setup, ending.clone())?;
            workers.spawn(async move {
                if let Err(failure) = training.await {
                    tracing::error!(%failure, "an embedded worker stopped");
                }
            });
        }
        workers.close();
        Ok(Self { url, serving, driver, workers, ending, closing })
    }

    /// Waits until `enough` resolves or the server can't go on, then ends all in order: no more
    /// work is given out, workers here and elsewhere hand in what they have at the end of their
    /// epoch, those here drop what takes longer than `drain` (it is given out again once its lease
    /// has expired), streams tell what was committed, requests in flight are answered.
    ///
    /// # Errors
    /// Those of `enough`; the listener's trouble.
    pub async fn run_until(
        mut self,
        enough: impl Future<Output = Result<(), Failure>>,
        drain: &Drain,
    ) -> Result<(), Failure> {
        let outcome = tokio::select! {
            outcome = enough => outcome,
            ended = &mut self.serving => {
                self.ending.shutdown.cancel();
                self.closing.cancel();
                ended.context("the server broke down")?.context("the server can't go on")?;
                return Ok(());
            }
        };
        self.driver.drain();
        self.ending.drain.cancel();
        let drained = async { tokio::join!(self.driver.drained(), self.workers.wait()) };
        if tokio::time::timeout(drain.timeout(), drained).await.is_err() {
            tracing::warn!("not all work was handed in in time");
        }
        self.ending.shutdown.cancel();
        if tokio::time::timeout(STOPPING, self.workers.wait()).await.is_err() {
            tracing::warn!("a worker didn't stop in time");
        }
        self.closing.cancel();
        self.serving.await.context("the server broke down")?.context("the server can't go on")?;
        outcome
    }
}

/// The bounds that were set, as far as the system lets this process have them.
fn bounds(set: Connections) -> ConnectionBounds {
    let asked = usize::try_from(set.most.get()).unwrap_or(usize::MAX);
    let connections = limits::connections().map_or(asked, |fit| asked.min(fit));
    if connections < asked {
        tracing::info!(connections, asked, "few files may be open, so few connections");
    }
    ConnectionBounds {
        connections,
        head: set.head(),
        idle: set.idle(),
        body: set.body(),
        write: set.write(),
        least_rate: set.bytes_a_second(),
    }
}

/// Opens the database, with its tables.
///
/// # Errors
/// What the database says; never its password.
pub async fn open_store(storage: &Storage) -> Result<DynStore, Failure> {
    let url = storage.url().map_err(Failure::BadInput)?;
    if storage.database_url.is_none() {
        let file = storage.sqlite_file();
        let open = SqliteStore::open(&file).await;
        let store =
            open.with_context(|| format!("the database {} can't be opened", file.display()))?;
        return Ok(Arc::new(store));
    }
    Ok(store::open(&url).await.context("the database of --database-url can't be opened")?)
}

/// Opens the database, which must be there.
///
/// # Errors
/// [`Failure::BadInput`] if it isn't; what the database says.
pub async fn open_existing(storage: &Storage) -> Result<DynStore, Failure> {
    existing_url(storage)?;
    open_store(storage).await
}

/// The URL of the database, which must be there: who asks about one, or changes what it has, wants no new
/// one.
///
/// # Errors
/// [`Failure::BadInput`] if it isn't.
pub fn existing_url(storage: &Storage) -> Result<String, Failure> {
    let url = storage.url().map_err(Failure::BadInput)?;
    match store::sqlite_file(&url).context("--database-url")? {
        Some(file) if !file.exists() => Err(Failure::BadInput(format!(
            "there is no database {}: name the server's folder (--data-dir) or its database \
             (--database-url)",
            file.display()
        ))),
        _ => Ok(url),
    }
}

/// The address that this machine reaches a listener by.
fn local_url(mut address: SocketAddr) -> Result<Url, Failure> {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(Url::parse(&format!("http://{address}/")).context("the listener's address")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_on_this_machine_reach_a_server_that_listens_everywhere() {
        let url = |address: &str| local_url(address.parse().unwrap()).unwrap().to_string();
        assert_eq!(url("0.0.0.0:80"), "http://127.0.0.1/");
        assert_eq!(url("127.0.0.1:7878"), "http://127.0.0.1:7878/");
        assert_eq!(url("[::]:7878"), "http://[::1]:7878/");
    }

    #[tokio::test]
    async fn a_database_of_another_kind_is_bad_input_and_its_password_is_not_told() {
        let mut storage = Storage::in_folder(std::path::Path::new("nowhere"));
        storage.database_url = Some("mysql://me:secret@db/x".into());
        let Err(failure) = open_store(&storage).await else { panic!("opened") };
        let expected = "--database-url must begin with sqlite: or postgres://";
        assert!(matches!(&failure, Failure::BadInput(text) if text == expected));
    }
}
