//! Keeps a lease alive, and sends rows under it.

use super::{training::News, upload};
use crate::{
    client::{Client, ClientError},
    cohort::Ended,
};
use floodgauge_protocol::{
    ArmIx,
    work::{Assignment, FinishedBranch, Lease, MAX_REPORT_ROWS, Report, ReportRow, Stop},
};
use std::time::Duration;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// The least time between two reports; rows that come in between wait for the next.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// The least time between two renewals, however short the lease.
const RENEW_EVERY: Duration = Duration::from_millis(100);

/// A lease that is renewed as long as one of its methods runs.
pub(super) struct HeldLease<'a> {
    client: &'a Client,
    lease: &'a Lease,
    ttl: Duration,
    /// When the lease was last renewed; at first, when it was given.
    renewed: Instant,
    /// When rows may be sent again; at first, at once.
    rows_due: Instant,
    stops: watch::Sender<Vec<Stop>>,
    /// The arms of its segment.
    arms: Vec<ArmIx>,
    /// Cancelled when the worker is to hand in what it has.
    drain: CancellationToken,
    draining: bool,
}

impl<'a> HeldLease<'a> {
    /// A lease that has just been given, whose segment is handed in early once `drain` is cancelled.
    pub fn new(client: &'a Client, assignment: &'a Assignment, drain: CancellationToken) -> Self {
        let lease = &assignment.lease;
        Self {
            client,
            lease,
            arms: assignment.segment.arms().collect(),
            drain,
            draining: false,
            ttl: Duration::from_secs(lease.ttl_s.into()),
            renewed: Instant::now(),
            rows_due: Instant::now(),
            stops: watch::Sender::new(Vec::new()),
        }
    }

    /// All the stops that the server has ordered.
    pub fn stops(&self) -> watch::Receiver<Vec<Stop>> {
        self.stops.subscribe()
    }

    /// Does `work`, and gives it up when the lease can't be kept.
    pub async fn during<T>(
        &mut self,
        work: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        tokio::select! {
            biased;
            done = work => done,
            error = self.keep() => Err(error),
        }
    }

    /// Sends news until their sender is gone, and returns once the server has them all. A row
    /// waits for at most [`REPORT_EVERY`] (or as long as the server doesn't answer), and not at
    /// all when it is the last. Renews the lease while none come. Says how many were sent.
    pub async fn forward(&mut self, mut news: mpsc::Receiver<News>) -> Result<usize, ClientError> {
        let (mut pending, mut sent, mut open) = (Vec::new(), 0, true);
        while open || !pending.is_empty() {
            if open && pending.len() < MAX_REPORT_ROWS {
                let renewal = self.renewal();
                let due = if pending.is_empty() { renewal } else { renewal.min(self.rows_due) };
                tokio::select! {
                    biased;
                    () = sleep_until(due) => {}
                    () = self.drain.cancelled(), if !self.draining => {
                        self.hand_in();
                        continue;
                    }
                    received = news.recv() => {
                        match received {
                            Some(News::Rows(more)) => pending.extend(more),
                            Some(News::Saved(runs)) => {
                                sent += pending.len();
                                self.save(std::mem::take(&mut pending), runs).await?;
                            }
                            None => open = false,
                        }
                        continue;
                    }
                }
            }
            let rest = pending.split_off(pending.len().min(MAX_REPORT_ROWS));
            let batch = std::mem::replace(&mut pending, rest);
            sent += batch.len();
            self.send(batch, Vec::new()).await?;
        }
        Ok(sent)
    }

    /// Uploads what the runs are at the end of an epoch, and tells the server after its rows.
    async fn save(&mut self, rows: Vec<ReportRow>, runs: Vec<Ended>) -> Result<(), ClientError> {
        let (client, lease) = (self.client, self.lease);
        self.during(upload(client, lease, &runs)).await?;
        let saved = runs.into_iter().map(|run| run.branch).collect();
        self.send(rows, saved).await
    }

    /// Has every run end at the end of the epoch at hand.
    fn hand_in(&mut self) {
        self.draining = true;
        let arms = self.arms.clone();
        self.stops.send_modify(|stops| stops.push(Stop { arms, at_epoch: 0 }));
    }

    /// Renews the lease until that fails.
    async fn keep(&mut self) -> ClientError {
        loop {
            sleep_until(self.renewal()).await;
            if let Err(error) = self.send(Vec::new(), Vec::new()).await {
                return error;
            }
        }
    }

    /// When a report is due, whether or not there are rows: after a third of the lease, so that
    /// one that goes astray does no harm.
    fn renewal(&self) -> Instant {
        self.renewed + (self.ttl / 3).max(RENEW_EVERY)
    }

    async fn send(
        &mut self,
        rows: Vec<ReportRow>,
        saved: Vec<FinishedBranch>,
    ) -> Result<(), ClientError> {
        self.renewed = Instant::now();
        if !rows.is_empty() {
            self.rows_due = self.renewed + REPORT_EVERY;
        }
        tracing::debug!(rows = rows.len(), saved = saved.len(), "reporting");
        let answer = self.client.report(self.lease, &Report { rows, saved }).await?;
        self.ttl = Duration::from_secs(answer.ttl_s.into());
        self.stops.send_if_modified(|stops| {
            let known = stops.len();
            for stop in answer.stop {
                // The server may repeat itself; what the trainer hears stays as short as it can.
                if !stops.contains(&stop) {
                    tracing::info!(arms = ?stop.arms, at_epoch = stop.at_epoch, "told to stop");
                    stops.push(stop);
                }
            }
            stops.len() > known
        });
        Ok(())
    }
}
