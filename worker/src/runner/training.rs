//! A segment being trained in a thread of its own.

use super::{Inputs, Trainer, cut::Cut};
use crate::{
    cohort::{Ended, Progress},
    panics,
};
use floodgauge_protocol::work::{Assignment, ReportRow, Stop};
use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// Epochs whose news may wait to be sent; training waits when there are more.
const EPOCHS_AHEAD: usize = 64;

/// What training tells on its way.
pub(super) enum News {
    /// The rows of an epoch.
    Rows(Vec<ReportRow>),
    /// The states of the runs at its end.
    Saved(Vec<Ended>),
}

/// Training in progress; dropped, it ends at its next step.
pub(super) struct Training {
    thread: JoinHandle<Result<Vec<Ended>, Box<dyn Error + Send + Sync>>>,
    _abandon: DropGuard,
}

impl Training {
    /// Starts to train, and to save the states every so often. The receiver gets the news of each
    /// epoch, and closes when no more come.
    pub fn start(
        tasks: &TaskTracker,
        trainer: Arc<dyn Trainer>,
        assignment: Arc<Assignment>,
        inputs: Inputs,
        stops: watch::Receiver<Vec<Stop>>,
        save_every: Duration,
    ) -> (Self, mpsc::Receiver<News>) {
        let (sender, receiver) = mpsc::channel(EPOCHS_AHEAD);
        let abandoned = CancellationToken::new();
        let mut progress = Reporting {
            news: sender,
            stops,
            abandoned: abandoned.clone(),
            saved: Instant::now(),
            save_every,
        };
        let span = tracing::Span::current();
        let thread = tasks.spawn_blocking(move || {
            span.in_scope(|| trainer.train(&assignment, inputs, &mut progress))
        });
        (Self { thread, _abandon: abandoned.drop_guard() }, receiver)
    }

    /// Waits for the end. A panic is a failure like another.
    pub async fn end(self) -> Result<Vec<Ended>, Cut> {
        match self.thread.await {
            Ok(Ok(ended)) => Ok(ended),
            Ok(Err(error)) => Err(Cut::of_training(&*error)),
            Err(error) => Err(Cut::Failed(match error.try_into_panic() {
                Ok(panic) => format!("training panicked: {}", panics::words(&*panic)),
                Err(error) => format!("training ended: {error}"),
            })),
        }
    }
}

/// Hands news from the training thread to the one that sends them, and stops back.
struct Reporting {
    news: mpsc::Sender<News>,
    stops: watch::Receiver<Vec<Stop>>,
    abandoned: CancellationToken,
    /// When states were saved last; at first, when the segment began.
    saved: Instant,
    save_every: Duration,
}

impl Progress for Reporting {
    fn epoch(&mut self, rows: Vec<ReportRow>) -> Vec<Stop> {
        // Nobody receives once the segment is given up; `abandoned` then ends the training.
        let _ = self.news.blocking_send(News::Rows(rows));
        self.stops.borrow().clone()
    }

    // By the clock, since no bit of a result depends on it.
    fn saves(&self) -> bool {
        self.saved.elapsed() >= self.save_every
    }

    fn saved(&mut self, runs: Vec<Ended>) {
        let _ = self.news.blocking_send(News::Saved(runs));
        self.saved = Instant::now();
    }

    fn abandoned(&self) -> bool {
        self.abandoned.is_cancelled()
    }
}
