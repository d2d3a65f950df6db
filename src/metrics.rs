//! What a server counts, for Prometheus. Labels are bounded: routes are templates, unknown methods
//! share a label, and of workers only so many are told apart.
//!
//! Counters are of this process since its start; what the database knows (queue, sweeps) is asked
//! of it at each scrape, by [`Metrics::encode`]'s caller.

use crate::{
    scheduler::{Event, Sweep},
    store::Depths,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
        info::Info,
    },
    registry::Registry,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::{Duration, Instant},
};

/// Workers that are told apart; when another one comes, the longest silent one goes.
pub const MAX_WORKERS: usize = 128;

type Real = Gauge<f64, AtomicU64>;
type Amount = Counter<f64, AtomicU64>;

/// A request by what it asked for and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

/// A request by what it asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: String,
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $label:ident: $of:ty })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
        struct $name {
            $label: $of,
        }
    )*};
}
labels! {
    EventLabels { event: &'static str }
    OutcomeLabels { outcome: &'static str }
    ByLabels { by: &'static str }
    StreamLabels { stream: &'static str }
    StateLabels { state: &'static str }
    StatusLabels { status: &'static str }
    WorkerLabels { worker: String }
}

/// What a server counts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    latency: Family<RouteLabels, Histogram>,
    in_flight: Gauge,
    events: Family<EventLabels, Counter>,
    commits: Histogram,
    claim_looks: Counter,
    leases_expired: Counter,
    report_rows: Family<OutcomeLabels, Counter>,
    spent: Amount,
    saved: Family<ByLabels, Amount>,
    redone: Amount,
    watchers: Family<StreamLabels, Gauge>,
    segments: Family<StateLabels, Real>,
    oldest: Real,
    sweeps: Family<StatusLabels, Real>,
    database_up: Gauge,
    database_damaged: Gauge,
    disk_unwritable: Gauge,
    worker_epochs: Family<WorkerLabels, Counter>,
    worker_steps: Family<WorkerLabels, Counter>,
    workers: Mutex<HashMap<String, Instant>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let latency = Family::new_with_constructor(latency as fn() -> Histogram);
        let mut inner = Inner {
            registry: Registry::with_prefix("floodgauge"),
            requests: Family::default(),
            latency,
            in_flight: Gauge::default(),
            events: Family::default(),
            commits: latency_of_commits(),
            claim_looks: Counter::default(),
            leases_expired: Counter::default(),
            report_rows: Family::default(),
            spent: Amount::default(),
            saved: Family::default(),
            redone: Amount::default(),
            watchers: Family::default(),
            segments: Family::default(),
            oldest: Real::default(),
            sweeps: Family::default(),
            database_up: Gauge::default(),
            database_damaged: Gauge::default(),
            disk_unwritable: Gauge::default(),
            worker_epochs: Family::default(),
            worker_steps: Family::default(),
            workers: Mutex::default(),
        };
        inner.register();
        Self(Arc::new(inner))
    }
}

fn latency() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 16))
}

fn latency_of_commits() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 16))
}

impl Inner {
    fn register(&mut self) {
        let r = &mut self.registry;
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        r.register("build", "This build", Info::new(version));
        r.register("http_requests", "Requests answered", self.requests.clone());
        r.register(
            "http_request_duration_seconds",
            "Time to the first byte of an answer; a claim waits for work, as long as it asks",
            self.latency.clone(),
        );
        r.register("http_requests_in_flight", "Requests being answered", self.in_flight.clone());
        r.register("events", "Entries committed to the logs of sweeps", self.events.clone());
        r.register("commit_duration_seconds", "Time to commit an entry", self.commits.clone());
        r.register(
            "claim_looks",
            "Looks at the queue by claims, those that found nothing too",
            self.claim_looks.clone(),
        );
        r.register(
            "leases_expired",
            "Leases that expired and whose segments were taken over",
            self.leases_expired.clone(),
        );
        r.register(
            "report_rows",
            "Rows that workers reported: new, redone (known, bit for bit), or contradicting",
            self.report_rows.clone(),
        );
        r.register("run_equivalents_spent", "Run-equivalents trained", self.spent.clone());
        r.register(
            "run_equivalents_saved",
            "Run-equivalents of the full grid not spent, told when a sweep completes",
            self.saved.clone(),
        );
        r.register("run_equivalents_redone", "Run-equivalents trained again", self.redone.clone());
        r.register("watchers", "Event streams being followed", self.watchers.clone());
        r.register("queue_segments", "Segments to be trained, by state", self.segments.clone());
        r.register(
            "queue_oldest_seconds",
            "How long the oldest segment that waits has waited",
            self.oldest.clone(),
        );
        r.register("sweeps", "Sweeps by status", self.sweeps.clone());
        r.register("database_up", "Whether the database answered", self.database_up.clone());
        r.register(
            "database_damaged",
            "Whether damage to the database was met and is still there",
            self.database_damaged.clone(),
        );
        r.register(
            "disk_unwritable",
            "Whether a disk, the server's or the database's, can't be written: it is full, read-only or failing",
            self.disk_unwritable.clone(),
        );
        r.register(
            "worker_epochs",
            "Epochs that a worker reported, one for each run; its rate is the worker's speed",
            self.worker_epochs.clone(),
        );
        r.register(
            "worker_steps",
            "Optimiser steps that a worker reported, one for each run",
            self.worker_steps.clone(),
        );
    }
}

/// A request that is being answered; counted down when dropped.
#[derive(Debug)]
pub struct InFlight(Gauge);

/// An event stream that is followed; counted down when dropped.
#[derive(Debug)]
pub struct Watching(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Rows of a report, sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportedRows {
    /// Not known before.
    pub new: u64,
    /// Known, bit for bit.
    pub redone: u64,
    /// Known with other bits.
    pub contradicting: u64,
}

impl Metrics {
    /// Counts a request in.
    pub fn request_began(&self) -> InFlight {
        self.0.in_flight.inc();
        InFlight(self.0.in_flight.clone())
    }

    /// Counts an answer to a request for a route, as templates name it.
    pub fn answered(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        let of = RouteLabels { method, route: route.clone() };
        self.0.latency.get_or_create(&of).observe(took.as_secs_f64());
        self.0.requests.get_or_create(&RequestLabels { method, route, status }).inc();
    }

    /// Counts a watcher of a kind of stream in.
    pub fn watches(&self, stream: &'static str) -> Watching {
        let gauge = self.0.watchers.get_or_create_owned(&StreamLabels { stream });
        gauge.inc();
        Watching(gauge)
    }

    /// Counts an entry that was committed, and what the step from `before` to `after` cost.
    pub fn committed(&self, event: &Event, took: Duration, before: &Sweep, after: &Sweep) {
        self.0.commits.observe(took.as_secs_f64());
        self.0.events.get_or_create(&EventLabels { event: event.name() }).inc();
        if let Event::Lost { .. } = event {
            self.0.leases_expired.inc();
        }
        let (was, is) = (before.run_equivalents(), after.run_equivalents());
        self.0.spent.inc_by((is.spent - was.spent).max(0.0));
        self.0.redone.inc_by((is.redone - was.redone).max(0.0));
        if after.status().is_final() && !before.status().is_final() {
            for (by, saved) in [("sharing", is.saved_by_sharing), ("pruning", is.saved_by_pruning)]
            {
                self.0.saved.get_or_create(&ByLabels { by }).inc_by(saved.max(0.0));
            }
        }
    }

    /// Counts a look at the queue by a claim.
    pub fn claim_looked(&self) {
        self.0.claim_looks.inc();
    }

    /// Counts an event that began a sweep.
    pub fn submitted(&self, event: &Event) {
        self.0.events.get_or_create(&EventLabels { event: event.name() }).inc();
    }

    /// Counts what a worker reported; `steps` are those of an epoch.
    pub fn reported(&self, worker: &str, rows: ReportedRows, steps: u64) {
        let sorted =
            [("new", rows.new), ("redone", rows.redone), ("contradicting", rows.contradicting)];
        for (outcome, count) in sorted.into_iter().filter(|(_, count)| *count > 0) {
            self.0.report_rows.get_or_create(&OutcomeLabels { outcome }).inc_by(count);
        }
        let trained = rows.new + rows.redone + rows.contradicting;
        if trained == 0 {
            return;
        }
        self.seen(worker);
        let of = WorkerLabels { worker: worker.into() };
        self.0.worker_epochs.get_or_create(&of).inc_by(trained);
        self.0.worker_steps.get_or_create(&of).inc_by(trained * steps);
    }

    /// Makes room for a worker among those that are told apart.
    fn seen(&self, worker: &str) {
        let mut workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        if !workers.contains_key(worker) && workers.len() >= MAX_WORKERS {
            let silent =
                workers.iter().min_by_key(|(_, seen)| **seen).map(|(name, _)| name.clone());
            if let Some(worker) = silent {
                workers.remove(&worker);
                let of = WorkerLabels { worker };
                self.0.worker_epochs.remove(&of);
                self.0.worker_steps.remove(&of);
            }
        }
        workers.insert(worker.into(), Instant::now());
    }

    /// Takes in what the database knows; none if it didn't answer.
    pub fn looked(&self, depths: Option<&Depths>) {
        self.0.database_up.set(i64::from(depths.is_some()));
        self.0.segments.clear();
        self.0.sweeps.clear();
        let Some(depths) = depths else {
            self.0.oldest.set(f64::NAN);
            return;
        };
        for (state, count) in
            [("queued", depths.queued), ("leased", depths.leased), ("expired", depths.expired)]
        {
            self.0.segments.get_or_create(&StateLabels { state }).set(count as f64);
        }
        for (status, count) in &depths.sweeps {
            let of = StatusLabels { status: status.as_str() };
            self.0.sweeps.get_or_create(&of).set(*count as f64);
        }
        self.0.oldest.set(depths.oldest.as_secs_f64());
    }

    /// Takes in whether the database is damaged.
    pub fn damaged(&self, is_damaged: bool) {
        self.0.database_damaged.set(i64::from(is_damaged));
    }

    /// Takes in whether a disk can't be written.
    pub fn unwritable(&self, is_unwritable: bool) {
        self.0.disk_unwritable.set(i64::from(is_unwritable));
    }

    /// All of it, in Prometheus' text format.
    ///
    /// # Errors
    /// None that a string gives.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_workers_are_told_apart() {
        let metrics = Metrics::default();
        let rows = ReportedRows { new: 2, ..ReportedRows::default() };
        for number in 0..=MAX_WORKERS {
            metrics.reported(&format!("w{number}"), rows, 20);
        }
        let text = metrics.encode().unwrap();
        assert_eq!(text.matches("floodgauge_worker_epochs_total{").count(), MAX_WORKERS);
        assert!(!text.contains("worker=\"w0\""), "the longest silent one made room");
        assert!(text.contains("floodgauge_worker_steps_total{worker=\"w128\"} 40\n"), "{text}");
        assert!(text.contains("floodgauge_report_rows_total{outcome=\"new\"} 258\n"), "{text}");
    }

    #[test]
    fn a_database_that_does_not_answer_leaves_no_stale_figures() {
        let metrics = Metrics::default();
        let sweeps = vec![(crate::scheduler::SweepStatus::Running, 2)];
        let depths = Depths {
            queued: 3,
            leased: 1,
            expired: 0,
            oldest: Duration::from_millis(1500),
            sweeps,
        };
        metrics.looked(Some(&depths));
        let text = metrics.encode().unwrap();
        for line in [
            "floodgauge_queue_segments{state=\"queued\"} 3.0\n",
            "floodgauge_queue_oldest_seconds 1.5\n",
            "floodgauge_sweeps{status=\"running\"} 2.0\n",
            "floodgauge_database_up 1\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        metrics.looked(None);
        let text = metrics.encode().unwrap();
        assert!(text.contains("floodgauge_database_up 0\n"), "{text}");
        assert!(!text.contains("state="), "{text}");
    }

    #[test]
    fn watchers_and_requests_are_counted_while_they_last() {
        let metrics = Metrics::default();
        let watching = metrics.watches("sweep");
        let request = metrics.request_began();
        let text = metrics.encode().unwrap();
        assert!(text.contains("floodgauge_watchers{stream=\"sweep\"} 1\n"), "{text}");
        assert!(text.contains("floodgauge_http_requests_in_flight 1\n"), "{text}");
        drop((watching, request));
        let text = metrics.encode().unwrap();
        assert!(text.contains("floodgauge_watchers{stream=\"sweep\"} 0\n"), "{text}");
        assert!(text.contains("floodgauge_http_requests_in_flight 0\n"), "{text}");
    }
}
