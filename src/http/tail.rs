//! Following a log: its entries in order, as they are committed.

use super::AppState;
use crate::{
    driver::Driver,
    store::{Entry, GlobalCursor, StoreError},
};
use axum::response::sse;
use floodgauge_protocol::SweepId;
use futures::{Stream, stream};
use serde_json::Value;
use std::{collections::VecDeque, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

/// Entries read at once.
const BATCH: u32 = 256;
/// Between two looks at the log for what other processes committed.
const POLL: Duration = Duration::from_secs(1);
/// Two reads are at least this far apart once the log has been caught up with, so that a
/// thousand commits a second don't become a thousand reads a second for each watcher.
const PACE: Duration = Duration::from_millis(50);

/// A log and a place in it.
pub(super) enum Log {
    /// One sweep's, which ends with the sweep.
    Sweep {
        /// The sweep.
        sweep: SweepId,
        /// The last entry that was seen.
        after: u64,
    },
    /// All sweeps', which never ends.
    All {
        /// The last entry that was seen.
        after: Option<GlobalCursor>,
    },
}

/// What a look at a log found.
enum Found {
    /// These, with their ids in the stream; possibly none yet.
    Entries(Vec<(String, Entry)>),
    /// Nothing, and nothing will come.
    End,
}

/// A reader that follows a log.
pub(super) struct Tail {
    driver: Driver,
    log: Log,
    ready: VecDeque<(String, Entry)>,
    commits: watch::Receiver<u64>,
    closing: CancellationToken,
    read_at: Option<Instant>,
}

impl Tail {
    pub(super) fn new(state: &AppState, log: Log) -> Self {
        Self {
            driver: state.driver.clone(),
            log,
            ready: VecDeque::new(),
            commits: state.driver.subscribe(),
            closing: state.closing.clone(),
            read_at: None,
        }
    }

    /// The entries as messages, until the log ends, the server closes or the database
    /// fails; after a failure a client comes back by itself, with its place in the log.
    pub(super) fn into_stream(
        self,
        message: impl Fn(String, Entry) -> anyhow::Result<sse::Event>,
    ) -> impl Stream<Item = anyhow::Result<sse::Event>> {
        stream::unfold((Some(self), message), |(tail, message)| async move {
            let mut tail = tail?;
            let (id, entry) = tail.next().await?;
            let rest = (!tail.ends_with(&entry)).then_some(tail);
            Some((message(id, entry), (rest, message)))
        })
    }

    async fn next(&mut self) -> Option<(String, Entry)> {
        while self.ready.is_empty() {
            // Marked before reading: what is committed meanwhile wakes the next wait.
            self.commits.borrow_and_update();
            let found = match self.read().await {
                Ok(Found::Entries(entries)) => entries,
                Ok(Found::End) => return None,
                Err(error) => {
                    tracing::warn!(%error, "an event stream broke off");
                    return None;
                }
            };
            self.ready.extend(found);
            if self.ready.is_empty() && !self.wait().await {
                return None;
            }
        }
        self.ready.pop_front()
    }

    /// Waits until there may be more; false when the server closes.
    async fn wait(&mut self) -> bool {
        let now = Instant::now();
        let earliest = self.read_at.map_or(now, |at| at + PACE);
        self.read_at = Some(earliest.max(now));
        let more = async {
            sleep_until(earliest).await;
            // Out of time and out of senders come to the same: have a look.
            let _ = timeout_at(now + POLL, self.commits.changed()).await;
        };
        tokio::select! {
            () = self.closing.cancelled() => false,
            () = more => true,
        }
    }

    async fn read(&mut self) -> Result<Found, StoreError> {
        let store = self.driver.store();
        match &mut self.log {
            Log::Sweep { sweep, after } => {
                // A sweep's row is much cheaper than a look for entries that aren't there.
                match store.sweep(*sweep).await? {
                    Some(row) if row.head_seq > *after => {}
                    Some(row) if !row.status.is_final() => return Ok(Found::Entries(Vec::new())),
                    // Over, or deleted.
                    _ => return Ok(Found::End),
                }
                let entries = store.entries(*sweep, *after, BATCH).await?;
                *after = entries.last().map_or(*after, |entry| entry.seq);
                let with_id = |entry: Entry| (entry.seq.to_string(), entry);
                Ok(Found::Entries(entries.into_iter().map(with_id).collect()))
            }
            Log::All { after } => {
                let entries = store.all_entries(*after, BATCH).await?;
                *after = entries.last().map(|(cursor, _)| *cursor).or(*after);
                let with_id = |(cursor, entry): (GlobalCursor, Entry)| (cursor.to_string(), entry);
                Ok(Found::Entries(entries.into_iter().map(with_id).collect()))
            }
        }
    }

    /// Whether the stream is over after this entry.
    fn ends_with(&self, entry: &Entry) -> bool {
        matches!(self.log, Log::Sweep { .. }) && ends_sweep(&entry.decisions)
    }
}

/// Whether decisions end their sweep.
fn ends_sweep(decisions: &Value) -> bool {
    decisions.as_array().into_iter().flatten().any(|decision| {
        let action = decision.get("action").and_then(Value::as_str);
        matches!(action, Some("complete" | "fail" | "cancel"))
    })
}
