//! A segment being trained in a thread of its own.

use super::{Inputs, Trainer, cut::Cut};
use crate::{
    cohort::{Ended, Progress},
    panics,
};
use floodgauge_protocol::work::{Assignment, ReportRow, Stop};
use std::{
    any::Any,
    error::Error,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot, watch};
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

/// How training ended, or what it panicked with.
type End = Result<Result<Vec<Ended>, Box<dyn Error + Send + Sync>>, Box<dyn Any + Send>>;

/// Training in progress; dropped, it ends at its next step.
pub(super) struct Training {
    end: oneshot::Receiver<End>,
    _abandon: DropGuard,
}

impl Training {
    /// Starts to train, and to save the states every so often. The receiver gets the news of each
    /// epoch, and closes when no more come.
    ///
    /// The thread is its own and ends with it: one of a pool would keep what the allocator has for it, and the
    /// next segment, in another one, take as much anew.
    ///
    /// # Errors
    /// The system's, if it gives no thread.
    pub fn start(
        tasks: &TaskTracker,
        trainer: Arc<dyn Trainer>,
        assignment: Arc<Assignment>,
        inputs: Inputs,
        stops: watch::Receiver<Vec<Stop>>,
        save_every: Duration,
    ) -> io::Result<(Self, mpsc::Receiver<News>)> {
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
        let (sender, end) = oneshot::channel();
        let tracked = tasks.token();
        thread::Builder::new().name("training".into()).spawn(move || {
            let _tracked = tracked;
            let train = || span.in_scope(|| trainer.train(&assignment, inputs, &mut progress));
            // Nobody waits for it once the segment is given up.
            let _ = sender.send(catch_unwind(AssertUnwindSafe(train)));
        })?;
        Ok((Self { end, _abandon: abandoned.drop_guard() }, receiver))
    }

    /// Waits for the end. A panic is a failure like another.
    pub async fn end(self) -> Result<Vec<Ended>, Cut> {
        match self.end.await {
            Ok(Ok(Ok(ended))) => Ok(ended),
            Ok(Ok(Err(error))) => Err(Cut::of_training(&*error)),
            Ok(Err(panic)) => {
                Err(Cut::Failed(format!("training panicked: {}", panics::words(&*panic))))
            }
            Err(gone) => Err(Cut::Failed(format!("training ended: {gone}"))),
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
