//! Claims segments, trains them and reports, until told to stop.
//!
//! A segment ends in one of four ways. **Finished**: rows reported, checkpoints uploaded, `finish`
//! posted; a worker that is drained does so at the end of its epoch. **Failed**: it can't be trained here (bad data, a panic, a refusal), and `fail` tells
//! the server why. **Lost**: the server gave the lease away; training stops at its next step and
//! nothing more is sent. **Shut down**: the same, but by our own will; the lease then expires by
//! itself and its segment is gone on with by others, since lost is not failed. So that little is lost
//! then, the states of its runs are uploaded every so often. Only a server that refuses
//! the claim itself ends the loop with an error: waiting would not change its mind.

mod data_cache;
mod data_files;
mod lease;
mod trainer;
mod training;

pub use data_files::Cache;
pub use floodgauge_net::Authorities;
pub use trainer::{Inputs, LocalTrainer, Trainer};

use crate::{
    client::{Client, ClientError, Retry, SetupError, chain},
    cohort::Ended,
    device::Machine,
    trace,
};
use data_files::DataFiles;
use floodgauge_protocol::{
    Branch, Digest,
    segment::Start,
    work::{Assignment, ClaimRequest, Fail, Finish, Lease},
};
use futures::{StreamExt, TryStreamExt, stream};
use lease::HeldLease;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::{Instant, sleep_until};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;
use training::Training;

/// How long the server may let a claim wait, in seconds.
const CLAIM_WAIT_S: u32 = 25;
/// The least time between two claims that find nothing, should a server not wait at all.
const CLAIM_PAUSE: Duration = Duration::from_secs(1);
/// Blobs in transfer at a time.
const TRANSFERS_AT_ONCE: usize = 4;
/// The most characters of a failure's message.
const MAX_MESSAGE_CHARS: usize = 2_000;

/// How to set up a [`Worker`].
#[derive(Clone)]
pub struct WorkerConfig {
    /// The server's address, which may hold a path prefix.
    pub server: String,
    /// The token that the server asks for, if it does.
    pub token: Option<String>,
    /// The worker's name, for people; 1 to 100 characters.
    pub name: String,
    /// Where to keep the data sets that are fetched.
    pub cache: Cache,
    /// What to train on.
    pub machine: Machine,
    /// How to meet a server that doesn't answer.
    pub retry: Retry,
    /// Whose certificates are taken beside those of the system's authorities.
    pub authorities: Authorities,
    /// How often the states of what it trains are saved on the server.
    pub save_every: Duration,
}

/// How often states are saved unless told otherwise: work of no more than that, and an epoch, is
/// lost with a worker.
pub const SAVE_EVERY: Duration = Duration::from_secs(30);

/// How a worker comes to its end.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// Cancelled to end in order: nothing more is claimed, and what is being trained is handed in
    /// at the end of its epoch.
    pub drain: CancellationToken,
    /// Cancelled to end at once.
    pub shutdown: CancellationToken,
    /// Whether to end once there is nothing to claim.
    pub when_idle: bool,
}

impl From<CancellationToken> for Ending {
    /// Ends at once.
    fn from(shutdown: CancellationToken) -> Self {
        Self { shutdown, ..Self::default() }
    }
}

/// Trains what a server has to train, one segment at a time.
#[derive(Clone, Debug)]
pub struct Worker {
    client: Client,
    name: String,
    trainer: Arc<dyn Trainer>,
    files: Arc<DataFiles>,
    save_every: Duration,
}

/// How a segment ended other than by being finished.
enum Cut {
    Lost,
    Shutdown,
    Failed(String),
}

impl From<ClientError> for Cut {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::LeaseLost => Self::Lost,
            other => Self::Failed(chain(&other)),
        }
    }
}

impl Worker {
    /// A worker that trains in this process.
    ///
    /// # Errors
    /// When the address or the token can't be used.
    pub fn new(config: WorkerConfig) -> Result<Self, SetupError> {
        let client = Client::trusting(&config.server, config.retry, &config.authorities)?;
        let client = client.with_token(config.token)?;
        let trainer = Arc::new(LocalTrainer::new(config.machine));
        let worker = Self::with_trainer(client, config.name, config.cache, trainer);
        Ok(Self { save_every: config.save_every, ..worker })
    }

    /// A worker that leaves the training to `trainer`.
    pub fn with_trainer(
        client: Client,
        name: String,
        cache: Cache,
        trainer: Arc<dyn Trainer>,
    ) -> Self {
        let files = Arc::new(DataFiles::new(cache));
        Self { client, name, trainer, files, save_every: SAVE_EVERY }
    }

    /// The same worker, saving states that often.
    #[must_use]
    pub fn saving_every(self, save_every: Duration) -> Self {
        Self { save_every, ..self }
    }

    /// Works until told to end; returns once the training thread has ended too.
    ///
    /// Needs a tokio runtime with IO and time. When the future is dropped, training ends at its
    /// next step.
    ///
    /// # Errors
    /// When the server refuses to give work at all, or can't be reached as often as
    /// [`WorkerConfig::retry`] allows.
    pub async fn run(&self, ending: impl Into<Ending>) -> Result<(), ClientError> {
        let ending = ending.into();
        let request = ClaimRequest {
            worker: self.name.clone(),
            fingerprint: self.trainer.fingerprint(),
            wait_s: if ending.when_idle { 0 } else { CLAIM_WAIT_S },
        };
        tracing::info!(
            worker = self.name,
            server = self.client.server(),
            fingerprint = request.fingerprint,
            "waiting for work"
        );
        while let Some(assignment) = self.claim(&request, &ending).await? {
            let segment = &assignment.segment;
            let span = tracing::info_span!(
                "segment",
                sweep = %assignment.sweep,
                segment = %segment.segment,
                lease = %assignment.lease.lease,
                attempt = assignment.lease.attempt,
                worker = self.name,
            );
            trace::follow(&span, assignment.traceparent.as_deref());
            self.serve(Arc::new(assignment), &ending).instrument(span).await;
        }
        tracing::info!(worker = self.name, "shut down");
        Ok(())
    }

    /// Waits for an assignment; none when the worker is to end.
    async fn claim(
        &self,
        request: &ClaimRequest,
        ending: &Ending,
    ) -> Result<Option<Assignment>, ClientError> {
        let wait = async {
            loop {
                let next = Instant::now() + CLAIM_PAUSE;
                let claimed = self.client.claim(request).await?;
                if claimed.is_some() || ending.when_idle {
                    return Ok(claimed);
                }
                sleep_until(next).await;
            }
        };
        tokio::select! {
            biased;
            () = ending.shutdown.cancelled() => Ok(None),
            () = ending.drain.cancelled() => Ok(None),
            claimed = wait => claimed,
        }
    }

    /// Sees a segment through to one of its ends.
    async fn serve(&self, assignment: Arc<Assignment>, ending: &Ending) {
        let shutdown = &ending.shutdown;
        let started = Instant::now();
        let segment = &assignment.segment;
        tracing::info!(
            family = %segment.family,
            branches = segment.branches.len(),
            from_step = segment.from_step,
            to_step = segment.to_step,
            "claimed"
        );
        let threads = TaskTracker::new();
        let work = self.work(&assignment, &ending.drain, &threads);
        let end = shutdown.run_until_cancelled(work).await.unwrap_or(Err(Cut::Shutdown));
        // However it ended, the next segment finds the machine free.
        threads.close();
        threads.wait().await;
        match end {
            Ok(rows) => {
                let seconds = started.elapsed().as_secs_f64();
                let rate = rows as f64 / seconds.max(1e-3);
                tracing::info!(rows, seconds, rows_per_s = rate.round(), "finished");
            }
            Err(Cut::Lost) => tracing::warn!("lost: the server gave the lease away"),
            Err(Cut::Shutdown) => tracing::info!("dropped on shutdown; its lease will expire"),
            Err(Cut::Failed(message)) => {
                tracing::error!(failure = message, "failed");
                self.fail(&assignment.lease, message, shutdown).await;
            }
        }
    }

    /// Fetches, trains, reports, uploads and finishes. Says how many rows it reported.
    async fn work(
        &self,
        assignment: &Arc<Assignment>,
        drain: &CancellationToken,
        threads: &TaskTracker,
    ) -> Result<usize, Cut> {
        let mut lease = HeldLease::new(&self.client, assignment, drain.clone());
        let inputs = lease.during(self.fetch(assignment)).await?;
        let (trainer, stops) = (self.trainer.clone(), lease.stops());
        let (training, news) =
            Training::start(threads, trainer, assignment.clone(), inputs, stops, self.save_every);
        let reported = lease.forward(news).await?;
        let ended = training.end().await?;
        lease.during(upload(&self.client, &assignment.lease, &ended)).await?;
        let branches = ended.into_iter().map(|ended| ended.branch).collect();
        self.client.finish(&assignment.lease, &Finish { branches }).await?;
        Ok(reported)
    }

    /// The data set that an assignment is pinned to and the checkpoints that it starts from.
    async fn fetch(&self, assignment: &Assignment) -> Result<Inputs, ClientError> {
        let lease = &assignment.lease;
        let data = match assignment.recipe.dataset.pin {
            Some(pin) => Some(self.files.get(&self.client, lease, pin.sha256).await?),
            None => None,
        };
        let digests: BTreeSet<_> = assignment.segment.branches.iter().filter_map(start).collect();
        let checkpoints = stream::iter(digests)
            .map(|digest| async move {
                Ok::<_, ClientError>((digest, self.client.get_blob(lease, digest).await?))
            })
            .buffer_unordered(TRANSFERS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(Inputs { checkpoints, data })
    }

    /// Tells the server why; should that not come through, the lease expires.
    async fn fail(&self, lease: &Lease, message: String, shutdown: &CancellationToken) {
        let message = message.chars().take(MAX_MESSAGE_CHARS).collect();
        let fail = Fail { message };
        let sent = self.client.fail(lease, &fail);
        if let Some(Err(error)) = shutdown.run_until_cancelled(sent).await {
            tracing::warn!(error = %chain(&error), "could not say so");
        }
    }
}

/// Uploads the checkpoints of some runs.
async fn upload(client: &Client, lease: &Lease, runs: &[Ended]) -> Result<(), ClientError> {
    // Arms that still share a trunk share their state: it goes up once.
    let blobs: BTreeMap<_, _> = runs.iter().flat_map(|run| run.blobs.clone()).collect();
    stream::iter(blobs)
        .map(|(digest, bytes)| client.put_blob(lease, digest, bytes))
        .buffer_unordered(TRANSFERS_AT_ONCE)
        .try_collect()
        .await
}

/// The checkpoint that a branch starts from.
fn start(branch: &Branch) -> Option<Digest> {
    match branch.start {
        Start::Init => None,
        Start::Checkpoint { digest } => Some(digest),
    }
}
