//! The one place where the scheduler meets the store.
//!
//! Every change of a sweep is an event: the driver lets the scheduler take its step, and
//! commits the event with its decisions and their effects in one transaction. Who loses the
//! race for a place in the log replays what came in between, and tries again.
//!
//! - [`Driver`]: what users and workers may do.
//! - `checkpoints`: what workers send as such, looked at before it is kept.
//! - `control`: what users do to a sweep on its way.
//! - `damaged`: data sets whose bytes are lost or damaged.
//! - `datasets`: data sets, added, pinned, deleted.
//! - `drain`: the end of a server in order.
//! - `estimate`: how long a sweep would take.
//! - `explain`: reasons for old entries, which have them in words alone, and their arms as of today.
//! - `disk`: whether files can be written.
//! - `expired`: leases that expired.
//! - `health`: whether the database is damaged.
//! - `line`: claims that wait for work, and which of them is to look.
//! - `live`: a sweep's state in memory, rebuilt from its log.
//! - `met`: a trouble that was met, until a look finds nothing of it.
//! - `effects`: what a step changes in the projections.
//! - `projected`: what a log says that its projections should be.
//! - `recovered`: answers of ended sweeps that only their logs tell.
//! - `start_over`: families whose kind of machine is gone.
//! - `trouble`: workers that fail, and those whose machine is in trouble.
//! - `unreplayable`: sweeps whose log this binary can't follow.
//! - `waiting`: why nobody works on a sweep, and what to do about it.
//! - `work`: leases, reports, blobs.

mod checkpoints;
mod control;
mod damaged;
mod datasets;
mod disk;
mod drain;
mod effects;
mod error;
mod estimate;
mod expired;
mod explain;
mod health;
mod line;
mod live;
mod met;
mod projected;
mod recovered;
mod start_over;
mod trouble;
mod unreplayable;
mod waiting;
mod work;

pub use error::DriverError;
pub use floodgauge_api::PlannedTime;
pub use live::check_version;
pub use projected::{Projected, rows_of_log};
pub use waiting::SEEN_WITHIN;

use crate::{
    access::TokenId,
    blobs::Blobs,
    heavy::{aside, on_trials},
    metrics::Metrics,
    scheduler::{self, Action, Event, Sweep},
    store::{Commit, Created, DynStore, Effects, LeaseGuard, NewSweep, StoreError},
    trace,
};
use anyhow::Context as _;
use floodgauge_datasets::Folder;
use floodgauge_protocol::{Digest, SweepId, SweepSpec};
use futures::StreamExt as _;
use live::Live;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{OwnedMutexGuard, watch};
use tracing::Instrument as _;
use uuid::Uuid;

/// Sweeps whose state is kept in memory, beside those in use.
const MAX_LIVE: usize = 256;

/// After how long a subscription to other servers whose connection broke is made anew.
const RESUBSCRIBE_AFTER: Duration = Duration::from_secs(1);

/// Notifications of other servers that are taken as one.
const NOTIFICATIONS_AT_ONCE: usize = 1_000;

/// How often the loser of a race for a place in the log tries again.
const MAX_RACES: u32 = 50;

/// What a driver needs to know.
#[derive(Clone, Debug)]
pub struct DriverConfig {
    /// How long a lease lasts unless it is renewed; in whole seconds, at least one.
    pub lease_ttl: Duration,
    /// The folder with the files of named data sets; it needn't exist.
    pub data: PathBuf,
    /// After how long without a machine of its kind a family starts over on another; none for never.
    pub start_over_after: Option<Duration>,
    /// The folder of the server's database and of what its workers fetch, which it has to be able to write;
    /// none where it keeps nothing in one.
    pub data_dir: Option<PathBuf>,
}

/// Drives all sweeps of a store. Cheap to clone.
#[derive(Clone)]
pub struct Driver(Arc<Inner>);

struct Inner {
    store: DynStore,
    blobs: Blobs,
    config: DriverConfig,
    folder: Folder,
    live: std::sync::Mutex<HashMap<SweepId, Arc<tokio::sync::Mutex<Option<Live>>>>>,
    changes: watch::Sender<u64>,
    line: line::Line,
    leases: drain::ActiveLeases,
    expired: expired::ToldLeases,
    unreplayable: unreplayable::Unreplayable,
    recovered: recovered::Recovered,
    damaged: damaged::DamagedData,
    readers: explain::Readers,
    claimants: waiting::Claimants,
    health: met::Met<String>,
    disk: met::Met<disk::Trouble>,
    metrics: Metrics,
}

/// What came of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The new sweep, or the one that the key had made.
    pub sweep: SweepId,
    /// False if its idempotency key had made it before.
    pub created: bool,
}

/// Under whose name a commit is made.
#[derive(Clone, Copy, Debug, Default)]
struct Author {
    /// The lease of a worker that reports.
    lease: Option<LeaseGuard>,
    /// The token that extends a sweep.
    extender: Option<TokenId>,
}

impl From<Option<LeaseGuard>> for Author {
    fn from(lease: Option<LeaseGuard>) -> Self {
        Self { lease, extender: None }
    }
}

impl Driver {
    /// A driver over a store and the blobs that it refers to.
    pub fn new(store: DynStore, blobs: Blobs, config: DriverConfig) -> Self {
        let live = std::sync::Mutex::default();
        let changes = watch::channel(0).0;
        let folder = Folder::new(&config.data);
        let (line, leases, expired, unreplayable, damaged) = Default::default();
        let (recovered, readers, claimants, metrics) = Default::default();
        let (health, disk) = (health::undamaged(), disk::writable());
        Self(Arc::new(Inner {
            store,
            blobs,
            config,
            folder,
            live,
            changes,
            line,
            leases,
            expired,
            unreplayable,
            recovered,
            damaged,
            readers,
            claimants,
            health,
            disk,
            metrics,
        }))
    }

    /// The store, for reading projections.
    pub fn store(&self) -> &DynStore {
        &self.0.store
    }

    /// Where checkpoints and data sets are kept.
    pub fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    /// What this process counts.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Counts the commits of this process, and what it hears of others'; who waits for news reads
    /// the store on each change.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Queues a sweep that belongs to nobody.
    ///
    /// # Errors
    /// As of [`submit_as`](Self::submit_as).
    pub async fn submit(
        &self,
        spec: SweepSpec,
        idempotency: Option<(String, Digest)>,
    ) -> Result<Submitted, DriverError> {
        self.submit_as(None, spec, idempotency).await
    }

    /// Queues a sweep of a token's.
    ///
    /// # Errors
    /// [`DriverError::Invalid`] with every field that is out of range, or a data set that can't be
    /// used;
    /// [`DriverError::KeyReused`] if the idempotency key came before with another digest;
    /// [`StoreError::OverQuota`] if the token would have more than it may.
    pub async fn submit_as(
        &self,
        owner: Option<TokenId>,
        mut spec: SweepSpec,
        idempotency: Option<(String, Digest)>,
    ) -> Result<Submitted, DriverError> {
        // What is known of a data set is known here.
        let sent = spec.recipe.dataset.pin.take();
        aside(|| check(&spec))?;
        let data = self.pin(&mut spec.recipe.dataset, sent).await?;
        aside(|| check(&spec))?;
        spec.recipe.dataset = spec.recipe.dataset.resolved();
        // What the default is later changes nothing of a sweep that was submitted before.
        spec.search.evidence = Some(spec.search.evidence());
        let sweep = SweepId(Uuid::now_v7());
        let first_step = || {
            let before = Sweep::new(spec.clone());
            let mut after = before.clone();
            let event = Event::Submitted { spec: Box::new(spec.clone()) };
            let decisions = after.step(&event);
            let mut effects = effects::of(&before, &after, &event, &decisions);
            effects.trials = effects::all_trials(&after);
            let new = NewSweep {
                sweep,
                name: spec.name.clone(),
                scheduler_version: scheduler::current_version(spec.scheduler.kind),
                priority: spec.scheduler.priority,
                spec: json(&spec)?,
                idempotency,
                event: json(&event)?,
                decisions: json(&decisions)?,
                data,
                owner,
                traceparent: trace::traceparent(),
                effects,
            };
            Ok::<_, DriverError>((new, event, after))
        };
        let (new, event, after) = on_trials(spec.search.trials(), first_step).await?;
        let opened = new.effects.opened();
        let created = self.0.store.create_sweep(new).await;
        let dataset = &spec.recipe.dataset.name;
        match created.map_err(|error| DriverError::of_submission(error, dataset))? {
            Created::New(_) => {
                tracing::info!(%sweep, name = spec.name, "submitted");
                self.0.metrics.submitted(&event);
                // Who looks at it next need not replay it.
                let slot = self.slot(sweep);
                slot.lock().await.get_or_insert_with(|| Live::of(sweep, Arc::new(after), 1));
                self.announce(sweep, 1);
                self.0.line.wake(opened);
                Ok(Submitted { sweep, created: true })
            }
            Created::Existing(sweep) => Ok(Submitted { sweep, created: false }),
        }
    }

    /// A sweep as [`submit`](Self::submit) would store it; nothing is stored.
    ///
    /// # Errors
    /// [`DriverError::Invalid`] as of a submission.
    pub async fn resolve(&self, mut spec: SweepSpec) -> Result<SweepSpec, DriverError> {
        let sent = spec.recipe.dataset.pin.take();
        aside(|| check(&spec))?;
        self.look_up(&mut spec.recipe.dataset, sent).await?;
        aside(|| check(&spec))?;
        spec.recipe.dataset = spec.recipe.dataset.resolved();
        Ok(spec)
    }

    /// A sweep as its log tells it, up to the newest entry.
    ///
    /// # Errors
    /// [`DriverError::NotFound`]; one that [is unreplayable](DriverError::is_unreplayable) if this
    /// binary can't read the log, or would decide otherwise than the one that wrote it.
    pub async fn sweep(&self, sweep: SweepId) -> Result<Arc<Sweep>, DriverError> {
        let followed = self.follow(sweep).await;
        self.0.unreplayable.note(sweep, &followed);
        followed
    }

    async fn follow(&self, sweep: SweepId) -> Result<Arc<Sweep>, DriverError> {
        let (mut slot, mut live) = self.load(sweep).await?;
        live.catch_up(&self.0.store).await?;
        let state = live.state();
        *slot = Some(live);
        Ok(state)
    }

    /// Decides on an event by the sweep's state, takes the step, commits; answers the state
    /// after it. No event, no step; but before it takes no for an answer it looks whether
    /// another server has moved the sweep on.
    async fn apply(
        &self,
        sweep: SweepId,
        author: impl Into<Author>,
        decide: impl FnMut(&Sweep) -> Result<Option<Event>, DriverError>,
    ) -> Result<Arc<Sweep>, DriverError> {
        let applied = self.try_apply(sweep, author.into(), decide).await;
        self.0.unreplayable.note(sweep, &applied);
        applied
    }

    async fn try_apply(
        &self,
        sweep: SweepId,
        author: Author,
        mut decide: impl FnMut(&Sweep) -> Result<Option<Event>, DriverError>,
    ) -> Result<Arc<Sweep>, DriverError> {
        let (mut slot, mut live) = self.load(sweep).await?;
        for _ in 0..MAX_RACES {
            let before = live.state();
            let (trials, seq) = (before.facts().trial_count(), live.seq() + 1);
            let step = || {
                let Some(event) = decide(&before)? else { return Ok::<_, DriverError>(None) };
                let mut after = Sweep::clone(&before);
                let decisions = after.step(&event);
                let was = (before.facts().spec(), before.facts().space());
                let commit = Commit {
                    sweep,
                    seq,
                    event: json(&event)?,
                    decisions: json(&decisions)?,
                    guard: author.lease,
                    extender: author.extender,
                    effects: Effects {
                        best: Some(json(&after.best())?),
                        grown: effects::grown(&event, was, &after)?,
                        ..effects::of(&before, &after, &event, &decisions)
                    },
                };
                Ok(Some((event, after, decisions, commit)))
            };
            let (event, after, decisions, commit) = match on_trials(trials, step).await {
                Ok(Some(step)) => step,
                other => {
                    let seq = live.seq();
                    live.catch_up(&self.0.store).await?;
                    if live.seq() > seq {
                        continue;
                    }
                    *slot = Some(live);
                    return other.map(|_| before);
                }
            };
            let opened = commit.effects.opened();
            let began = Instant::now();
            match self.0.store.commit(commit).await {
                Ok(entry) => {
                    self.0.metrics.committed(&event, began.elapsed(), &before, &after);
                    if let Some(Action::Complete { best }) = decisions.last().map(|d| &d.action) {
                        let best = best.best.as_ref().map(|best| best.arm.name.as_str());
                        let span = tracing::info_span!("verdict", %sweep, best);
                        span.in_scope(|| tracing::info!("completed"));
                    }
                    for decision in &decisions {
                        tracing::debug!(%sweep, seq = entry.seq, action = ?decision.action, reason = decision.reason);
                    }
                    let after = Arc::new(after);
                    *slot = Some(live.after(after.clone(), entry.seq));
                    self.announce(sweep, entry.seq);
                    self.0.line.wake(opened);
                    return Ok(after);
                }
                Err(StoreError::Conflict) => live.catch_up(&self.0.store).await?,
                Err(error) => {
                    // Nothing was written: a refusal must not cost the next one a replay.
                    if matches!(
                        error,
                        StoreError::LeaseLost
                            | StoreError::Held(_)
                            | StoreError::NotHeld(_)
                            | StoreError::CheckpointsDropped
                            | StoreError::OverQuota(_)
                    ) {
                        *slot = Some(live);
                    }
                    return Err(error.into());
                }
            }
        }
        Err(DriverError::Store(StoreError::Conflict))
    }

    /// The state from memory or, the first time, from the log, with its place, which is empty meanwhile. A
    /// replay goes on though whoever waits for it gives up, so that the next one finds it done.
    async fn load(
        &self,
        sweep: SweepId,
    ) -> Result<(OwnedMutexGuard<Option<Live>>, Live), DriverError> {
        loop {
            let mut slot = self.slot(sweep).lock_owned().await;
            if let Some(live) = slot.take() {
                return Ok((slot, live));
            }
            let store = self.0.store.clone();
            let replay = async move {
                *slot = Some(Live::replay(&store, sweep).await?);
                Ok::<_, DriverError>(())
            };
            let replayed = tokio::spawn(replay.in_current_span()).await;
            replayed.context("a replay ended").map_err(DriverError::Fault)??;
        }
    }

    /// The place of a sweep's state. Its lock makes this process's writers of one sweep queue up.
    fn slot(&self, sweep: SweepId) -> Arc<tokio::sync::Mutex<Option<Live>>> {
        let mut live = self.lock_live();
        if live.len() >= MAX_LIVE && !live.contains_key(&sweep) {
            live.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        live.entry(sweep).or_default().clone()
    }

    fn lock_live(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<SweepId, Arc<tokio::sync::Mutex<Option<Live>>>>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows what other servers of the same database commit, as soon as they notify of it; ends
    /// where the database is one process's alone.
    pub async fn listen(self) {
        loop {
            match self.0.store.subscribe().await {
                Ok(Some(notifications)) => {
                    // What came before the subscription was missed.
                    self.on_foreign_commit();
                    let mut notifications = notifications.ready_chunks(NOTIFICATIONS_AT_ONCE);
                    while notifications.next().await.is_some() {
                        self.on_foreign_commit();
                    }
                }
                Ok(None) => return,
                Err(error) => tracing::warn!(%error, "other servers can't be heard"),
            }
            tokio::time::sleep(RESUBSCRIBE_AFTER).await;
        }
    }

    /// Something was committed elsewhere; there may be work.
    fn on_foreign_commit(&self) {
        self.wake_watchers();
        self.0.line.wake(1);
    }

    /// Notifies everybody that a log has grown, or is gone.
    fn announce(&self, sweep: SweepId, seq: u64) {
        self.wake_watchers();
        self.0.store.notify(sweep, seq);
    }

    /// Wakes those in this process who wait for an entry.
    fn wake_watchers(&self) {
        self.0.changes.send_modify(|count| *count += 1);
    }
}

fn check(spec: &SweepSpec) -> Result<(), DriverError> {
    match spec.problems() {
        problems if problems.is_empty() => Ok(()),
        problems => Err(DriverError::Invalid(problems)),
    }
}

fn json(value: &impl serde::Serialize) -> Result<serde_json::Value, DriverError> {
    serde_json::to_value(value)
        .map_err(|error| DriverError::Store(StoreError::Corrupt(error.to_string())))
}
