//! Keeps a lease alive, and sends rows under it.

use crate::client::{Client, ClientError};
use floodgauge_protocol::work::{Lease, MAX_REPORT_ROWS, Report, ReportRow, Stop};
use std::time::Duration;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

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
}

impl<'a> HeldLease<'a> {
    /// A lease that has just been given.
    pub fn new(client: &'a Client, lease: &'a Lease) -> Self {
        Self {
            client,
            lease,
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

    /// Sends rows until their sender is gone, and returns once the server has them all. A row
    /// waits for at most [`REPORT_EVERY`] (or as long as the server doesn't answer), and not at
    /// all when it is the last. Renews the lease while none come. Says how many were sent.
    pub async fn forward(
        &mut self,
        mut rows: mpsc::Receiver<Vec<ReportRow>>,
    ) -> Result<usize, ClientError> {
        let (mut pending, mut sent, mut open) = (Vec::new(), 0, true);
        while open || !pending.is_empty() {
            if open && pending.len() < MAX_REPORT_ROWS {
                let renewal = self.renewal();
                let due = if pending.is_empty() { renewal } else { renewal.min(self.rows_due) };
                tokio::select! {
                    biased;
                    () = sleep_until(due) => {}
                    received = rows.recv() => {
                        match received {
                            Some(more) => pending.extend(more),
                            None => open = false,
                        }
                        continue;
                    }
                }
            }
            let rest = pending.split_off(pending.len().min(MAX_REPORT_ROWS));
            let batch = std::mem::replace(&mut pending, rest);
            sent += batch.len();
            self.send(batch).await?;
        }
        Ok(sent)
    }

    /// Renews the lease until that fails.
    async fn keep(&mut self) -> ClientError {
        loop {
            sleep_until(self.renewal()).await;
            if let Err(error) = self.send(Vec::new()).await {
                return error;
            }
        }
    }

    /// When a report is due, whether or not there are rows: after a third of the lease, so that
    /// one that goes astray does no harm.
    fn renewal(&self) -> Instant {
        self.renewed + (self.ttl / 3).max(RENEW_EVERY)
    }

    async fn send(&mut self, rows: Vec<ReportRow>) -> Result<(), ClientError> {
        self.renewed = Instant::now();
        if !rows.is_empty() {
            self.rows_due = self.renewed + REPORT_EVERY;
        }
        tracing::debug!(rows = rows.len(), "reporting");
        let answer = self.client.report(self.lease, &Report { rows }).await?;
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
