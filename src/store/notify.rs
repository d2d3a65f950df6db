//! What servers of one Postgres tell each other: that a sweep's log has grown, and how far.
//!
//! `notify` takes a lock at commit, which would make writers queue up behind each other, so it isn't
//! part of their transactions: a task of its own tells what was committed since it last did, the
//! newest place of each log. Nothing depends on it but how soon others look.

use super::{StoreError, Told, sql::Teller};
use async_trait::async_trait;
use floodgauge_protocol::SweepId;
use futures::{StreamExt as _, stream::BoxStream};
use sqlx::{PgPool, postgres::PgListener};
use std::{collections::BTreeMap, time::Duration};
use tokio::{sync::mpsc, time::sleep};

const CHANNEL: &str = "floodgauge_log";

/// Between two times of telling, so that a thousand commits a second are few notifications.
const PACE: Duration = Duration::from_millis(20);

/// Logs that may wait to be told of; of more, others find out by themselves.
const WAITING: usize = 4_096;

/// Tells and hears on one database.
pub struct Notifier {
    pool: PgPool,
    grown: mpsc::Sender<Told>,
}

impl Notifier {
    /// Starts the task that tells; it ends with this.
    pub fn start(pool: PgPool) -> Self {
        let (grown, waiting) = mpsc::channel(WAITING);
        tokio::spawn(tell(pool.clone(), waiting));
        Self { pool, grown }
    }
}

#[async_trait]
impl Teller for Notifier {
    fn tell(&self, told: Told) {
        // What doesn't fit is found out later.
        let _ = self.grown.try_send(told);
    }

    async fn told(&self) -> Result<Option<BoxStream<'static, Told>>, StoreError> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(CHANNEL).await?;
        let told = listener.into_stream().filter_map(async |heard| {
            let heard = heard
                .inspect_err(|error| tracing::warn!(%error, "other servers aren't heard"))
                .ok()?;
            heard.payload().parse().ok()
        });
        Ok(Some(told.boxed()))
    }
}

async fn tell(pool: PgPool, mut waiting: mpsc::Receiver<Told>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, WAITING).await > 0 {
        let mut newest: BTreeMap<SweepId, u64> = BTreeMap::new();
        for Told { sweep, seq } in batch.drain(..) {
            let known = newest.entry(sweep).or_default();
            *known = seq.max(*known);
        }
        let told: Vec<String> =
            newest.into_iter().map(|(sweep, seq)| Told { sweep, seq }.to_string()).collect();
        // Nobody needs it to survive: it waits for no disk.
        let sql = "select set_config('synchronous_commit', 'off', true), pg_notify($1, told) \
                   from unnest($2::text[]) told";
        if let Err(error) = sqlx::query(sql).bind(CHANNEL).bind(told).execute(&pool).await {
            tracing::debug!(%error, "other servers weren't told");
        }
        sleep(PACE).await;
    }
}
