//! Claims segments, trains them and reports, until told to stop.
//!
//! A segment ends in one of six ways:
//!
//! - **Finished**: rows reported, checkpoints uploaded, `finish` posted. A worker that is drained does so at
//!   the end of its epoch.
//! - **Failed**: it can't be trained anywhere (bad data, a panic, a refusal). `fail` tells the server why.
//! - **Handed back**: this machine is in trouble. `fail` says so; then the worker waits, each time longer,
//!   and looks at its machine before it claims again.
//! - **Lost**: the server gave the lease away. Training stops at its next step, and nothing more is sent.
//! - **Stopped**: the sweep ended before training began. Nothing is sent, and the lease expires.
//! - **Shut down**: this worker is told to end at once. The lease expires, and others go on from the states
//!   that were uploaded every so often.
//!
//! Only a server that refuses the claim itself ends the loop with an error: waiting would not change its
//! mind.

mod cut;
mod data_cache;
mod data_files;
mod health;
mod lease;
mod recovery;
mod trainer;
mod training;

pub use data_files::Cache;
pub use floodgauge_net::Authorities;
pub use recovery::RECOVERY;
pub use trainer::{Inputs, LocalTrainer, Trainer};

use crate::{
    client::{Client, ClientError, Retry, SetupError, chain},
    cohort::Ended,
    device::Machine,
    trace,
};
use cut::Cut;
use data_files::DataFiles;
use floodgauge_protocol::{
    ArmIx, Branch, Digest,
    segment::Start,
    work::{
        Assignment, ClaimRequest, Fail, FailKind, Finish, Lease, MAX_MESSAGE_CHARS, Stop, Trouble,
    },
};
use futures::{StreamExt, TryStreamExt, stream};
use lease::HeldLease;
use recovery::{Recovery, seconds};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;
use training::Training;

/// How long the server may let a claim wait, in seconds.
const CLAIM_WAIT_S: u32 = 25;
/// The least time between two claims that find nothing, should a server not wait at all.
const CLAIM_PAUSE: Duration = Duration::from_secs(1);
/// Blobs in transfer at a time.
const TRANSFERS_AT_ONCE: usize = 4;

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

impl Ending {
    /// Waits for something; false where the worker is to end before.
    async fn goes_on_for<T>(&self, wait: impl Future<Output = T>) -> bool {
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => false,
            () = self.drain.cancelled() => false,
            _ = wait => true,
        }
    }
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
    recovery: Retry,
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
        Self { client, name, trainer, files, save_every: SAVE_EVERY, recovery: RECOVERY }
    }

    /// The same worker, waiting so long whenever its machine is in trouble; however many times that
    /// is.
    #[must_use]
    pub fn recovering(self, recovery: Retry) -> Self {
        Self { recovery: Retry { tries: None, ..recovery }, ..self }
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
        let trainer = self.trainer.clone();
        // It may have to compute something to know.
        let fingerprint = tokio::task::spawn_blocking(move || trainer.fingerprint()).await;
        let request = ClaimRequest {
            worker: self.name.clone(),
            fingerprint: fingerprint.unwrap_or_else(|_| "unknown".into()),
            wait_s: if ending.when_idle { 0 } else { CLAIM_WAIT_S },
        };
        tracing::info!(
            worker = self.name,
            fingerprint = request.fingerprint,
            "connecting to {}",
            self.client.server()
        );
        let mut recovery = Recovery::new(self.recovery);
        while self.is_well(&mut recovery, &ending).await
            && let Some(assignment) = self.claim(&request, &ending, &mut recovery).await?
        {
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
            self.serve(Arc::new(assignment), &ending, &mut recovery).instrument(span).await;
        }
        tracing::info!(worker = self.name, "shut down");
        Ok(())
    }

    /// Looks at the machine where that is due, and waits until it is well; false when the worker is to
    /// end.
    async fn is_well(&self, recovery: &mut Recovery, ending: &Ending) -> bool {
        while recovery.suspect {
            let (cache, memory) = (self.files.cache().clone(), self.trainer.memory());
            let looked = tokio::task::spawn_blocking(move || health::check(&cache, memory)).await;
            // A look that can't be had is no trouble of its own.
            let Ok(Err(message)) = looked else {
                recovery.suspect = false;
                break;
            };
            let wait = recovery.trouble();
            tracing::error!(
                trouble = message,
                ?wait,
                "this machine is in trouble: no work is asked for"
            );
            let trouble = Trouble {
                worker: self.name.clone(),
                message: cut_short(message),
                retry_in_s: seconds(wait),
            };
            let tell = async {
                // It is told again when it goes on.
                if let Ok(Err(error)) = timeout(wait, self.client.trouble(&trouble)).await {
                    tracing::warn!(
                        error = %chain(&error),
                        "the server can't be told of the trouble"
                    );
                }
            };
            if !ending.goes_on_for(async { tokio::join!(sleep(wait), tell) }).await {
                return false;
            }
        }
        true
    }

    /// Waits for an assignment; none when the worker is to end. A proxy may answer `404` and the like while
    /// its server is replaced: once the server itself has answered, that is waited out.
    async fn claim(
        &self,
        request: &ClaimRequest,
        ending: &Ending,
        recovery: &mut Recovery,
    ) -> Result<Option<Assignment>, ClientError> {
        // The first is answered at once, so that it soon shows whether there is a server.
        let at_once = ClaimRequest { wait_s: 0, ..request.clone() };
        let wait = async {
            loop {
                let next = Instant::now() + CLAIM_PAUSE;
                let request = if recovery.was_served { request } else { &at_once };
                let claimed = match self.client.claim(request).await {
                    Err(error @ ClientError::Intermediary { .. }) if recovery.was_served => {
                        tracing::warn!(error = %chain(&error), "asking again later");
                        sleep(self.recovery.first_delay).await;
                        continue;
                    }
                    claimed => claimed?,
                };
                let is_first = !std::mem::replace(&mut recovery.was_served, true);
                if is_first {
                    tracing::info!(worker = self.name, "connected");
                }
                if claimed.is_some() || ending.when_idle {
                    return Ok(claimed);
                }
                if is_first {
                    tracing::info!(worker = self.name, "waiting for work");
                } else {
                    sleep_until(next).await;
                }
            }
        };
        tokio::select! {
            biased;
            () = ending.shutdown.cancelled() => Ok(None),
            () = ending.drain.cancelled() => Ok(None),
            claimed = wait => claimed,
        }
    }

    /// Sees a segment through to one of its ends; where that is trouble, waits.
    async fn serve(&self, assignment: Arc<Assignment>, ending: &Ending, recovery: &mut Recovery) {
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
                recovery.well();
            }
            Err(Cut::Lost) => tracing::warn!("lost: the server gave the lease away"),
            Err(Cut::Stopped) => {
                tracing::info!("told to stop before it had begun; its lease will expire")
            }
            Err(Cut::Shutdown) => tracing::info!("dropped on shutdown; its lease will expire"),
            Err(Cut::Failed(message)) => {
                tracing::error!(failure = message, "failed");
                let message = cut_short(message);
                let fail = Fail { message, kind: FailKind::Trial, retry_in_s: None };
                self.fail(&assignment.lease, &fail, shutdown).await;
            }
            Err(Cut::Trouble(message)) => {
                let wait = recovery.trouble();
                tracing::error!(
                    trouble = message,
                    ?wait,
                    "this machine is in trouble: handed back"
                );
                let (message, retry_in_s) = (cut_short(message), Some(seconds(wait)));
                let fail = Fail { message, kind: FailKind::Machine, retry_in_s };
                self.fail(&assignment.lease, &fail, shutdown).await;
                ending.goes_on_for(sleep(wait)).await;
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
        let told = told_to_stop(lease.stops(), assignment.segment.arms().collect());
        // A sweep that has ended meanwhile is waited for by nobody, however long this would take.
        let inputs = tokio::select! {
            biased;
            () = told => return Err(Cut::Stopped),
            fetched = lease.during(self.fetch(assignment)) => fetched.map_err(Cut::of_fetch)?,
        };
        let (trainer, stops) = (self.trainer.clone(), lease.stops());
        let (training, news) =
            Training::start(threads, trainer, assignment.clone(), inputs, stops, self.save_every)
                .map_err(|error| Cut::Trouble(format!("no thread can be started: {error}")))?;
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
    async fn fail(&self, lease: &Lease, fail: &Fail, shutdown: &CancellationToken) {
        let sent = self.client.fail(lease, fail);
        if let Some(Err(error)) = shutdown.run_until_cancelled(sent).await {
            tracing::warn!(
                error = %chain(&error),
                "the server can't be told why the segment ended; its lease will expire"
            );
        }
    }
}

/// Waits until all arms of a segment are told to stop at once.
async fn told_to_stop(mut stops: watch::Receiver<Vec<Stop>>, arms: Vec<ArmIx>) {
    let at_once = |stops: &Vec<Stop>| {
        let mut at_once = stops.iter().filter(|stop| stop.at_epoch == 0);
        at_once.any(|stop| arms.iter().all(|arm| stop.arms.contains(arm)))
    };
    if stops.wait_for(at_once).await.is_err() {
        // Nobody is left who could tell.
        std::future::pending().await
    }
}

fn cut_short(message: String) -> String {
    message.chars().take(MAX_MESSAGE_CHARS).collect()
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
