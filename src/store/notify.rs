//! How servers of one Postgres learn of each other's commits: that a sweep's log has grown, and how far.
//!
//! `notify` takes a lock at commit, which would make writers queue up behind each other, so it isn't
//! part of their transactions: a task of its own notifies of what was committed since it last did, the
//! newest place of each log. Nothing depends on it but how soon others look.

use super::{Notification, StoreError, sql::Notifier};
use async_trait::async_trait;
use floodgauge_protocol::SweepId;
use futures::{StreamExt as _, stream::BoxStream};
use sqlx::{PgPool, postgres::PgListener};
use std::{collections::BTreeMap, time::Duration};
use tokio::{sync::mpsc, time::sleep};

const CHANNEL: &str = "floodgauge_log";

/// Between two statements that notify, so that a thousand commits a second are few of them.
const NOTIFY_EVERY: Duration = Duration::from_millis(20);

/// Notifications that may wait for the next statement; of more, others find out by themselves.
const MAX_WAITING: usize = 4_096;

/// Notifies and subscribes over one database.
pub struct PostgresNotifier {
    pool: PgPool,
    waiting: mpsc::Sender<Notification>,
}

impl PostgresNotifier {
    /// Starts the task that notifies; it ends with this.
    pub fn start(pool: PgPool) -> Self {
        let (waiting, received) = mpsc::channel(MAX_WAITING);
        tokio::spawn(send(pool.clone(), received));
        Self { pool, waiting }
    }
}

#[async_trait]
impl Notifier for PostgresNotifier {
    fn notify(&self, notification: Notification) {
        // What doesn't fit is found out later.
        let _ = self.waiting.try_send(notification);
    }

    async fn subscribe(&self) -> Result<Option<BoxStream<'static, Notification>>, StoreError> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(CHANNEL).await?;
        let notifications = listener.into_stream().filter_map(async |received| {
            let received = received
                .inspect_err(|error| tracing::warn!(%error, "other servers aren't heard"))
                .ok()?;
            received.payload().parse().ok()
        });
        Ok(Some(notifications.boxed()))
    }
}

async fn send(pool: PgPool, mut waiting: mpsc::Receiver<Notification>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, MAX_WAITING).await > 0 {
        let mut newest: BTreeMap<SweepId, u64> = BTreeMap::new();
        for Notification { sweep, seq } in batch.drain(..) {
            let known = newest.entry(sweep).or_default();
            *known = seq.max(*known);
        }
        let payloads = newest.into_iter().map(|(sweep, seq)| Notification { sweep, seq });
        let payloads: Vec<String> = payloads.map(|payload| payload.to_string()).collect();
        // Nobody needs it to survive: it waits for no disk.
        let sql = "select set_config('synchronous_commit', 'off', true), pg_notify($1, payload) \
                   from unnest($2::text[]) payload";
        if let Err(error) = sqlx::query(sql).bind(CHANNEL).bind(payloads).execute(&pool).await {
            tracing::debug!(%error, "other servers weren't notified");
        }
        sleep(NOTIFY_EVERY).await;
    }
}
